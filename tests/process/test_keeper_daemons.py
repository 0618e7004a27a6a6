"""Which daemon the keeper serves, what it does when one dies, and when it ends itself."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.keeper_harness import (
    SOURCE,
    TIMEOUT_S,
    KeeperProcess,
    other_daemon,
    python,
    refusal,
    running_keeper,
)

from roost.errors import UnavailableError
from roost.keeper import messages as m
from roost.keeper.launch import keeper_command, keeper_environment, start_keeper
from roost.paths import Paths


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[KeeperProcess]:
    options = ["--idle-s", "0.3", "--hold-release-s", "0.3", "--path-check-s", "0.1"]
    with running_keeper(tmp_path, options=options) as one:
        yield one


LEAVE = "from support.keeper_harness import send_packet; send_packet(peer.sock, m.encode(m.HANGUP, 0, [{fields}]))"


def wait_for(path: Path) -> str:
    """The first line that somebody else writes into a fifo, which both sides wait in."""
    fd = os.open(path, os.O_RDWR)
    try:
        assert select.select([fd], [], [], TIMEOUT_S)[0], "nobody came"
        return os.read(fd, 4096).decode().strip()
    finally:
        os.close(fd)


def test_a_second_daemon_is_refused_while_the_first_lives_and_told_its_pid(keeper: KeeperProcess) -> None:
    with other_daemon(keeper) as first:
        error = refusal(keeper.daemon)
        assert error.kind == "already_attached"
        assert f"daemon {first.pid} is served already" in error.message
    keeper.daemon()


def test_a_closed_connection_is_not_a_death(keeper: KeeperProcess) -> None:
    with other_daemon(keeper, then="peer.close(); print('closed', flush=True)") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "closed\n"
        keeper.connect().call(m.PING)
        assert refusal(keeper.daemon).kind == "already_attached"


def test_the_same_daemon_may_connect_anew(keeper: KeeperProcess) -> None:
    first = keeper.daemon()
    child = first.spawn("cat")
    first.close()
    second = keeper.daemon()
    assert [entry.text(m.T_ID) for entry in second.list()] == [child.id]
    child.close()


def test_a_daemon_that_hung_up_makes_room_though_it_lives(keeper: KeeperProcess) -> None:
    then = LEAVE.format(fields="") + "; print('left', flush=True)"
    with other_daemon(keeper, then=then) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "left\n"
        assert first.poll() is None
        keeper.daemon()


def test_force_asks_the_old_daemon_then_kills_it_and_lets_the_new_one_in(keeper: KeeperProcess) -> None:
    with other_daemon(keeper, then="print(peer.notice(m.HANGUP, '').type, flush=True)") as first:
        keeper.daemon([(m.T_FORCE, 1)])
        assert first.stdout is not None
        assert first.stdout.readline() == f"{m.HANGUP}\n"
        assert first.wait() == -signal.SIGKILL


def test_children_run_on_and_are_drained_without_any_daemon(keeper: KeeperProcess) -> None:
    code = (
        "import os, tty; tty.setraw(1); os.write(1, b'ready'); os.read(0, 1); "
        "[os.write(1, b'%09d\\n' % i) for i in range(100000)]; os.read(0, 1)"
    )
    first = keeper.daemon()
    child = first.spawn(*python(code))
    child.out.read_until(b"ready")
    child.write(b"x")
    first.sock.shutdown(2)
    first.close()
    child.out.wait(lambda: child.out.reader.end == 1_000_005)
    second = keeper.daemon()
    again = second.fetch(child.id)
    assert again.out.all() == b"ready" + b"".join(b"%09d\n" % number for number in range(100000))
    again.write(b"x")
    assert again.exited().i64(m.T_CODE) == 0
    child.close()
    again.close()


def test_what_ended_meanwhile_is_known_to_the_next_daemon(keeper: KeeperProcess) -> None:
    first = keeper.daemon()
    child = first.spawn("sh", "-c", "exit 9", fields=[(m.T_BLOB, b"mine"), (m.T_KEY, "k")])
    first.close()
    child.out.wait(lambda: child.out.reader.closed)
    (entry,) = keeper.daemon().list()
    while entry.text(m.T_STATE) == "running":
        (entry,) = keeper.daemon().list()
    assert (entry.i64(m.T_CODE), entry.blob(m.T_BLOB), entry.text(m.T_KEY)) == (9, b"mine", "k")
    child.close()


def test_a_hold_is_released_some_time_after_the_daemons_death(keeper: KeeperProcess) -> None:
    then = """
child = peer.spawn("sh", "-c", "read go; yes", fields=[(m.T_RING_BYTES, 65536)], id="held")
child.out.reader.set_hold(0)
child.write(b"go\\n")
child.out.wait(lambda: child.out.reader.end == 65536)
print("stalled", flush=True)
"""
    with other_daemon(keeper, then=then) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "stalled\n"
        died_at = time.monotonic()
        first.kill()
    probe = keeper.connect()
    probe.hello("probe")
    while "died" not in keeper.log():
        probe.call(m.PING)
    # No daemon says hello in time; then the stream flows. Only afterwards does one look.
    keeper_reads_on(keeper)
    assert time.monotonic() - died_at >= 0.3
    child = keeper.daemon().fetch("held")
    child.out.wait(lambda: child.out.reader.end > 1 << 20)
    assert child.out.reader.hold is None
    child.close()


def keeper_reads_on(keeper: KeeperProcess) -> None:
    """Until the keeper spends processor time on draining again."""
    deadline = time.monotonic() + TIMEOUT_S
    path = Path(f"/proc/{keeper.pid}/io")
    before = path.read_text()
    while time.monotonic() < deadline:
        if int(path.read_text().split()[1]) - int(before.split()[1]) > 1 << 20:
            return
    raise AssertionError("still stalled")


def test_a_hold_stands_when_the_next_daemon_comes_in_time(tmp_path: Path) -> None:
    with running_keeper(tmp_path) as keeper:
        then = 'child = peer.spawn("cat", id="held"); child.out.reader.set_hold(0); print("held", flush=True)'
        with other_daemon(keeper, then=then) as first:
            assert first.stdout is not None
            first.stdout.readline()
        peer = keeper.daemon()
        child = peer.fetch("held")
        assert child.out.reader.hold == 0
        child.close()


RESTARTED = """
import os, sys
sys.path[:0] = [{source!r}, {here!r}]
from support.keeper_harness import Peer, m
peer = Peer({address!r})
peer.hello("daemon", [(m.T_RESTART_ARG, b"/bin/true")])
with open({fifo!r}, "w") as file:
    print(os.getppid(), os.getcwd(), os.environ.get("MARK"), os.getsid(0) == os.getpid(), file=file)
sys.stdin.read()
peer.sock.recv(1)
"""


def restart_fields(keeper: KeeperProcess, tmp_path: Path) -> list[tuple[int, bytes | int | str]]:
    os.mkfifo(tmp_path / "fifo")
    here = str(Path(__file__).resolve().parents[1])
    code = RESTARTED.format(source=SOURCE, here=here, address=keeper.paths.keeper_socket, fifo=str(tmp_path / "fifo"))
    return [
        *((m.T_RESTART_ARG, os.fsencode(arg)) for arg in (sys.executable, "-c", code)),
        (m.T_RESTART_ENV, b"MARK=yes"),
        (m.T_CWD, os.fsencode(tmp_path)),
        (m.T_LOG_PATH, os.fsencode(tmp_path / "daemon.log")),
    ]


def test_a_daemon_that_dies_unasked_is_started_again_as_it_said(keeper: KeeperProcess, tmp_path: Path) -> None:
    with other_daemon(keeper, restart_fields(keeper, tmp_path)) as first:
        first.kill()
        assert wait_for(tmp_path / "fifo") == f"{keeper.pid} {tmp_path} yes True"


def test_a_daemon_that_leaves_is_started_again_only_if_it_asks_for_that(keeper: KeeperProcess, tmp_path: Path) -> None:
    fields = restart_fields(keeper, tmp_path)
    with other_daemon(keeper, fields, LEAVE.format(fields="(m.T_RESTART, 1)") + "; sys.exit()"):
        assert wait_for(tmp_path / "fifo").startswith(str(keeper.pid))


def test_after_an_orderly_leave_nobody_is_started_and_the_keeper_ends(keeper: KeeperProcess, tmp_path: Path) -> None:
    leave = LEAVE.format(fields="") + "; sys.exit()"
    with other_daemon(keeper, restart_fields(keeper, tmp_path), leave) as first:
        first.wait()
    assert keeper.has_ended(TIMEOUT_S)
    assert "started again" not in keeper.log()


def test_a_daemon_that_ends_at_once_each_time_is_started_with_growing_delays(
    keeper: KeeperProcess, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    fields = [(m.T_RESTART_ARG, arg) for arg in (b"/bin/sh", b"-c", b"echo x > " + os.fsencode(tmp_path / "fifo"))]
    with other_daemon(keeper, fields) as first:
        first.kill()
        for _ in range(4):
            wait_for(tmp_path / "fifo")
    delays = [line.split("started again in ")[1] for line in keeper.log().splitlines() if "started again" in line]
    assert delays[:4] == ["0 s", "0 s", "0 s", "1 s"]
    keeper.daemon()  # a hello ends the attempts


def test_no_restart_when_the_environment_forbids_it(keeper: KeeperProcess, tmp_path: Path) -> None:
    fields = [*restart_fields(keeper, tmp_path), (m.T_RESTART_ENV, b"ROOST_NO_RESTART=1")]
    with other_daemon(keeper, fields) as first:
        first.kill()
    assert keeper.has_ended(TIMEOUT_S)


def test_an_idle_keeper_ends_itself_and_takes_its_socket_away(keeper: KeeperProcess) -> None:
    keeper.daemon().close()
    assert keeper.has_ended(TIMEOUT_S)
    assert not os.path.exists(keeper.paths.keeper_socket)


def test_a_keeper_that_holds_an_exited_session_stays(keeper: KeeperProcess) -> None:
    peer = keeper.daemon()
    child = peer.spawn("true")
    child.exited()
    child.close()
    peer.close()
    assert not keeper.has_ended(1.0)
    peer = keeper.daemon()
    peer.call(m.DROP, [(m.T_ID, child.id)])
    peer.close()
    assert keeper.has_ended(TIMEOUT_S)


def test_shutdown_is_refused_while_sessions_run_unless_forced(keeper: KeeperProcess) -> None:
    peer = keeper.daemon()
    child = peer.spawn("cat")
    assert refusal(lambda: peer.call(m.SHUTDOWN)).message.startswith("1 sessions are running")
    pidfd = os.pidfd_open(child.pid)
    peer.call(m.SHUTDOWN, [(m.T_FORCE, 1)])
    assert keeper.has_ended(TIMEOUT_S)
    child.close()  # the last of the masters: the child's terminal hangs up
    assert select.select([pidfd], [], [], TIMEOUT_S)[0]
    os.close(pidfd)


def test_it_is_found_by_name_when_its_directory_was_removed_and_listens_there_again(keeper: KeeperProcess) -> None:
    peer = keeper.daemon()
    shutil.rmtree(keeper.paths.runtime_dir)
    keeper.connect(by_name=True).hello("probe")
    deadline = time.monotonic() + TIMEOUT_S
    while not os.path.exists(keeper.paths.keeper_socket):
        assert time.monotonic() < deadline
        peer.call(m.PING)
    keeper.connect().hello("probe")


def test_two_keepers_of_one_scope_are_one(keeper: KeeperProcess) -> None:
    """The second one finds the lock taken and ends with the status that says so; who asks for one gets the first."""
    command = keeper_command(keeper.paths)
    pid = os.posix_spawn(command[0], command, keeper_environment())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    start_keeper(keeper.paths)
    assert keeper.connect().call(m.PING).u64(m.T_PID) == keeper.pid


def test_a_keeper_that_cannot_start_is_reported_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    paths = Paths("broken", str(tmp_path / "run"), str(tmp_path / "state"), uid=os.getuid())
    with pytest.raises(UnavailableError, match=r"did not answer within 0 s; see .*keeper\.log"):
        start_keeper(paths, options=["--no-such-option", "1"], timeout_s=0.3)
