// The page: lets the browser in, then shows what the address says: the overview, a session, or how the daemon is.
import "./page.css";
import { render, type ComponentChild } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { letIn, Refusal, type Me } from "./api";
import { applyTheme, isDark, storedTheme, type Theme } from "./colours";
import { Health } from "./health";
import { Overview } from "./overview";
import { Icon } from "./parts";
import { Watcher, type World } from "./world";
import { Approvals } from "./approvals";

const watcher = new Watcher();

export type Place = { at: "overview" } | { at: "health" } | { at: "session"; id: string };

function placeNow(): Place {
  const path = location.hash.replace(/^#\/?/, "");
  if (path === "health") return { at: "health" };
  const id = /^s\/(.+)$/.exec(path)?.[1];
  return id === undefined ? { at: "overview" } : { at: "session", id: decodeURIComponent(id) };
}

function useWorld(): World {
  const [world, setWorld] = useState(watcher.world);
  useEffect(() => watcher.subscribe(() => setWorld(watcher.world)), []);
  return world;
}

function usePlace(): Place {
  const [place, setPlace] = useState(placeNow);
  useEffect(() => {
    const look = (): void => setPlace(placeNow());
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, []);
  return place;
}

/** Puts the keyboard where somebody was before: on the tile of the session that was left, else at the content. */
function useReturn(place: Place): void {
  const before = useRef<Place>(place);
  useEffect(() => {
    const left = before.current;
    before.current = place;
    if (left === place || place.at === "session") return;
    const tile = left.at === "session" && document.querySelector<HTMLElement>(`.tile > a[href="#/s/${CSS.escape(encodeURIComponent(left.id))}"]`);
    (tile || document.getElementById("main"))?.focus();
  }, [place]);
}

function App({ me }: { me: Me }) {
  const world = useWorld();
  const place = usePlace();
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const dark = isDark(theme);
  useEffect(() => applyTheme(theme), [theme]);
  useReturn(place);
  const shown = place.at === "session" ? (world.sessions.find((one) => one.id === place.id)?.name ?? "") : "";
  useEffect(() => watcher.entitle(shown), [shown]);
  if (world.shutOut) return <ShutOut text={NOT_LET_IN} />;
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      <header>
        <a class="brand" href="#/" aria-label="roost, overview">
          <img src="/assets/page/icon.svg" alt="" width="26" height="26" /> <span>roost</span>
        </a>
        <nav aria-label="Pages">
          <a href="#/" aria-current={place.at === "overview" ? "page" : undefined}>Sessions</a>
          <a href="#/health" aria-current={place.at === "health" ? "page" : undefined}>Health</a>
        </nav>
        <span class="grow" />
        <button
          class="quiet"
          aria-label={`Colours: ${theme}. Change`}
          title={`Colours: ${theme}`}
          onClick={() => setTheme(theme === "auto" ? "light" : theme === "light" ? "dark" : "auto")}
        >
          <Icon name={theme} />
        </button>
      </header>
      {!world.reachable && (
        <p class="banner" role="status">
          The daemon does not answer. Sessions go on without it; this page comes back by itself.
        </p>
      )}
      <Approvals approvals={world.approvals} sessions={world.sessions} watcher={watcher} me={me} />
      <main id="main" tabIndex={-1}>
        {place.at === "overview" && <Overview world={world} watcher={watcher} me={me} dark={dark} />}
        {place.at === "health" && <Health watcher={watcher} world={world} />}
        {place.at === "session" && (
          <LazySession key={place.id} id={place.id} world={world} watcher={watcher} me={me} dark={dark} />
        )}
      </main>
    </>
  );
}

type SessionView = typeof import("./session").SessionView;

/** The terminal is most of the page's code; it is fetched when a session is looked at, or before, in a quiet moment. */
const sessionView = (): Promise<SessionView> => import("./session").then((part) => part.SessionView);

function LazySession(shown: Parameters<SessionView>[0]) {
  const [View, setView] = useState<SessionView | null>(null);
  useEffect(() => void sessionView().then((view) => setView(() => view)), []);
  return View ? <View {...shown} /> : <p class="waiting">The terminal is loading …</p>;
}

function whyNot(error: unknown): string {
  if (!(error instanceof Refusal)) return "The page could not be started.";
  if (error.status === 0) return "The daemon does not answer. Its sessions go on without it.";
  if (error.status !== 401) return error.message;
  return error.message.includes("ticket is") ? "This link has been used, or its thirty seconds are over." : NOT_LET_IN;
}

const NOT_LET_IN = "This browser is not let in here, or not any more.";

function ShutOut({ text }: { text: string }) {
  return (
    <main class="alone">
      <h1>
        <img src="/assets/page/icon.svg" alt="" width="32" height="32" /> roost
      </h1>
      <p class="lead">{text}</p>
      <p>Run this on the machine, and open the link that it prints:</p>
      <pre tabIndex={0}>roost web --print</pre>
      <p class="faint">A link lets one browser in, once, within thirty seconds.</p>
      <p>
        <button onClick={() => location.reload()}>Try again</button>
      </p>
    </main>
  );
}

const SHORT_PX = 500;

/** The height that is left beside a keyboard on the screen, for the stylesheet; not every browser resizes the page for it. */
function followHeight(): void {
  const seen = window.visualViewport;
  if (!seen) return;
  const look = (): void => {
    const root = document.documentElement;
    root.style.setProperty("--height", `${Math.round(seen.height)}px`);
    root.classList.toggle("short", seen.height < SHORT_PX && seen.scale < 1.1);
    if (root.classList.contains("short")) window.scrollTo(0, 0);
  };
  look();
  seen.addEventListener("resize", look);
}

async function begin(): Promise<void> {
  applyTheme(storedTheme());
  followHeight();
  const root = document.getElementById("app");
  if (!root) return;
  const show = (what: ComponentChild): void => {
    root.replaceChildren();
    render(what, root);
  };
  try {
    const me = await letIn();
    watcher.start(me);
    show(<App me={me} />);
    window.setTimeout(() => void sessionView(), 1500);
  } catch (error) {
    show(<ShutOut text={whyNot(error)} />);
  }
}

void begin();
