// Small things that several places show.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Me } from "./api";

export const mayType = (me: Me): boolean => me.scope !== "read";

/** Does something that may be refused; the refusal's text is shown until the next attempt. */
export function useAsked(): [string, (work: Promise<unknown>) => void] {
  const [refusal, setRefusal] = useState("");
  const run = useCallback((work: Promise<unknown>): void => {
    setRefusal("");
    work.catch((error: unknown) => setRefusal(error instanceof Error ? error.message : String(error)));
  }, []);
  return [refusal, run];
}

export function Refused({ text }: { text: string }) {
  return text ? (
    <p class="refused" role="alert">
      {text}
    </p>
  ) : null;
}

const PATHS = {
  search: "M10.500 3.500a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  paste: "M9 4H5v16h14V4h-4M9 2.500h6v3H9z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500L19 19M19 5l-1.500 1.500M6.500 17.500L5 19",
  dark: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 3v18M12 7h4M12 11h6M12 15h5",
};

/** A drawing that takes the colour of the text around it; the button around it carries the name. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

const CONFIRM_MS = 4000;

/** A button for what cannot be undone: the first press asks, the second one within four seconds does it. */
export function Confirmed({ text, question, onSure }: { text: string; question: string; onSure: () => void }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (!asked) return;
    const timer = window.setTimeout(() => setAsked(false), CONFIRM_MS);
    return () => window.clearTimeout(timer);
  }, [asked]);
  const press = (event: Event): void => {
    event.stopPropagation();
    setAsked(!asked);
    if (asked) onSure();
  };
  return (
    <button class={`danger ${asked ? "asked" : ""}`} onClick={press} onBlur={() => setAsked(false)}>
      {asked ? question : text}
    </button>
  );
}

/** One line of text, asked for in a dialog. */
export function TextDialog(shown: { title: string; label: string; value: string; done: string; onText: (text: string) => void; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState(shown.value);
  useLayoutEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector("input")?.select();
  }, []);
  const give = (event: Event): void => {
    event.preventDefault();
    if (text.trim()) shown.onText(text.trim());
    shown.onClose();
  };
  return (
    <dialog ref={dialog} onClose={shown.onClose} aria-label={shown.title}>
      <form onSubmit={give}>
        <h2>{shown.title}</h2>
        <label>
          {shown.label}
          <input value={text} spellcheck={false} autocapitalize="off" onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <div class="row">
          <button type="button" onClick={shown.onClose}>Cancel</button>
          <button type="submit" class="main">{shown.done}</button>
        </div>
      </form>
    </dialog>
  );
}
