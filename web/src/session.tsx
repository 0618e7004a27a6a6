// One session: its terminal, what may be done to it, and its events beside it.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, at, post, type Me } from "./api";
import { activityOf, activityText, bytes, ending, type Session } from "./model";
import { KeyRow } from "./keyrow";
import { Icon, mayType, Refused, useAsked } from "./parts";
import { Timeline } from "./timeline";
import { Screen, type Status } from "./screen";
import type { Mode } from "./link";
import type { Watcher, World } from "./world";

interface Shown {
  id: string;
  world: World;
  watcher: Watcher;
  me: Me;
  dark: boolean;
}

const READER = "roost-reader";
const MODES: Record<string, string> = { share: "Type", exclusive: "Type, alone", view: "Only look" };

export function SessionView({ id, world, watcher, me, dark }: Shown) {
  const session = world.sessions.find((one) => one.id === id || one.name === id);
  const place = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | null>(null);
  const [status, setStatus] = useState<Status>({ connected: false, ended: "", missed: 0, unsent: false, rows: 0, cols: 0 });
  const [mode, setMode] = useState<Mode>(() => (mayType(me) && session?.state !== "exited" ? "share" : "view"));
  const [round, setRound] = useState(0);
  const [steal, setSteal] = useState(false);
  const [events, setEvents] = useState(() => window.innerWidth > 1000);
  const [reader, setReader] = useState(() => localStorage.getItem(READER) === "on");
  const [search, setSearch] = useState<string | null>(null);
  const [refusal, run] = useAsked();
  const known = session !== undefined;
  const realId = session?.id ?? id;

  useEffect(() => {
    if (!place.current || !known) return;
    const shown = new Screen(place.current, realId, {
      mode,
      steal,
      dark,
      reader,
      onStatus: setStatus,
      onLeave: () => document.querySelector<HTMLElement>(".session .back")?.focus(),
    });
    screen.current = shown;
    shown.focus();
    return () => {
      screen.current = null;
      shown.close();
    };
  }, [realId, known, mode, steal, round]);
  useEffect(() => screen.current?.setDark(dark), [dark, round]);

  const tellReader = (on: boolean): void => {
    setReader(on);
    localStorage.setItem(READER, on ? "on" : "off");
    screen.current?.setReader(on);
  };
  const press = useCallback((data: string) => screen.current?.press(data), []);
  const perform = (work: Promise<unknown>): void => run(work.then(() => watcher.soon()));
  if (!session) {
    return (
      <section class="empty">
        <h1>No such session</h1>
        <p>
          {world.sessions.length ? `There is no session ${id}; it may have been forgotten.` : "Looking …"} <a href="#/">All sessions</a>
        </p>
      </section>
    );
  }
  const again = (wanted: Mode, thief = false): void => {
    setMode(wanted);
    setSteal(thief);
    setRound(round + 1);
  };
  const running = session.state === "running";
  return (
    <div class={`session ${events ? "with-events" : ""}`}>
      <div class="bar">
        <a class="back" href="#/" aria-label="All sessions">←</a>
        <h1>{session.name}</h1>
        <span class={`chip ${activityOf(session)}`}>{running ? activityText(session) : ending(session)}</span>
        <span class="grow" />
        {mayType(me) && running && (
          <select aria-label="How to attach" value={mode} onChange={(event) => again(event.currentTarget.value as Mode)}>
            {Object.entries(MODES).map(([value, text]) => (
              <option key={value} value={value}>{text}</option>
            ))}
          </select>
        )}
        <button class="quiet" aria-label="Search in the output" title="Search (Ctrl+Shift+F)" onClick={() => setSearch(search === null ? "" : null)}><Icon name="search" /></button>
        <button class="quiet" aria-label="Copy the selection" title="Copy the selection" onClick={() => screen.current?.copy()}><Icon name="copy" /></button>
        {mayType(me) && mode !== "view" && (
          <button class="quiet" aria-label="Paste" title="Paste" onClick={() => void screen.current?.paste()}><Icon name="paste" /></button>
        )}
        <button aria-pressed={events} onClick={() => setEvents(!events)}>Events</button>
        {me.scope === "admin" && (
          <button class="danger" onClick={() => perform(ask("DELETE", at(session.id)))}>{running ? "End" : "Forget"}</button>
        )}
      </div>
      {search !== null && (
        <SearchBar
          text={search}
          onText={setSearch}
          onFind={(forward) => screen.current?.find(search, forward) ?? false}
          onClose={() => {
            setSearch(null);
            screen.current?.endSearch();
          }}
        />
      )}
      <Refused text={refusal} />
      <Notes status={status} session={session} mode={mode} onAgain={again} may={mayType(me)} />
      <div class="split">
        <div class="terminal-side">
          <div
            ref={place}
            class="screen"
            role="group"
            aria-label={`Terminal of ${session.name}`}
            onKeyDownCapture={(event) => {
              if (event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "f") {
                event.preventDefault();
                event.stopPropagation();
                setSearch("");
              }
            }}
          />
          {mayType(me) && mode !== "view" && running && <KeyRow press={press} />}
        </div>
        {events && (
          <Timeline
            session={session}
            world={world}
            watcher={watcher}
            onJump={(offset) => screen.current?.jump(offset) ?? false}
          />
        )}
      </div>
      <p class="footline">
        <span>{session.command}</span>
        <span>{session.cwd}</span>
        <span>
          {status.cols || session.cols}×{status.rows || session.rows}
        </span>
        <span>{bytes(session.end_offset)} written</span>
        {session.clients.length > 0 && <span>{session.clients.length} attached</span>}
        <label>
          <input type="checkbox" checked={reader} onChange={(event) => tellReader(event.currentTarget.checked)} /> tell a screen reader
        </label>
        {running && mayType(me) && (
          <button class="link" onClick={() => perform(post(at(session.id, "/signal"), { signal: "INT" }))}>interrupt</button>
        )}
      </p>
    </div>
  );
}

interface Noted {
  status: Status;
  session: Session;
  mode: Mode;
  may: boolean;
  onAgain: (mode: Mode, steal?: boolean) => void;
}

function Notes({ status, session, mode, may, onAgain }: Noted) {
  return (
    <div class="notes" role="status">
      {!status.connected && !status.ended && <p>Connecting …</p>}
      {status.ended && (
        <p>
          {status.ended}{" "}
          {status.taken && may && mode !== "view" && (
            <>
              <button onClick={() => onAgain("view")}>Only look</button>{" "}
              <button onClick={() => onAgain("share")}>Type beside others</button>{" "}
              <button class="danger" onClick={() => onAgain("exclusive", true)}>Take it over</button>
            </>
          )}
          {!status.taken && session.state === "running" && <button onClick={() => onAgain(mode)}>Attach again</button>}
        </p>
      )}
      {status.unsent && <p>What you typed while the connection was away was not sent.</p>}
      {status.missed > 0 && <p>{status.missed.toLocaleString()} bytes of output had left the ring before they came here.</p>}
    </div>
  );
}

interface Searching {
  text: string;
  onText: (text: string) => void;
  onFind: (forward: boolean) => boolean;
  onClose: () => void;
}

function SearchBar({ text, onText, onFind, onClose }: Searching) {
  const [found, setFound] = useState(true);
  const look = (forward: boolean): void => setFound(!text || onFind(forward));
  return (
    <div class="bar search" role="search">
      <input
        autofocus
        type="search"
        aria-label="Search in the output"
        placeholder="Search in the output"
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") look(event.shiftKey);
          if (event.key === "Escape") onClose();
        }}
      />
      <button onClick={() => look(false)} aria-label="Previous">↑</button>
      <button onClick={() => look(true)} aria-label="Next">↓</button>
      <span role="status">{found ? "" : "not found"}</span>
      <button class="quiet" onClick={onClose} aria-label="End the search">✕</button>
    </div>
  );
}
