// A small picture of a session's screen, drawn on a canvas from the daemon's rendering.
import { at, decode64, get } from "./api";
import { cssColour, terminalTheme } from "./colours";
import type { Session } from "./model";

interface Run {
  column: number;
  cells: number;
  text: string;
  style?: { foreground?: number | number[]; background?: number | number[]; bold?: boolean; inverse?: boolean; faint?: boolean };
}

export interface Screen {
  hash: string;
  rows: number;
  cols: number;
  cursor: { row: number; column: number; visible: boolean };
  lines: { text: string; runs: Run[] }[];
}

interface Answer {
  hash: string;
  changed: boolean;
  data?: string;
}

/** What a session shows, if that looks different from `known`, else null: its screen, or the last lines that it wrote. */
export const pictureOf = (session: Session, known: string): Promise<Screen | null> =>
  session.kind === "pty" ? screenOf(session.id, known) : linesOf(session, known);

const LINES = 24;
const LINE_CELLS = 80;
const LINES_BYTES = 4096;

/** Without a terminal there is no screen; then it is plain text. */
async function linesOf(session: Session, known: string): Promise<Screen | null> {
  const hash = String(session.end_offset);
  if (hash === known) return null;
  const response = await fetch(at(session.id, `/output?tail_bytes=${LINES_BYTES}`), { credentials: "same-origin" });
  const text = response.ok ? await response.text() : "";
  const plain = text.replace(/\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)/g, "").replace(/\r/g, "");
  const lines = plain.replace(/\n$/, "").split("\n").slice(-LINES);
  return {
    hash,
    rows: LINES,
    cols: LINE_CELLS,
    cursor: { row: 0, column: 0, visible: false },
    lines: lines.map((line) => ({ text: line, runs: [{ column: 0, cells: Math.min(LINE_CELLS, line.length), text: line.slice(0, LINE_CELLS) }] })),
  };
}

async function screenOf(id: string, known: string): Promise<Screen | null> {
  const wish = known ? `&if_changed=${encodeURIComponent(known)}` : "";
  const answer = await get<Answer>(at(id, `/screen?format=json${wish}`));
  if (!answer.data || (known && !answer.changed)) return null;
  return JSON.parse(new TextDecoder().decode(decode64(answer.data))) as Screen;
}

const CELL_WIDTH = 5;
const CELL_HEIGHT = 10;
const BASELINE = 8;

/** Draws a screen; the canvas takes the screen's shape, the stylesheet its size. */
export function draw(canvas: HTMLCanvasElement, screen: Screen, dark: boolean): void {
  const scale = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = screen.cols * CELL_WIDTH * scale;
  canvas.height = screen.rows * CELL_HEIGHT * scale;
  // Where the box is flatter than the screen it shows the end of what is written.
  const last = Math.max(screen.cursor.visible ? screen.cursor.row : 0, screen.lines.findLastIndex((line) => line.text.trim() !== ""));
  canvas.classList.toggle("full", last > screen.rows / 2);
  const context = canvas.getContext("2d");
  if (!context) return;
  const theme = terminalTheme(dark);
  context.scale(scale, scale);
  context.fillStyle = theme.background ?? "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  screen.lines.forEach((line, row) => line.runs.forEach((run) => drawRun(context, run, row, dark)));
  if (screen.cursor.visible) {
    context.fillStyle = theme.cursor ?? "#fff";
    context.globalAlpha = 0.7;
    context.fillRect(screen.cursor.column * CELL_WIDTH, screen.cursor.row * CELL_HEIGHT, CELL_WIDTH, CELL_HEIGHT);
  }
}

function drawRun(context: CanvasRenderingContext2D, run: Run, row: number, dark: boolean): void {
  const theme = terminalTheme(dark);
  const style = run.style ?? {};
  // As terminals do: bold makes the eight first colours bright.
  const bright = style.bold && typeof style.foreground === "number" && style.foreground < 8 ? 8 : 0;
  const colour = bright ? (style.foreground as number) + bright : style.foreground;
  let front = cssColour(colour, theme) ?? theme.foreground ?? "#fff";
  let back = cssColour(style.background, theme);
  if (style.inverse) [front, back] = [back ?? theme.background ?? "#000", front];
  const left = run.column * CELL_WIDTH;
  const top = row * CELL_HEIGHT;
  if (back) {
    context.fillStyle = back;
    context.fillRect(left, top, run.cells * CELL_WIDTH, CELL_HEIGHT);
  }
  if (!run.text.trim()) return;
  context.fillStyle = front;
  context.globalAlpha = style.faint ? 0.6 : 1;
  context.font = `${style.bold ? "bold " : ""}8px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace`;
  context.fillText(run.text, left, top + BASELINE, run.cells * CELL_WIDTH);
  context.globalAlpha = 1;
}
