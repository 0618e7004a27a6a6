"""The keeper replaces its own program in place: nothing is lost, nothing ends, and a failure changes nothing."""

from __future__ import annotations

import os
import select
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.keeper_harness import TIMEOUT_S, Child, KeeperProcess, Peer, other_daemon, python, refusal, running_keeper

from roost.keeper import messages as m
from roost.keeper.launch import keeper_command
from roost.keeper.transport import receive_packet

#: Writes 8-byte numbers, counting up, until something is typed.
NUMBERS = """
import array, os, select
if {raw}:
    import tty; tty.setraw(0)
os.write(1, b"ready")
i = 0
while not select.select([0], [], [], 0)[0]:
    os.write(1, array.array("Q", range(i, i + {step})).tobytes())
    i += {step}
os.write(1, b"the end.")
"""


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[KeeperProcess]:
    with running_keeper(tmp_path) as one:
        yield one


@pytest.fixture
def peer(keeper: KeeperProcess) -> Peer:
    return keeper.daemon()


def upgrade(peer: Peer, keeper: KeeperProcess, command: list[str] | None = None) -> m.Message:
    argv = keeper_command(keeper.paths) if command is None else command
    return peer.call(m.UPGRADE, [(m.T_ARG, os.fsencode(arg)) for arg in argv])


class Follower:
    """Reads a ring and checks that every number in it stands at its own place: nothing was lost, nothing written twice.

    The writer may be faster than this reader on a busy machine and write over what was not read yet: then it goes on
    with the oldest there is. The place tells the number, so a loss before it would show all the same.
    """

    def __init__(self, child: Child) -> None:
        self.ring = child.out
        self.offset = self.begin = len(b"ready")
        self.ring.wait(lambda: self.ring.reader.end > self.begin)
        assert self.ring.reader.read(0, self.begin) in (b"ready", None), "None once it is overwritten"

    def follow(self, end: int) -> None:
        """Up to that offset, or less by part of a number."""
        reader = self.ring.reader
        while end - self.offset >= 8:
            data = reader.read(self.offset, min(65536, (end - self.offset) // 8 * 8))
            if data is None:
                oldest = reader.end - reader.capacity * 3 // 4
                self.offset += -(-(oldest - self.offset) // 8) * 8
                continue
            count = len(data) // 8
            number = (self.offset - self.begin) // 8
            assert count
            assert array("Q", data[: count * 8]) == array("Q", range(number, number + count))
            self.offset += count * 8

    def follow_to_the_end(self, end: int) -> None:
        """Up to the exit offset, where the child says that it has ended."""
        self.follow(end - 8)
        assert self.ring.reader.read(self.offset) == b"the end."


@pytest.mark.parametrize(("kind", "count", "upgrades"), [("pty", 2, 12), ("pipe", 2, 12), ("pty", 12, 2)])
def test_numbers_at_full_speed_survive_many_upgrades_without_gap_or_repeat(
    keeper: KeeperProcess, peer: Peer, kind: str, count: int, upgrades: int
) -> None:
    code = NUMBERS.format(raw=kind == "pty", step=512 if kind == "pty" else 20)
    fields = [(m.T_RING_BYTES, 16 << 20)]
    children = [peer.spawn(*python(code), kind=kind, fields=fields) for _ in range(count)]
    followers = [Follower(child) for child in children]
    for _ in range(upgrades):
        assert upgrade(peer, keeper).u64(m.T_PID) == keeper.pid
        for follower in followers:
            reader = follower.ring.reader
            before = reader.end
            follower.ring.wait(lambda r=reader, b=before: r.end > b)  # type: ignore[misc]
            follower.follow(reader.end)
    for child, follower in zip(children, followers, strict=True):
        child.write(b"x")
        assert child.exited().i64(m.T_CODE) == 0
        follower.follow_to_the_end(child.out.reader.exit_offset or 0)
        child.close()
    assert keeper.log().count(f"upgraded in place; {count} sessions go on") == upgrades


def test_everything_known_is_known_afterwards(keeper: KeeperProcess, peer: Peer) -> None:
    exited = peer.spawn("sh", "-c", "echo gone; exit 3", kind="pipe", fields=[(m.T_KEY, "k1"), (m.T_BLOB, b"b1")])
    exited.exited()
    running = peer.spawn("cat", kind="pipe", fields=[(m.T_KEY, "k2"), (m.T_BLOB, b"b2")])
    pinned = peer.spawn("cat")
    peer.call(m.PIN, [(m.T_ID, pinned.id), (m.T_ON, 1)])
    before = peer.list()
    before_fds = len(os.listdir(f"/proc/{keeper.pid}/fd"))
    upgrade(peer, keeper)
    after = peer.list()
    assert [entry.fields for entry in after] == [entry.fields for entry in before]
    assert len(os.listdir(f"/proc/{keeper.pid}/fd")) == before_fds
    again = peer.spawn("cat", kind="pipe", fields=[(m.T_KEY, "k2")])
    assert (again.id, again.answer.u64(m.T_EXISTING)) == (running.id, 1)
    running.write(b"through\n")
    again.out.read_until(b"through\n")
    peer.call(m.SIGNAL, [(m.T_ID, pinned.id), (m.T_SIGNO, 9)])
    assert pinned.exited().i64(m.T_SIGNAL) == 9
    peer.call(m.PIN, [(m.T_ID, pinned.id), (m.T_ON, 0)])
    exited.drop()
    for child in (exited, running, pinned, again):
        child.close()


def test_children_of_the_new_image_inherit_nothing_of_the_old(keeper: KeeperProcess, peer: Peer) -> None:
    first = peer.spawn("cat")
    upgrade(peer, keeper)
    child = peer.spawn(*python("import os; print(sorted(os.listdir('/proc/self/fd')))"), kind="pipe")
    child.exited()
    assert child.out.all() == b"['0', '1', '2', '3']\n"
    first.close()
    child.close()


def test_an_exit_in_the_middle_of_an_upgrade_is_told(keeper: KeeperProcess, peer: Peer) -> None:
    for number in range(10):
        child = peer.spawn("sh", "-c", f"read x; echo last; exit {number}")
        seq = peer.ask(m.UPGRADE, [(m.T_ARG, os.fsencode(arg)) for arg in keeper_command(keeper.paths)])
        child.write(b"\n")
        peer.answer(seq)
        assert child.exited().i64(m.T_CODE) == number
        assert child.out.all().endswith(b"last\r\n")
        child.drop()
        child.close()


def test_a_hold_stands_over_an_upgrade(keeper: KeeperProcess, peer: Peer) -> None:
    child = peer.spawn("sh", "-c", "read go; yes", fields=[(m.T_RING_BYTES, 65536)])
    child.out.reader.set_hold(0)
    child.write(b"go\n")
    child.out.wait(lambda: child.out.reader.end == 65536)
    upgrade(peer, keeper)
    peer.call(m.PING)
    assert child.out.reader.end == 65536
    child.out.reader.set_hold(1000)
    os.eventfd_write(child.room_event, 1)
    child.out.wait(lambda: child.out.reader.end == 66536)
    child.close()


def test_spawns_during_an_upgrade_are_all_answered(keeper: KeeperProcess, peer: Peer) -> None:
    argv = [(m.T_ARG, os.fsencode(arg)) for arg in keeper_command(keeper.paths)]
    sequences = []
    upgrades = []
    for number in range(5):
        sequences += [peer.ask(m.SPAWN, [(m.T_ID, f"s{number}{n}"), (m.T_ARG, b"/bin/cat")]) for n in range(5)]
        upgrades.append(peer.ask(m.UPGRADE, argv))
    answered: dict[int, m.Message] = {}
    while len(answered) < 30:
        received = receive_packet(peer.sock)
        assert received is not None
        answered[received[0].seq] = received[0]
        for fd in received[1]:
            os.close(fd)
    assert all(answered[seq].u64(m.T_PID) for seq in sequences)
    kinds = [answered[seq].text(m.T_ERROR_KIND) for seq in upgrades]
    assert kinds.count("") >= 1
    assert set(kinds) <= {"", "wrong_state"}
    assert len(peer.list()) == 25


BAD_IMAGES = {
    "is not there": (["/no/such/image"], "cannot be run: No such file or directory"),
    "fails its self-test": (["/bin/false"], "failed its self-test"),
    "has no full path": (["python3"], "must be named by its full path"),
    "was not named": ([], "without a command line"),
}


@pytest.mark.parametrize(("command", "text"), BAD_IMAGES.values(), ids=BAD_IMAGES.keys())
def test_an_image_that_cannot_run_is_refused_and_everything_carries_on(
    keeper: KeeperProcess, peer: Peer, command: list[str], text: str
) -> None:
    child = peer.spawn("cat")
    assert text in refusal(lambda: upgrade(peer, keeper, command)).message
    child.write(b"on\n")
    child.out.read_until(b"on\r\non\r\n")
    child.close()


def test_an_exec_that_fails_after_the_test_run_carries_on(keeper: KeeperProcess, peer: Peer, tmp_path: Path) -> None:
    """The image removes itself in its self-test: the threads were stopped already, and drain again."""
    image = tmp_path / "image"
    image.write_text('#!/bin/sh\nrm "$0"\n')
    image.chmod(0o755)
    code = NUMBERS.format(raw=True, step=512)
    child = peer.spawn(*python(code), fields=[(m.T_RING_BYTES, 1 << 30)])
    quiet = peer.spawn("cat")
    follower = Follower(child)
    error = refusal(lambda: upgrade(peer, keeper, [str(image)]))
    assert "cannot be executed: No such file or directory. All sessions run on." in error.message
    before = child.out.reader.end
    child.out.wait(lambda: child.out.reader.end > before)
    child.write(b"x")
    child.exited()
    follower.follow_to_the_end(child.out.reader.exit_offset or 0)
    quiet.write(b"on\n")
    quiet.out.read_until(b"on\r\non\r\n")
    leaks = peer.spawn(*python("import os; print(sorted(os.listdir('/proc/self/fd')))"), kind="pipe")
    leaks.exited()
    assert leaks.out.all() == b"['0', '1', '2', '3']\n"
    for one in (child, quiet, leaks):
        one.close()


def test_the_lock_and_the_place_of_the_daemon_survive_and_its_death_is_seen(keeper: KeeperProcess) -> None:
    argv = [os.fsencode(arg) for arg in keeper_command(keeper.paths)]
    then = f"peer.call(m.UPGRADE, [(m.T_ARG, arg) for arg in {argv!r}]); print('upgraded', flush=True)"
    with other_daemon(keeper, then=then) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "upgraded\n"
        assert refusal(keeper.daemon).kind == "already_attached"
    keeper.daemon()
    pid = os.posix_spawn(argv[0], argv, {})
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3


def test_orphans_are_still_adopted_after_an_upgrade(keeper: KeeperProcess, peer: Peer) -> None:
    upgrade(peer, keeper)
    child = peer.spawn("sh", "-c", "(setsid sh -c 'echo $$; read x' <&3 &) 3<&0", kind="pipe")
    orphan = int(child.out.read_until(b"\n"))
    child.exited()
    pidfd = os.pidfd_open(orphan)
    assert orphan in keeper.children()
    child.write(b"end\n")
    assert select.select([pidfd], [], [], TIMEOUT_S)[0]
    os.close(pidfd)
    child.close()
