"""Every byte that a child wrote is in its ring once, in order, and the exit comes after all of it."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import select
from collections.abc import Iterator

import pytest
from support.keeper_harness import Child, KeeperProcess, Peer, python, running_keeper

from roost.keeper import messages as m

RAW = "import os,sys,tty; tty.setraw(1); "


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeeperProcess]:
    with running_keeper(tmp_path_factory.mktemp("keeper")) as one:
        yield one


@pytest.fixture(scope="module")
def peer(keeper: KeeperProcess) -> Peer:
    return keeper.daemon()


@contextlib.contextmanager
def child_of(peer: Peer, *argv: str, kind: str = "pty", ring_bytes: int = 0) -> Iterator[Child]:
    """A session for the time of a block; killed if it still runs, and dropped."""
    child = peer.spawn(*argv, kind=kind, fields=[(m.T_RING_BYTES, ring_bytes)])
    try:
        yield child
    finally:
        with contextlib.suppress(Exception):
            peer.call(m.SIGNAL, [(m.T_ID, child.id), (m.T_SIGNO, 9), (m.T_SCOPE, "group")])
        while peer.call(m.FETCH, [(m.T_ID, child.id)]).text(m.T_STATE) == "running":
            pass
        child.drop()
        child.close()


WRITER = """
import os, random, sys
if {raw}:
    import tty; tty.setraw(1)
rng = random.Random({seed})
data = random.Random({seed} + 1).randbytes(1 << 20)
sent = 0
while sent < {total}:
    n = min(rng.choice((1, 2, 63, 64, 65, 511, 4094, 4095, 4096, 4097, 8191, 65536)), {total} - sent)
    at = sent % (1 << 20)
    n = min(n, (1 << 20) - at)
    sent += os.write(1, data[at:at + n])
"""


def expected(seed: int, total: int) -> bytes:
    data = random.Random(seed + 1).randbytes(1 << 20)
    return (data * (total // len(data) + 1))[:total]


@pytest.mark.parametrize("kind", ["pty", "pipe", "merged"])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_chunks_arrive_complete_and_in_order(peer: Peer, kind: str, seed: int) -> None:
    total = 24 << 20
    code = WRITER.format(raw=kind == "pty", seed=seed, total=total)
    with child_of(peer, *python(code), kind=kind, ring_bytes=32 << 20) as child:
        assert child.exited().i64(m.T_CODE) == 0
        assert child.out.reader.exit_offset == total
        assert child.out.all() == expected(seed, total)


@pytest.mark.parametrize("kinds", [("pty", "pipe") * 4, ("pty",) * 12])
def test_many_sessions_flooding_at_once_lose_and_mix_nothing(peer: Peer, kinds: tuple[str, ...]) -> None:
    total = (32 << 20) // len(kinds)
    with contextlib.ExitStack() as stack:
        children = []
        for seed, kind in enumerate(kinds):
            code = WRITER.format(raw=kind == "pty", seed=seed, total=total)
            children.append(stack.enter_context(child_of(peer, *python(code), kind=kind, ring_bytes=8 << 20)))
        for seed, child in enumerate(children):
            child.exited()
            assert child.out.reader.exit_offset == total
            assert child.out.all() == expected(seed, total)


def test_small_writes_with_pauses_all_arrive_although_edges_are_all_there_is(peer: Peer) -> None:
    """Thousands of separate bursts on a terminal: a missed edge would stop the output for ever."""
    code = RAW + "\nfor i in range(20000): os.write(1, b'%07d\\n' % i); i % 7 or os.sched_yield()"
    with child_of(peer, *python(code)) as child:
        child.exited()
        assert child.out.all() == b"".join(b"%07d\n" % number for number in range(20000))


@pytest.mark.parametrize("kind", ["pty", "pipe"])
def test_the_last_output_is_there_when_the_exit_is_told(peer: Peer, kind: str) -> None:
    for number in range(30):
        size = 100 + number * 1500
        code = (RAW if kind == "pty" else "import os;") + f"os.write(1, b'x' * {size}); os._exit({number})"
        with child_of(peer, *python(code), kind=kind) as child:
            assert child.exited().i64(m.T_CODE) == number
            assert child.out.reader.exit_offset == size
            assert child.out.reader.end == size


def test_exit_codes_and_signals_are_told_apart(peer: Peer) -> None:
    for script, code, number in (
        ("exit 0", 0, None),
        ("exit 255", 255, None),
        ("kill -9 $$", None, 9),
        ("kill -15 $$", None, 15),
    ):
        with child_of(peer, "sh", "-c", script) as child:
            notice = child.exited()
            assert (notice.i64(m.T_CODE), notice.i64(m.T_SIGNAL)) == (code, number)
            entry = peer.call(m.FETCH, [(m.T_ID, child.id)])
            assert (entry.text(m.T_STATE), entry.i64(m.T_CODE), entry.i64(m.T_SIGNAL)) == ("exited", code, number)
            assert entry.f64(m.T_EXITED_AT) == notice.f64(m.T_EXITED_AT) >= entry.f64(m.T_CREATED_AT)


def test_input_reaches_a_terminal_and_comes_back_as_echo(peer: Peer) -> None:
    with child_of(peer, "cat") as child:
        child.write(b"hello\n")
        assert child.out.read_until(b"hello\r\nhello\r\n") == b"hello\r\nhello\r\n"


def test_a_child_that_closes_its_terminal_and_opens_it_again_is_read_on(peer: Peer) -> None:
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "path = os.ttyname(0)\n"
        "os.write(1, b'before\\n')\n"
        "for fd in (0, 1, 2): os.close(fd)\n"
        "for n in range(50):\n"
        "    fd = os.open(path, os.O_RDWR)\n"
        "    os.write(fd, b'again%d\\n' % n)\n"
        "    os.close(fd)\n"
    )
    with child_of(peer, *python(code)) as child:
        assert child.exited().i64(m.T_CODE) == 0
        assert child.out.all() == b"before\r\n" + b"".join(b"again%d\r\n" % n for n in range(50))


def test_a_closed_terminal_costs_no_processor_time(peer: Peer, keeper: KeeperProcess) -> None:
    """While the child has its terminal closed, every read would give EIO; nobody reads."""
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "path = os.ttyname(0)\n"
        "for fd in (0, 1, 2): os.close(fd)\n"
        "time.sleep(0.3)\n"
        "os.write(os.open(path, os.O_RDWR), b'back')\n"
    )
    with child_of(peer, *python(code)) as child:
        before = processor_ticks(keeper.pid)
        child.out.read_until(b"back")
        assert processor_ticks(keeper.pid) - before <= 3
        child.exited()


def processor_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_output_after_the_exit_is_kept_until_the_last_holder_of_the_pipe_leaves(peer: Peer) -> None:
    script = "(read go; echo late; read end) </dev/fd/0 & echo early; exit 3"
    with child_of(peer, "sh", "-c", f"exec 3<&0; {script.replace('/dev/fd/0', '&3')}", kind="pipe") as child:
        assert child.exited().i64(m.T_CODE) == 3
        assert (child.out.all(), child.out.reader.exit_offset) == (b"early\n", 6)
        assert not child.out.reader.closed
        child.write(b"go\n")
        child.out.read_until(b"late\n")
        assert child.out.reader.exit_offset == 6
        child.write(b"end\n")
        peer.notice(m.STREAM_CLOSED, child.id)
        child.out.wait(lambda: child.out.reader.closed)


def test_a_terminal_held_by_a_background_process_stays_open_after_the_exit(peer: Peer) -> None:
    script = "trap '' HUP; (read go; echo late; read end) <$(tty) & echo early; exit 3"
    with child_of(peer, "bash", "-c", script) as child:
        assert child.exited().i64(m.T_CODE) == 3
        assert child.out.all() == b"early\r\n"
        entry = peer.call(m.FETCH, [(m.T_ID, child.id)])
        assert entry.text(m.T_STATE) == "exited"
        assert entry.u64(m.T_STDIN_OPEN) == 1
        child.write(b"go\n")
        child.out.read_until(b"late\r\n")
        assert child.out.reader.exit_offset == len(b"early\r\n")
        child.write(b"end\n")
        assert peer.notice(m.STREAM_CLOSED, child.id).text(m.T_STREAM) == "stdout"
        entry = peer.call(m.FETCH, [(m.T_ID, child.id)])
        assert entry.list(m.T_CLOSED_STREAM) == [b"stdout"]
        assert not entry.has(m.T_STDIN_OPEN)


def test_a_background_flood_does_not_put_off_the_exit(peer: Peer) -> None:
    """After the exit at most a ring, or 250 ms, is drained before the end is marked."""
    script = "trap '' HUP; yes & read x"
    with child_of(peer, "bash", "-c", f"{script}; kill -9 $$", ring_bytes=1 << 16) as child:
        child.out.wait(lambda: child.out.reader.end > 0)
        peer.call(m.SIGNAL, [(m.T_ID, child.id), (m.T_SIGNO, 9)])
        child.exited()
        offset = child.out.reader.exit_offset
        assert offset is not None
        child.out.wait(lambda: child.out.reader.end > offset + (1 << 16))
        assert child.out.reader.exit_offset == offset
        kill_holders(child)


def kill_holders(child: Child) -> None:
    """End whoever still has the session's terminal open: they have the leader's pid as their session."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.getsid(int(pid)) == child.pid:
                os.kill(int(pid), 9)


def test_pipes_are_separate_and_each_ends_by_itself(peer: Peer) -> None:
    with child_of(peer, "sh", "-c", "echo out; echo err >&2; exec 2>&-; cat; exit 5", kind="pipe") as child:
        assert peer.notice(m.STREAM_CLOSED, child.id).text(m.T_STREAM) == "stderr"
        child.write(b"input\n")
        child.out.read_until(b"out\ninput\n")
        child.close_input()
        peer.call(m.CLOSE_STDIN, [(m.T_ID, child.id)])
        assert child.exited().i64(m.T_CODE) == 5
        assert child.rings[1].all() == b"err\n"
        assert child.rings[1].reader.exit_offset == 4


def test_merged_output_is_one_stream_in_the_order_of_writing(peer: Peer) -> None:
    with child_of(peer, "sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; done", kind="merged") as child:
        child.exited()
        assert len(child.rings) == 1
        assert child.out.all() == b"o1\ne1\no2\ne2\no3\ne3\n"


def test_packets_in_a_pipe_are_all_read_although_short(peer: Peer) -> None:
    """A writer that reopened its pipe with O_DIRECT makes each read short; the child still never stops."""
    code = (
        "import fcntl, os\n"
        "fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_DIRECT)\n"
        "for _ in range(5000): os.write(1, b'x' * 100)"
    )
    with child_of(peer, *python(code), kind="pipe") as child:
        assert child.exited().i64(m.T_CODE) == 0
        assert child.out.reader.exit_offset == 500_000


def test_a_signal_reaches_the_leader_or_its_group_and_nobody_after_the_reaping(peer: Peer) -> None:
    with child_of(peer, "sh", "-c", "sleep 1000; exit 4", kind="pipe") as child:
        peer.call(m.SIGNAL, [(m.T_ID, child.id), (m.T_SIGNO, 15), (m.T_SCOPE, "group")])
        assert child.exited().i64(m.T_SIGNAL) == 15
        with pytest.raises(Exception, match="has exited") as caught:
            peer.call(m.SIGNAL, [(m.T_ID, child.id), (m.T_SIGNO, 15)])
        assert getattr(caught.value, "kind", "") == "wrong_state"


def test_a_pinned_child_is_told_of_at_once_but_reaped_when_unpinned(peer: Peer) -> None:
    with child_of(peer, "sh", "-c", "read x") as child:
        peer.call(m.PIN, [(m.T_ID, child.id), (m.T_ON, 1)])
        peer.call(m.SIGNAL, [(m.T_ID, child.id), (m.T_SIGNO, 9)])
        child.exited()
        assert state_of(child.pid) == "Z"
        peer.call(m.SIGNAL, [(m.T_ID, child.id), (m.T_SIGNO, 9), (m.T_SCOPE, "group")])
        with child_of(peer, "true") as other:  # a zombie that stays does not hide those behind it
            assert other.exited().i64(m.T_CODE) == 0
        peer.call(m.PIN, [(m.T_ID, child.id), (m.T_ON, 0)])
        assert state_of(child.pid) == ""


def state_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def test_orphans_are_adopted_and_reaped(peer: Peer, keeper: KeeperProcess) -> None:
    script = "(setsid sh -c 'echo $$; exec 1>&-; read x' <&3 &) 3<&0"
    with child_of(peer, "sh", "-c", script, kind="pipe") as child:
        child.exited()
        orphan = int(child.out.read_until(b"\n"))
        with open(f"/proc/{orphan}/stat") as file:
            assert int(file.read().rpartition(")")[2].split()[1]) == keeper.pid
        pidfd = os.pidfd_open(orphan)
        child.write(b"end\n")
        assert select.select([pidfd], [], [], 10)[0]
        os.close(pidfd)
        for _ in range(1000):
            peer.call(m.PING)
            if not state_of(orphan):
                break
        assert state_of(orphan) == ""


def test_a_running_session_is_not_dropped(peer: Peer) -> None:
    with child_of(peer, "cat") as child, pytest.raises(Exception, match="is running; end it before"):
        child.drop()


# --- holds

NUMBERS = RAW + "[os.write(1, b'%09d\\n' % i) for i in range({count})]"


@pytest.mark.parametrize("kind", ["pty", "pipe"])
def test_under_a_hold_not_one_byte_is_overwritten_and_all_arrive(peer: Peer, kind: str) -> None:
    """The reader moves its hold as it reads; ten rings' worth of numbered lines arrive without a gap."""
    count = 65536
    code = NUMBERS.format(count=count).replace("tty.setraw(1); ", "" if kind == "pipe" else "tty.setraw(1); ")
    with child_of(peer, "sh", "-c", 'read go; exec "$@"', "sh", *python(code), kind=kind, ring_bytes=1 << 16) as child:
        reader = child.out.reader
        start = 0
        assert not reader.set_hold(start)
        child.write(b"go\n")
        got = bytearray()
        at = start
        while len(got) < count * 10 + (4 if kind == "pty" else 0):
            child.out.wait(lambda at=at: reader.end > at, at)  # type: ignore[misc]
            data = reader.read(at, 16384)
            assert data is not None
            got += data
            at += len(data)
            if reader.set_hold(at):
                os.eventfd_write(child.room_event, 1)
        assert bytes(got).removeprefix(b"go\r\n") == b"".join(b"%09d\n" % number for number in range(count))
        child.exited()


def test_a_hold_that_does_not_move_stalls_the_stream_and_release_lets_it_go(peer: Peer) -> None:
    code = NUMBERS.format(count=20000)
    with child_of(peer, "sh", "-c", 'read go; exec "$@"', "sh", *python(code), ring_bytes=1 << 16) as child:
        reader = child.out.reader
        reader.set_hold(0)
        child.write(b"go\n")
        child.out.wait(lambda: reader.end == 1 << 16)
        with child_of(peer, "echo", "others go on") as other:
            other.exited()
        assert reader.end == 1 << 16
        peer.call(m.RELEASE_HOLD, [(m.T_ID, child.id)])
        child.exited()
        assert reader.hold is None
        assert reader.exit_offset == 200_004


def test_an_exit_under_a_hold_is_told_when_the_output_could_be_taken(peer: Peer) -> None:
    """The child has ended, but 60 KB of its output wait in the kernel: they come before the exit, not after it."""
    code = "import os; os.write(1, b'a' * 65536); os.write(1, b'b' * 60000)"
    with child_of(
        peer, "sh", "-c", 'read go; exec "$@"', "sh", *python(code), kind="pipe", ring_bytes=1 << 16
    ) as child:
        reader = child.out.reader
        reader.set_hold(0)
        child.write(b"go\n")
        child.out.wait(lambda: reader.end == 65536)
        reader.set_hold(60001)
        os.eventfd_write(child.room_event, 1)
        child.exited()
        assert reader.exit_offset == 125_536


def test_without_memory_for_the_ring_nothing_is_lost(peer: Peer, keeper: KeeperProcess) -> None:
    """Writes to the ring fail (a file size limit stands in for a full machine) and succeed later."""
    before = resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE)
    with child_of(
        peer, *python(RAW + "os.write(1, b'r'); os.read(0, 1); [os.write(1, b'%09d\\n' % i) for i in range(3000)]")
    ) as child:
        child.out.read_until(b"r")
        resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE, (8192, before[1]))
        try:
            child.write(b"x")
            for _ in range(200):
                peer.call(m.PING)  # the control thread answers while the draining thread cannot write
            assert child.out.reader.end <= 8192
        finally:
            resource.prlimit(keeper.pid, resource.RLIMIT_FSIZE, before)
        child.exited()
        assert child.out.all()[1:] == b"".join(b"%09d\n" % number for number in range(3000))
