// What happened in a session, newest last: by category, processes as a tree, a click leads to the output of that moment.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { RoostEvent, Session } from "./model";
import { openEvents, pastEvents, type Watcher, type World } from "./world";

const CATEGORIES = ["lifecycle", "process", "file", "network", "agent", "shell", "state"];
const PAST = 300;
const SHOWN_EACH = 200;

interface Shown {
  session: Session;
  world: World;
  watcher: Watcher;
  onJump: (offset: number) => boolean;
}

export function Timeline({ session, world, onJump }: Shown) {
  const [past, setPast] = useState<RoostEvent[]>([]);
  const [hidden, setHidden] = useState<Set<string>>(new Set());
  const [tree, setTree] = useState(false);
  const [note, setNote] = useState("");
  const list = useRef<HTMLOListElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    let over = false;
    pastEvents(`session_id=${encodeURIComponent(session.id)}&limit=${PAST}`)
      .then((found) => !over && setPast(found))
      .catch(() => undefined);
    return () => {
      over = true;
    };
  }, [session.id]);
  const close = useCloseEvents(session.id);
  const events = useMemo(() => {
    const known = new Set(past.map((event) => event.id));
    const fresh = [...world.events.filter((event) => event.session_id === session.id), ...close];
    return newestOfEach([...past, ...fresh.filter((event) => !known.has(event.id)).sort(byId)]);
  }, [past, world.events, close, session.id]);
  const shown = events.filter((event) => !hidden.has(event.category));
  useEffect(() => {
    const element = list.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [shown, tree]);
  const jump = (event: RoostEvent): void => {
    const there = typeof event.offset === "number" && onJump(event.offset);
    setNote(there ? "" : "The output of that moment is not in this terminal's scrollback.");
  };
  const toggle = (category: string): void => {
    const next = new Set(hidden);
    if (!next.delete(category)) next.add(category);
    setHidden(next);
  };
  return (
    <aside class="timeline" aria-label="Events">
      <div class="filters" role="group" aria-label="Categories">
        {CATEGORIES.map((category) => (
          <button key={category} aria-pressed={!hidden.has(category)} class={`tag category ${category}`} onClick={() => toggle(category)}>
            {category}
          </button>
        ))}
        <button aria-pressed={tree} class="tag" onClick={() => setTree(!tree)}>as a tree</button>
      </div>
      <p class="hint" role="status">{note}</p>
      {tree ? (
        <ProcessTree events={events} root={session.pid} />
      ) : (
        <ol
          ref={list}
          tabIndex={0}
          aria-label="Events, oldest first"
          onScroll={({ currentTarget: box }) => {
            atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
          }}
        >
          {shown.map((event) => (
            <li key={event.id} class={event.category}>
              <button onClick={() => jump(event)} title={`${event.at} · ${event.grade}, seen by ${event.source}`}>
                <time dateTime={event.at}>{new Date(event.at).toLocaleTimeString()}</time>
                <b>{event.type.replaceAll("_", " ")}</b>
                <span>{summary(event)}</span>
              </button>
            </li>
          ))}
          {shown.length === 0 && <li class="none">Nothing yet.</li>}
        </ol>
      )}
    </aside>
  );
}

/** Processes, files and sockets of one session, while it is looked at. */
function useCloseEvents(id: string): RoostEvent[] {
  const [events, setEvents] = useState<RoostEvent[]>([]);
  useEffect(() => {
    let waiting: RoostEvent[] = [];
    const query = `session=${encodeURIComponent(id)}&categories=process,file,network`;
    const stop = openEvents(query, (event) => waiting.push(event), () => undefined);
    // A build makes thousands of events a second; the list is drawn a few times a second.
    const timer = window.setInterval(() => {
      if (waiting.length === 0) return;
      const fresh = waiting;
      waiting = [];
      setEvents((known) => newestOfEach([...known, ...fresh]));
    }, 250);
    return () => {
      stop();
      window.clearInterval(timer);
    };
  }, [id]);
  return events;
}

/** So that a flood of files does not push out what an agent did. */
function newestOfEach(events: RoostEvent[]): RoostEvent[] {
  const seen = new Map<string, number>();
  const kept = events.toReversed().filter((event) => {
    const count = (seen.get(event.category) ?? 0) + 1;
    seen.set(event.category, count);
    return count <= SHOWN_EACH;
  });
  return kept.toReversed();
}

function byId(a: RoostEvent, b: RoostEvent): number {
  const [epochA = 0, seqA = 0] = a.id.split(".").map(Number);
  const [epochB = 0, seqB = 0] = b.id.split(".").map(Number);
  return epochA - epochB || seqA - seqB;
}

/** What an event says, in a line. */
export function summary(event: RoostEvent): string {
  const data = event.data;
  const text = (name: string): string => {
    const value = data[name];
    return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  if (event.category === "process") {
    const argv = Array.isArray(data.argv) ? data.argv.join(" ") : "";
    return `${text("pid")} ${argv}${event.type === "exit" ? `code ${text("code") || text("exit_code")}` : ""}`;
  }
  if (event.category === "file") return `${text("path")}${data.to ? ` → ${text("to")}` : ""}`;
  if (event.category === "network") return `${text("local")} ${text("remote") || text("peer")}`;
  const keys = ["tool_name", "phase", "delta", "detail", "command", "name", "exit_code", "code", "state", "reason", "by"];
  return keys.map(text).filter(Boolean).join(" · ").slice(0, 200);
}

interface Process {
  pid: number;
  parent: number;
  argv: string;
  exit: string | null;
  children: Process[];
}

function ProcessTree({ events, root }: { events: RoostEvent[]; root: number }) {
  const top = useMemo(() => grow(events, root), [events, root]);
  return (
    <div class="tree" tabIndex={0}>
      <ul role="tree" aria-label="Processes">
        <Branch process={top} />
      </ul>
    </div>
  );
}

function grow(events: RoostEvent[], root: number): Process {
  const all = new Map<number, Process>();
  const of = (pid: number): Process => {
    let found = all.get(pid);
    if (!found) all.set(pid, (found = { pid, parent: root, argv: "", exit: null, children: [] }));
    return found;
  };
  for (const event of events.filter((one) => one.category === "process")) {
    const process = of(Number(event.data.child ?? event.data.pid));
    const parent = event.data.ppid ?? event.data.parent ?? event.data.parent_pid;
    if (typeof parent === "number") process.parent = parent;
    if (Array.isArray(event.data.argv)) process.argv = event.data.argv.join(" ");
    if (event.type === "exit") process.exit = String(event.data.signal ? `signal ${event.data.signal}` : (event.data.code ?? event.data.exit_code ?? "?"));
  }
  const top = of(root);
  for (const process of all.values()) {
    if (process !== top) (all.get(process.parent) ?? top).children.push(process);
  }
  return top;
}

function Branch({ process }: { process: Process }) {
  return (
    <li role="treeitem" aria-selected="false">
      <span class={process.exit === null ? "" : "over"}>
        {process.pid} {process.argv} {process.exit !== null && <em>{process.exit}</em>}
      </span>
      {process.children.length > 0 && (
        <ul role="group">
          {process.children.map((child) => (
            <Branch key={child.pid} process={child} />
          ))}
        </ul>
      )}
    </li>
  );
}
