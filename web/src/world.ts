// What the page knows: sessions, approvals, the newest events. Owns keeping it fresh: one event stream for everything,
// the list asked for again when something has changed, and a slow look in case an event was missed.
import { decode64, get, Refusal, type Me } from "./api";
import { activityOf, needsPerson, type Approval, type RoostEvent, type Session } from "./model";

const REFRESH_MS = 150;
const AWAY_MS = 1000;
const LOOK_MS = 10_000;
const LOOK_CLOSELY_MS = 1000;
const PAST = 200;
const KEPT_EVENTS = 2000;
const CHANGING = new Set(["lifecycle", "state", "shell"]);

export interface World {
  sessions: Session[];
  approvals: Approval[];
  events: RoostEvent[];
  /** Whether the list was told once; before, nothing is known. */
  loaded: boolean;
  reachable: boolean;
  shutOut: boolean;
  problem: string;
}

export class Watcher {
  world: World = { sessions: [], approvals: [], events: [], loaded: false, reachable: true, shutOut: false, problem: "" };
  me: Me | null = null;
  private listeners = new Set<() => void>();
  private eventListeners = new Set<(event: RoostEvent) => void>();
  private stream: (() => void) | null = null;
  private timer: number | undefined;
  private stopped = false;
  private close = 0;
  private asked = 0;
  private asking = false;
  private title = "roost";

  start(me: Me): void {
    this.me = me;
    void this.refresh();
    this.stream = openEvents(`categories=${CHEAP}`, (event) => this.take(event), () => this.soon());
    pastEvents(`categories=${CHEAP}&limit=${PAST}`).then(
      (past) => {
        const known = new Set(this.world.events.map((event) => event.id));
        this.change({ events: [...past.filter((event) => !known.has(event.id)), ...this.world.events] });
      },
      () => undefined,
    );
    window.setInterval(() => {
      const due = performance.now() - this.asked >= (this.close > 0 ? LOOK_CLOSELY_MS : LOOK_MS) - 50;
      if (due && !document.hidden && this.world.reachable) void this.refresh();
    }, LOOK_CLOSELY_MS);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.refresh();
    });
  }

  /** Look every second, not only when there was an event: output is not one. Until what is returned is called. */
  watchClosely(): () => void {
    this.close++;
    return () => void this.close--;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onEvent(listener: (event: RoostEvent) => void): () => void {
    this.eventListeners.add(listener);
    return () => this.eventListeners.delete(listener);
  }

  /** Ask for the list again soon; many wishes make one question. A daemon that is away is asked once a second. */
  soon(): void {
    if (this.timer === undefined) {
      this.timer = window.setTimeout(
        () => {
          this.timer = undefined;
          void this.refresh();
        },
        this.world.reachable ? REFRESH_MS : AWAY_MS,
      );
    }
  }

  async refresh(): Promise<void> {
    if (this.stopped) return;
    if (this.asking) {
      this.soon();
      return;
    }
    this.asking = true;
    this.asked = performance.now();
    try {
      const [listed, approvals] = await Promise.all([
        get<{ sessions: Session[] }>("/v1/sessions?all=true"),
        this.pendingApprovals(),
      ]);
      this.change({ sessions: listed.sessions, approvals, loaded: true, reachable: true, problem: "" });
    } catch (error) {
      this.failed(error);
    } finally {
      this.asking = false;
    }
  }

  private async pendingApprovals(): Promise<Approval[]> {
    if (this.me?.only) return [];
    try {
      const found = await get<{ approvals: Approval[] }>("/v1/approvals");
      return found.approvals.filter((approval) => approval.state === "pending");
    } catch (error) {
      if (error instanceof Refusal && (error.status === 501 || error.status === 403 || error.status === 404)) return [];
      throw error;
    }
  }

  failed(error: unknown): void {
    const shutOut = error instanceof Refusal && error.status === 401;
    if (shutOut) {
      this.stopped = true;
      this.stream?.();
    }
    this.change({ reachable: shutOut, shutOut, problem: error instanceof Error ? error.message : String(error) });
    if (!shutOut) this.soon();
  }

  private change(what: Partial<World>): void {
    this.world = { ...this.world, ...what };
    for (const listener of this.listeners) listener();
    showAttention(this.world, this.title);
  }

  /** What the tab is called, beside how many want somebody. */
  entitle(name: string): void {
    this.title = name ? `${name} · roost` : "roost";
    showAttention(this.world, this.title);
  }

  private take(event: RoostEvent): void {
    this.world.events = [...this.world.events.slice(1 - KEPT_EVENTS), event];
    for (const listener of this.eventListeners) listener(event);
    if (CHANGING.has(event.category) || event.type === "approval_lifecycle") this.soon();
  }
}

/** What costs nothing to watch: processes, files and the network are looked at only where somebody looks at a session. */
const CHEAP = "lifecycle,agent,shell,state,daemon";

/** Takes events as they come, until closed; reconnects by itself. `onDoubt`: something may have been missed. */
export function openEvents(query: string, take: (event: RoostEvent) => void, onDoubt: () => void): () => void {
  let source: EventSource;
  let last = "";
  let closed = false;
  const heard = (message: MessageEvent<string>): void => {
    last = message.lastEventId || last;
    take(JSON.parse(message.data) as RoostEvent);
  };
  const open = (): void => {
    source = new EventSource(`/v1/events?${query}${last ? `&since=${last}` : ""}`);
    source.onmessage = heard;
    for (const type of EVENT_TYPES) source.addEventListener(type, heard as EventListener);
    source.addEventListener("gap", onDoubt);
    source.onopen = onDoubt;
    source.onerror = () => {
      // A browser gives up for good when the daemon answers with an error while it starts.
      if (source.readyState === EventSource.CLOSED && !closed) window.setTimeout(() => !closed && open(), 2000);
      if (!closed) onDoubt();
    };
  };
  open();
  return () => {
    closed = true;
    source.close();
  };
}

/** The newest events of the journal, oldest first. */
export async function pastEvents(query: string): Promise<RoostEvent[]> {
  const path = `/v1/events/past?newest=true&${query}`;
  const page = await get<{ data?: string }>(path);
  const lines = new TextDecoder().decode(decode64(page.data ?? "")).split("\n");
  return lines.filter(Boolean).map((line) => JSON.parse(line) as RoostEvent);
}

/** Events are named by their type; a browser has to ask for each name. */
const EVENT_TYPES = (
  "spawned started attached detached stolen resized renamed exited purged adopted fork exec exit created modified " +
  "closed deleted listen connect accept close response_start response_delta response_end tool_lifecycle " +
  "job_lifecycle approval_lifecycle generic prompt command_started command_finished cwd_changed state_changed " +
  "source_failed source_recovered sink_failing sink_recovered config_reloaded hooks_dropped"
).split(" ");

/** How many sessions want somebody, in the tab's title and on its picture. */
function showAttention(world: World, title: string): void {
  const waiting = world.sessions.filter(
    (session) => activityOf(session) !== "exited" && needsPerson(session, world.approvals),
  ).length;
  const wanted = Math.max(waiting, world.approvals.length);
  document.title = wanted ? `(${wanted}) ${title}` : title;
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (link && link.dataset.wanted !== String(wanted)) {
    link.dataset.wanted = String(wanted);
    link.href = wanted ? badge(wanted) : "/assets/page/icon.svg";
  }
}

function badge(count: number): string {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d");
  if (!context) return "/assets/page/icon.svg";
  context.fillStyle = "#b3261e";
  context.beginPath();
  context.arc(32, 32, 31, 0, 7);
  context.fill();
  context.fillStyle = "#fff";
  context.font = "bold 44px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(count > 9 ? "9+" : String(count), 32, 35);
  return canvas.toDataURL("image/png");
}
