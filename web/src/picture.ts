// A small picture of a session's screen, drawn on a canvas from the daemon's rendering.
import { at, decode64, get } from "./api";
import { cssColour, terminalTheme } from "./colours";

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

/** The screen if it looks different from `known`, else null. */
export async function screenOf(id: string, known: string): Promise<Screen | null> {
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
  let front = cssColour(style.foreground, theme) ?? theme.foreground ?? "#fff";
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
