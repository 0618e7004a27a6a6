"""Packets over a SOCK_SEQPACKET socket, with descriptors. Used by the keeper and by the daemon's link.

Owns the form of long packets (a sealed memory file) and the rule that a truncated packet is a broken peer. Knows no
message by name. Works with plain `_socket.socket` objects, so that the keeper need not load `socket` (1.5 MB).
"""

from __future__ import annotations

import _socket
import fcntl
import os
import struct

from roost.errors import ProtocolError
from roost.keeper.messages import (
    HEADER_BYTES,
    MAX_BODY_BYTES,
    MAX_FDS,
    MAX_PACKET_BYTES,
    T_MEMFD,
    Message,
    decode,
)
from roost.keeper.tlv import encode_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ANCILLARY_BYTES = _socket.CMSG_SPACE(MAX_FDS * 4)
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_MEMORY_FILE_FIELD = encode_fields([(T_MEMFD, b"")])


def send_packet(sock: _socket.socket, packet: bytes, fds: Iterable[int] = ()) -> None:
    """Send one packet with descriptors, which stay open here.

    A packet above MAX_PACKET_BYTES travels as its header, an empty T_MEMFD field and, before the other descriptors, a
    sealed memory file that holds its body. Raises BlockingIOError with nothing sent on a full non-blocking socket.
    """
    if len(packet) <= MAX_PACKET_BYTES:
        _send(sock, packet, tuple(fds))
        return
    memory_fd = _body_file(packet)
    try:
        _send(sock, packet[:HEADER_BYTES] + _MEMORY_FILE_FIELD, (memory_fd, *fds))
    finally:
        os.close(memory_fd)


def _send(sock: _socket.socket, packet: bytes, fds: tuple[int, ...]) -> None:
    if len(fds) > MAX_FDS:
        raise ValueError(f"{len(fds)} descriptors in one message; at most {MAX_FDS}")
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))] if fds else []
    sock.sendmsg([packet], rights, _socket.MSG_NOSIGNAL)


def _body_file(packet: bytes) -> int:
    fd = os.memfd_create("roost-message", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        rest = memoryview(packet)[HEADER_BYTES:]
        while rest:
            rest = rest[os.write(fd, rest) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(fd)
        raise
    return fd


class TruncatedError(ProtocolError):
    """A packet was too long, or there were no descriptors left to receive what came with it; `type` and `seq` if they
    are known, else 0."""

    def __init__(self, packet: bytes) -> None:
        super().__init__("a keeper message arrived truncated (too long, or no descriptors left to receive it)")
        try:
            message = decode(packet)
            self.type, self.seq = message.type, message.seq
        except ProtocolError:
            self.type = self.seq = 0


def receive_packet(sock: _socket.socket) -> tuple[Message, list[int]] | None:
    """The next message and its descriptors (close-on-exec, now the caller's), or None at the end of the stream.

    Raises ProtocolError for a truncated or malformed packet, its descriptors closed; BlockingIOError propagates.
    """
    # Not socket.recv_fds: that drops the flags, and a child spawned in between would inherit the descriptors.
    packet, ancillary, flags, _ = sock.recvmsg(MAX_PACKET_BYTES, _ANCILLARY_BYTES, _socket.MSG_CMSG_CLOEXEC)
    fds = _descriptors(ancillary)
    if not packet and not fds:
        return None
    try:
        if flags & (_socket.MSG_TRUNC | _socket.MSG_CTRUNC):
            raise TruncatedError(packet)
        message = decode(packet)
        if message.has(T_MEMFD):
            message = _decode_body_file(packet[:HEADER_BYTES], fds)
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise
    return message, fds


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    fds: list[int] = []
    for level, kind, data in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            count = len(data) // 4
            fds += struct.unpack(f"{count}i", data[: count * 4])
    return fds


def _decode_body_file(header: bytes, fds: list[int]) -> Message:
    """The message whose body is the first descriptor, which is taken off the list and closed."""
    if not fds:
        raise ProtocolError("a keeper message announces a memory file and brings none")
    fd = fds.pop(0)
    try:
        return decode(header + _read_sealed(fd))
    finally:
        os.close(fd)


def _read_sealed(fd: int) -> bytes:
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError as error:
        raise ProtocolError("the body of a keeper message is no memory file") from error
    if seals & _SEALS & ~fcntl.F_SEAL_SEAL != _SEALS & ~fcntl.F_SEAL_SEAL:
        raise ProtocolError("the body of a keeper message is not sealed: it could change while it is read")
    size = os.fstat(fd).st_size
    if size > MAX_BODY_BYTES:
        raise ProtocolError(f"the body of a keeper message has {size} bytes, the limit is {MAX_BODY_BYTES}")
    parts: list[bytes] = []
    at = 0
    while at < size:
        part = os.pread(fd, size - at, at)
        if not part:
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)
