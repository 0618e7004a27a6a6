"""The protocol as bytes on a socket: its oldest form, its limits, and peers that break it."""

from __future__ import annotations

import os
import random
import select
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.keeper_harness import TIMEOUT_S, Child, KeeperProcess, Peer, refusal, running_keeper

from roost.keeper import messages as m
from roost.keeper.transport import receive_packet, send_packet


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeeperProcess]:
    with running_keeper(tmp_path_factory.mktemp("keeper")) as one:
        yield one


@pytest.fixture
def peer(keeper: KeeperProcess) -> Peer:
    return keeper.daemon()


def raw_socket(keeper: KeeperProcess) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(keeper.paths.keeper_socket)
    sock.settimeout(TIMEOUT_S)
    return sock


def test_the_oldest_form_of_the_protocol_is_understood(keeper: KeeperProcess) -> None:
    """Version 1, written out byte for byte: hello, spawn, exit, drop, hang up. These bytes never change."""

    def text(tag: int, value: bytes) -> bytes:
        return struct.pack("<HI", tag, len(value)) + value

    def number(tag: int, value: int) -> bytes:
        return struct.pack("<HIq", tag, 8, value)

    with raw_socket(keeper) as sock:
        sock.send(bytes.fromhex("0100 0100 01000000") + number(1, 1) + number(2, 1) + text(6, b"daemon"))
        assert sock.recv(65536)[:8] == bytes.fromhex("0100 0180 01000000")
        sock.send(
            bytes.fromhex("0100 0200 02000000")
            + text(10, b"s-old")
            + text(13, b"pty")
            + text(7, b"/bin/sh")
            + text(7, b"-c")
            + text(7, b"read x; exit 5")
            + text(8, b"PATH=/bin")
            + text(9, b"/")
            + number(14, 24)
            + number(15, 80)
        )
        packet, ancillary, _, _ = sock.recvmsg(65536, socket.CMSG_SPACE(32))
        assert packet[:8] == bytes.fromhex("0100 0280 02000000")
        assert text(10, b"s-old") in packet
        fds = struct.unpack("4i", ancillary[0][2])  # master, ring, its eventfd, the thread's eventfd
        os.write(fds[0], b"\n")
        for fd in fds:
            os.close(fd)
        notice = sock.recv(65536)
        assert notice[:8] == bytes.fromhex("0100 2000 00000000")
        assert text(10, b"s-old") in notice
        assert number(22, 5) in notice
        answer = b""
        while answer[:8] != bytes.fromhex("0100 0980 03000000"):
            sock.send(bytes.fromhex("0100 0900 03000000") + text(10, b"s-old"))
            answer = sock.recv(65536)
            if answer[:8] == bytes.fromhex("0100 2100 00000000"):  # the stream has closed meanwhile
                answer = sock.recv(65536)
        sock.send(bytes.fromhex("0100 0f00 00000000"))  # HANGUP: frozen
    keeper.daemon().call(m.PING)


def test_a_later_version_of_the_header_still_hangs_up(keeper: KeeperProcess) -> None:
    peer = keeper.daemon()
    peer.sock.send(struct.pack("<HHI", 77, m.HANGUP, 0))
    assert "hung up" in wait_for_log(keeper, "hung up")


def wait_for_log(keeper: KeeperProcess, text: str) -> str:
    deadline = time.monotonic() + TIMEOUT_S
    while text not in keeper.log():
        assert time.monotonic() < deadline
    return keeper.log()


def test_only_the_owner_may_open_its_socket(keeper: KeeperProcess) -> None:
    assert Path(keeper.paths.keeper_socket).stat().st_mode & 0o777 == 0o600


def test_versions_without_a_common_one_are_refused_naming_both(keeper: KeeperProcess) -> None:
    peer = keeper.connect()
    error = refusal(lambda: peer.call(m.HELLO, [(m.T_VERSION, 9), (m.T_MIN_VERSION, 8), (m.T_ROLE, "daemon")]))
    assert error.kind == "version_mismatch"
    pid = keeper.pid
    assert f"protocol 8 to 9, the keeper with pid {pid} 1 to 1" in error.message and f"`kill {pid}`" in error.message


def test_a_newer_daemon_that_still_speaks_ours_is_served_and_unknown_tags_are_skipped(keeper: KeeperProcess) -> None:
    fields: list[tuple[int, bytes | int | str]] = [(m.T_VERSION, 9), (m.T_MIN_VERSION, 1), (m.T_ROLE, "daemon")]
    answer = keeper.connect().call(m.HELLO, [*fields, (999, b"later")])
    assert answer.u64(m.T_VERSION) == 1
    assert answer.u64(m.T_PID) == keeper.pid
    assert b"holds" in answer.list(m.T_FEATURE)


def test_unknown_messages_and_unknown_sessions_are_answered(peer: Peer) -> None:
    assert refusal(lambda: peer.call(4711)).kind == "unknown_request"
    for type in (m.FETCH, m.SET_BLOB, m.CLOSE_STDIN, m.RELEASE_HOLD, m.SIGNAL, m.DROP, m.PIN):
        assert refusal(lambda type=type: peer.call(type, [(m.T_ID, "nobody")])).kind == "not_found"  # type: ignore[misc]


def test_a_probe_may_look_and_nothing_else(keeper: KeeperProcess, peer: Peer) -> None:
    probe = keeper.connect()
    assert refusal(probe.list).kind == "denied"
    probe.hello("probe")
    probe.list()
    for type in (m.SPAWN, m.FETCH, m.DROP, m.UPGRADE, m.SHUTDOWN):
        assert refusal(lambda type=type: probe.call(type)).kind == "denied"  # type: ignore[misc]
    assert refusal(lambda: keeper.connect().hello("king")).kind == "invalid"


MALFORMED = {
    "no header": b"\x01",
    "a field header cut off": struct.pack("<HHI", 1, m.LIST, 1) + b"\x01\x00",
    "a field longer than the packet": struct.pack("<HHI", 1, m.LIST, 1) + struct.pack("<HI", 10, 4_000_000_000),
    "a memory file that did not come": struct.pack("<HHI", 1, m.LIST, 1) + struct.pack("<HI", m.T_MEMFD, 0),
}


@pytest.mark.parametrize("packet", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_packet_costs_its_sender_the_connection_and_nobody_else(
    keeper: KeeperProcess, peer: Peer, packet: bytes
) -> None:
    with raw_socket(keeper) as sock:
        sock.send(packet)
        assert sock.recv(100) == b""
    peer.call(m.PING)


def test_a_field_of_the_wrong_form_is_answered_with_an_error(peer: Peer) -> None:
    assert refusal(lambda: peer.call(m.LIST, [(m.T_LIMIT, b"123")])).kind == "invalid"
    assert refusal(lambda: peer.call(m.HELLO, [(m.T_VERSION, b"")])).kind == "invalid"
    with_signal = peer.spawn("cat")
    error = refusal(lambda: peer.call(m.SIGNAL, [(m.T_ID, with_signal.id), (m.T_SIGNO, -1)]))
    assert error.kind == "invalid"
    end(peer, with_signal)


def end(peer: Peer, child: Child) -> None:
    peer.call(m.SIGNAL, [(m.T_ID, child.id), (m.T_SIGNO, 9)])
    child.exited()
    child.drop()
    child.close()


def test_random_bytes_harm_nobody(keeper: KeeperProcess, peer: Peer) -> None:
    rng = random.Random(7)
    for _ in range(300):
        with raw_socket(keeper) as sock:
            body = rng.randbytes(rng.randrange(60))
            sock.send(struct.pack("<HHI", 1, rng.choice((1, 2, 4, 5, 8, 10, 11, 13, 77)), 1) + body)
    peer.call(m.PING)


def test_descriptors_sent_along_with_a_request_are_closed(keeper: KeeperProcess, peer: Peer) -> None:
    reader, writer = os.pipe()
    send_packet(peer.sock, m.encode(m.PING, 77, []), (writer,))
    os.close(writer)
    assert select.select([reader], [], [], TIMEOUT_S)[0]
    assert os.read(reader, 1) == b""
    os.close(reader)
    received = receive_packet(peer.sock)
    assert received is not None
    assert received[0].seq == 77


def test_a_guest_needs_its_connection_and_a_terminal(peer: Peer) -> None:
    terminal, pipe = peer.spawn("cat"), peer.spawn("cat", kind="pipe")
    assert refusal(lambda: peer.call(m.ADD_GUEST, [(m.T_ID, terminal.id)])).kind == "invalid"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_packet(peer.sock, m.encode(m.ADD_GUEST, 900, [(m.T_ID, pipe.id)]), [ours.fileno()])
        received = receive_packet(peer.sock)
        assert received is not None and received[0].text(m.T_ERROR_KIND) == "invalid"
    peer.call(m.DROP_GUEST, [(m.T_ID, terminal.id), (m.T_GUEST, 5)])  # one that is not there
    end(peer, terminal)
    end(peer, pipe)


def test_guests_end_with_the_connection_of_their_daemon(keeper: KeeperProcess) -> None:
    first = keeper.daemon()
    terminal = first.spawn("cat")
    ours, theirs = socket.socketpair()
    send_packet(first.sock, m.encode(m.ADD_GUEST, 900, [(m.T_ID, terminal.id)]), [ours.fileno()])
    received = receive_packet(first.sock)
    assert received is not None and received[0].has(m.T_GUEST) and len(received[1]) == 1
    os.close(received[1][0])
    ours.close()
    first.close()
    theirs.settimeout(TIMEOUT_S)
    with theirs:
        assert theirs.recv(1) == b""
    terminal.peer = keeper.daemon()
    end(terminal.peer, terminal)


def test_an_unsealed_memory_file_is_refused(keeper: KeeperProcess, peer: Peer) -> None:
    fd = os.memfd_create("body")
    os.write(fd, b"\0" * 100_000)
    header = struct.pack("<HHI", 1, m.SPAWN, 1) + struct.pack("<HI", m.T_MEMFD, 0)
    with raw_socket(keeper) as sock:
        socket.send_fds(sock, [header], [fd])
        assert sock.recv(100) == b""
    os.close(fd)
    peer.call(m.PING)


def test_payloads_over_64_kib_travel_both_ways(peer: Peer) -> None:
    blob = os.urandom(65536)
    variables = [(m.T_ENV, b"V%d=" % number + b"x" * 1000) for number in range(200)]
    child = peer.spawn("sh", "-c", "env | wc -c; read x", fields=[*variables, (m.T_BLOB, blob)])
    assert child.answer.blob(m.T_BLOB) == blob
    assert int(child.out.read_until(b"\n")) > 200_000
    again = peer.fetch(child.id)
    assert again.answer.blob(m.T_BLOB) == blob
    again.write(b"\n")
    again.close()
    child.exited()
    child.drop()
    child.close()


def test_lists_are_paged_in_spawn_order(peer: Peer) -> None:
    children = [peer.spawn("sleep", "1000", kind="pipe", fields=[(m.T_BLOB, os.urandom(20_000))]) for _ in range(80)]
    ids = [child.id for child in children]
    for limit in (0, 1, 7, 80, 1000):
        entries = peer.list(limit)
        assert [entry.text(m.T_ID) for entry in entries] == ids
    assert [entry.u64(m.T_PID) for entry in entries] == [child.pid for child in children]
    for child in children:
        end(peer, child)
    assert peer.list() == []


def test_a_blob_is_kept_until_it_is_replaced(peer: Peer) -> None:
    child = peer.spawn("cat", fields=[(m.T_BLOB, b"one")])
    peer.call(m.SET_BLOB, [(m.T_ID, child.id), (m.T_BLOB, b"two")])
    assert refusal(lambda: peer.call(m.SET_BLOB, [(m.T_ID, child.id), (m.T_BLOB, b"x" * 65537)])).kind == "invalid"
    assert [entry.blob(m.T_BLOB) for entry in peer.list()] == [b"two"]
    end(peer, child)


def test_a_peer_that_never_reads_does_not_hold_up_the_others(keeper: KeeperProcess, peer: Peer) -> None:
    """It asks ten thousand times and reads no answer: the keeper stops reading it, and serves everybody else."""
    deaf = keeper.connect()
    deaf.hello("probe")
    deaf.sock.setblocking(False)
    asked = 0
    with pytest.raises(BlockingIOError):
        while asked < 10_000:
            deaf.ask(m.LIST)
            asked += 1
    child = peer.spawn("true")
    child.exited()
    child.drop()
    child.close()
    deaf.sock.setblocking(True)
    for _ in range(asked):  # all that was taken is answered, once it reads
        assert receive_packet(deaf.sock) is not None
