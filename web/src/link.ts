// An attachment over a WebSocket that goes on where it was after a lost connection or a restarted daemon.
// Owns the offset reached, the acknowledgements (so that a flood waits in the ring, not in the page), and reconnecting.
import { at, decode64, get, Refusal } from "./api";

export type Mode = "exclusive" | "share" | "view";
export type Stream = "stdout" | "stderr";

export interface Attached {
  session_id: string;
  name: string;
  kind: string;
  start_offset: number;
  end_offset: number;
  resume_token: string;
  restore: string;
  uncertain: boolean;
}

export type Ended =
  | { type: "exited"; code: number | null; signal: number | null; reset: string }
  | { type: "stolen"; by: string; reset: string }
  | { type: "detached"; reason: string; reset: string }
  | { type: "refused"; kind: string; detail: string };

export interface Wishes {
  mode: Mode;
  steal: boolean;
  stream: Stream | null;
  size: () => { rows: number; cols: number };
  /** Shows bytes; `done` is to be called when they are on the screen. */
  onOutput: (data: Uint8Array, offset: number, done: () => void) => void;
  onGap: (missed: number) => void;
  onAttached: (attached: Attached, resumed: boolean) => void;
  onResized: (rows: number, cols: number) => void;
  onEnded: (how: Ended) => void;
  onConnection: (connected: boolean) => void;
}

const WINDOW_BYTES = 512 * 1024;
const ACK_EVERY_BYTES = 64 * 1024;
const RETRY_MS = [150, 300, 600, 1200, 2500, 5000];

export class Link {
  private socket: WebSocket | null = null;
  private reached: number | null = null;
  private acknowledged = 0;
  private shownTo = 0;
  private ackTimer: number | undefined;
  private token = "";
  private attempts = 0;
  private over = false;
  private live = false;

  constructor(
    private readonly id: string,
    private readonly wishes: Wishes,
  ) {}

  get connected(): boolean {
    return this.live;
  }

  /** The offset behind the last byte that was shown. */
  get offset(): number {
    return this.reached ?? 0;
  }

  open(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${at(this.id, "/attach")}`, "roost.attach.v1");
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.request()));
    socket.onmessage = (message: MessageEvent<ArrayBuffer | string>) => {
      if (typeof message.data === "string") this.told(JSON.parse(message.data) as Record<string, unknown>);
      else this.output(message.data);
    };
    socket.onclose = () => this.lost(socket);
  }

  private request(): Record<string, unknown> {
    const resumes = this.reached !== null;
    return {
      type: "attach",
      mode: this.wishes.mode,
      steal: this.wishes.steal && !resumes,
      ...(this.wishes.mode === "view" || this.wishes.stream ? {} : this.wishes.size()),
      ...(this.wishes.stream ? { stream: this.wishes.stream } : {}),
      term: "xterm-256color",
      label: "the page",
      restore: resumes ? "raw" : "screen",
      window_bytes: WINDOW_BYTES,
      ...(resumes ? { from_offset: this.reached, resume_token: this.token } : {}),
    };
  }

  private told(message: Record<string, unknown>): void {
    switch (message.type) {
      case "attached":
        this.attached(message as unknown as Attached);
        break;
      case "gap": {
        const [from, to] = [message.from as number, message.to as number];
        this.reached = to;
        this.wishes.onGap(to - from);
        // What was skipped counts as sent until it is acknowledged, and may be more than the window.
        this.wishes.onOutput(new Uint8Array(), to, () => this.shown(to));
        break;
      }
      case "resized":
        this.wishes.onResized(message.rows as number, message.cols as number);
        break;
      case "exited":
      case "stolen":
      case "detached":
        this.end(message as unknown as Ended);
        break;
      case "error":
        this.refused(message.problem as { kind: string; detail: string });
        break;
    }
  }

  private attached(attached: Attached): void {
    const resumed = this.reached !== null;
    this.live = true;
    this.attempts = 0;
    this.token = attached.resume_token;
    if (!resumed) this.reached = attached.start_offset;
    this.acknowledged = attached.start_offset;
    this.wishes.onConnection(true);
    this.wishes.onAttached(attached, resumed);
  }

  private refused(problem: { kind: string; detail: string }): void {
    // While we were away somebody may have taken our place; that is an end, not something to try again.
    if (this.live && problem.kind === "invalid") return;
    this.end({ type: "refused", kind: problem.kind, detail: problem.detail });
  }

  private output(message: ArrayBuffer): void {
    const offset = Number(new DataView(message).getBigUint64(0));
    const data = new Uint8Array(message, 8);
    const end = offset + data.length;
    this.reached = end;
    this.wishes.onOutput(data, offset, () => this.shown(end));
  }

  private shown(end: number): void {
    this.shownTo = end;
    if (end - this.acknowledged >= ACK_EVERY_BYTES) this.acknowledge(end);
    else if (this.ackTimer === undefined) {
      this.ackTimer = window.setTimeout(() => {
        this.ackTimer = undefined;
        if (this.shownTo > this.acknowledged) this.acknowledge(this.shownTo);
      }, 200);
    }
  }

  private acknowledge(end: number): void {
    this.acknowledged = end;
    this.say({ type: "ack", offset: end });
  }

  private end(how: Ended): void {
    if (this.over) return;
    this.over = true;
    this.live = false;
    this.wishes.onEnded(how);
    this.socket?.close();
  }

  private lost(socket: WebSocket): void {
    if (this.over || socket !== this.socket) return;
    this.live = false;
    this.wishes.onConnection(false);
    const wait = RETRY_MS[Math.min(this.attempts++, RETRY_MS.length - 1)] ?? 5000;
    window.setTimeout(() => void this.retry(), wait);
  }

  /** A refused handshake looks like a lost connection; a plain question tells which it was. */
  private async retry(): Promise<void> {
    if (this.over) return;
    try {
      await get(at(this.id));
    } catch (error) {
      if (error instanceof Refusal && [401, 403, 404].includes(error.status)) {
        this.end({ type: "refused", kind: error.kind, detail: error.message });
        return;
      }
    }
    if (!this.over) this.open();
  }

  private say(message: Record<string, unknown>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Types; false when there is no connection and nothing was sent. */
  type(data: Uint8Array): boolean {
    if (!this.live || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(data);
    return true;
  }

  resize(rows: number, cols: number): void {
    if (this.live && !this.wishes.stream) this.say({ type: "resize", rows, cols });
  }

  /** Ends the program's input, where that is a pipe. */
  closeInput(): void {
    this.say({ type: "close_stdin" });
  }

  interrupt(): void {
    this.say({ type: "interrupt" });
  }

  close(): void {
    this.over = true;
    this.live = false;
    window.clearTimeout(this.ackTimer);
    this.socket?.close();
  }
}

export const resetBytes = (how: Ended): Uint8Array =>
  "reset" in how && how.reset ? decode64(how.reset) : new Uint8Array();
