// The dialog that starts a session.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { post } from "./api";
import { Refused, useAsked } from "./parts";
import type { Session } from "./model";
import type { Watcher } from "./world";

export function StartDialog({ watcher, onClose }: { watcher: Watcher; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [command, setCommand] = useState("");
  const [name, setName] = useState("");
  const [cwd, setCwd] = useState("");
  const [refusal, run] = useAsked();
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const start = (event: Event): void => {
    event.preventDefault();
    const argv = command.trim() ? ["/bin/sh", "-c", command] : ["/bin/sh", "-c", 'exec "${SHELL:-/bin/sh}"'];
    const wish = { argv, ...(name ? { name } : {}), ...(cwd ? { cwd } : {}) };
    run(
      post<{ session: Session }>("/v1/sessions", wish).then(({ session }) => {
        watcher.soon();
        onClose();
        location.hash = `#/s/${encodeURIComponent(session.id)}`;
      }),
    );
  };
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="start-title">
      <form onSubmit={start}>
        <h2 id="start-title">New session</h2>
        <label>
          Command
          <input
            autofocus
            value={command}
            placeholder="your shell"
            spellcheck={false}
            autocapitalize="off"
            onInput={(event) => setCommand(event.currentTarget.value)}
          />
        </label>
        <label>
          Name
          <input
            value={name}
            placeholder="made from the command"
            spellcheck={false}
            autocapitalize="off"
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label>
          Directory
          <input
            value={cwd}
            placeholder="the daemon's"
            spellcheck={false}
            autocapitalize="off"
            onInput={(event) => setCwd(event.currentTarget.value)}
          />
        </label>
        <Refused text={refusal} />
        <div class="row">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="main">Start</button>
        </div>
      </form>
    </dialog>
  );
}
