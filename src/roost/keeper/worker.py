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
    """Runs jobs on its thread and their completions on the control thread (`collect`, when `done_fd` is readable)."""

    def __init__(self) -> None:
        self.done_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.in_flight = 0
        self._jobs: list[tuple[Job, Done]] = []
        self._results: list[tuple[Done, Any, BaseException | None]] = []
        self._wanted = _thread.allocate_lock()
        self._wanted.acquire()

    def start(self) -> None:
        """Start the thread. It lives as long as the process."""
        _thread.start_new_thread(self._run, ())

    def submit(self, job: Job, done: Done) -> None:
        """Queue a job. `done(result, None)` or `done(None, error)` is called on the control thread."""
        self.in_flight += 1
        self._jobs.append((job, done))
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
                job, done = self._jobs.pop(0)
                result: Any = None
                fault: BaseException | None = None
                try:
                    result = job()
                except BaseException as error:  # noqa: BLE001 - carried to the control thread, which answers with it
                    fault = error.with_traceback(None)
                self._results.append((done, result, fault))
                os.eventfd_write(self.done_fd, 1)
