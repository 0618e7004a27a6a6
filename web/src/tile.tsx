// A session as a tile: its name and state, a small live picture of what it shows, its age and last event, what may be done.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, at, post, type Me } from "./api";
import { activityOf, activityText, age, ending, needsPerson, type Session } from "./model";
import { draw, pictureOf, type Screen } from "./picture";
import { Confirmed, Icon, mayType, Refused, TextDialog, useAsked } from "./parts";
import { inWords } from "./summary";
import type { Shown } from "./overview";
import type { Watcher } from "./world";

/** The time, once a second while the page is looked at. */
function useNow(): number {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    const timer = window.setInterval(() => !document.hidden && setNow(Date.now() / 1000), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}

/** What says nothing of what a session does: who looks at it, and that a daemon was restarted. */
const ASIDE = new Set(["adopted", "attached", "detached", "resized"]);

export function Tile({ session, world, watcher, me, dark }: Shown & { session: Session }) {
  const now = useNow();
  const wanted = session.state === "running" && needsPerson(session, world.approvals);
  const activity = activityOf(session).split("(")[0]?.trim() ?? "";
  const last = useMemo(
    () => world.events.findLast((event) => event.session_id === session.id && !ASIDE.has(event.type)),
    [world.events, session.id],
  );
  const lived = (session.exited_at ?? now) - session.created_at;
  return (
    <li class={`tile ${wanted ? "wanted" : ""} ${session.state}`}>
      <a href={`#/s/${encodeURIComponent(session.id)}`}>
        <span class="what">
          <strong title={session.name}>{session.name}</strong>
          {wanted && <span class="hidden">needs you</span>}
          <span class={`chip ${activity} ${session.exit_code || session.signal ? "bad" : ""}`}>
            {session.state === "exited" ? ending(session) : activityText(session)}
          </span>
        </span>
        <Picture session={session} dark={dark} />
        <span class="facts command">{session.title || session.command}</span>
        <span class="facts">
          <span class="last">{last ? `${inWords(last)}, ${age(now - Date.parse(last.at) / 1000)} ago` : "\u00a0"}</span>
          <span title={session.state === "exited" ? "how long it ran" : "how long it has been running"}>{age(lived)}</span>
        </span>
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
    if (!canvas.current) return;
    const observer = new IntersectionObserver((entries) => setSeen(entries.some((entry) => entry.isIntersecting)));
    observer.observe(canvas.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!seen || busy.current || known.current?.offset === session.end_offset) return;
    busy.current = true;
    pictureOf(session, known.current?.screen.hash ?? "")
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
  const [renaming, setRenaming] = useState(false);
  const [refusal, run] = useAsked();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const elsewhere = (event: Event): void => void (box.current?.contains(event.target as Node) || setOpen(false));
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, [open]);
  const perform = (work: Promise<unknown>): void => {
    setOpen(false);
    run(work.then(() => watcher.soon()));
  };
  const running = session.state === "running";
  return (
    <div ref={box} class="menu" onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <button class="quiet" aria-expanded={open} aria-label={`Actions for ${session.name}`} onClick={() => setOpen(!open)}>
        <Icon name="more" />
      </button>
      {open && (
        <div class="choices" role="group" aria-label={`Actions for ${session.name}`}>
          <button onClick={() => (setOpen(false), setRenaming(true))}>Rename</button>
          {running && <button onClick={() => perform(post(at(session.id, "/signal"), { signal: "INT" }))}>Interrupt</button>}
          {me.scope === "admin" && !session.service && (
            <button onClick={() => perform(post(at(session.id, "/restart")))}>{running ? "Restart" : "Start again"}</button>
          )}
          {me.scope === "admin" && (
            <Confirmed
              text={running ? "End" : "Forget"}
              question={running ? "Really end it?" : "Really forget it?"}
              onSure={() => perform(ask("DELETE", at(session.id)))}
            />
          )}
        </div>
      )}
      {renaming && (
        <TextDialog
          title="Rename"
          label="New name"
          value={session.name}
          done="Rename"
          onText={(name) => perform(ask("PATCH", at(session.id), { name }))}
          onClose={() => setRenaming(false)}
        />
      )}
      <Refused text={refusal} />
    </div>
  );
}
