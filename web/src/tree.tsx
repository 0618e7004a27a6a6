// The processes of a session: those that run, as a tree, and those that have ended while somebody looked.
import { useEffect, useMemo, useState } from "preact/hooks";
import { post } from "./api";
import type { RoostEvent, Session } from "./model";

const LOOK_MS = 2000;
const ENDED_SHOWN = 30;

interface Living {
  depth: number;
  pid: number;
  name: string;
  command: string;
}

/** The daemon draws the tree; a line is its branches, a name, `(pid=N)`, a command. */
function read(drawn: string): Living[] {
  return drawn.split("\n").flatMap((line) => {
    const found = /^((?:│ {3}| {4}|├── |└── )*)(.*?) \(pid=(\d+)\) ?(.*)$/.exec(line);
    if (!found) return [];
    const [, branches = "", name = "", pid = "", command = ""] = found;
    return [{ depth: branches.length / 4, pid: Number(pid), name, command }];
  });
}

function useLiving(session: Session): Living[] {
  const [living, setLiving] = useState<Living[]>([]);
  const running = session.state === "running";
  useEffect(() => {
    setLiving([]);
    if (!running) return;
    let over = false;
    const look = (): void => {
      post<{ result: { tree: string } }>("/v1/calls/processes.tree", { params: { pid: session.pid } }).then(
        (answer) => !over && setLiving(read(answer.result.tree)),
        () => undefined,
      );
    };
    look();
    const timer = window.setInterval(() => !document.hidden && look(), LOOK_MS);
    return () => {
      over = true;
      window.clearInterval(timer);
    };
  }, [session.pid, running]);
  return living;
}

interface Ended {
  pid: number;
  argv: string;
  how: string;
  good: boolean;
}

/** Newest first. A process that was forked and never became a program has no command of its own. */
function endedOf(events: RoostEvent[]): Ended[] {
  const argv = new Map<number, string>();
  const ended: Ended[] = [];
  for (const { category, type, data } of events) {
    if (category !== "process") continue;
    const pid = Number(data.pid);
    if (type === "fork") argv.delete(pid);
    if (Array.isArray(data.argv)) argv.set(pid, data.argv.join(" "));
    if (type !== "exit") continue;
    const code = data.code ?? data.exit_code;
    const how = data.signal ? `signal ${String(data.signal)}` : code === null || code === undefined ? "code unknown" : `code ${String(code)}`;
    ended.push({ pid, argv: argv.get(pid) ?? "(forked)", how, good: code === 0 });
  }
  return ended.toReversed();
}

export function ProcessTree({ session, events }: { session: Session; events: RoostEvent[] }) {
  const living = useLiving(session);
  const ended = useMemo(() => endedOf(events), [events]);
  return (
    <div class="tree" tabIndex={0} role="region" aria-label="Processes">
      <h2>Running</h2>
      {living.length === 0 && <p class="none">{session.state === "running" ? "Looking …" : "Nothing runs any more."}</p>}
      <ul role="tree" aria-label="Running processes">
        {living.map((process) => (
          <li key={process.pid} role="treeitem" aria-level={process.depth + 1} aria-selected="false" style={{ paddingLeft: `${process.depth * 0.9}rem` }} title={process.command}>
            <span class="pid">{process.pid}</span> <b>{process.name}</b> <span class="faint">{process.command}</span>
          </li>
        ))}
      </ul>
      {ended.length > 0 && <h2>Ended while you looked</h2>}
      <ul>
        {ended.slice(0, ENDED_SHOWN).map((process, index) => (
          <li key={`${process.pid} ${ended.length - index}`} title={process.argv}>
            <span class="pid">{process.pid}</span> <span class={process.good ? "faint" : "bad"}>{process.how}</span> <span class="faint">{process.argv}</span>
          </li>
        ))}
        {ended.length > ENDED_SHOWN && <li class="none">and {ended.length - ENDED_SHOWN} before</li>}
      </ul>
    </div>
  );
}
