"""`make run` without a terminal: what roost is for, shown and verified in half a minute.

Owns the story; every step is done through the command line or the client as anybody would, and fails loudly when it is
not as told. It runs in a scope and in directories of its own and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from roost.client import Attachment, Client
from roost.errors import RoostError, WaitTimeoutError
from roost.model.attaching import Detached, Exited, Gap, Output, Reconnected

_STEP_S = 15.0
_LINES = 5000
_PROGRAM = f"i=0; while [ $i -lt {_LINES} ]; do echo line $i; i=$((i+1)); [ -e go ] || sleep 0.01; done; exit 7"


class TourError(Exception):
    """Something was not as the tour tells it."""


class Guide:
    """Tells the steps and checks them."""

    def __init__(self) -> None:
        self._step = 0

    def step(self, text: str) -> None:
        """Announces what is done next."""
        self._step += 1
        print(f"\n{self._step}. {text}", flush=True)

    def found(self, text: str) -> None:
        """Tells what came of it."""
        print(f"   {text}", flush=True)

    def check(self, holds: bool, text: str) -> None:
        """Tells what holds, or raises TourError."""
        if not holds:
            raise TourError(f"this does not hold: {text}")
        print(f"   ok: {text}", flush=True)


def main() -> int:
    """Gives the tour; 0 when everything was as told."""
    with _own_place() as scope:
        try:
            with Client(scope=scope) as client:
                _walk(Guide(), client, scope)
        except (TourError, RoostError) as error:
            print(f"\nroost: the tour failed: {error}", file=sys.stderr)
            return 1
    print("\nThat was it. In a terminal: `make run` opens a shell in a session; README.md has more to try.")
    return 0


def _walk(guide: Guide, client: Client, scope: str) -> None:
    guide.step("Start a program in a session: it counts, a line every 10 ms")
    session = client.spawn(["/bin/sh", "-c", _PROGRAM], name="count")
    guide.found(f"roost run -d --name count -- sh -c '…'   →   {session}")

    guide.step("Attach, and watch its output")
    reader = _Reader(session.attach(from_offset=0))
    reader.read_until(b"line 20\r\n")
    guide.found(f"{len(reader.data)} bytes so far, the last line is {reader.last_line()!r}")

    guide.step("Detach: the session goes on without us")
    reader.detach()
    left_at = len(reader.data)
    _until("it wrote on", lambda: client.get("count").end_offset > left_at + 100)
    guide.check(client.get("count").state == "running", "nobody is attached and it still counts")

    guide.step("Attach again: first the backlog, then live output")
    again = _Reader(session.attach(from_offset=0))
    again.read_until(b"line 120\r\n")
    guide.check(again.data.startswith(reader.data), "the backlog starts with what we have seen before")

    _survive_a_kill(guide, client, again)

    guide.step("Let it finish")
    with open("go", "wb"):
        ended = again.read_to_end()
    guide.check(again.missing() is None, f"all {_LINES} lines arrived, none twice, in order")
    guide.check(isinstance(ended, Exited) and ended.code == 7, "its exit code, 7, is known")
    status = client.wait("count")
    guide.check(status.code == 7, "and stays known: `roost wait count` exits with 7")
    _show_list(guide, scope)


def _survive_a_kill(guide: Guide, client: Client, reader: _Reader) -> None:
    guide.step("Kill the daemon with SIGKILL while attached")
    before = client.status()
    os.kill(before.pid, signal.SIGKILL)
    guide.found(f"daemon {before.pid} is dead; the keeper, pid {before.keeper_pid}, holds the session")
    reader.read_more(lambda: reader.reconnected)
    after = client.status()
    guide.check(after.pid != before.pid, f"another daemon, pid {after.pid}, has taken over by itself")
    guide.check(after.keeper_pid == before.keeper_pid, "the keeper is the same, and so is the program")
    size = len(reader.data)
    reader.read_more(lambda: len(reader.data) > size + 200)
    guide.check(reader.gaps == 0, "the same attachment carries on, without a gap")


def _show_list(guide: Guide, scope: str) -> None:
    guide.step("The list, as the command line shows it")
    listed = subprocess.run(
        [sys.executable, "-m", "roost.cli", "ls", "--all"], capture_output=True, text=True, check=False, timeout=_STEP_S
    )
    guide.check(listed.returncode == 0 and "count" in listed.stdout, f"roost --scope {scope} ls --all")
    for line in listed.stdout.splitlines():
        guide.found(line)


class _Reader:
    """Collects the output of one attachment."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self.data = bytearray()
        self.gaps = 0
        self.reconnected = False
        self.ended: Exited | Detached | None = None

    def read_more(self, enough: Callable[[], bool]) -> None:
        """Collects until that holds; TourError when it takes too long."""
        deadline = time.monotonic() + _STEP_S
        while not enough():
            try:
                event = self._attachment.recv(max(0.0, deadline - time.monotonic()))
            except WaitTimeoutError as error:
                raise TourError(f"the output stopped for {_STEP_S:g} s after {self.last_line()!r}") from error
            if isinstance(event, Output):
                self.data += event.data
            elif isinstance(event, Gap):
                self.gaps += 1
            elif isinstance(event, Reconnected):
                self.reconnected = True
            elif isinstance(event, (Exited, Detached)):
                self.ended = event
            if event is None or self.ended:
                break

    def read_until(self, text: bytes) -> None:
        """Collects until the output holds that."""
        self.read_more(lambda: text in self.data)

    def read_to_end(self) -> Exited | Detached | None:
        """Collects to the end."""
        self.read_more(lambda: False)
        return self.ended

    def detach(self) -> None:
        """Leaves; what is under way is still collected."""
        self._attachment.detach()
        self.read_to_end()

    def last_line(self) -> str:
        """The last complete line."""
        return self.data.rpartition(b"\r\n")[0].rpartition(b"\n")[2].decode(errors="replace")

    def missing(self) -> int | None:
        """The first line that is not as it should be; None when all are."""
        lines = bytes(self.data).split(b"\r\n")
        wanted = [b"line %d" % number for number in range(_LINES)] + [b""]
        if lines == wanted:
            return None
        return next((i for i, (a, b) in enumerate(zip(lines, wanted, strict=False)) if a != b), len(lines))


def _until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _STEP_S
    while not holds():
        if time.monotonic() > deadline:
            raise TourError(f"waited {_STEP_S:g} s in vain: {what}")
        time.sleep(0.05)


@contextmanager
def _own_place() -> Iterator[str]:
    """A scope, directories and an environment of the tour's own; the daemon and keeper in it are ended afterwards."""
    scope = f"tour-{os.getpid()}"
    place = tempfile.mkdtemp(prefix="roost-tour-")
    found, cwd = dict(os.environ), os.getcwd()
    for name in ("ROOST_SOCKET", "ROOST_SESSION", "ROOST_NAME", "ROOST_EVENTS"):
        os.environ.pop(name, None)
    os.environ.update(ROOST_SCOPE=scope, XDG_RUNTIME_DIR=place, XDG_STATE_HOME=f"{place}/state")
    os.chdir(place)
    try:
        yield scope
    finally:
        try:
            _clean_up(scope)
        finally:
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(found)
            shutil.rmtree(place, ignore_errors=True)


def _clean_up(scope: str) -> None:
    """Ends the sessions, the daemon and with them the keeper, which has nothing left to keep."""
    try:
        with Client(scope=scope, autostart=False) as client:
            keeper_pid = client.status().keeper_pid
            print("\nCleaning up: the daemon stops, and the keeper, with nothing left to keep, ends too.", flush=True)
            client.stop(kill=True)
    except RoostError as error:
        print(f"roost: could not clean up: {error}", file=sys.stderr)
        return
    _until("the keeper ends", lambda: not os.path.exists(f"/proc/{keeper_pid}"))


if __name__ == "__main__":
    sys.exit(main())
