"""Network events of real sockets: who listens, connects, accepts and closes, with addresses, and how exactly."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.sources import Observed, observed

from roost.core.events import Event
from roost.platform.socket_trace import SocketTrace

SERVE = (
    "s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], file=open('port', 'w')); "
    "import threading; threading.Thread(target=lambda: [s.accept()[0].close() for _ in range({count})]).start()"
)


def has_trace() -> bool:
    """Whether this kernel lets us trace TCP."""
    try:
        SocketTrace().close()
    except OSError:
        return False
    return True


needs_trace = pytest.mark.skipif(not has_trace(), reason="tracing TCP needs CAP_PERFMON and tracefs")


@pytest.fixture(params=["sock-diag", pytest.param("tcp-trace", marks=needs_trace)])
async def o(request: pytest.FixtureRequest) -> AsyncIterator[Observed]:
    """Sources without a session, with each mechanism."""
    async with observed("" if request.param == "tcp-trace" else "tcp-trace") as all_of_it:
        yield all_of_it


def of(o: Observed, type: str, **data: object) -> list[Event]:
    """Network events with these data."""
    return [e for e in o.of("network", type) if all(e.data.get(key) == value for key, value in data.items())]


async def test_both_sides_of_a_connection_that_lasts_are_seen(o: Observed, tmp_path: Path) -> None:
    server, client = o.session(tmp_path), o.session(tmp_path)
    await o.want("network")
    await server.do("s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], file=open('port', 'w'))")
    port = int((tmp_path / "port").read_text())
    local = f"127.0.0.1:{port}"
    await o.until(lambda: of(o, "listen", local=local, pid=server.process.pid))
    await client.do(f"c = socket.create_connection(('127.0.0.1', {port}))")
    await server.do("a, _ = s.accept()")
    (connected,) = await o.until(lambda: of(o, "connect", peer=local, pid=client.process.pid))
    (accepted,) = await o.until(lambda: of(o, "accept", local=local, pid=server.process.pid))
    assert accepted.data["peer"] == connected.data["local"]
    assert (connected.session_id, accepted.session_id) == (client.id, server.id)
    await client.do("c.close()")
    await server.do("a.close(); s.close()")
    assert len(await o.until(lambda: len(of(o, "close")) == 3 and of(o, "close"))) == 3
    assert {e.data["protocol"] for e in o.of("network")} == {"tcp"}


async def test_udp_and_ipv6_are_seen_and_what_is_not_the_sessions_is_not(o: Observed, tmp_path: Path) -> None:
    session = o.session(tmp_path)
    await o.want("network")
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        await session.do("u = socket.socket(type=socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0))")
        await session.do("s6 = socket.create_server(('::1', 0), family=socket.AF_INET6)")
        await o.until(lambda: of(o, "listen", protocol="udp"))
        (six,) = await o.until(lambda: of(o, "listen", protocol="tcp"))
        assert six.data["local"].startswith("[::1]:")
        assert not [e for e in o.of("network") if e.data["local"].endswith(f":{foreign.getsockname()[1]}")]


async def test_sockets_that_were_there_before_are_not_told_but_their_end_is(o: Observed, tmp_path: Path) -> None:
    session = o.session(tmp_path)
    session.run("s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname())")
    await o.want("network")
    await o.settle(session)
    assert not o.of("network")
    await session.do("c.close()")
    await o.until(lambda: of(o, "close"))
    await session.do("d = socket.create_connection(s.getsockname()); a = [s.accept() for _ in range(2)]")
    await o.until(lambda: of(o, "accept"))


@needs_trace
async def test_every_short_connection_is_told_exactly_with_the_process_that_made_it(tmp_path: Path) -> None:
    async with observed() as o:
        server, client = o.session(tmp_path), o.session(tmp_path)
        await o.want("network")
        await server.do(SERVE.format(count=100))
        port = int((tmp_path / "port").read_text())
        await client.do(f"[socket.create_connection(('127.0.0.1', {port})).close() for _ in range(100)]")
        await o.until(lambda: len(of(o, "close")) >= 200)
        assert (len(of(o, "connect")), len(of(o, "accept"))) == (100, 100)
        assert {e.grade for e in o.of("network")} == {"exact"}
        assert {e.data["pid"] for e in of(o, "connect")} == {client.process.pid}
        assert o.supervisor.status()[0]["source"] == "tcp-trace"


@needs_trace
async def test_a_connection_that_is_refused_is_told_as_such(tmp_path: Path) -> None:
    async with observed() as o:
        session = o.session(tmp_path)
        await o.want("network")
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            await session.do(f"socket.socket().connect_ex(('127.0.0.1', {port}))")
            (refused,) = await o.until(lambda: of(o, "connect"))
        assert (refused.data["established"], refused.data["peer"]) == (False, f"127.0.0.1:{port}")


async def test_without_the_trace_short_connections_to_a_listener_are_known_by_the_notice_of_their_end(
    tmp_path: Path,
) -> None:
    async with observed("tcp-trace") as o:
        server = o.session(tmp_path)
        await o.want("network")
        await server.do(SERVE.format(count=50))
        port = int((tmp_path / "port").read_text())
        await o.until(lambda: of(o, "listen"))
        for _ in range(50):
            socket.create_connection(("127.0.0.1", port)).close()
        await o.until(lambda: len(of(o, "accept")) == 50)
        assert {e.grade for e in of(o, "listen")} == {"sampled"}
