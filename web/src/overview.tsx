// Every session as a tile, those that need a person first; starting, ending and renaming; services.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, at, get, post, type Me } from "./api";
import { activityOf, activityText, age, ending, needsPerson, type Service, type Session } from "./model";
import { draw, screenOf, type Screen } from "./picture";
import { mayType, Refused, useAsked } from "./parts";
import { StartDialog } from "./start";
import type { Watcher, World } from "./world";

const ORDER = ["blocked", "idle", "done", "working", "starting", "running", "unknown", "exited"];

interface Shown {
  world: World;
  watcher: Watcher;
  me: Me;
  dark: boolean;
}

export function Overview({ world, watcher, me, dark }: Shown) {
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState("all");
  const [starting, setStarting] = useState(false);
  const searchBox = useRef<HTMLInputElement>(null);
  useEffect(() => watcher.watchClosely(), [watcher]);
  const shown = useMemo(() => choose(world, search, filter), [world, search, filter]);
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const typing = (event.target as HTMLElement).closest("input, textarea, select, dialog");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "/") {
        event.preventDefault();
        searchBox.current?.focus();
      } else if (event.key === "n" && me.scope === "admin") {
        event.preventDefault();
        setStarting(true);
      } else if (event.key.startsWith("Arrow")) moveFocus(event);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [me]);
  const running = world.sessions.filter((session) => session.state === "running").length;
  return (
    <>
      <h1 class="hidden">Sessions</h1>
      <div class="bar" role="search">
        <input
          ref={searchBox}
          type="search"
          placeholder="Search  ( / )"
          aria-label="Search sessions by name, command, directory or label"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <select aria-label="Show" value={filter} onChange={(event) => setFilter(event.currentTarget.value)}>
          <option value="all">All</option>
          <option value="running">Running</option>
          <option value="wanted">Needs you</option>
          <option value="exited">Exited</option>
        </select>
        <span class="count" role="status">
          {running} running, {world.sessions.length - running} exited
        </span>
        <span class="grow" />
        {me.scope === "admin" && !me.only && (
          <button class="main" onClick={() => setStarting(true)} aria-keyshortcuts="n">New session</button>
        )}
      </div>
      {shown.length === 0 && (
        <p class="empty">
          {world.sessions.length === 0 ? (
            <>No sessions yet. Start one here, or with <code>roost run -- bash</code>.</>
          ) : (
            "Nothing matches."
          )}
        </p>
      )}
      <ul class="tiles" aria-label="Sessions">
        {shown.map((session) => (
          <Tile key={session.id} session={session} world={world} watcher={watcher} me={me} dark={dark} />
        ))}
      </ul>
      <Services />
      {starting && <StartDialog watcher={watcher} onClose={() => setStarting(false)} />}
    </>
  );
}

function choose(world: World, search: string, filter: string): Session[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const rank = (session: Session): number => {
    if (session.state === "running" && needsPerson(session, world.approvals)) return -1;
    const found = ORDER.findIndex((name) => activityOf(session).startsWith(name));
    return found < 0 ? ORDER.length : found;
  };
  return world.sessions
    .filter((session) => {
      const text = `${session.name} ${session.id} ${session.command} ${session.cwd} ${session.originator} ${Object.values(session.labels).join(" ")}`;
      if (!words.every((word) => text.toLowerCase().includes(word))) return false;
      if (filter === "running" || filter === "exited") return session.state === filter;
      return filter !== "wanted" || (session.state === "running" && needsPerson(session, world.approvals));
    })
    .sort((a, b) => rank(a) - rank(b) || b.created_at - a.created_at);
}

function moveFocus(event: KeyboardEvent): void {
  const tiles = [...document.querySelectorAll<HTMLElement>(".tile > a")];
  const now = tiles.indexOf(document.activeElement as HTMLElement);
  if (tiles.length === 0) return;
  event.preventDefault();
  if (now < 0) {
    tiles[0]?.focus();
    return;
  }
  const top = tiles[0]?.getBoundingClientRect().top;
  const columns = Math.max(1, tiles.filter((tile) => tile.getBoundingClientRect().top === top).length);
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key] ?? 0;
  tiles[Math.min(tiles.length - 1, Math.max(0, now + step))]?.focus();
}

/** The time, once a second while the page is looked at. */
function useNow(): number {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && setNow(Date.now() / 1000), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}

function Tile({ session, world, watcher, me, dark }: Shown & { session: Session }) {
  const now = useNow();
  const wanted = session.state === "running" && needsPerson(session, world.approvals);
  const activity = activityOf(session);
  const last = useMemo(
    () => world.events.findLast((event) => event.session_id === session.id),
    [world.events, session.id],
  );
  const lived = (session.exited_at ?? now) - session.created_at;
  return (
    <li class={`tile ${wanted ? "wanted" : ""} ${session.state}`}>
      <a href={`#/s/${encodeURIComponent(session.id)}`}>
        <Picture session={session} dark={dark} />
        <span class="what">
          <strong>{session.name}</strong>
          {wanted && <span class="hidden">needs you</span>}
          <span class={`chip ${activity.split("(")[0]?.trim() ?? ""}`}>
            {session.state === "exited" ? ending(session) : activityText(session)}
          </span>
        </span>
        <span class="facts">
          <span class="command">{session.title || session.command}</span>
          <span>{age(lived)}</span>
        </span>
        <span class="facts last">{last ? `${last.type.replaceAll("_", " ")} ${age(now - Date.parse(last.at) / 1000)} ago` : "\u00a0"}</span>
      </a>
      {mayType(me) && <TileMenu session={session} watcher={watcher} me={me} />}
    </li>
  );
}

/** Live while it is in view: fetched again when there was output. */
function Picture({ session, dark }: { session: Session; dark: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const known = useRef<{ screen: Screen; offset: number } | null>(null);
  const busy = useRef(false);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!canvas.current || session.kind !== "pty") return;
    const observer = new IntersectionObserver((entries) => setSeen(entries.some((entry) => entry.isIntersecting)));
    observer.observe(canvas.current);
    return () => observer.disconnect();
  }, [session.kind]);
  useEffect(() => {
    if (!seen || busy.current || known.current?.offset === session.end_offset) return;
    busy.current = true;
    screenOf(session.id, known.current?.screen.hash ?? "")
      .then((fresh) => {
        const screen = fresh ?? known.current?.screen;
        if (screen) known.current = { screen, offset: session.end_offset };
        if (fresh && canvas.current) draw(canvas.current, fresh, dark);
      })
      .catch(() => undefined)
      .finally(() => (busy.current = false));
  }, [seen, session, dark]);
  useEffect(() => {
    if (canvas.current && known.current) draw(canvas.current, known.current.screen, dark);
  }, [dark]);
  return <canvas ref={canvas} class="picture" width="400" height="240" aria-hidden="true" />;
}

function TileMenu({ session, watcher, me }: { session: Session; watcher: Watcher; me: Me }) {
  const [open, setOpen] = useState(false);
  const [refusal, run] = useAsked();
  const perform = (work: Promise<unknown>): void => run(work.then(() => watcher.soon()));
  const rename = (): void => {
    const name = window.prompt("New name", session.name);
    if (name) perform(ask("PATCH", at(session.id), { name }));
  };
  const running = session.state === "running";
  return (
    <div class="menu" onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <button class="quiet" aria-expanded={open} aria-label={`Actions for ${session.name}`} onClick={() => setOpen(!open)}>
        ⋯
      </button>
      {open && (
        <div class="choices" role="group" aria-label={`Actions for ${session.name}`} onClick={() => setOpen(false)}>
          <button onClick={rename}>Rename</button>
          {running && <button onClick={() => perform(post(at(session.id, "/signal"), { signal: "INT" }))}>Interrupt</button>}
          {me.scope === "admin" && (
            <button onClick={() => perform(post(at(session.id, "/restart")))}>{running ? "Restart" : "Start again"}</button>
          )}
          {me.scope === "admin" && (
            <button class="danger" onClick={() => perform(ask("DELETE", at(session.id)))}>
              {running ? "End it" : "Forget it"}
            </button>
          )}
        </div>
      )}
      <Refused text={refusal} />
    </div>
  );
}

const SERVICES_MS = 5000;

function Services() {
  const [services, setServices] = useState<Service[]>([]);
  useEffect(() => {
    let over = false;
    const look = async (): Promise<void> => {
      try {
        const found = await get<{ services: Service[] }>("/v1/services");
        if (!over) setServices(found.services);
      } catch {
        if (!over) setServices([]);
      }
    };
    void look();
    const timer = window.setInterval(() => !document.hidden && void look(), SERVICES_MS);
    return () => {
      over = true;
      window.clearInterval(timer);
    };
  }, []);
  if (services.length === 0) return null;
  return (
    <section aria-labelledby="services">
      <h2 id="services">Services</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Services">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col">Health</th>
              <th scope="col">Restarts</th>
            </tr>
          </thead>
          <tbody>
            {services.map((service) => (
              <tr key={service.name}>
                <th scope="row">{service.name}</th>
                <td>{service.session_id ? <a href={`#/s/${encodeURIComponent(service.session_id)}`}>{service.state}</a> : service.state}{service.reason ? `: ${String(service.reason)}` : ""}</td>
                <td>{service.health ?? "not checked"}{service.health_detail ? `: ${String(service.health_detail)}` : ""}</td>
                <td>{service.restarts ?? 0}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
