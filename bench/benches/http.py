"""The HTTP control plane: events handed out, attaching over a WebSocket, a keystroke and its echo, idle watchers.

Events are counted at the clients' sockets, without parsing them. WebSocket and the daemon's own socket are read by the
same loop; the echo over HTTP is `POST …/input` on one connection, seen by a follower of the output on another, and is
compared with a shared attachment on the daemon's socket. `roost proto` and /mcp are asked to type one character and
answer. All over Unix sockets.
"""

from __future__ import annotations

import http.client
import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import lightwire, machine, native
from bench.context import Context, Gate, flood, wait_at_gate
from bench.report import Row, at_least, at_most, compared
from bench.roost_host import RoostHost
from bench.stats import alternate, median, quantile

_IDLE_CLIENTS = 200


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = _connected(self._path)


def _connected(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(60)
    sock.connect(str(path))
    return sock


def _http_socket(roost: RoostHost) -> Path:
    return Path(roost.env["XDG_RUNTIME_DIR"]) / "roost" / roost.scope / "http.sock"


# --- events -----------------------------------------------------------------------------------------------------------


def _events_per_s(context: Context, clients: int, count: int) -> float:
    """Events a second, all clients together, from the first byte to the last."""
    path = context.path("sse")
    command = [sys.executable, "-m", "bench.sse_server", str(path), str(clients), str(count)]
    server = context.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    server.stdout.readline()
    readers = [_connected(path) for _ in range(clients)]
    try:
        selector = selectors.DefaultSelector()
        for reader in readers:
            reader.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            selector.register(reader, selectors.EVENT_READ, bytearray())
        server.stdin.write(b"go\n")
        server.stdin.flush()
        last = b"id: 1.%d\n" % count
        buffer = bytearray(1 << 20)
        started = 0.0
        left = clients
        while left:
            for key, _ in selector.select():
                read = key.fileobj.recv_into(buffer)  # type: ignore[union-attr]
                started = started or time.perf_counter()
                key.data[:] = (key.data + buffer[max(0, read - 4096) : read])[-4096:]
                if last in key.data:
                    selector.unregister(key.fileobj)
                    left -= 1
        return clients * count / (time.perf_counter() - started)
    finally:
        for reader in readers:
            reader.close()
        server.stdin.close()
        context.end(server)
        server.stdout.close()


# --- output -----------------------------------------------------------------------------------------------------------


def _over_socket(roost: RoostHost, target: str) -> socket.socket:
    sock = _connected(roost.socket)
    sock.sendall(lightwire.attach(target, mode="view", lossless=True))
    return sock


def _over_websocket(roost: RoostHost, target: str) -> socket.socket:
    sock = _connected(_http_socket(roost))
    head = (
        f"GET /v1/sessions/{target}/attach HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: roost.frames.v1\r\n\r\n"
    )
    sock.sendall(head.encode())
    if not sock.recv(4096).startswith(b"HTTP/1.1 101"):
        raise RuntimeError("no WebSocket")
    request = lightwire.attach(target, mode="view", lossless=True)
    length = (
        bytes((0x80 | len(request),)) if len(request) < 126 else bytes((0x80 | 126,)) + len(request).to_bytes(2, "big")
    )
    sock.sendall(b"\x82" + length + bytes(4) + request)
    return sock


def _rate(context: Context, roost: RoostHost, connect: Callable[[RoostHost, str], socket.socket], size: int) -> float:
    """MB/s of a session's output, from the child's first write to the last byte read."""
    gate, report = Gate(context), context.path("flood")
    target = roost.open(flood(gate, report, "--bytes", str(size)))
    wait_at_gate(report)
    with connect(roost, target) as sock:
        sock.recv(4096)
        gate.open()
        buffer = bytearray(1 << 20)
        total = 0
        while total < size and (read := sock.recv_into(buffer)):
            total += read
        ended = time.monotonic_ns()
    child = native.read_report(report)
    roost.end([target])
    return float(size / (ended - child["start_ns"]) * 1e3)


# --- echo -------------------------------------------------------------------------------------------------------------


def _echo_http(roost: RoostHost, target: str, count: int) -> list[float]:
    """Microseconds from the request to the byte at the follower."""
    follower, typist = _connected(_http_socket(roost)), _Unix(_http_socket(roost))
    times = []
    try:
        follower.sendall(
            f"GET /v1/sessions/{target}/output?follow=true&tail_bytes=0 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        follower.recv(4096)
        for _ in range(count):
            started = time.perf_counter()
            typist.request("POST", f"/v1/sessions/{target}/input", b"x")
            follower.recv(4096)
            times.append((time.perf_counter() - started) * 1e6)
            typist.getresponse().read()
    finally:
        follower.close()
        typist.close()
    return times


def _echo_socket(roost: RoostHost, target: str, count: int) -> list[float]:
    times = []
    with roost.connect() as connection:
        connection.ask(lightwire.attach(target, mode="share"))
        for _ in range(count):
            started = time.perf_counter()
            connection.send(bytes((0, 0, 0, 3, 0x0A, 1, ord("x"))))
            while 1 not in dict(lightwire.fields(connection.receive())):
                pass
            times.append((time.perf_counter() - started) * 1e6)
    return times


# --- for programs -----------------------------------------------------------------------------------------------------


def _proto(context: Context, roost: RoostHost, target: str, count: int) -> list[float]:
    """Microseconds from a request's line to its answer's, of `roost proto`."""
    command = [sys.executable, "-m", "roost.cli", "proto", "--to", target]
    env = {**roost.env, "ROOST_SOCKET": str(roost.socket)}
    server = context.start(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    times = []
    try:
        server.stdout.readline()
        for id in range(count):
            started = time.perf_counter()
            server.stdin.write(b'{"type":"send","id":%d,"text":"x","enter":false}\n' % id)
            server.stdin.flush()
            while b'"ack"' not in (line := server.stdout.readline()):
                if not line:
                    raise RuntimeError("roost proto has ended")
            times.append((time.perf_counter() - started) * 1e6)
    finally:
        server.stdin.close()
        context.end(server)
        server.stdout.close()
    return times


def _mcp(roost: RoostHost, target: str, count: int) -> list[float]:
    """Microseconds of a tool call at /mcp, the first one (which imports the SDK) left out."""
    asking = _Unix(_http_socket(roost))
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    call = {"name": "send", "arguments": {"text": "x", "enter": False, "target": target}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
    times = []
    try:
        for _ in range(count + 1):
            started = time.perf_counter()
            asking.request("POST", "/mcp", body, headers)
            answer = asking.getresponse().read()
            times.append((time.perf_counter() - started) * 1e6)
            if b'"isError":false' not in answer.replace(b" ", b""):
                raise RuntimeError(f"/mcp answered {answer[:500]!r}")
    finally:
        asking.close()
    return times[1:]


# --- memory -----------------------------------------------------------------------------------------------------------


def _idle_kib(roost: RoostHost, clients: int) -> float:
    """KiB of the daemon a watcher costs that is told nothing."""
    path = _http_socket(roost)
    held = []
    try:
        for warm in (20, clients):
            before = machine.resident_bytes(roost.daemon_pid)
            for _ in range(warm):
                sock = _connected(path)
                sock.sendall(b"GET /v1/events?categories=agent HTTP/1.1\r\nHost: localhost\r\n\r\n")
                sock.recv(4096)
                held.append(sock)
        return (machine.resident_bytes(roost.daemon_pid) - before) / clients / 1024
    finally:
        for sock in held:
            sock.close()


def run(context: Context) -> list[Row]:
    count = context.choose(400_000, 60_000)
    events = alternate(
        context.choose(3, 2),
        {
            "1": lambda: _events_per_s(context, 1, count),
            "100": lambda: _events_per_s(context, 100, count // 20),
        },
    )
    size = context.choose(100, 30) * 1_000_000
    with RoostHost(context) as roost:
        resident = machine.resident_bytes(roost.daemon_pid)
        rates = alternate(
            context.choose(5, 3),
            {
                "websocket": lambda: _rate(context, roost, _over_websocket, size),
                "socket": lambda: _rate(context, roost, _over_socket, size),
            },
        )
        with_http = machine.resident_bytes(roost.daemon_pid)
        target = roost.open([native.program("echo")])
        keys = context.choose(1500, 300)
        echoes = alternate(
            context.choose(5, 3),
            {
                "http": lambda: _echo_http(roost, target, keys),
                "socket": lambda: _echo_socket(roost, target, keys),
            },
        )
        idle = _idle_kib(roost, _IDLE_CLIENTS)
        proto = _proto(context, roost, target, keys)
        mcp = _mcp(roost, target, context.choose(500, 100))
    over_http = [quantile(times, 0.5) for times in echoes["http"]]
    late = [quantile(times, 0.99) for times in echoes["http"]]
    direct = [quantile(times, 0.5) for times in echoes["socket"]]
    direct_late = [quantile(times, 0.99) for times in echoes["socket"]]
    return [
        Row("events to 1 client", "events/s", median(events["1"]), target=at_least(100_000)),
        Row("events to 100 clients, all together", "events/s", median(events["100"]), target=at_least(500_000)),
        compared(
            "output over a WebSocket", "MB/s", rates["websocket"], "daemon's socket", rates["socket"], at_least(0.5)
        ),
        compared("send to echo over HTTP, p50", "µs", over_http, "daemon's socket", direct),
        compared("send to echo over HTTP, p99", "µs", late, "daemon's socket", direct_late),
        Row("a line to roost proto and its answer, p50", "µs", quantile(proto, 0.5)),
        Row("a line to roost proto and its answer, p99", "µs", quantile(proto, 0.99)),
        Row("a tool call at /mcp, p50", "µs", quantile(mcp, 0.5)),
        Row("a tool call at /mcp, p99", "µs", quantile(mcp, 0.99)),
        Row("daemon before the first HTTP connection", "MiB", resident / 1048576, target=at_most(30)),
        Row("daemon with HTTP in use", "MiB", with_http / 1048576, target=at_most(45)),
        Row("idle watcher of events", "KiB", idle, target=at_most(100)),
    ]
