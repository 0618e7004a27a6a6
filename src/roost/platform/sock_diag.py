"""The kernel's table of sockets, and notices of those that are gone. Source: sock_diag(7), linux/inet_diag.h.

Owns the netlink requests and their decoding; who holds a socket is found by its inode among the open files of
processes. Where sock_diag is refused, the same comes from /proc/net.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

ESTABLISHED, SYN_SENT, CLOSE, LISTEN = 1, 2, 7, 10

_NETLINK_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST_DUMP = 0x301
_DONE, _ERROR = 3, 2
_HEADER = struct.Struct("=IHHII")
_MESSAGE = struct.Struct("=BBBB2s2s16s16sIIIIIIII")
_ALL_STATES = 0xFFFFFFFF
#: Multicast groups of sockets destroyed: TCP and UDP over IPv4, then over IPv6.
_DESTROY_GROUPS = 0b1111
_SOL_NETLINK, _NETLINK_LISTEN_ALL_NSID = 270, 8
_BUFFER_BYTES = 1 << 20

_PROTOCOLS = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}
_SOCKET_LINK = re.compile(r"socket:\[(\d+)\]")

#: Address and port.
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class SocketEntry:
    """One socket. inode: 0 when nobody holds it any more."""

    protocol: str
    state: int
    local: Address
    peer: Address
    inode: int

    @property
    def ends(self) -> tuple[str, Address, Address]:
        """What tells it from every other that is connected."""
        return self.protocol, self.local, self.peer


def sockets(protocols: tuple[int, ...] = (socket.IPPROTO_TCP, socket.IPPROTO_UDP)) -> list[SocketEntry]:
    """Every socket of this network namespace."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as diag:
            found: list[SocketEntry] = []
            for family in (socket.AF_INET, socket.AF_INET6):
                for protocol in protocols:
                    with contextlib.suppress(FileNotFoundError):  # no such protocol in this kernel
                        found.extend(_dump(diag, family, protocol))
            return found
    except OSError:
        return list(_from_proc(protocols))


def held_inodes(pid: int) -> set[int]:
    """The inodes of the sockets that a process has open; nothing when it is gone or not ours to look at."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                match = _SOCKET_LINK.match(os.readlink(f"/proc/{pid}/fd/{entry}"))
                if match:
                    found.add(int(match[1]))
    return found


class DestroyNotices:
    """Tells of every socket that is destroyed, by its addresses. Raises OSError where that is refused."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, _NETLINK_SOCK_DIAG
        )
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind((0, _DESTROY_GROUPS))
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For poll."""
        return self._socket.fileno()

    def read(self) -> tuple[list[SocketEntry], bool]:
        """What there is, and whether the kernel had no room for some; does not wait."""
        found: list[SocketEntry] = []
        lost = False
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                return found, lost
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                lost = True
                continue
            for kind, at in _messages(data):
                if kind == _BY_FAMILY:
                    found.append(_entry(data, at, _protocol_of(data, at)))

    def close(self) -> None:
        """End."""
        self._socket.close()


def _protocol_of(data: bytes, at: int) -> str:
    """A notice names its protocol in an attribute (INET_DIAG_PROTOCOL); TCP when it does not."""
    length = _HEADER.unpack_from(data, at - _HEADER.size)[0]
    end, at = at - _HEADER.size + length, at + _MESSAGE.size
    while at + 4 <= end:
        size, kind = struct.unpack_from("=HH", data, at)
        if kind == 10:
            return _PROTOCOLS.get(data[at + 4], "tcp")
        at += max(4, (size + 3) & ~3)
    return "tcp"


def _dump(diag: socket.socket, family: int, protocol: int) -> Iterator[SocketEntry]:
    request = struct.pack("=BBBBI48x", family, protocol, 0, 0, _ALL_STATES)
    diag.send(_HEADER.pack(_HEADER.size + len(request), _BY_FAMILY, _REQUEST_DUMP, 1, 0) + request)
    while True:
        data = diag.recv(1 << 17)
        for kind, at in _messages(data):
            if kind == _DONE:
                return
            if kind == _ERROR:
                number = -struct.unpack_from("=i", data, at)[0]
                raise OSError(number, os.strerror(number))
            yield _entry(data, at, _PROTOCOLS[protocol])


def _messages(data: bytes) -> Iterator[tuple[int, int]]:
    """(type, where its payload starts) of each netlink message."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size:
            return
        yield kind, at + _HEADER.size
        at += (length + 3) & ~3


def _entry(data: bytes, at: int, protocol: str) -> SocketEntry:
    family, state, _, _, sport, dport, source, destination, *rest = _MESSAGE.unpack_from(data, at)
    return SocketEntry(protocol, state, address(family, source, sport), address(family, destination, dport), rest[-1])


def address(family: int, raw: bytes, port: bytes) -> Address:
    """An address as the kernel has it, for people; IPv4 carried in IPv6 as IPv4."""
    number = int.from_bytes(port, "big")
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[:4]), number
    if raw.startswith(bytes(10) + b"\xff\xff"):
        return socket.inet_ntop(socket.AF_INET, raw[12:16]), number
    return socket.inet_ntop(socket.AF_INET6, raw), number


def _from_proc(protocols: tuple[int, ...]) -> Iterator[SocketEntry]:
    for protocol in protocols:
        for family, suffix in ((socket.AF_INET, ""), (socket.AF_INET6, "6")):
            name = _PROTOCOLS[protocol]
            with contextlib.suppress(OSError), open(f"/proc/net/{name}{suffix}", encoding="ascii") as file:
                next(file)
                for line in file:
                    words = line.split()
                    local, peer = (_proc_address(family, word) for word in words[1:3])
                    yield SocketEntry(name, int(words[3], 16), local, peer, int(words[9]))


def _proc_address(family: int, word: str) -> Address:
    """`0100007F:0050`: words of four bytes in this machine's order. Source: proc_net_tcp."""
    host, _, port = word.partition(":")
    raw = b"".join(struct.pack("=I", int(host[at : at + 8], 16)) for at in range(0, len(host), 8))
    return address(family, raw, int(port, 16).to_bytes(2, "big"))
