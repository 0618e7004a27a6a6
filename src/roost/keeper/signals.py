"""Signals by number. `_signal` instead of `signal`, whose enumerations cost the keeper 0.9 MB."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

SIGHUP = int(signal.SIGHUP)
SIGINT = int(signal.SIGINT)
SIGQUIT = int(signal.SIGQUIT)
SIGKILL = int(signal.SIGKILL)
SIGCHLD = int(signal.SIGCHLD)
SIGSTOP = int(signal.SIGSTOP)
SIGPIPE = int(signal.SIGPIPE)

#: All signals whose action a process may set: a child starts with the default for each.
SETTABLE = sorted({int(number) for number in signal.valid_signals()} - {SIGKILL, SIGSTOP})


def ignore(*numbers: int) -> None:
    """These signals do nothing to this process."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def wake_on_child(fd: int) -> None:
    """Each SIGCHLD writes a byte to `fd` (non-blocking). Main thread only."""
    signal.set_wakeup_fd(fd, warn_on_full_buffer=False)
    signal.signal(SIGCHLD, lambda *_: None)


def block_all() -> None:
    """No signal interrupts this thread: the control thread takes them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SETTABLE)


def kill_by_pidfd(pidfd: int) -> None:
    """SIGKILL to exactly the process that the descriptor names."""
    signal.pidfd_send_signal(pidfd, SIGKILL)
