"""The roost calls: one struct a method for its parameters, and what each does with the service.

Owns the names and types of the methods (the same structs will serve HTTP). Decoding is strict: a wrong type or an
unknown parameter is an InvalidError that names it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import msgspec

from roost.daemon import keyboard, listing, views
from roost.daemon.control import Control
from roost.daemon.sending import SEND_TIMEOUT_S
from roost.daemon.service import DEFAULT_GRACE_S, Service, own_environment
from roost.daemon.session import Session
from roost.daemon.signalling import signal_number
from roost.daemon.streaming import Streaming
from roost.errors import InvalidError, RoostError, WrongStateError

#: The process that makes the call under way, where it came from this machine by a socket that tells.
caller_pid: ContextVar[int | None] = ContextVar("caller_pid", default=None)


class Params(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Base of all parameters."""


class NoParams(Params, frozen=True):
    """A method without parameters."""


class ListParams(Params, frozen=True):
    """Which sessions to list."""

    originator: str = ""
    all: bool = False
    table: bool = False


class TargetParams(Params, frozen=True):
    """One session."""

    target: str = ""
    live_only: bool = False


class LogsParams(Params, frozen=True):
    """A piece of a stream's output."""

    target: str = ""
    stream: str = "stdout"
    from_offset: int | None = None
    tail_bytes: int | None = None
    limit_bytes: int = 1 << 20


class SendParams(Params, frozen=True):
    """Input for a session; the bytes travel beside.

    paste: text that is put between brackets if the program asked for them: all of it, or a part of a long one (`more`
    and `end` only after a `begin` that was answered with `pasted`).
    """

    target: str = ""
    enter: bool = False
    paste: Literal["", "whole", "begin", "more", "end"] = ""
    timeout_s: float = SEND_TIMEOUT_S


class ResizeParams(Params, frozen=True):
    """A terminal size; zero keeps a dimension."""

    target: str = ""
    rows: int = 0
    cols: int = 0


class SignalParams(Params, frozen=True):
    """A signal and whom it is for."""

    signal: str | int
    target: str = ""
    scope: str = ""


class RenameParams(Params, frozen=True):
    """A new name."""

    name: str
    target: str = ""


class RestartParams(Params, frozen=True):
    """A session to start again."""

    target: str = ""
    grace_s: float = DEFAULT_GRACE_S


class WaitParams(Params, frozen=True):
    """A session to wait for; without a time-out for as long as it takes."""

    target: str = ""
    timeout_s: float | None = None


class TerminateParams(Params, frozen=True):
    """Sessions to end: named ones, or all that the filters leave."""

    targets: list[str] = []
    older_than_s: float = 0.0
    originator: str = ""
    grace_s: float = DEFAULT_GRACE_S
    wait: bool = True


class PurgeParams(Params, frozen=True):
    """Exited sessions to forget: named ones, or all that the filters leave."""

    targets: list[str] = []
    originator: str = ""
    older_than_s: float = 0.0


class StopParams(Params, frozen=True):
    """How the daemon stops: with or without its sessions, and whether the keeper starts it again. `program`: it becomes
    the daemon that this Python has, which is how another installation takes over."""

    kill: bool = False
    restart: bool = False
    program: str = ""


Result: TypeAlias = tuple[dict[str, Any], bytes]
#: What any method may answer.
Answer: TypeAlias = Result | Streaming
P = TypeVar("P", bound=Params)


class Method(Generic[P]):
    """A call's parameters and what it does."""

    def __init__(self, params: type[P], run: Callable[[Calls, P, bytes], Awaitable[Answer]]) -> None:
        self.params = params
        self.decoder = msgspec.json.Decoder(params)
        self.run = run


class Calls:
    """Carries out roost calls."""

    def __init__(
        self,
        service: Service,
        control: Control,
        *areas: Mapping[str, Method[Any]],
        give_way: Callable[[], object] = lambda: None,
    ) -> None:
        """`areas` bring methods of their own, by name. `give_way`: what a long answer calls now and then in between."""
        self._give_way = give_way
        self.service = service
        self.control = control
        self._methods: dict[str, Method[Any]] = dict(METHODS)
        for area in areas:
            self._methods.update(area)

    @property
    def methods(self) -> Mapping[str, Method[Any]]:
        """Every method, by name."""
        return self._methods

    async def call(self, method: str, params: bytes, data: bytes) -> Answer:
        """The result as a JSON-able dictionary, and bytes beside it; or what takes the connection over."""
        known = self._methods.get(method)
        if known is None:
            raise RoostError(
                f"unknown method {method!r}; this daemon may be older than its client", kind="unknown_request"
            )
        try:
            decoded = known.decoder.decode(params or b"{}")
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidError(f"{method}: {error}") from error
        return await known.run(self, decoded, data)

    # --- sessions -------------------------------------------------------------------------------------------------

    async def list_sessions(self, p: ListParams, _: bytes) -> Result:
        """Sessions, in the order of their start; with `table` the lines of `roost ls`."""
        sessions = self.service.select(originator=p.originator, live=None if p.all else True)
        if p.table:
            return {"table": views.session_table(sessions), "count": len(sessions)}, b""
        return {"sessions": listing.sessions_json(sessions, self._give_way)}, b""

    async def get(self, p: TargetParams, _: bytes) -> Result:
        """One session."""
        return views.session_info(self.service.find(p.target, live_only=p.live_only)), b""

    async def logs(self, p: LogsParams, _: bytes) -> Result:
        """Retained output, without moving anybody's mark."""
        session = self.service.find(p.target)
        piece = self.service.read(
            session, p.stream, from_offset=p.from_offset, tail_bytes=p.tail_bytes, limit_bytes=p.limit_bytes
        )
        return {
            "session_id": session.id,
            "start_offset": piece.start_offset,
            "end_offset": piece.end_offset,
            "next_offset": piece.next_offset,
            "missed": piece.missed,
            "exited": not session.live,
            "exit_offset": piece.exit_offset,
            "closed": piece.closed,
        }, piece.data

    async def send(self, p: SendParams, data: bytes) -> Result:
        """Type into a session; answered when the child's side has taken it."""
        session = self.service.find(p.target, live_only=not p.target)
        open_paste = False
        if p.paste and session.is_pty:
            data, open_paste = keyboard.pasted(session, data, p.paste)
        if p.enter:
            data += keyboard.enter_bytes(session)
        offset = session.streams["stdout"].ring.end
        written = await self.service.send(session, data, timeout_s=check_duration(p.timeout_s))
        return {
            "session_id": session.id,
            "name": session.record.name,
            "written": written,
            "offset": offset,
            "pasted": open_paste,
        }, b""

    async def close_stdin(self, p: TargetParams, _: bytes) -> Result:
        """Close the stdin of a pipe session."""
        await self.service.close_stdin(self.service.find(p.target))
        return {}, b""

    async def resize(self, p: ResizeParams, _: bytes) -> Result:
        """Set a terminal's size."""
        session = self.service.find(p.target)
        if not session.live:
            raise WrongStateError(f"session {session.record.name} has exited; its terminal has no size to set")
        self.service.resize(session, p.rows, p.cols)
        return {"rows": session.rows, "cols": session.cols}, b""

    async def signal(self, p: SignalParams, _: bytes) -> Result:
        """Send a signal."""
        session = self.service.find(p.target)
        return {"signalled": await self.service.signal(session, signal_number(p.signal), p.scope)}, b""

    async def detach(self, p: TargetParams, _: bytes) -> Result:
        """Send every client of a session away."""
        return {"detached": self.service.detach(self.service.find(p.target))}, b""

    async def rename(self, p: RenameParams, _: bytes) -> Result:
        """Give a session another name."""
        return views.session_info(self.service.rename(p.target, p.name)), b""

    async def restart(self, p: RestartParams, _: bytes) -> Result:
        """End a session and start the same again."""
        session = self.service.find(p.target)
        return views.session_info(await self.service.restart(session, check_duration(p.grace_s))), b""

    async def wait(self, p: WaitParams, _: bytes) -> Result:
        """Wait for an exit."""
        session = self.service.find(p.target)
        timeout_s = None if p.timeout_s is None else check_duration(p.timeout_s)
        return views.exit_status(await self.service.wait(session, timeout_s)), b""

    async def terminate(self, p: TerminateParams, _: bytes) -> Result:
        """End sessions; each named one has a result, also when it could not be found."""
        grace_s = check_duration(p.grace_s)
        _check_choice(p)
        results: list[dict[str, Any]] = []
        chosen: list[Session] = []
        if not p.targets:
            chosen = self.service.select(
                originator=p.originator, live=True, older_than_s=p.older_than_s, services=False
            )
        for target in p.targets:
            try:
                chosen.append(self.service.find(target))
            except RoostError as error:
                results.append({"target": target, "error": error.message, "error_kind": error.kind})
        if p.wait:
            await self.service.terminate(chosen, grace_s)
        else:
            for session in chosen:
                self.service.begin_terminate(session, grace_s)
        return {"results": [*(_ended(s) for s in chosen), *results]}, b""

    async def purge(self, p: PurgeParams, _: bytes) -> Result:
        """Forget exited sessions."""
        _check_choice(p)
        if p.targets:
            sessions = [_exited(self.service.find(target)) for target in p.targets]
        else:
            sessions = self.service.select(originator=p.originator, live=False, older_than_s=p.older_than_s)
        return {"purged": [s.id for s in await self.service.purge(sessions)]}, b""

    async def env(self, p: TargetParams, _: bytes) -> Result:
        """The environment that a session was started with."""
        return {"env": own_environment(self.service.find(p.target))}, b""

    # --- the daemon -----------------------------------------------------------------------------------------------

    async def status(self, _p: NoParams, _: bytes) -> Result:
        """The daemon's state."""
        return self.control.status(), b""

    async def stop(self, p: StopParams, _: bytes) -> Result:
        """Stop the daemon, once this answer is out."""
        return {"sessions_left": await self.control.stop(kill=p.kill, restart=p.restart, program=p.program)}, b""

    async def upgrade_keeper(self, _p: NoParams, _: bytes) -> Result:
        """Let the keeper re-execute itself from the code that is installed now."""
        return await self.control.upgrade_keeper(), b""

    async def doctor(self, _p: NoParams, _: bytes) -> Result:
        """What the daemon can see of its own health."""
        return {"checks": await self.control.checks()}, b""


def check_duration(seconds: float) -> float:
    """A length of time a client may ask for. Raises InvalidError."""
    if not 0 <= seconds <= 10 * 365 * 86400:
        raise InvalidError(f"{seconds:g} s is no length of time to wait; give 0 or more")
    return seconds


def _check_choice(p: TerminateParams | PurgeParams) -> None:
    """Names and conditions together would leave open which of them counts."""
    if "" in p.targets:  # elsewhere the latest session, which nobody may mean here
        raise InvalidError("one of the targets is empty; name the sessions")
    if p.targets and (p.originator or p.older_than_s > 0):
        raise InvalidError("name sessions, or choose them by age or originator, not both")


def _exited(session: Session) -> Session:
    if session.live:
        name = session.record.name
        raise InvalidError(f"session {name} is running and cannot be forgotten; `roost kill {name}` ends it")
    return session


def _ended(session: Session) -> dict[str, Any]:
    return {
        **views.exit_status(session),
        "survivors": [pid for pid, _ in session.survivors],
        "survivor_names": [name for _, name in session.survivors],
    }


#: Methods whose answer may be long in coming.
WAITING_METHODS = frozenset(
    {
        "sessions.wait",
        "sessions.send",
        "sessions.terminate",
        "sessions.restart",
        "services.wait",
        "daemon.stop",
        "keys.send",
        "wait.for",
        "wait.output",
        "exec.run",
        "state.explain",
        "approvals.ask",
        "followup.add",
        "followup.get",
    }
)

METHODS: dict[str, Method[Any]] = {
    "sessions.list": Method(ListParams, Calls.list_sessions),
    "sessions.get": Method(TargetParams, Calls.get),
    "sessions.logs": Method(LogsParams, Calls.logs),
    "sessions.send": Method(SendParams, Calls.send),
    "sessions.close_stdin": Method(TargetParams, Calls.close_stdin),
    "sessions.resize": Method(ResizeParams, Calls.resize),
    "sessions.signal": Method(SignalParams, Calls.signal),
    "sessions.detach": Method(TargetParams, Calls.detach),
    "sessions.rename": Method(RenameParams, Calls.rename),
    "sessions.restart": Method(RestartParams, Calls.restart),
    "sessions.wait": Method(WaitParams, Calls.wait),
    "sessions.terminate": Method(TerminateParams, Calls.terminate),
    "sessions.purge": Method(PurgeParams, Calls.purge),
    "sessions.env": Method(TargetParams, Calls.env),
    "daemon.status": Method(NoParams, Calls.status),
    "daemon.stop": Method(StopParams, Calls.stop),
    "daemon.upgrade_keeper": Method(NoParams, Calls.upgrade_keeper),
    "daemon.doctor": Method(NoParams, Calls.doctor),
}
