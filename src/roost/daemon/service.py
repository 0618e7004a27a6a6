"""What roost can do, one method a use case. Every way in (v1 requests, roost calls, later HTTP and MCP) enters here.

Owns no descriptors and no loop callbacks: it asks sessions, the spawner, the terminator and the keeper. Targets are
resolved here; errors are RoostErrors with a kind.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from roost.core import names
from roost.core.targets import is_address, split_address
from roost.daemon.admission import Admitted, Attacher, AttachSpec, Newcomer
from roost.daemon.asker import ASKER
from roost.daemon.attachment import Attachment
from roost.daemon.audit import Audit
from roost.daemon.guests import Lender
from roost.daemon.keeper_link import KeeperLink
from roost.daemon.lending import Lent, lend
from roost.daemon.log_slice import LogSlice, read_slice
from roost.daemon.record import Launch
from roost.daemon.restarting import check_restart, restart_spec
from roost.daemon.sending import SEND_TIMEOUT_S, check_input, write_input
from roost.daemon.session import Session
from roost.daemon.signalling import send_signal
from roost.daemon.spawning import Spawner, SpawnSpec, Started
from roost.daemon.table import SessionTable
from roost.daemon.tee import TeeSpec, TeeStatus
from roost.daemon.tees import Tees
from roost.daemon.terminator import Terminator
from roost.errors import InvalidError, NoRunError, RoostError, WaitTimeoutError
from roost.keeper import messages as m

DEFAULT_GRACE_S = 2.0


class Service:
    """The use cases."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        table: SessionTable,
        spawner: Spawner,
        attacher: Attacher,
        terminator: Terminator,
        link: KeeperLink,
        tees: Tees,
    ) -> None:
        self._loop = loop
        self.table = table
        self._spawner = spawner
        self._attacher = attacher
        self._terminator = terminator
        self.link = link
        self.lender = Lender(link, self._input_watched)
        self._tees = tees
        #: Told of every client that was admitted.
        self.after_attach: list[Callable[[Session, AttachSpec], None]] = []
        #: Called with sessions that are about to be forgotten, while all of them can still be read.
        self.before_forgetting: list[Callable[[list[Session]], Awaitable[None]]] = []
        #: Prepares attaches that want the screen painted.
        self.paint: Callable[[Session, AttachSpec], Awaitable[AttachSpec]] | None = None
        self.audit: Audit | None = None  # the trail of inputs, where one is kept
        #: What is behind an address (`http://host:port`) of this daemon: a session's id, "" for all; None for others.
        self.behind_address: Callable[[str], str | None] = lambda _base: None

    # --- start, find ----------------------------------------------------------------------------------------------

    async def spawn(self, spec: SpawnSpec) -> tuple[Session, bool]:
        """Start a session; the flag says that an earlier call with the same spawn id had done so already."""
        return await self._spawner.spawn(spec)

    async def start(self, spec: SpawnSpec) -> Started:
        """The same for who is told of it and no more, as early as can be."""
        return await self._spawner.start(spec)

    def find(self, target: str, *, live_only: bool = False) -> Session:
        """The session that a target names. Raises InvalidError for an address of another daemon, else as `resolve`."""
        if is_address(target):
            base, wanted = split_address(target)
            only = self.behind_address(base)
            if only is not None:
                found = self.table.resolve(wanted or only, live_only=live_only)
                if only and found.id != only:
                    raise NoRunError(f"{base} reaches a single session, and {wanted!r} is another one")
                return found
        return self.table.resolve(target, live_only=live_only)

    def select(
        self,
        *,
        originator: str = "",
        kind: str = "",
        live: bool | None = None,
        older_than_s: float = 0.0,
        services: bool = True,
    ) -> list[Session]:
        """Sessions by exact originator, kind, liveness and age (strictly older); empty and None mean all.

        Without `services` none that is a service's: those are not ended in passing.
        """
        now = time.time()
        return [
            s
            for s in self.table
            if (not originator or s.record.originator == originator)
            and (not kind or s.record.kind == kind)
            and (live is None or s.live is live)
            and (older_than_s <= 0 or now - s.origin.created_at > older_than_s)
            and (services or not s.record.service)
        ]

    def rename(self, target: str, name: str) -> Session:
        """Give a session another name; names of running sessions are unique."""
        session = self.find(target)
        names.check_name(name)
        if name != session.record.name and session.live and self.table.name_is_taken(name):
            raise InvalidError(f"a running session is already called {name!r}; choose another name")
        before, session.record.name = session.record.name, name
        self.table.named(session, before=before)
        self.save(session)
        if name != before:
            session.tell("renamed", {"from": before, "to": name})
        return session

    def save(self, session: Session) -> None:
        """Store a session's record in the keeper."""
        self.link.keep(session.id, session.record.encode())

    # --- attach, read ---------------------------------------------------------------------------------------------

    async def prepare(self, session: Session, spec: AttachSpec) -> AttachSpec:
        """What has to be waited for before an attach: the screen, where it is wanted and can be had in time."""
        return spec if self.paint is None else await self.paint(session, spec)

    def attach(self, session: Session, spec: AttachSpec, newcomer: Newcomer) -> tuple[Attachment, Admitted]:
        """Make a connection an attachment, and what to answer before it starts. Raises AlreadyAttachedError."""
        lent = newcomer.lent
        if lent is not None and lent.types and self._input_watched(session):
            lent.without_input()
        attached = self._attacher.attach(session, spec, newcomer, self.lender)
        for tell in self.after_attach:
            tell(session, spec)
        return attached

    async def lend(self, session: Session, spec: AttachSpec) -> Lent | None:
        """What a client needs that is to read its output itself; None where the daemon has to send it: to lossless
        clients, whom the child waits for, and of sessions that have ended."""
        if spec.lossless or not session.live or spec.stream not in session.streams:
            return None
        types = spec.types_directly and spec.mode != "view" and session.is_pty and not self._input_watched(session)
        return await lend(self.link, session.id, spec.stream, types=types)

    async def make_room(self, session: Session, spec: AttachSpec) -> None:
        """Directly before `attach`: nobody types past the daemon any more who may not do so beside this client."""
        await session.clients.make_room(spec.stream, spec.mode, steal=spec.steal, token=spec.resume_token.hex())

    def _input_watched(self, session: Session) -> bool:
        return session.typing.watched or (self.audit is not None and self.audit.contents)

    def detach(self, session: Session, *, stream: str | None = None) -> int:
        """Send the session's clients (of one stream) away; how many there were."""
        return session.clients.detach_all(stream)

    def read(
        self,
        session: Session,
        stream: str = "stdout",
        *,
        from_offset: int | None = None,
        tail_bytes: int | None = None,
        limit_bytes: int = 1 << 20,
    ) -> LogSlice:
        """Copy retained output; changes nothing. `missed`: bytes asked for that were overwritten."""
        return read_slice(session.stream(stream).ring, from_offset, tail_bytes, limit_bytes)

    # --- tees -----------------------------------------------------------------------------------------------------

    async def add_tee(self, session: Session, spec: TeeSpec) -> int:
        """Copy a stream to a file from its next byte on; the tee's handle (1, 2, 3… within the session).

        Raises InvalidError for what cannot be, RoostError (internal) when the file cannot be opened.
        """
        return await self._tees.add(session, spec)

    async def remove_tee(self, session: Session, handle: int) -> None:
        """Let a tee finish what its stream has written up to now, and forget it. Raises NoRunError."""
        await self._tees.remove(session, handle)

    def tee_status(self, session: Session, handle: int) -> TeeStatus:
        """How a tee is doing, also after the session's end. Raises NoRunError."""
        return self._tees.find(session, handle).status()

    async def drain_tees(self, sessions: Iterable[Session]) -> None:
        """End all tees of sessions that have ended, their files complete: before others write to the same files."""
        await self._tees.drain(sessions)

    # --- input ----------------------------------------------------------------------------------------------------

    def note_input(
        self, session: Session, kind: str, data: bytes = b"", *, asker: str | None = None, unseen: int = 0
    ) -> None:
        """Keep in the audit trail that somebody (None: whoever asks now) did something to a session's input."""
        if self.audit is not None:
            who = ASKER.get() if asker is None else asker
            self.audit.note(session.id, session.record.name, who, kind, data, unseen)

    async def send(self, session: Session, data: bytes, *, timeout_s: float = SEND_TIMEOUT_S) -> int:
        """Write input and wait until the child's terminal or pipe has taken it; the number of bytes.

        Raises WrongStateError without one, InvalidError for a line that the terminal would cut, WaitTimeoutError
        (naming how much was taken; the rest is withdrawn).
        """
        check_input(session, data)
        if not data:
            return 0
        self.note_input(session, "input", data)
        return await write_input(self._loop, session, data, timeout_s)

    async def close_stdin(self, session: Session) -> None:
        """Close the child's stdin, the keeper's copy too. Raises InvalidError for a terminal."""
        if session.is_pty:
            raise InvalidError(f"session {session.record.name} has a terminal; send C-d (roost send --raw) instead")
        session.drop_input()
        await self.link.call(m.CLOSE_STDIN, [(m.T_ID, session.id)])

    def resize(self, session: Session, rows: int, cols: int) -> None:
        """Set the terminal's size; zero keeps a dimension."""
        if not session.is_pty:
            raise InvalidError(f"session {session.record.name} has no terminal to resize")
        self.note_input(session, "resize")
        session.window.request(rows, cols)

    async def signal(self, session: Session, signal_number: int, scope: str = "") -> list[int]:
        """Signal the foreground job, the leader, its process group, or everything that belongs to the session."""
        self.note_input(session, "signal")
        if scope == "tree":
            return await self._terminator.signal_tree(session, signal_number)
        return await send_signal(self.link, session, signal_number, scope)

    # --- the end --------------------------------------------------------------------------------------------------

    async def wait(self, session: Session, timeout_s: float | None = None) -> Session:
        """Wait for the exit. Raises WaitTimeoutError."""
        try:
            await asyncio.wait_for(session.exited.wait(), timeout_s)
        except TimeoutError:
            raise WaitTimeoutError(f"session {session.record.name} is still running after {timeout_s:g} s") from None
        return session

    def begin_terminate(self, session: Session, grace_s: float) -> None:
        """Start ending a session, or what one that has exited left running; returns at once."""
        self._terminator.begin(session, grace_s)

    async def terminate(self, sessions: Iterable[Session], grace_s: float) -> list[Session]:
        """End sessions and wait until it is done."""
        chosen = list(sessions)
        for session in chosen:
            self.begin_terminate(session, grace_s)
        for session in chosen:
            await self._terminator.finished(session)
        return chosen

    async def restart(self, session: Session, grace_s: float) -> Session:
        """End a session if it runs and start the same again under its name. Raises WrongStateError if unknown how."""
        check_restart(session)
        if session.live or session.held_open:
            await self.terminate([session], grace_s)
        if session.live:
            raise RoostError(f"session {session.record.name} did not end; see `roost ls`", kind="internal")
        await self.drain_tees([session])
        spec = restart_spec(session)
        if self.table.name_is_taken(spec.name):
            spec = replace(spec, name="")
        return (await self.spawn(spec))[0]

    async def purge(self, sessions: Iterable[Session]) -> list[Session]:
        """Forget exited sessions, their output too; those still running are left alone. Returns what was forgotten."""
        gone = []
        chosen = [s for s in sessions if not s.live]
        await self.drain_tees(chosen)
        for prepare in self.before_forgetting:
            await prepare(chosen)
        for session in chosen:
            await self.link.call(m.DROP, [(m.T_ID, session.id)])
            self.table.remove(session)
            session.tell("purged", {})
            session.close()
            gone.append(session)
        return gone

    async def kill_everything(self, grace_s: float = 0.0) -> None:
        """End every running session, hard unless there is grace."""
        await self.terminate([s for s in self.table if s.live], grace_s)


def own_environment(session: Session) -> dict[str, str]:
    """What the session was started with, for `roost env`-like displays."""
    if not session.record.launch:
        return {}
    return {os.fsdecode(k): os.fsdecode(v) for k, v in Launch.unpack(session.record.launch).env}
