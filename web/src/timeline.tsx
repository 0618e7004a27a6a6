// What happened in a session, newest last, by category; a click leads to the output of that moment. Or its processes.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { RoostEvent, Session } from "./model";
import { summary } from "./summary";
import { ProcessTree } from "./tree";
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
      <div class="views" role="group" aria-label="What is shown">
        <button aria-pressed={!tree} onClick={() => setTree(false)}>Events</button>
        <button aria-pressed={tree} onClick={() => setTree(true)}>Processes</button>
      </div>
      {!tree && (
        <div class="filters" role="group" aria-label="Categories">
          {CATEGORIES.map((category) => (
            <button key={category} aria-pressed={!hidden.has(category)} class={`tag ${category}`} onClick={() => toggle(category)}>
              {category}
            </button>
          ))}
        </div>
      )}
      {!tree && <p class="hint" role="status">{note}</p>}
      {tree ? (
        <ProcessTree session={session} events={events} />
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
                <time dateTime={event.at}>{timeOf(event.at)}</time>
                <b>{event.type.replaceAll("_", " ")}</b>
                <span>{summary(event)}</span>
              </button>
            </li>
          ))}
          {shown.length === 0 && <li class="none">{events.length === 0 ? "Nothing yet." : "Nothing of these categories."}</li>}
        </ol>
      )}
    </aside>
  );
}

/** The time of day, with the day where that is another one. */
function timeOf(at: string): string {
  const when = new Date(at);
  const time = when.toLocaleTimeString([], { hourCycle: "h23" });
  return when.toDateString() === new Date().toDateString() ? time : `${when.toLocaleDateString([], { month: "short", day: "numeric" })} ${time}`;
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
