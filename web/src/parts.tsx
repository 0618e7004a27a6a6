// Small things that several places show.
import { useCallback, useState } from "preact/hooks";
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
};

/** A drawing that takes the colour of the text around it; the button around it carries the name. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
