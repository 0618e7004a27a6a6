// How the daemon is: numbers, a little of their past, hooks, and its own checks.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post } from "./api";
import { age, bytes } from "./model";
import type { Watcher, World } from "./world";

interface Status {
  version: string;
  pid: number;
  keeper_pid: number;
  uptime_s: number;
  sessions: number;
  running: number;
  exited: number;
  clients: number;
  attached: number;
  ring_bytes: number;
  memory_bytes?: number | null;
  keeper_memory_bytes?: number | null;
}

interface Check {
  name: string;
  ok: boolean;
  detail: string;
  advice?: string;
}

interface Sample {
  at: number;
  output: number;
  events: number;
  memory: number;
}

interface Journal {
  last: string;
  bytes: number;
  emitted: { accepted: Record<string, number>; dropped: Record<string, number>; refused: number };
}

/** Any roost call, for what has no resource of its own. */
const call = <T,>(name: string): Promise<T> =>
  post<{ result: T }>(`/v1/calls/${name}`, { params: {} }).then((answer) => answer.result);

/** An event's number; it counts from one in each daemon's life. */
const seqOf = (id: string): number => Number(id.split(".")[1] ?? 0);

const EVERY_MS = 2000;
const FIRST_MS = 500;
const SAMPLES = 90;
const SPAN_MS = SAMPLES * EVERY_MS;

export function Health({ world }: { watcher: Watcher; world: World }) {
  const [status, setStatus] = useState<Status | null>(null);
  const [checks, setChecks] = useState<Check[]>([]);
  const [sinks, setSinks] = useState<Record<string, unknown>[]>([]);
  const [journal, setJournal] = useState<Journal | null>(null);
  const [observers, setObservers] = useState<Record<string, unknown>[]>([]);
  const [problem, setProblem] = useState("");
  const samples = useRef<Sample[]>([]);
  const written = world.sessions.reduce((sum, session) => sum + session.end_offset, 0);
  useEffect(() => {
    let over = false;
    const look = async (): Promise<void> => {
      try {
        const [found, listed, journal] = await Promise.all([
          get<Status>("/v1/daemon"),
          get<{ sessions: { end_offset: number }[] }>("/v1/sessions?all=true"),
          call<Journal>("events.status"),
        ]);
        if (over) return;
        const output = listed.sessions.reduce((sum, session) => sum + session.end_offset, 0);
        setJournal(journal);
        samples.current = [...samples.current.slice(1 - SAMPLES), { at: performance.now(), output, events: seqOf(journal.last), memory: found.memory_bytes ?? 0 }];
        setStatus(found);
        setProblem("");
      } catch (error) {
        if (!over) setProblem(error instanceof Error ? error.message : String(error));
      }
    };
    const lookSlowly = async (): Promise<void> => {
      const [found, hooks, watching] = await Promise.allSettled([
        get<{ checks: Check[] }>("/v1/daemon/checks"),
        get<{ sinks: Record<string, unknown>[] }>("/v1/hooks"),
        call<{ observers: Record<string, unknown>[] }>("observers.list"),
      ]);
      if (over) return;
      if (found.status === "fulfilled") setChecks(found.value.checks);
      if (hooks.status === "fulfilled") setSinks(hooks.value.sinks ?? []);
      if (watching.status === "fulfilled") setObservers(watching.value.observers);
    };
    void look();
    void lookSlowly();
    const first = [1, 2].map((number) => window.setTimeout(() => void look(), number * FIRST_MS)); // else it is empty for long
    const timers = [window.setInterval(() => !document.hidden && void look(), EVERY_MS), window.setInterval(() => void lookSlowly(), 5000)];
    return () => {
      over = true;
      [...first, ...timers].forEach((timer) => window.clearInterval(timer));
    };
  }, []);
  const rates = rateOf(samples.current, (sample) => sample.output);
  const events = rateOf(samples.current, (sample) => sample.events);
  const memory = samples.current.map((sample) => ({ at: sample.at, value: sample.memory }));
  const three = (value: string): string => `most ${value} in three minutes`;
  return (
    <div class="health">
      <h1>Health</h1>
      {problem && <p class="refused" role="alert">{problem}</p>}
      {!status && !problem && <p class="waiting">Asking the daemon …</p>}
      {status && (
        <dl class="numbers">
          <Fact name="Version" value={status.version} />
          <Fact name="Daemon" value={`up ${age(status.uptime_s)}`} more={`pid ${status.pid}`} />
          <Fact name="Keeper" value={status.keeper_memory_bytes == null ? "–" : bytes(status.keeper_memory_bytes)} more={`pid ${status.keeper_pid}`} />
          <Fact name="Sessions" value={`${status.running} running`} more={`${status.exited} exited`} />
          <Fact name="Connections" value={String(status.clients)} more={`${status.attached} attached to sessions`} />
          <Fact name="Output" value={bytes(written)} more={`${bytes(status.ring_bytes)} retained`} />
          {journal && <Fact name="Events" value={seqOf(journal.last).toLocaleString()} more={`${bytes(journal.bytes)} stored`} />}
        </dl>
      )}
      <div class="plots">
        <Plot title="Output" values={rates} shown={(value) => `${bytes(Math.round(value))}/s`} more={three} />
        <Plot title="Events" values={events} shown={(value) => `${value.toFixed(1)}/s`} more={three} />
        <Plot title="Memory of the daemon" values={memory} shown={(value) => bytes(Math.round(value))} more={three} />
      </div>
      <section aria-labelledby="checks">
        <h2 id="checks">Checks</h2>
        <ul class="checks">
          {checks.map((check) => (
            <li key={check.name} class={check.ok ? "ok" : "bad"}>
              <span class="mark" role="img" aria-label={check.ok ? "good" : "not good"}>{check.ok ? "✓" : "✗"}</span>
              <b>{check.name}</b>
              <span>
                {check.detail}
                {!check.ok && check.advice && <em class="faint"> {check.advice}</em>}
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="sinks">
        <h2 id="sinks">Hooks</h2>
        {sinks.length === 0 ? <p class="faint">No sinks are configured.</p> : <Rows rows={sinks} label="Hooks" />}
      </section>
      <section aria-labelledby="observers">
        <h2 id="observers">Observers</h2>
        {observers.length === 0 ? <p class="faint">Nobody observes.</p> : <Rows rows={observers} label="Observers" />}
      </section>
    </div>
  );
}

function Fact({ name, value, more }: { name: string; value: string; more?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {more && <small>{more}</small>}
      </dd>
    </div>
  );
}

interface Point {
  at: number;
  value: number;
}

function rateOf(samples: Sample[], count: (sample: Sample) => number): Point[] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index] ?? sample;
    const value = Math.max(0, ((count(sample) - count(before)) * 1000) / Math.max(1, sample.at - before.at));
    return { at: sample.at, value };
  });
}

const WIDTH = 600;
const HEIGHT = 120;

interface Plotted {
  title: string;
  values: Point[];
  shown: (value: number) => string;
  more: (most: string) => string;
}

function Plot({ title, values, shown, more }: Plotted) {
  const peakValue = Math.max(0, ...values.map((point) => point.value));
  const last = values.at(-1);
  const across = (point: Point): string => (WIDTH * (1 - ((last?.at ?? 0) - point.at) / SPAN_MS)).toFixed(1);
  const up = (point: Point): string => (HEIGHT - 2 - (point.value / Math.max(1, peakValue)) * (HEIGHT - 16)).toFixed(1);
  const points = values.map((point) => `${across(point)},${up(point)}`).join(" ");
  const now = shown(last?.value ?? 0);
  const peak = more(shown(peakValue));
  return (
    <figure class="plot">
      <figcaption>
        {title} <b>{now}</b> <small>{peak}</small>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: now ${now}, ${peak}`} preserveAspectRatio="none">
        {values[0] && values.length > 1 && <polygon points={`${across(values[0])},${HEIGHT} ${points} ${WIDTH},${HEIGHT}`} />}
        {values.length > 1 && <polyline points={points} />}
      </svg>
    </figure>
  );
}

/** A value of a record, for people. Times are Unix seconds. */
function shownValue(name: string, value: unknown): string {
  if (value === null || value === undefined || value === "" || (typeof value === "object" && Object.keys(value).length === 0)) return "";
  if (Array.isArray(value)) return value.map(String).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value === "number" && (name.endsWith("_at") || name === "since")) return value ? `${age(Date.now() / 1000 - value)} ago` : "";
  if (typeof value === "number" && name.endsWith("_s")) return age(value);
  return typeof value === "number" ? value.toLocaleString() : String(value);
}

/** Any list of records as a table: what the daemon tells decides the columns; those that are empty are left out. */
function Rows({ rows, label }: { rows: Record<string, unknown>[]; label: string }) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.filter((name) => rows.some((row) => shownValue(name, row[name]) !== ""));
  const cell = (name: string, row: Record<string, unknown>) => {
    const text = shownValue(name, row[name]);
    return name === "state" ? <span class={`chip ${text === "failing" ? "bad" : ""}`}>{text}</span> : text || <span class="faint">–</span>;
  };
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">{column.replace(/_(at|s)$/, "").replaceAll("_", " ")}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>{cell(column, row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
