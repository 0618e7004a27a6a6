// What programs ask a person, answered in one click. An answer that does not arrive means "ask again", never "allowed".
import { useEffect, useState } from "preact/hooks";
import { post, type Me } from "./api";
import { age, type Approval, type Session } from "./model";
import { mayType, Refused, useAsked } from "./parts";
import type { Watcher } from "./world";

interface Shown {
  approvals: Approval[];
  sessions: Session[];
  watcher: Watcher;
  me: Me;
}

export function Approvals({ approvals, sessions, watcher, me }: Shown) {
  if (approvals.length === 0) return null;
  return (
    <section class="approvals" aria-label="Approvals" aria-live="polite">
      {approvals.map((approval) => (
        <Question
          key={approval.id}
          approval={approval}
          name={sessions.find((session) => session.id === approval.session_id)?.name ?? approval.session_name ?? ""}
          watcher={watcher}
          me={me}
        />
      ))}
    </section>
  );
}

function Question({ approval, name, watcher, me }: { approval: Approval; name: string; watcher: Watcher; me: Me }) {
  const [now, setNow] = useState(Date.now() / 1000);
  const [reason, setReason] = useState<string | null>(null);
  const armed = useArmed();
  const [whole, setWhole] = useState(false);
  const [refusal, run] = useAsked();
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => window.clearInterval(timer);
  }, []);
  const answer = (decision: string, reason = ""): void =>
    run(
      post(`/v1/approvals/${encodeURIComponent(approval.id)}`, { decision, ...(reason ? { reason } : {}) }).then(() =>
        watcher.refresh(),
      ),
    );
  const left = approval.expires_at ? approval.expires_at - now : null;
  const detail = typeof approval.detail === "string" ? approval.detail : JSON.stringify(approval.detail ?? "");
  const lines = detail.split("\n").length;
  return (
    <article class="question">
      <p>
        <strong>{approval.tool ?? approval.tool_name ?? "Approval"}</strong>
        {name && (
          <>
            {" in "}
            <a href={`#/s/${encodeURIComponent(approval.session_id)}`}>{name}</a>
          </>
        )}
      </p>
      {left !== null && <span class="left">{left > 0 ? `expires in ${age(left)}` : "expired"}</span>}
      {detail && detail !== '""' && (
        <pre class={whole ? "whole" : ""} tabIndex={0}>
          {detail}
        </pre>
      )}
      {lines > SHOWN_LINES && (
        <button class="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? "fewer lines" : `all ${lines} lines`}
        </button>
      )}
      {mayType(me) && (
        <div class="row">
          <button class="main" disabled={!armed} onClick={() => answer("approve")}>Approve</button>
          <button class="danger" disabled={!armed} onClick={() => answer("deny", reason ?? "")}>Deny</button>
          {reason === null && <button class="link" onClick={() => setReason("")}>with a reason</button>}
        </div>
      )}
      {reason !== null && (
        <input
          ref={focusFirst}
          aria-label="Reason"
          placeholder="Reason, for whoever asks"
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") answer("deny", reason);
            if (event.key === "Escape") setReason(null);
          }}
        />
      )}
      <Refused text={refusal} />
    </article>
  );
}

/** So many lines are seen at once; the stylesheet knows it too. */
const SHOWN_LINES = 4;
const ARM_MS = 400;

/** False for a moment: a question that appears under a finger must not be answered by it. */
function useArmed(): boolean {
  const [armed, setArmed] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setArmed(true), ARM_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return armed;
}

const focusFirst = (element: HTMLElement | null): void => {
  if (element && !element.dataset.seen) {
    element.dataset.seen = "yes";
    element.focus();
  }
};
