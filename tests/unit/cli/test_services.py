"""What `roost service` sends and shows."""

from __future__ import annotations

from roost.cli.commands.services import _harmless, _row
from roost.model import ServiceInfo


def test_a_log_line_cannot_reach_the_readers_terminal() -> None:
    assert _harmless("[stdout] \x1b]0;title\x07red \x1b[31mx\x1b[0m\x1b[?1049h\n") == "[stdout] red x\n"
    assert _harmless("[stdout] cut \x1b]0;never closed\n").startswith("[stdout] cut")
    assert _harmless("[stderr] cut \x1b[3") == "[stderr] cut \n"


def test_a_row_shows_no_pid_and_no_uptime_of_what_does_not_run() -> None:
    info = ServiceInfo(
        name="a\x1bb", id=3, state="exited", exit_code=None, started_at=5.0, definition={"cmd": ["sh", "-c", "a b"]}
    )
    assert _row(info, 100.0) == ("3", "a?b", "exited ?", "-", "-", "0", "-", "sh -c 'a b'")
    online = ServiceInfo(name="a", id=3, state="online", pid=9, started_at=40.0, definition={"cmd": ["x"]})
    assert _row(online, 100.0)[2:6] == ("online", "9", "1m", "0")
