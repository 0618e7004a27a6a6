"""The screen worker as the daemon has it: started when it is wanted, watched, ended with the daemon.

Owns the process, the socket and whose fault an end was. A worker that ended or does not answer is not started again
before a pause that grows with each failure; nobody else waits for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from roost.errors import RoostError, UnavailableError
from roost.platform.processes import cpu_seconds, read_process
from roost.screen import messages
from roost.screen.page import Page

log = logging.getLogger(__name__)

#: A worker that says nothing for so long although it was asked is looked at: does it hang, or was it stopped?
HUNG_S = 5.0
#: One that gets too little of a busy processor is given so long.
STARVED_S = 30.0
_LOOK_AGAIN_S = 1.0
_PAUSES_S = (0.0, 0.25, 1.0, 2.0, 5.0, 15.0, 30.0)
#: A worker that lived as long has made up for earlier failures.
_HEALTHY_S = 60.0
#: Unsent bytes beyond which a worker counts as one that does not read.
_UNSENT_BYTES = 1 << 20


class WorkerLostError(UnavailableError):
    """The worker ended before it answered; asking once more may help."""


def hangs(state: str, spent_s: float, quiet_s: float) -> bool:
    """Whether a worker that was asked and says nothing does so by itself: `spent_s` of processor time since then. One
    that is ready to run and got little was kept from it by others."""
    return state != "R" or spent_s >= HUNG_S or quiet_s >= STARVED_S


class WorkerLink:
    """The worker, when there is one. `on_frame(frame)` for all it says by itself; `on_lost(number)` when it ended, with
    the number of the session it was working on, 0 for none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_frame: Callable[[messages.Frame], None],
        on_lost: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._page: Page | None = None
        self._pidfd = -1
        self._reader = messages.Reader()
        self._unsent: list[tuple[bytes, list[int]]] = []
        self._unsent_bytes = 0
        self._waiting: dict[int, asyncio.Future[messages.Frame]] = {}
        self._next_request = 1
        self._failures = 0
        self._started_at = 0.0
        self._not_before = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._asked_at = 0.0
        self._spent_s = 0.0

    @property
    def running(self) -> bool:
        """Whether there is a worker to talk to."""
        return self._sock is not None

    @property
    def pid(self) -> int:
        """The worker's, 0 without one."""
        return self._process.pid if self._process is not None else 0

    def pause_s(self) -> float:
        """How long no worker may be started yet."""
        return max(0.0, self._not_before - self._loop.time())

    def start(self) -> None:
        """Start a worker; it can be told things at once. Raises UnavailableError while the pause lasts."""
        if self.running:
            return
        pause = self.pause_s()
        if pause > 0:
            raise UnavailableError(
                f"screens cannot be shown at the moment: their worker ended {self._failures} times; "
                f"it is started again in {pause:.1f} s (the daemon's log says more)"
            )
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        page_fd = os.memfd_create("roost-screen-page", os.MFD_CLOEXEC)
        try:
            os.ftruncate(page_fd, mmap.PAGESIZE)
            self._page = Page(page_fd)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "roost.screen.worker", str(theirs.fileno()), str(page_fd)],
                pass_fds=(theirs.fileno(), page_fd),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise UnavailableError(f"the screen worker cannot be started: {error.strerror or error}") from error
        finally:
            theirs.close()
            os.close(page_fd)
        ours.setblocking(False)
        self._sock = ours
        self._reader = messages.Reader()
        self._started_at = self._loop.time()
        self._pidfd = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._pidfd, self._ended)
        self._loop.add_reader(ours, self._readable)
        log.info("screen worker %d started", self._process.pid)

    # --- talking --------------------------------------------------------------------------------------------------

    def tell(
        self, body: dict[str, Any], data: bytes = b"", fds: tuple[int, ...] = (), *, answered: bool = False
    ) -> None:
        """Say something; the descriptors are sent as duplicates. `answered`: it has to say something back."""
        if self._sock is None:
            return
        frame = messages.encode(body, data)
        if answered:
            self._expect()
        self._unsent.append((frame, [os.dup(fd) for fd in fds]))
        self._unsent_bytes += len(frame)
        if len(self._unsent) == 1:
            self._flush()
        if self._unsent_bytes > _UNSENT_BYTES:
            self.kill("it does not read")

    def announce_size(self) -> int:
        """Have the worker show no more output until it was told of a size; the number of that announcement."""
        return self._page.announce() if self._page is not None else 0

    async def ask(self, body: dict[str, Any], timeout_s: float) -> messages.Frame:
        """Its answer. Raises WorkerLostError, UnavailableError after the time, or what the worker refuses it with."""
        request = self._next_request
        self._next_request += 1
        future: asyncio.Future[messages.Frame] = self._loop.create_future()
        self._waiting[request] = future
        try:
            self.tell({**body, "request": request}, answered=True)
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            raise UnavailableError(
                f"the screen worker did not answer within {timeout_s:g} s; it is started again if that goes on"
            ) from None
        finally:
            self._waiting.pop(request, None)

    def _flush(self) -> None:
        if self._sock is None:
            return
        while self._unsent:
            frame, fds = self._unsent[0]
            try:
                if fds:
                    packed = struct.pack(f"{len(fds)}i", *fds)
                    sent = self._sock.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)])
                else:
                    sent = self._sock.send(frame)
            except BlockingIOError:
                self._loop.add_writer(self._sock, self._flush)
                return
            except OSError:
                return  # its end is about to be seen
            for fd in fds:
                os.close(fd)
            self._unsent_bytes -= sent
            if sent < len(frame):
                self._unsent[0] = (frame[sent:], [])
                continue
            self._unsent.pop(0)
        self._loop.remove_writer(self._sock)

    def _readable(self) -> None:
        assert self._sock is not None
        try:
            if not self._reader.receive(self._sock):
                self._loop.remove_reader(self._sock)
                return
            for frame in self._reader.frames():
                self._take(frame)
        except BlockingIOError:
            return
        except (OSError, ValueError) as error:
            self.kill(f"it cannot be understood: {error}")

    def _take(self, frame: messages.Frame) -> None:
        future = self._waiting.pop(frame.body.get("request", 0), None)
        if future is None or future.done():
            if "request" not in frame.body:
                self._on_frame(frame)
        elif frame.body["op"] == "failed":
            future.set_exception(RoostError(frame.body["error"], kind=frame.body["kind"]))
        else:
            future.set_result(frame)
        self._heard()

    # --- watching -------------------------------------------------------------------------------------------------

    def _expect(self) -> None:
        if self._watchdog is None:
            self._asked_at, self._spent_s = self._loop.time(), cpu_seconds(self.pid)
            self._watchdog = self._loop.call_later(HUNG_S, self._look_for_life)

    def _look_for_life(self) -> None:
        self._watchdog = None
        process, quiet_s = read_process(self.pid), self._loop.time() - self._asked_at
        state = process.state if process is not None else ""
        if hangs(state, cpu_seconds(self.pid) - self._spent_s, quiet_s):
            self.kill(f"it said nothing for {quiet_s:.0f} s")
        else:
            self._watchdog = self._loop.call_later(_LOOK_AGAIN_S, self._look_for_life)

    def _heard(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self._waiting:
            self._expect()

    def kill(self, why: str) -> None:
        """End it; the rest follows when its end is seen."""
        if self._process is not None:
            log.warning("screen worker %d is ended: %s", self._process.pid, why)
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _ended(self) -> None:
        process, page = self._process, self._page
        assert process is not None and page is not None
        status = process.wait()
        number = page.working_on
        lived_s = self._loop.time() - self._started_at
        self._failures = 1 if lived_s > _HEALTHY_S else self._failures + 1
        pause = _PAUSES_S[min(self._failures - 1, len(_PAUSES_S) - 1)]
        self._not_before = self._loop.time() + pause
        log.warning("screen worker %d ended with %d; the next one not before %.2f s", process.pid, status, pause)
        self._let_go()
        self._on_lost(number)

    def _let_go(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self._sock is not None:
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
            self._sock = None
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._process = None
        for _frame, fds in self._unsent:
            for fd in fds:
                os.close(fd)
        self._unsent.clear()
        self._unsent_bytes = 0
        if self._page is not None:
            self._page.close()
            self._page = None
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(WorkerLostError("the screen worker ended before it answered"))

    def close(self) -> None:
        """End the worker and wait for it."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            process.wait()
            self._let_go()
