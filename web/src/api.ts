// Asks the daemon over HTTP. Owns how errors come back (RFC 9457) and how the browser is let in.

/** A refusal, in the daemon's own words; kind is for programs. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** Who we are to the daemon. scope: read, type or admin, each with what comes before it. */
export interface Me {
  name: string;
  scope: "read" | "type" | "admin";
  only: string;
}

export async function ask<T>(method: string, path: string, body?: unknown, limitMs = 0): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      ...(limitMs ? { signal: AbortSignal.timeout(limitMs) } : {}),
    });
  } catch {
    throw new Refusal(0, "unreachable", "the daemon does not answer; it may be restarting");
  }
  const text = await response.text().catch(() => {
    throw new Refusal(0, "unreachable", "the daemon went away in the middle of its answer");
  });
  const found: unknown = text ? parsed(text) : {};
  if (!response.ok) {
    const problem = (found ?? {}) as { detail?: string; kind?: string; title?: string };
    throw new Refusal(response.status, problem.kind ?? "", problem.detail ?? problem.title ?? response.statusText);
  }
  return found as T;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What is only looked at is not waited for longer than this: a daemon that hangs is one that does not answer. */
const LOOK_LIMIT_MS = 8000;
export const get = <T>(path: string): Promise<T> => ask<T>("GET", path, undefined, LOOK_LIMIT_MS);
export const post = <T>(path: string, body: unknown = {}): Promise<T> => ask<T>("POST", path, body);

/** The path of a session's resource. */
export const at = (id: string, rest = ""): string => `/v1/sessions/${encodeURIComponent(id)}${rest}`;

/** Exchanges the ticket of the address's fragment for a cookie, then forgets it. Fragments are never sent. */
export async function letIn(): Promise<Me> {
  const ticket = /[#&]ticket=([^&]+)/.exec(location.hash)?.[1];
  if (ticket !== undefined) {
    history.replaceState(null, "", location.pathname + location.search);
    return post<Me>("/v1/login", { ticket: decodeURIComponent(ticket) });
  }
  return get<Me>("/v1/me");
}

export function decode64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
