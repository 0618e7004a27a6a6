// Colours of terminals, light and dark, for the live terminal and for the small pictures alike.
import type { ITheme } from "@xterm/xterm";

const DARK: ITheme = {
  background: "#14191a",
  foreground: "#d9e0de",
  cursor: "#f2c14e",
  cursorAccent: "#14191a",
  selectionBackground: "#3b5c66",
  black: "#22292b",
  red: "#f07f74",
  green: "#86c98a",
  yellow: "#e5c15f",
  blue: "#7fb0ea",
  magenta: "#cf9be0",
  cyan: "#71c7c4",
  white: "#c9d1cf",
  brightBlack: "#7d8a8b",
  brightRed: "#ff9d93",
  brightGreen: "#a5e3a8",
  brightYellow: "#f7da85",
  brightBlue: "#a3caf8",
  brightMagenta: "#e4bbf1",
  brightCyan: "#97e2df",
  brightWhite: "#ffffff",
};

const LIGHT: ITheme = {
  background: "#fbfaf6",
  foreground: "#1e2526",
  cursor: "#1f4d46",
  cursorAccent: "#fbfaf6",
  selectionBackground: "#bcd8d2",
  black: "#1e2526",
  red: "#a8231a",
  green: "#22662a",
  yellow: "#7a5500",
  blue: "#1c53a1",
  magenta: "#7d2a93",
  cyan: "#0c6460",
  white: "#5d6768",
  brightBlack: "#59656a",
  brightRed: "#bf3328",
  brightGreen: "#2d7a36",
  brightYellow: "#8a6200",
  brightBlue: "#2a66bb",
  brightMagenta: "#933fa9",
  brightCyan: "#14756f",
  brightWhite: "#2b3436",
};

const NAMES = [
  "black red green yellow blue magenta cyan white",
  "brightBlack brightRed brightGreen brightYellow brightBlue brightMagenta brightCyan brightWhite",
]
  .join(" ")
  .split(" ") as (keyof ITheme)[];

export const terminalTheme = (dark: boolean): ITheme => (dark ? DARK : LIGHT);

/** Where a search has found something; the active place is marked more. */
export const foundColours = (dark: boolean) => ({
  matchBackground: dark ? "#4d4520" : "#f4e3a3",
  activeMatchBackground: dark ? "#8a6d1a" : "#f0c040",
  matchOverviewRuler: dark ? "#8a6d1a" : "#f0c040",
  activeMatchColorOverviewRuler: dark ? "#f2c14e" : "#8a5a00",
});

const CUBE = [0, 95, 135, 175, 215, 255];

/** A colour of a screen's style: a number of the palette, or red, green and blue. */
export function cssColour(colour: number | number[] | undefined, theme: ITheme): string | undefined {
  if (colour === undefined) return undefined;
  if (Array.isArray(colour)) return `rgb(${colour.join(",")})`;
  if (colour < 16) return theme[NAMES[colour] ?? "white"] as string;
  if (colour >= 232) {
    const grey = 8 + (colour - 232) * 10;
    return `rgb(${grey},${grey},${grey})`;
  }
  const index = colour - 16;
  const part = (divisor: number): number => CUBE[Math.floor(index / divisor) % 6] ?? 0;
  return `rgb(${part(36)},${part(6)},${part(1)})`;
}

const STORED = "roost-theme";
export type Theme = "auto" | "light" | "dark";

export const storedTheme = (): Theme => {
  const stored = localStorage.getItem(STORED);
  return stored === "light" || stored === "dark" ? stored : "auto";
};

export const isDark = (theme: Theme): boolean =>
  theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);

export function applyTheme(theme: Theme): void {
  localStorage.setItem(STORED, theme);
  document.documentElement.dataset.theme = isDark(theme) ? "dark" : "light";
}
