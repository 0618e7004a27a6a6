// The live terminal: xterm.js on one side, a link to the daemon on the other.
// Owns sizes (ours when we type, the session's otherwise), what is typed, and where in the output a line came from.
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal, type IMarker } from "@xterm/xterm";
import { decode64 } from "./api";
import { copyText, offeredBy } from "./clipboard";
import { foundColours, terminalTheme } from "./colours";
import { endText, isTaken } from "./ended";
import { LineInput } from "./line";
import { Link, resetBytes, type Attached, type Ended, type Mode, type Stream } from "./link";

/** What is to be told beside the terminal. taken: somebody else has the session. missed: bytes. */
export interface Status {
  connected: boolean;
  ended: string;
  taken?: boolean;
  missed: number;
  unsent: boolean;
  /** The size is another client's. */
  foreign: boolean;
  /** What the program wants on the clipboard; only a person puts it there. */
  offered: string;
  /** The search: which of how many; 0 for none. */
  found: { at: number; of: number };
  /** What did not work, for people. */
  problem: string;
  rows: number;
  cols: number;
}

export const NOTHING: Status = { connected: false, ended: "", missed: 0, unsent: false, foreign: false, offered: "", found: { at: 0, of: 0 }, problem: "", rows: 0, cols: 0 };

interface Wishes {
  mode: Mode;
  /** A stream of a program without a terminal; null for a terminal. */
  stream: Stream | null;
  steal: boolean;
  dark: boolean;
  /** Whether lines are to be told to a screen reader as they come; that costs speed. */
  reader: boolean;
  onStatus: (status: Status) => void;
  /** The keyboard is to leave the terminal. */
  onLeave: () => void;
  /** The next key was typed as a control character, as was asked for by `holdCtrl`. */
  onCtrlUsed: () => void;
}

const FONT = '"JetBrains Mono", ui-monospace, "DejaVu Sans Mono", "Cascadia Mono", Menlo, Consolas, monospace';
const FONT_PX = 14;
const LEAST_FONT_PX = 6;
const MARK_EVERY_BYTES = 2048;
const MARK_EVERY_BYTES_OF_A_FLOOD = 65_536;
const MARK_EVERY_MS = 50;
const RESIZE_MS = 120;
/** What the stylesheet keeps free around the terminal, with the bar for scrolling. */
const EDGE_PX = { across: 24, down: 8 };

export class Screen {
  private readonly terminal: Terminal;
  private readonly search = new SearchAddon();
  private readonly link: Link;
  private readonly line: LineInput | null;
  private readonly observer: ResizeObserver;
  private readonly encoder = new TextEncoder();
  private readonly marks: { offset: number; marker: IMarker }[] = [];
  private status = NOTHING;
  private ctrlHeld = false;
  private dark: boolean;
  private markedAt = 0;
  private resizeTimer: number | undefined;
  private own = { rows: 24, cols: 80 };
  private closed = false;

  constructor(
    private readonly place: HTMLElement,
    id: string,
    private readonly wishes: Wishes,
  ) {
    this.dark = wishes.dark;
    this.terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      disableStdin: wishes.mode === "view",
      fontFamily: FONT,
      fontSize: FONT_PX,
      // One pixel more than the font says: else the underscores of many fonts are cut off.
      lineHeight: 1.1,
      convertEol: wishes.stream !== null,
      minimumContrastRatio: 4.5,
      linkHandler: { activate: (_event, address) => openAddress(address), allowNonHttpProtocols: false },
      scrollback: 20_000,
      screenReaderMode: wishes.reader,
      theme: terminalTheme(wishes.dark),
    });
    this.terminal.loadAddon(this.search);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.loadAddon(new WebLinksAddon((_event, address) => openAddress(address)));
    this.search.onDidChangeResults(({ resultIndex, resultCount }) => this.tell({ found: { at: resultIndex + 1, of: resultCount } }));
    this.terminal.unicode.activeVersion = "11";
    this.terminal.open(place);
    this.terminal.onData((text) => this.typed(text));
    this.terminal.onBinary((text) => this.send(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    this.terminal.parser.registerOscHandler(52, (text) => {
      const offered = offeredBy(text);
      if (offered && this.status.connected) this.tell({ offered });
      return true;
    });
    this.terminal.attachCustomKeyEventHandler((event) => this.ownKey(event));
    this.link = new Link(id, {
      mode: wishes.mode,
      steal: wishes.steal,
      stream: wishes.stream,
      size: () => this.own,
      onOutput: (data, offset, done) => this.write(data, offset, done),
      onGap: (missed) => this.tell({ missed: this.status.missed + missed }),
      onAttached: (attached, resumed) => this.attached(attached, resumed),
      onResized: (rows, cols) => this.sessionResized(rows, cols),
      onEnded: (how) => this.ended(how),
      onConnection: (connected) => this.tell({ connected }),
    });
    const line = {
      show: (text: string) => this.terminal.write(text),
      send: (text: string) => this.send(this.encoder.encode(text)),
      interrupt: () => this.link.interrupt(),
      closeInput: () => this.link.closeInput(),
    };
    this.line = wishes.stream === null ? null : new LineInput(line);
    this.own = this.fitting() ?? this.own;
    this.terminal.resize(this.own.cols, this.own.rows);
    this.observer = new ResizeObserver(() => this.placeResized());
    this.observer.observe(place);
    this.link.open();
  }

  focus(): void {
    this.terminal.focus();
  }

  setDark(dark: boolean): void {
    this.dark = dark;
    this.terminal.options.theme = terminalTheme(dark);
  }

  setReader(on: boolean): void {
    this.terminal.options.screenReaderMode = on;
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.resizeTimer);
    this.observer.disconnect();
    this.link.close();
    this.terminal.dispose();
  }

  // --- output -------------------------------------------------------------------------------------------------------

  private attached(attached: Attached, resumed: boolean): void {
    if (!resumed && attached.restore) this.terminal.write(decode64(attached.restore));
    this.tell({ connected: true });
  }

  private write(data: Uint8Array, offset: number, done: () => void): void {
    const last = this.marks.at(-1);
    const since = offset - (last?.offset ?? -Infinity);
    // Each mark costs something for every line that scrolls: a flood gets fewer.
    const due = performance.now() - this.markedAt >= MARK_EVERY_MS ? MARK_EVERY_BYTES : MARK_EVERY_BYTES_OF_A_FLOOD;
    if (since >= due) this.mark(offset);
    this.terminal.write(data, done);
  }

  /** Remembers which line an offset of the output is on, so that an event can be looked up. */
  private mark(offset: number): void {
    this.markedAt = performance.now();
    this.terminal.write("", () => {
      if (this.closed) return;
      const marker = this.terminal.registerMarker(0);
      if (marker) this.marks.push({ offset, marker });
      if (this.marks.length > 4000) this.marks.splice(0, 1000).forEach((old) => old.marker.dispose());
    });
  }

  /** Scrolls to where that offset of the output stands; false when it is not in the scrollback. */
  jump(offset: number): boolean {
    const known = this.marks.filter((mark) => !mark.marker.isDisposed && mark.marker.line >= 0);
    const found = known.findLast((mark) => mark.offset <= offset);
    if (!found) return false;
    const next = known[known.indexOf(found) + 1];
    const span = (next?.offset ?? Math.max(this.link.offset, offset)) - found.offset;
    const end = next?.marker.line ?? this.terminal.buffer.active.baseY + this.terminal.buffer.active.cursorY;
    const part = span > 0 ? (offset - found.offset) / span : 0;
    const line = Math.round(found.marker.line + part * Math.max(0, end - found.marker.line));
    this.terminal.scrollToLine(Math.max(0, line - Math.floor(this.terminal.rows / 2)));
    this.terminal.selectLines(line, line);
    return true;
  }

  private ended(how: Ended): void {
    const reset = resetBytes(how);
    if (reset.length) this.terminal.write(reset);
    this.terminal.options.cursorBlink = false;
    this.terminal.options.disableStdin = true;
    this.tell({ connected: false, ended: endText(how), taken: how.type === "stolen" || isTaken(how) });
  }

  private tell(what: Partial<Status>): void {
    if (this.closed) return;
    const { rows, cols } = this.terminal;
    const foreign = this.wishes.mode !== "view" && (rows !== this.own.rows || cols !== this.own.cols);
    this.status = { ...this.status, ...what, rows, cols, foreign };
    this.wishes.onStatus(this.status);
  }

  // --- input --------------------------------------------------------------------------------------------------------

  /** Types text as a keyboard would. */
  press(text: string): void {
    if (this.wishes.mode === "view" || this.status.ended) return;
    if (this.line) this.line.feed(text);
    else this.send(this.encoder.encode(text));
  }

  /** Presses an arrow or the like, in the form that the program has asked for. */
  pressCursorKey(letter: string): void {
    this.press((this.terminal.modes.applicationCursorKeysMode ? "\x1bO" : "\x1b[") + letter);
  }

  /** The next character from the keyboard is typed with Ctrl. */
  holdCtrl(held: boolean): void {
    this.ctrlHeld = held;
  }

  private typed(text: string): void {
    const control = this.ctrlHeld ? controlOf(text) : null;
    if (this.ctrlHeld && control !== null) {
      this.ctrlHeld = false;
      this.wishes.onCtrlUsed();
    }
    this.press(control ?? text);
  }

  private send(data: Uint8Array): boolean {
    if (this.wishes.mode === "view" || this.status.ended) return false;
    const sent = this.link.type(data);
    if (sent === this.status.unsent) this.tell({ unsent: !sent });
    return sent;
  }

  private ownKey(event: KeyboardEvent): boolean {
    if (!(event.ctrlKey && event.shiftKey) || event.type !== "keydown") return true;
    if (event.code === "KeyC") {
      event.preventDefault();
      this.copy();
      return false;
    }
    if (event.code === "Period") {
      event.preventDefault();
      this.terminal.blur();
      this.wishes.onLeave();
      return false;
    }
    return event.code !== "KeyV" && event.code !== "KeyF";
  }

  copy(): void {
    const selected = this.terminal.getSelection();
    if (selected) void this.putOnClipboard(selected);
    else this.tell({ problem: "Nothing is selected." });
    this.focus();
  }

  private async putOnClipboard(text: string): Promise<void> {
    this.tell({ problem: (await copyText(text)) ? "" : "The browser does not let this page write to the clipboard." });
    this.focus();
  }

  /** Takes what the program offered, or leaves it. */
  answerOffer(take: boolean): void {
    const offered = this.status.offered;
    this.tell({ offered: "" });
    if (take) void this.putOnClipboard(offered);
    else this.focus();
  }

  forgetProblem(): void {
    this.tell({ problem: "" });
  }

  async paste(): Promise<void> {
    try {
      this.terminal.paste(await navigator.clipboard.readText());
    } catch {
      this.tell({ problem: "The browser does not let this page read the clipboard. Paste with Ctrl+Shift+V, or by a long touch." });
    }
    this.focus();
  }

  /** Goes to another place that has the text. growing: it is being typed, and the place found may still do. */
  find(text: string, forward: boolean, growing = false): void {
    if (!text) this.search.clearDecorations();
    const how = { incremental: growing, decorations: foundColours(this.dark) };
    if (forward) this.search.findNext(text, how);
    else this.search.findPrevious(text, how);
  }

  endSearch(): void {
    this.search.clearDecorations();
    this.terminal.clearSelection();
    this.tell({ found: { at: 0, of: 0 } });
    this.focus();
  }

  // --- sizes --------------------------------------------------------------------------------------------------------

  /** How much fits into the place at the usual font size. */
  private fitting(): { rows: number; cols: number } | null {
    const cell = this.cell();
    if (!cell || this.place.clientWidth === 0) return null;
    return {
      cols: Math.max(20, Math.floor((this.place.clientWidth - EDGE_PX.across) / cell.width)),
      rows: Math.max(5, Math.floor((this.place.clientHeight - EDGE_PX.down) / cell.height)),
    };
  }

  /** One cell at the usual font size, in CSS pixels. */
  private cell(): { width: number; height: number } | null {
    const box = this.place.querySelector<HTMLElement>(".xterm-screen");
    const font = this.terminal.options.fontSize ?? FONT_PX;
    if (!box || box.clientWidth === 0) return null;
    const scale = FONT_PX / font;
    return { width: (box.clientWidth / this.terminal.cols) * scale, height: (box.clientHeight / this.terminal.rows) * scale };
  }

  private placeResized(): void {
    window.clearTimeout(this.resizeTimer);
    this.resizeTimer = window.setTimeout(() => {
      if (this.closed) return;
      if (this.wishes.mode === "view" || this.status.ended) {
        this.shrink();
        return;
      }
      const size = this.fitting();
      if (!size || (size.rows === this.own.rows && size.cols === this.own.cols)) return;
      this.own = size;
      this.terminal.options.fontSize = FONT_PX;
      this.terminal.resize(size.cols, size.rows);
      this.link.resize(size.rows, size.cols);
      this.tell({});
    }, RESIZE_MS);
  }

  /** The session has that size, whoever decided it: show all of it, smaller if need be. */
  private sessionResized(rows: number, cols: number): void {
    if (rows !== this.terminal.rows || cols !== this.terminal.cols) this.terminal.resize(cols, rows);
    this.shrink();
    this.tell({});
  }

  private shrink(): void {
    const cell = this.cell();
    if (!cell) return;
    const wide = (this.place.clientWidth - EDGE_PX.across) / (cell.width * this.terminal.cols);
    const high = (this.place.clientHeight - EDGE_PX.down) / (cell.height * this.terminal.rows);
    const size = Math.floor(FONT_PX * Math.min(1, wide, high) * 2) / 2;
    this.terminal.options.fontSize = Math.max(LEAST_FONT_PX, size);
  }
}

function openAddress(address: string): void {
  if (/^https?:\/\//i.test(address)) window.open(address, "_blank", "noopener,noreferrer");
}

/** The control character of a typed one: Ctrl+C of `c`. Null for what has none. */
function controlOf(text: string): string | null {
  if (text === " ") return "\0";
  const code = text.length === 1 ? text.toUpperCase().charCodeAt(0) : 0;
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code - 0x40) : null;
}
