"""The spawn thread: jobs that may block on a dead mount, done one after the other, away from everything else."""

from __future__ import annotations

import _thread
import os

from roost.keeper.signals import block_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Job = Callable[[], Any]
    Done = Callable[[Any, BaseException | None], None]


class Worker:
    """Runs jobs on its thread and their completions on the control thread (`collect`, when `done_fd` is readable).

    Where somebody waits for an answer that needs no other work of the control thread, the completion runs on the
    worker's thread too, as a handler would (`at_gate`): to wake another thread for it takes as long as a child's
    start may take on a core that both want.
    """

    def __init__(self, at_gate: Callable[[Callable[[], None]], None], look_wanted: Callable[[], bool]) -> None:
        """`look_wanted`: asked behind such a completion, whether the control thread has something to look at."""
        self.done_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.in_flight = 0
        self._at_gate = at_gate
        self._look_wanted = look_wanted
        self._jobs: list[tuple[Job, Done, bool]] = []
        self._results: list[tuple[Done, Any, BaseException | None]] = []
        self._wanted = _thread.allocate_lock()
        self._wanted.acquire()

    def start(self) -> None:
        """Start the thread. It lives as long as the process."""
        _thread.start_new_thread(self._run, ())

    def submit(self, job: Job, done: Done, *, at_once: bool = False) -> None:
        """Queue a job. `done(result, None)` or `done(None, error)` is called on the control thread, or `at_once` in
        its place."""
        self.in_flight += 1
        self._jobs.append((job, done, at_once))
        if self._wanted.locked():
            self._wanted.release()

    def collect(self) -> None:
        """Call the completions of the jobs that are done."""
        try:
            os.eventfd_read(self.done_fd)
        except BlockingIOError:
            pass
        while self._results:
            done, result, error = self._results.pop(0)
            self.in_flight -= 1
            done(result, error)

    def _run(self) -> None:
        block_all()
        while True:
            self._wanted.acquire()
            while self._jobs:
                job, done, at_once = self._jobs.pop(0)
                result: Any = None
                fault: BaseException | None = None
                try:
                    result = job()
                except BaseException as error:  # noqa: BLE001 - carried to the control thread, which answers with it
                    fault = error.with_traceback(None)
                if at_once:
                    self._conclude(done, result, fault)
                else:
                    self._results.append((done, result, fault))
                    os.eventfd_write(self.done_fd, 1)

    def _conclude(self, done: Done, result: Any, fault: BaseException | None) -> None:
        def conclude() -> None:
            self.in_flight -= 1
            try:
                done(result, fault)
            finally:
                if fault is not None or self._look_wanted():
                    os.eventfd_write(self.done_fd, 1)

        self._at_gate(conclude)
