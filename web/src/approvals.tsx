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
  const deny = (): void => {
    const reason = window.prompt("Why not? (optional)", "");
    if (reason !== null) answer("deny", reason);
  };
  const left = approval.expires_at ? approval.expires_at - now : null;
  const detail = typeof approval.detail === "string" ? approval.detail : JSON.stringify(approval.detail ?? "");
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
        {left !== null && <span class="left">{left > 0 ? `expires in ${age(left)}` : "expired"}</span>}
      </p>
      {detail && detail !== '""' && <pre tabIndex={0}>{detail}</pre>}
      {mayType(me) && (
        <div class="row">
          <button class="main" onClick={() => answer("approve")}>Approve</button>
          <button class="danger" onClick={deny}>Deny</button>
        </div>
      )}
      <Refused text={refusal} />
    </article>
  );
}
