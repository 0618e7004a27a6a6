"""The other end of a sink, as a program: reads lines of JSON and tells when each one came.

`event_reader.py WAY PLACE COUNT`: says `ready` (and a port), reads until it has seen COUNT events with a time `t` in
their data, and prints the microseconds from `t` to here as JSON. WAY: connect and listen (Unix sockets), fifo, tail (a
file), stdin, http.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

#: A file says nothing when it grows: so often is looked.
_LOOK_S = 1e-4


def _ready(more: object = "") -> None:
    print("ready", more, flush=True)


def _lines(way: str, place: str) -> Iterator[bytes]:
    if way == "http":
        yield from _bodies()
    elif way == "tail":
        yield from _tail(place)
    else:
        with _open(way, place) as source:
            yield from source


def _open(way: str, place: str) -> BinaryIO:
    if way == "stdin":
        _ready()
        return sys.stdin.buffer
    if way == "fifo":
        file = os.open(place, os.O_RDWR)  # for writing too: the end of one writer is not the end
        _ready()
        return os.fdopen(file, "rb")
    peer = socket.socket(socket.AF_UNIX)
    if way == "connect":
        peer.connect(place)
        _ready()
        return peer.makefile("rb")
    peer.bind(place)
    peer.listen(1)
    _ready()
    return peer.accept()[0].makefile("rb")


def _tail(place: str) -> Iterator[bytes]:
    with open(place, "a+b") as file:
        file.seek(0)
        _ready()
        rest = b""
        while True:
            rest += file.read()
            *whole, rest = rest.split(b"\n")
            yield from whole
            if not whole:
                time.sleep(_LOOK_S)


def _bodies() -> Iterator[bytes]:
    """What is posted, over any number of connections, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        _ready(server.getsockname()[1])
        while True:
            peer, _ = server.accept()
            with peer, peer.makefile("rb") as source:
                while source.readline():
                    length = 0
                    while (line := source.readline().strip()) != b"":
                        name, _, value = line.partition(b":")
                        length = int(value) if name.lower() == b"content-length" else length
                    yield source.read(length)
                    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def main() -> None:
    way, place, want = sys.argv[1], sys.argv[2], int(sys.argv[3])
    times: list[float] = []
    for line in _lines(way, place):
        now = time.monotonic_ns()
        if b'"t":' in line:
            times.append((now - json.loads(line)["event"]["data"]["t"]) / 1000)
            if len(times) == want:
                break
    print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
