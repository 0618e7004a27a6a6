"""Packets over a pair of sockets, with descriptors and long bodies."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator

import pytest

from roost.errors import ProtocolError
from roost.keeper import messages as m
from roost.keeper.transport import receive_packet, send_packet

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with left, right:
        yield left, right


def test_descriptors_arrive_in_order_and_close_on_exec(pair: Pair) -> None:
    files = [os.memfd_create(str(number)) for number in range(8)]
    send_packet(pair[0], m.encode(m.FETCH, 3), files)
    received = receive_packet(pair[1])
    assert received is not None
    message, fds = received
    assert message.seq == 3
    assert [os.fstat(fd).st_ino for fd in fds] == [os.fstat(fd).st_ino for fd in files]
    assert not any(os.get_inheritable(fd) for fd in fds)
    for fd in (*files, *fds):
        os.close(fd)


@pytest.mark.parametrize("size", [65000, 65536, 65537, 5_000_000])
def test_a_body_of_any_size_arrives_with_its_descriptors(pair: Pair, size: int) -> None:
    file = os.memfd_create("file")
    body = os.urandom(size)
    send_packet(pair[0], m.encode(m.SET_BLOB, 9, [(m.T_BLOB, body)]), [file])
    received = receive_packet(pair[1])
    assert received is not None
    message, fds = received
    assert (message.type, message.seq, message.blob(m.T_BLOB)) == (m.SET_BLOB, 9, body)
    assert [os.fstat(fd).st_ino for fd in fds] == [os.fstat(file).st_ino]
    for fd in (file, *fds):
        os.close(fd)


def test_the_end_of_the_stream_is_none_and_nothing_there_is_blocking(pair: Pair) -> None:
    pair[1].setblocking(False)
    with pytest.raises(BlockingIOError):
        receive_packet(pair[1])
    pair[0].close()
    assert receive_packet(pair[1]) is None


def test_a_full_socket_sends_nothing_and_says_so(pair: Pair) -> None:
    pair[0].setblocking(False)
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            send_packet(pair[0], m.encode(m.PING, sent + 1, [(m.T_BLOB, b"x" * 1000)]))
            sent += 1
    for number in range(sent):
        received = receive_packet(pair[1])
        assert received is not None
        assert received[0].seq == number + 1


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("sealed", [False, True])
def test_a_body_that_could_change_is_refused_and_its_descriptors_closed(pair: Pair, sealed: bool) -> None:
    file = os.memfd_create("body", os.MFD_ALLOW_SEALING)
    os.write(file, b"junk" if sealed else b"")
    if sealed:
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    before = open_descriptors()
    send_packet(pair[0], m.encode(m.SPAWN, 1, [(m.T_MEMFD, b"")]), [file])
    with pytest.raises(ProtocolError, match="not sealed"):
        receive_packet(pair[1])
    assert open_descriptors() == before
    os.close(file)


def test_a_body_that_is_no_memory_file_is_refused(pair: Pair) -> None:
    reader, writer = os.pipe()
    send_packet(pair[0], m.encode(m.SPAWN, 1, [(m.T_MEMFD, b"")]), [reader])
    with pytest.raises(ProtocolError, match="no memory file"):
        receive_packet(pair[1])
    os.close(reader)
    os.close(writer)


def test_a_truncated_packet_is_a_protocol_error(pair: Pair) -> None:
    pair[0].send(b"\0" * 70_000)
    with pytest.raises(ProtocolError, match="truncated"):
        receive_packet(pair[1])


def test_more_descriptors_than_a_message_holds_are_the_callers_fault(pair: Pair) -> None:
    with pytest.raises(ValueError, match="9 descriptors"):
        send_packet(pair[0], m.encode(m.PING, 1), [0] * 9)
