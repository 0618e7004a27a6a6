// The keys that a phone's keyboard does not have.
import { useState } from "preact/hooks";

const KEYS: [string, string, string][] = [
  ["Esc", "\x1b", "Esc"],
  ["Tab", "\t", "Tab"],
  ["←", "\x1b[D", "Left"],
  ["↓", "\x1b[B", "Down"],
  ["↑", "\x1b[A", "Up"],
  ["→", "\x1b[C", "Right"],
];
const LETTERS = ["C", "D", "Z", "L", "R", "A", "E", "U", "W"];

/** Ctrl opens a row of letters: one touch more, and none is ever sent by accident. */
export function KeyRow({ press }: { press: (data: string) => void }) {
  const [ctrl, setCtrl] = useState(false);
  return (
    <div class="keyrow" role="toolbar" aria-label="Keys">
      <button
        aria-pressed={ctrl}
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => setCtrl(!ctrl)}
      >
        Ctrl
      </button>
      {ctrl
        ? LETTERS.map((letter) => (
            <button
              key={letter}
              aria-label={`Ctrl+${letter}`}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => {
                press(String.fromCharCode(letter.charCodeAt(0) - 64));
                setCtrl(false);
              }}
            >
              {letter}
            </button>
          ))
        : KEYS.map(([text, data, name]) => (
            <button key={name} aria-label={name} onPointerDown={(event) => event.preventDefault()} onClick={() => press(data)}>
              {text}
            </button>
          ))}
    </div>
  );
}
