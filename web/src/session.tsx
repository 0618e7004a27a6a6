// One session: its terminal, what may be done to it, and its events beside it.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ask, at, post, type Me } from "./api";
import { activityOf, activityText, bytes, ending, type Session } from "./model";
import { KeyRow } from "./keyrow";
import { Confirmed, Icon, mayType, Refused, useAsked } from "./parts";
import { Timeline } from "./timeline";
import { NOTHING, Screen, type Status } from "./screen";
import type { Mode, Stream } from "./link";
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
  const [status, setStatus] = useState<Status>(NOTHING);
  const [mode, setMode] = useState<Mode>(() => (mayType(me) && session?.state !== "exited" ? "share" : "view"));
  const [round, setRound] = useState(0);
  const [stream, setStream] = useState<Stream>("stdout");
  const [steal, setSteal] = useState(false);
  const [events, setEvents] = useState(() => window.innerWidth > 1000);
  const [reader, setReader] = useState(() => localStorage.getItem(READER) === "on");
  const [search, setSearch] = useState<string | null>(null);
  const [tools, setTools] = useState(false);
  const [ctrl, setCtrl] = useState(false);
  const [refusal, run] = useAsked();
  const known = session !== undefined;
  const realId = session?.id ?? id;
  const pipe = session?.kind === "pipe";

  useEffect(() => {
    if (!place.current || !known) return;
    const shown = new Screen(place.current, realId, {
      mode,
      steal,
      stream: pipe ? stream : null,
      dark,
      reader,
      onStatus: setStatus,
      onLeave: () => document.querySelector<HTMLElement>(".session .back")?.focus(),
      onCtrlUsed: () => setCtrl(false),
    });
    screen.current = shown;
    shown.focus();
    return () => {
      screen.current = null;
      shown.close();
    };
  }, [realId, known, mode, steal, round, stream]);
  useEffect(() => screen.current?.setDark(dark), [dark, round]);

  const tellReader = (on: boolean): void => {
    setReader(on);
    localStorage.setItem(READER, on ? "on" : "off");
    screen.current?.setReader(on);
  };
  const press = useCallback((data: string) => screen.current?.press(data), []);
  const pressCursorKey = useCallback((letter: string) => screen.current?.pressCursorKey(letter), []);
  const holdCtrl = useCallback((held: boolean) => {
    setCtrl(held);
    screen.current?.holdCtrl(held);
  }, []);
  const perform = (work: Promise<unknown>): void => run(work.then(() => watcher.soon()));
  if (!session) return <NoSession id={id} loaded={world.loaded} />;
  const again = (wanted: Mode, thief = false): void => {
    setMode(wanted);
    setSteal(thief);
    setRound(round + 1);
  };
  const running = session.state === "running";
  const types = mayType(me) && mode !== "view";
  const others = session.clients.length - (status.connected ? 1 : 0);
  return (
    <div class={`session ${events ? "with-events" : ""} ${tools ? "with-tools" : ""}`}>
      <div class="bar">
        <a class="back" href="#/" aria-label="All sessions"><Icon name="back" /></a>
        <h1 title={session.name}>{session.name}</h1>
        <span class={`chip ${running ? activityOf(session) : "exited"} ${session.exit_code ? "bad" : ""}`}>{running ? activityText(session) : ending(session)}</span>
        <span class="grow" />
        <div class="tools" onClick={() => setTools(false)}>
          {mayType(me) && running && (
            <select aria-label="How to attach" value={mode} onClick={(event) => event.stopPropagation()} onChange={(event) => again(event.currentTarget.value as Mode)}>
              {Object.entries(MODES).map(([value, text]) => (
                <option key={value} value={value}>{text}</option>
              ))}
            </select>
          )}
          {pipe && (
            <select aria-label="Stream" value={stream} onClick={(event) => event.stopPropagation()} onChange={(event) => setStream(event.currentTarget.value as Stream)}>
              <option value="stdout">stdout</option>
              <option value="stderr">stderr</option>
            </select>
          )}
          <button class="quiet" aria-label="Search in the output" title="Search (Ctrl+Shift+F)" onClick={() => setSearch(search === null ? "" : null)}><Icon name="search" /></button>
          <button class="quiet" aria-label="Copy the selection" title="Copy (Ctrl+Shift+C)" onClick={() => screen.current?.copy()}><Icon name="copy" /></button>
          {types && running && (
            <button class="quiet" aria-label="Paste" title="Paste (Ctrl+Shift+V)" onClick={() => void screen.current?.paste()}><Icon name="paste" /></button>
          )}
          {me.scope === "admin" && (
            <Confirmed
              key={session.state}
              text={running ? "End" : "Forget"}
              question={running ? "Really end it?" : "Really forget it?"}
              onSure={() => perform(ask("DELETE", at(session.id)))}
            />
          )}
        </div>
        <button aria-pressed={events} onClick={() => setEvents(!events)}>Events</button>
        <button class="quiet more" aria-expanded={tools} aria-label="More" onClick={() => setTools(!tools)}><Icon name="more" /></button>
      </div>
      <Refused text={refusal} />
      <div class="split">
        <div class="terminal-side">
          <div class="stage">
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
            <Notes away={!world.reachable} status={status} session={session} mode={mode} onAgain={again} may={mayType(me)} screen={() => screen.current} />
            {search !== null && (
              <SearchBar
                text={search}
                onText={setSearch}
                screen={() => screen.current}
                status={status}
                onClose={() => {
                  setSearch(null);
                  screen.current?.endSearch();
                }}
              />
            )}
          </div>
          {types && running && <KeyRow press={press} pressCursorKey={pressCursorKey} ctrl={ctrl} onCtrl={holdCtrl} />}
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
        <span class="command" title={session.command}>{session.command}</span>
        <span class="command" title={session.cwd}>{session.cwd}</span>
        {!pipe && (
          <span>
            {status.cols || session.cols}×{status.rows || session.rows}
            {status.foreign && " of another window; type to have yours"}
          </span>
        )}
        <span>{bytes(session.end_offset)} written</span>
        {others > 0 && <span>{others === 1 ? "1 other" : `${others} others`} attached</span>}
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

function NoSession({ id, loaded }: { id: string; loaded: boolean }) {
  if (!loaded) return <p class="waiting">Looking for the session …</p>;
  return (
    <section class="empty">
      <h1>No such session</h1>
      <p>
        There is no session <code>{id}</code>; it may have been forgotten. <a href="#/">All sessions</a>
      </p>
    </section>
  );
}

interface Noted {
  /** The daemon does not answer. */
  away: boolean;
  status: Status;
  session: Session;
  mode: Mode;
  may: boolean;
  onAgain: (mode: Mode, steal?: boolean) => void;
  screen: () => Screen | null;
}

/** What is to be said of the terminal, over its lower edge: it must not change the terminal's size. */
function Notes({ away, status, session, mode, may, onAgain, screen }: Noted) {
  const [read, setRead] = useState(0);
  return (
    <div class="notes" role="status">
      {!status.connected && !status.ended && (
        <p>{away ? "The daemon does not answer. The session goes on without it; this page comes back by itself." : "Connecting …"}</p>
      )}
      {status.ended && (
        <p>
          <span>{status.ended}</span>
          {status.taken && may && mode !== "view" && (
            <>
              <button onClick={() => onAgain("view")}>Only look</button>
              <button onClick={() => onAgain("share")}>Type beside others</button>
              <button class="danger" onClick={() => onAgain("exclusive", true)}>Take it over</button>
            </>
          )}
          {!status.taken && session.state === "running" && <button onClick={() => onAgain(mode)}>Attach again</button>}
        </p>
      )}
      {status.unsent && <p>What you typed while the connection was away was not sent.</p>}
      {status.missed > read && (
        <p>
          <span>{(status.missed - read).toLocaleString()} bytes of output had left the ring before they came here.</span>
          <Dismiss onClick={() => setRead(status.missed)} />
        </p>
      )}
      {status.offered && (
        <p>
          <span>The program offers {status.offered.length.toLocaleString()} characters for the clipboard.</span>
          <button onClick={() => screen()?.answerOffer(true)}>Copy</button>
          <Dismiss onClick={() => screen()?.answerOffer(false)} />
        </p>
      )}
      {status.problem && (
        <p>
          <span>{status.problem}</span>
          <Dismiss onClick={() => screen()?.forgetProblem()} />
        </p>
      )}
    </div>
  );
}

const Dismiss = ({ onClick }: { onClick: () => void }) => (
  <button class="quiet" aria-label="Dismiss" onClick={onClick}>
    <Icon name="close" />
  </button>
);

interface Searching {
  text: string;
  status: Status;
  onText: (text: string) => void;
  screen: () => Screen | null;
  onClose: () => void;
}

/** Finds while it is typed, upwards from the end: that is where the past is. */
function SearchBar({ text, status, onText, screen, onClose }: Searching) {
  const box = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => box.current?.focus(), []);
  const { at: place, of: all } = status.found;
  const told = !text ? "" : all === 0 ? "not found" : place === 0 ? `${all} found` : `${place} of ${all}`;
  return (
    <div class="search" role="search">
      <input
        ref={box}
        type="search"
        aria-label="Search in the output"
        placeholder="Search in the output"
        value={text}
        onInput={({ currentTarget }) => {
          onText(currentTarget.value);
          screen()?.find(currentTarget.value, false, true);
        }}
        onKeyDown={({ key, shiftKey, currentTarget }) => {
          if (key === "Enter") screen()?.find(currentTarget.value, shiftKey);
          if (key === "Escape") onClose();
        }}
      />
      <span class="faint" role="status">{told}</span>
      <button class="quiet" onClick={() => screen()?.find(text, false)} aria-label="Previous" title="Previous (Enter)">↑</button>
      <button class="quiet" onClick={() => screen()?.find(text, true)} aria-label="Next" title="Next (Shift+Enter)">↓</button>
      <button class="quiet" onClick={onClose} aria-label="End the search"><Icon name="close" /></button>
    </div>
  );
}
