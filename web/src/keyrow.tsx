// The keys that a phone's keyboard does not have.
import { useEffect } from "preact/hooks";

interface Shown {
  /** Types these characters. */
  press: (data: string) => void;
  /** Presses a cursor key: the last letter of its sequence. */
  pressCursorKey: (letter: string) => void;
  /** Whether the next key, here or on the keyboard, is typed with Ctrl. */
  ctrl: boolean;
  onCtrl: (held: boolean) => void;
}

const CURSOR: [string, string, string][] = [
  ["←", "D", "Left"],
  ["↓", "B", "Down"],
  ["↑", "A", "Up"],
  ["→", "C", "Right"],
];
const TYPED: [string, string, string][] = [
  ["PgUp", "\x1b[5~", "PgUp"],
  ["PgDn", "\x1b[6~", "PgDn"],
  ["|", "|", "Bar"],
  ["~", "~", "Tilde"],
];
const LETTERS = ["C", "D", "Z", "L", "R", "A", "E", "U", "W"];

/** Ctrl holds for one key: a letter of the keyboard, or one of those that are then shown here. */
export function KeyRow({ press, pressCursorKey, ctrl, onCtrl }: Shown) {
  useEffect(() => () => onCtrl(false), []);
  const key = (text: string, name: string, work: () => void) => (
    <button key={name} aria-label={name} onPointerDown={keepFocus} onClick={work}>
      {text}
    </button>
  );
  return (
    <div class="keyrow" role="toolbar" aria-label="Keys">
      <button aria-pressed={ctrl} onPointerDown={keepFocus} onClick={() => onCtrl(!ctrl)}>Ctrl</button>
      {ctrl
        ? LETTERS.map((letter) =>
            key(letter, `Ctrl+${letter}`, () => {
              press(String.fromCharCode(letter.charCodeAt(0) - 64));
              onCtrl(false);
            }),
          )
        : [
            key("Esc", "Esc", () => press("\x1b")),
            key("Tab", "Tab", () => press("\t")),
            ...CURSOR.map(([text, letter, name]) => key(text, name, () => pressCursorKey(letter))),
            ...TYPED.map(([text, data, name]) => key(text, name, () => press(data))),
          ]}
    </div>
  );
}

/** So that the keyboard on the screen stays where it is. */
const keepFocus = (event: Event): void => event.preventDefault();
