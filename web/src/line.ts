// Typing into a program without a terminal: nobody echoes, edits or ends lines there, so it is done here.

export interface LineWishes {
  /** Shows text at the cursor. */
  show: (text: string) => void;
  /** Sends a finished line; false when there is no connection. */
  send: (text: string) => boolean;
  interrupt: () => void;
  closeInput: () => void;
}

const INTERRUPT = "\x03";
const END = "\x04";
const ERASE_LINE = "\x15";

export class LineInput {
  private line: string[] = [];

  constructor(private readonly wishes: LineWishes) {}

  /** Takes what the keyboard or the clipboard gave. */
  feed(text: string): void {
    if (text.startsWith("\x1b")) return; // arrows and the like mean nothing to a pipe
    for (const character of text.replace(/\r\n/g, "\r")) this.take(character);
  }

  private take(character: string): void {
    const { show, send, interrupt, closeInput } = this.wishes;
    if (character === "\r" || character === "\n") {
      if (!send(`${this.line.join("")}\n`)) return;
      this.line = [];
      show("\r\n");
    } else if (character === "\x7f" || character === "\b") {
      if (this.line.pop() !== undefined) show("\b \b");
    } else if (character === ERASE_LINE) {
      while (this.line.pop() !== undefined) show("\b \b");
    } else if (character === INTERRUPT) interrupt();
    else if (character === END && this.line.length === 0) closeInput();
    else if (character >= " " || character === "\t") {
      this.line.push(character);
      show(character);
    }
  }
}
