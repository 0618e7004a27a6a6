// What the daemon tells: the fields that the page uses.

export interface Session {
  id: string;
  name: string;
  kind: "pty" | "pipe";
  state: "running" | "exited";
  pid: number;
  exit_code: number | null;
  signal: number | null;
  created_at: number;
  exited_at: number | null;
  command: string;
  cwd: string;
  originator: string;
  labels: Record<string, string>;
  attached: boolean;
  clients: Client[];
  rows: number;
  cols: number;
  outcome: string | null;
  title: string;
  start_offset: number;
  end_offset: number;
  terminal_held: boolean;
  last_output_at: number | null;
  service: string | null;
  activity?: Activity | string | null;
}

export interface Client {
  id: string;
  label: string;
  mode: string;
  lag: number;
}

/** What a session is doing, with how that is known. */
export interface Activity {
  state: string;
  detail?: string | null;
  source?: string;
  confidence?: number | string;
  since?: number;
}

export interface RoostEvent {
  id: string;
  at: string;
  session_id: string;
  session_name: string;
  category: string;
  type: string;
  data: Record<string, unknown>;
  grade: string;
  source: string;
  offset?: number | null;
}

export interface Approval {
  id: string;
  session_id: string;
  session_name?: string;
  tool?: string;
  tool_name?: string;
  detail?: unknown;
  state: string;
  created_at?: number;
  asked_at?: number;
  expires_at?: number | null;
  decision?: string | null;
  reason?: string | null;
}

export interface Service {
  name: string;
  state: string;
  health?: string | null;
  restarts?: number;
  session_id?: string | null;
  [field: string]: unknown;
}

export const activityOf = (session: Session): string => {
  if (session.state === "exited") return "exited";
  const activity = session.activity;
  return (typeof activity === "string" ? activity : activity?.state) || "running";
};

/** What it is doing, for people: with the detail, and `running` where nobody tells. */
export function activityText(session: Session): string {
  const state = activityOf(session);
  const activity = session.activity;
  const detail = typeof activity === "object" ? activity?.detail : "";
  if (state === "unknown") return "running";
  return detail && state !== "exited" ? `${state}: ${detail}` : state;
}

/** Whether a person is wanted. */
export const needsPerson = (session: Session, approvals: Approval[]): boolean =>
  approvals.some((approval) => approval.session_id === session.id) || activityOf(session).startsWith("blocked");

/** How a session ended, in a word. */
export function ending(session: Session): string {
  if (session.signal !== null) return `signal ${session.signal}`;
  return session.exit_code === null ? "exit unknown" : `exit ${session.exit_code}`;
}

/** A duration in seconds, in its largest unit. */
export function age(seconds: number): string {
  const rest = Math.max(0, Math.floor(seconds));
  if (rest < 60) return `${rest}s`;
  if (rest < 3600) return `${Math.floor(rest / 60)}m`;
  if (rest < 86400) return `${Math.floor(rest / 3600)}h`;
  return `${Math.floor(rest / 86400)}d`;
}

export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let shown = count;
  let unit = 0;
  for (; shown >= 1024 && unit < units.length - 1; unit++) shown /= 1024;
  return `${unit === 0 ? shown : shown.toFixed(1)} ${units[unit] ?? ""}`;
}
