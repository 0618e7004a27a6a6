// The page: lets the browser in, then shows what the address says: the overview, a session, or how the daemon is.
import "./page.css";
import { render, type ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";
import { letIn, Refusal, type Me } from "./api";
import { applyTheme, isDark, storedTheme, type Theme } from "./colours";
import { Health } from "./health";
import { Overview } from "./overview";
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

function App({ me }: { me: Me }) {
  const world = useWorld();
  const place = usePlace();
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const dark = isDark(theme);
  useEffect(() => applyTheme(theme), [theme]);
  if (world.shutOut) return <ShutOut text={world.problem} />;
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
          {theme === "auto" ? "◐" : theme === "light" ? "☀" : "☾"}
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

function ShutOut({ text }: { text: string }) {
  return (
    <main class="alone">
      <h1>roost</h1>
      <p>{text}</p>
      <p>
        Run <code>roost web</code> on the machine and open the link that it prints. A link lets one browser in, once, for
        thirty seconds.
      </p>
    </main>
  );
}

async function begin(): Promise<void> {
  applyTheme(storedTheme());
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
    const text = error instanceof Refusal ? error.message : "The page could not be started.";
    show(<ShutOut text={text} />);
  }
}

void begin();
