// How an attachment ended, in people's words.
import type { Ended } from "./link";

/** Somebody else has the session, and it could be taken over. */
export const isTaken = (how: Ended): boolean => how.type === "refused" && how.kind === "already_attached";

export function endText(how: Ended): string {
  switch (how.type) {
    case "exited":
      if (how.signal !== null) return `The program was ended by signal ${how.signal}.`;
      return how.code === null ? "The program has ended; its exit code is not known." : `The program has ended with exit code ${how.code}.`;
    case "stolen":
      return `${how.by || "Another client"} has taken this session over.`;
    case "detached":
      return `Detached: ${how.reason}.`;
    case "refused":
      return how.detail;
  }
}
