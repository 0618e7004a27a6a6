// How the daemon is: numbers, a little of their past, hooks, and its own checks.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api";
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
  memory_bytes?: number;
  keeper_memory_bytes?: number;
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
  clients: number;
}

const EVERY_MS = 2000;
const SAMPLES = 90;

export function Health({ world }: { watcher: Watcher; world: World }) {
  const [status, setStatus] = useState<Status | null>(null);
  const [checks, setChecks] = useState<Check[]>([]);
  const [sinks, setSinks] = useState<Record<string, unknown>[]>([]);
  const [problem, setProblem] = useState("");
  const samples = useRef<Sample[]>([]);
  const written = world.sessions.reduce((sum, session) => sum + session.end_offset, 0);
  useEffect(() => {
    let over = false;
    const look = async (): Promise<void> => {
      try {
        const [found, listed] = await Promise.all([
          get<Status>("/v1/daemon"),
          get<{ sessions: { end_offset: number }[] }>("/v1/sessions?all=true"),
        ]);
        if (over) return;
        const output = listed.sessions.reduce((sum, session) => sum + session.end_offset, 0);
        samples.current = [...samples.current.slice(1 - SAMPLES), { at: performance.now(), output, clients: found.clients }];
        setStatus(found);
        setProblem("");
      } catch (error) {
        if (!over) setProblem(error instanceof Error ? error.message : String(error));
      }
    };
    const lookSlowly = async (): Promise<void> => {
      const [found, hooks] = await Promise.allSettled([
        get<{ checks: Check[] }>("/v1/daemon/checks"),
        get<{ sinks: Record<string, unknown>[] }>("/v1/hooks"),
      ]);
      if (over) return;
      if (found.status === "fulfilled") setChecks(found.value.checks);
      if (hooks.status === "fulfilled") setSinks(hooks.value.sinks ?? []);
    };
    void look();
    void lookSlowly();
    const timers = [window.setInterval(() => !document.hidden && void look(), EVERY_MS), window.setInterval(() => void lookSlowly(), 15_000)];
    return () => {
      over = true;
      timers.forEach((timer) => window.clearInterval(timer));
    };
  }, []);
  const rates = rateOf(samples.current);
  return (
    <>
      <h1>Health</h1>
      {problem && <p class="refused" role="alert">{problem}</p>}
      {status && (
        <dl class="numbers">
          <Number name="Version" value={status.version} />
          <Number name="Daemon" value={`pid ${status.pid}, up ${age(status.uptime_s)}`} />
          <Number name="Keeper" value={`pid ${status.keeper_pid}`} />
          <Number name="Sessions" value={`${status.running} running, ${status.exited} exited`} />
          <Number name="Connections" value={`${status.clients}, ${status.attached} attached`} />
          <Number name="Retained output" value={bytes(status.ring_bytes)} />
          <Number name="Output so far" value={bytes(written)} />
          {status.memory_bytes !== undefined && <Number name="Memory, daemon" value={bytes(status.memory_bytes)} />}
          {status.keeper_memory_bytes !== undefined && <Number name="Memory, keeper" value={bytes(status.keeper_memory_bytes)} />}
        </dl>
      )}
      <Plot title="Output per second" values={rates} shown={(value) => `${bytes(Math.round(value))}/s`} />
      <section aria-labelledby="checks">
        <h2 id="checks">Checks</h2>
        <ul class="checks">
          {checks.map((check) => (
            <li key={check.name} class={check.ok ? "ok" : "bad"}>
              <b>
                {check.ok ? "✓" : "✗"} {check.name}
              </b>{" "}
              {check.detail}
              {!check.ok && check.advice && <em> {check.advice}</em>}
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="sinks">
        <h2 id="sinks">Hooks</h2>
        {sinks.length === 0 ? <p>No sinks are configured.</p> : <Rows rows={sinks} label="Hooks" />}
      </section>
    </>
  );
}

function Number({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function rateOf(samples: Sample[]): number[] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index];
    return before ? Math.max(0, ((sample.output - before.output) * 1000) / (sample.at - before.at)) : 0;
  });
}

const WIDTH = 600;
const HEIGHT = 120;

function Plot({ title, values, shown }: { title: string; values: number[]; shown: (value: number) => string }) {
  const most = Math.max(1, ...values);
  const points = values.map((value, index) => {
    const x = WIDTH - (values.length - 1 - index) * (WIDTH / SAMPLES);
    return `${x.toFixed(1)},${(HEIGHT - 4 - (value / most) * (HEIGHT - 16)).toFixed(1)}`;
  });
  const now = values.at(-1) ?? 0;
  return (
    <figure class="plot">
      <figcaption>
        {title}: <b>{shown(now)}</b>, most {shown(values.length ? most : 0)} in the last three minutes
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: now ${shown(now)}`} preserveAspectRatio="none">
        {points.length > 1 && <polyline points={points.join(" ")} />}
      </svg>
    </figure>
  );
}

/** Any list of records as a table: what the daemon tells decides the columns. */
function Rows({ rows, label }: { rows: Record<string, unknown>[]; label: string }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const text = (value: unknown): string => (value === null || value === undefined ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">{column.replaceAll("_", " ")}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>{text(row[column])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
