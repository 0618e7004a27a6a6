// Every session as a tile, those that need a person first; searching, choosing, starting.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Me } from "./api";
import { activityOf, needsPerson, type Session } from "./model";
import { Services } from "./services";
import { StartDialog } from "./start";
import { Tile } from "./tile";
import type { Watcher, World } from "./world";

const ORDER = ["blocked", "idle", "done", "working", "starting", "running", "unknown", "exited"];

export interface Shown {
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
          placeholder={matchMedia("(hover: hover)").matches ? "Search  ( / )" : "Search"}
          aria-keyshortcuts="/"
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
        {world.loaded && (
          <span class="count" role="status">
            {running} running, {world.sessions.length - running} exited
          </span>
        )}
        <span class="grow" />
        {me.scope === "admin" && !me.only && (
          <button class="main" onClick={() => setStarting(true)} aria-keyshortcuts="n" title="New session (n)">New session</button>
        )}
      </div>
      {shown.length === 0 && (
        <div class="empty">
          {!world.loaded ? (
            <p>Looking …</p>
          ) : world.sessions.length === 0 ? (
            <>
              <p class="lead">No sessions yet.</p>
              <p>
                {me.scope === "admin" && <>Start one here, or in any terminal: </>}
                <code>roost run -- bash</code>
              </p>
            </>
          ) : (
            <>
              <p class="lead">Nothing matches.</p>
              <p>
                <button onClick={() => (setSearch(""), setFilter("all"))}>Show all {world.sessions.length}</button>
              </p>
            </>
          )}
        </div>
      )}
      <ul class="tiles" aria-label="Sessions">
        {shown.map((session) => (
          <Tile key={session.id} session={session} world={world} watcher={watcher} me={me} dark={dark} />
        ))}
      </ul>
      <Services me={me} />
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
