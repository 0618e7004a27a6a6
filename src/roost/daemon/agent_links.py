"""The stable SSH agent sockets of sessions, and what else the last client brought along.

Owns the links `<runtime directory>/agents/<session id>.sock`. A session's programs see the link as SSH_AUTH_SOCK; it
leads to the agent of whoever attached last, so that they reach an agent that still lives. Nothing listens here: the
link is all there is, and the agent's own permissions decide. Views bring nothing.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from typing import Any

from roost.core.refreshable import AGENT, REFRESHABLE, refreshable
from roost.daemon.admission import AttachSpec
from roost.daemon.areas import Preparation
from roost.daemon.around import Context, Wired
from roost.daemon.calls import Calls, Method, Result, TargetParams
from roost.daemon.record import SessionRecord
from roost.daemon.session import Session
from roost.errors import InvalidError
from roost.paths import ensure_private_dir

#: What fits into a socket address. Source: unix(7).
_ADDRESS_BYTES = 107


class AgentLinks:
    """The area `ssh_agent`: on unless its option is false."""

    key = "ssh_agent"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._directory = os.path.join(context.paths.runtime_dir, "agents")

    # --- the area -------------------------------------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """Refuse what is neither yes nor no."""
        if not isinstance(options, bool):
            raise InvalidError(f"the option ssh_agent is true or false, not {options!r}")

    def prepare(self, preparation: Preparation, options: Any) -> None:
        """Give the session its link, if the client that starts it has an agent."""
        preparation.brought.update(_texts(refreshable(dict(preparation.given))))
        agent = preparation.brought.get(AGENT)
        if agent is None or options is False:
            return
        target = self._beyond(agent)
        preparation.brought[AGENT] = target
        if self._point(preparation.session_id, target):
            preparation.environment.append((AGENT.encode(), os.fsencode(self._path(preparation.session_id))))

    async def open(self, preparation: Preparation, options: Any, record: SessionRecord) -> None:
        """Keep what was brought with the session."""
        del options
        record.brought = {**preparation.brought}
        record.brought_at = time.time()

    def abandon(self, preparation: Preparation) -> None:
        """No session, no link."""
        self._remove(preparation.session_id)

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Put a link back that went with the runtime directory."""
        target = session.record.brought.get(AGENT)
        if adopted and target and options is not False and not os.path.lexists(self._path(session.id)):
            self._point(session.id, target)

    # --- attached clients -----------------------------------------------------------------------------------------

    def on_attached(self, session: Session, spec: AttachSpec) -> None:
        """An interactive client that says where it sits: the session's programs may follow it there."""
        if spec.mode == "view" or spec.environment is None:
            return
        brought = _texts(spec.environment)
        if (agent := brought.get(AGENT)) is not None:
            brought[AGENT] = target = self._beyond(agent)
            if session.record.options.get(self.key) is not False:
                self._point(session.id, target)
        elif kept := session.record.brought.get(AGENT):
            brought[AGENT] = kept  # a client without an agent takes none away
        session.record.brought, session.record.brought_at = brought, time.time()
        self._context.save(session)

    async def forget(self, sessions: list[Session]) -> None:
        """The sessions go, their links too."""
        for session in sessions:
            self._remove(session.id)

    def sweep(self) -> None:
        """Remove links of sessions that there are no more."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._directory):
                if name.endswith(".sock") and self._context.table.by_id(name.removesuffix(".sock")) is None:
                    self._remove(name.removesuffix(".sock"))

    # --- the links ------------------------------------------------------------------------------------------------

    def _path(self, session_id: str) -> str:
        return os.path.join(self._directory, f"{session_id}.sock")

    def _beyond(self, agent: str) -> str:
        """The agent itself, if somebody inside a session brings that session's link: links are not chained."""
        if os.path.dirname(agent) != self._directory:
            return agent
        try:
            return os.readlink(agent)
        except OSError:
            return agent

    def _point(self, session_id: str, target: str) -> bool:
        """Let the link lead there, changed in one step; whether there is a link that can be used."""
        path = self._path(session_id)
        if not target.startswith("/") or target == path or len(os.fsencode(path)) > _ADDRESS_BYTES:
            return False
        fresh = f"{path}.new"
        try:
            ensure_private_dir(self._directory)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)
            os.symlink(target, fresh)
            os.replace(fresh, path)
        except OSError:
            return False
        return True

    def _has_link(self, session_id: str) -> bool:
        return os.path.islink(self._path(session_id))

    def _remove(self, session_id: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._path(session_id))

    # --- the call -------------------------------------------------------------------------------------------------

    async def show(self, calls: Calls, p: TargetParams, _data: bytes) -> Result:
        """What can be refreshed: values, null for what the last client did not have. The agent is the link."""
        session = calls.service.find(p.target)
        record = session.record
        values: dict[str, str | None] = {}
        if record.brought_at is not None:
            values = {name: record.brought.get(name) for name in REFRESHABLE}
            if self._has_link(session.id):
                values[AGENT] = self._path(session.id)
        shown = {name: _shown(value) for name, value in values.items()}
        return {"session_id": session.id, "name": record.name, "values": shown, "at": record.brought_at}, b""


def _texts(entries: Mapping[bytes, bytes]) -> dict[str, str]:
    return {os.fsdecode(name): os.fsdecode(value) for name, value in entries.items()}


def _shown(value: str | None) -> str | None:
    """A value that can travel as text; one that cannot is as good as none."""
    if value is None:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def wire(context: Context) -> Wired:
    """The area of agent links."""
    links = AgentLinks(context)
    links.sweep()
    context.areas.add(links)
    context.service.after_attach.append(links.on_attached)
    context.service.before_forgetting.append(links.forget)
    return Wired(methods={"env.show": Method(TargetParams, links.show)})
