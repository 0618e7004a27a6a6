"""The helper process that follows one session by ptrace and tells what it sees, a JSON line each.

Owns the loop of stops. It holds nobody longer than it takes to look, never waits for its reader (what does not fit is
counted), and ends when the daemon does: then the kernel lets go of everybody. Stdlib and `roost.platform` only.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from typing import Any

from roost.platform import ptrace
from roost.platform.ptrace import Stop

#: Bytes that wait for a reader that does not read.
_MOST_WAITING = 4 << 20
_SEND_BYTES = 1 << 16
_ROUNDS = 20
#: What the daemon sends to be answered once everything before was told.
SYNC = b"s"
_MOST_ARGV = 8193


class Outlet:
    """Lines to the daemon: sent when it takes them, kept within a bound, counted beyond."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._ready = threading.Condition()
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._missed = 0
        threading.Thread(target=self._send_all, daemon=True).start()

    def tell(self, **line: Any) -> None:
        """Say one thing."""
        data = json.dumps(line).encode() + b"\n"
        with self._ready:
            if self._bytes + len(data) > _MOST_WAITING:
                self._missed += 1
                return
            if self._missed:
                self._waiting.append(json.dumps({"kind": "gap", "missed": self._missed}).encode() + b"\n")
                self._missed = 0
            self._waiting.append(data)
            self._bytes += len(data)
            self._ready.notify()

    def finish(self) -> None:
        """Wait until all was sent."""
        with self._ready:
            self._ready.wait_for(lambda: not self._bytes, timeout=1.0)

    def _send_all(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._waiting)
                lines, self._waiting = self._waiting, []
            try:
                self._socket.sendall(b"".join(lines))
            except OSError:
                os._exit(0)
            with self._ready:
                self._bytes -= sum(len(line) for line in lines if not line.startswith(b'{"kind": "gap"'))
                self._ready.notify_all()


class Tracer:
    """Follows processes. `process`: the process of each thread that is followed."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._process: dict[int, int] = {}
        self._early: set[int] = set()  # whose own first stop came before their parent's fork was told

    def seize_all(self, pids: list[int]) -> None:
        """Follow these processes with all their threads and children, those made meanwhile too.

        Raises OSError when the first of them may not be followed.
        """
        for pid in pids:
            self._seize_process(pid, must=pid == pids[0])
        for _ in range(_ROUNDS):
            before = len(self._process)
            for pid in set(self._process.values()):
                for child in _children(pid):
                    self._seize_process(child)
                self._seize_process(pid)
            if len(self._process) == before:
                return

    def _seize_process(self, pid: int, *, must: bool = False) -> None:
        try:
            threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
        except OSError:
            threads = []
        for thread in threads:
            if thread not in self._process:
                try:
                    ptrace.seize(thread)
                except OSError:
                    if must and thread == pid:
                        raise
                    continue
                self._process[thread] = pid

    def run(self) -> None:
        """Follow until nobody is left."""
        while (stop := ptrace.next_stop()) is not None:
            self._look(stop, time.monotonic_ns())
            ptrace.let_go_on(stop)

    def _look(self, stop: Stop, at_ns: int) -> None:
        pid = self._process.get(stop.thread, stop.thread)
        if stop.kind == "fork" and stop.number:
            if stop.number in self._early:
                self._early.discard(stop.number)
            else:
                self._born(stop.number, at_ns, parent=pid)
        elif stop.kind == "start" and stop.thread not in self._process:
            self._early.add(stop.thread)
            self._born(stop.thread, at_ns)
        elif stop.kind == "exec":
            for thread in [t for t, p in self._process.items() if p == stop.thread]:
                del self._process[thread]
            self._process[stop.thread] = stop.thread
            self._outlet.tell(kind="exec", pid=stop.thread, at_ns=at_ns, argv=_argv(stop.thread))
        elif stop.kind == "exit":
            self._process.pop(stop.thread, None)
            if pid == stop.thread:
                self._outlet.tell(kind="exit", pid=pid, at_ns=at_ns, status=stop.number)

    def _born(self, thread: int, at_ns: int, parent: int = 0) -> None:
        pid, parent_by_proc = _identity(thread)
        self._process[thread] = pid
        if pid == thread:
            self._outlet.tell(kind="fork", pid=pid, at_ns=at_ns, parent=parent or parent_by_proc)


def _identity(thread: int) -> tuple[int, int]:
    """The process of a thread, and that one's parent; the thread itself and 0 when it is gone."""
    pid, parent = thread, 0
    with contextlib.suppress(OSError), open(f"/proc/{thread}/status", "rb") as file:
        for line in file:
            if line.startswith(b"Tgid:"):
                pid = int(line[5:])
            elif line.startswith(b"PPid:"):
                parent = int(line[5:])
                break
    return pid, parent


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += [int(word) for word in file.read().split()]
    return found


def _argv(pid: int) -> str | None:
    """The raw command line, as text that carries any byte."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(_MOST_ARGV).decode("latin-1")
    except OSError:
        return None


def main() -> int:
    """Follow the processes named on the command line; the socket to the daemon is stdin."""
    sock = socket.socket(fileno=os.dup(0))
    outlet = Outlet(sock)
    tracer = Tracer(outlet)
    try:
        tracer.seize_all([int(word) for word in sys.argv[1:]])
    except OSError as error:
        outlet.tell(kind="refused", error=error.strerror or str(error))
        outlet.finish()
        return 1
    outlet.tell(kind="ready")
    threading.Thread(target=_answer, args=(sock, outlet), daemon=True).start()
    tracer.run()
    outlet.finish()
    return 0


def _answer(sock: socket.socket, outlet: Outlet) -> None:
    """Say when all was told that had been seen; end at once when the daemon does: the kernel lets go of everybody."""
    with contextlib.suppress(OSError):
        while data := sock.recv(_SEND_BYTES):
            for _ in range(data.count(SYNC)):
                outlet.tell(kind="synced")
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
