// Events in people's words: what one says, in a line.
import type { RoostEvent } from "./model";

type Say = (text: (name: string) => string, data: Record<string, unknown>) => string;

const argvOf = (data: Record<string, unknown>): string => (Array.isArray(data.argv) ? data.argv.join(" ") : "");
const endOf = (data: Record<string, unknown>): string =>
  data.signal ? `signal ${String(data.signal)}` : `code ${String(data.code ?? data.exit_code ?? "unknown")}`;

const SAYS: Record<string, Say> = {
  spawned: (text, data) => argvOf(data) || text("pid"),
  started: (text) => `pid ${text("pid")}`,
  adopted: (text) => `pid ${text("pid")}, by a new daemon`,
  attached: (text) => [text("label"), text("mode")].filter(Boolean).join(", "),
  detached: (text) => text("label"),
  stolen: (text) => `from ${text("label")} by ${text("by")}`,
  resized: (text) => `${text("cols")}×${text("rows")}`,
  "lifecycle.renamed": (text) => `${text("from")} → ${text("to")}`,
  exited: (_text, data) => endOf(data),
  fork: (text) => `${text("parent_pid")} → ${text("pid")}`,
  exec: (text, data) => `${text("pid")} ${argvOf(data)}`,
  exit: (text, data) => `${text("pid")} ${endOf(data)}`,
  state_changed: (text) => `${[text("previous"), text("state")].filter(Boolean).join(" → ")}${text("detail") && `: ${text("detail")}`}`,
  command_started: (text) => text("command"),
  command_finished: (text) => `${text("command")} · code ${text("exit_code")}`,
  cwd_changed: (text) => text("cwd"),
};

/** The rest of an event, behind its type. */
export function summary(event: RoostEvent): string {
  const data = event.data;
  const text = (name: string): string => {
    const value = data[name];
    return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  const says = SAYS[`${event.category}.${event.type}`] ?? SAYS[event.type];
  if (event.category === "file") return event.type === "renamed" ? `${text("from")} → ${text("path")}` : text("path");
  if (event.category === "network") return [text("protocol"), text("local"), text("peer") && `→ ${text("peer")}`].filter(Boolean).join(" ");
  if (says) return says(text, data);
  const keys = ["tool_name", "phase", "delta", "detail", "command", "name", "exit_code", "code", "state", "reason", "by"];
  return keys.map(text).filter(Boolean).join(" · ").slice(0, 200);
}

/** For a tile: the type, and what it came to where that is short. */
export function inWords(event: RoostEvent): string {
  if (event.type === "approval_lifecycle") return `approval ${String(event.data.phase ?? "")}`;
  const type = event.type.replaceAll("_", " ");
  if (event.type === "state_changed" && typeof event.data.state === "string") return `became ${event.data.state}`;
  return event.category === "agent" && typeof event.data.tool_name === "string" ? `${type} ${event.data.tool_name}` : type;
}
