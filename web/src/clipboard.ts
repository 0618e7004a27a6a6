// The clipboard: written and read only because a person asked, never because a program did.

/** Puts text on the clipboard; false when the browser does not let us. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyTheOldWay(text); // a page that came over plain HTTP from another machine has no clipboard of its own
  }
}

function copyTheOldWay(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

const MOST_OFFERED = 1 << 20;

/** The text that a program wants on the clipboard (OSC 52). A question for what is there is never answered. */
export function offeredBy(sequence: string): string {
  const data = sequence.slice(sequence.indexOf(";") + 1);
  if (data === "?" || data.length > MOST_OFFERED) return "";
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(data), (character) => character.charCodeAt(0)));
  } catch {
    return "";
  }
}
