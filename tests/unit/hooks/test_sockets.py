"""The sinks on Unix sockets: a listener elsewhere, and monitors that connect; both may stop reading or go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.hooks import hub, soon

from roost.core.config_sinks import SinkConfig, UnixListener, UnixSocket
from roost.hooks.sink import SinkError
from roost.hooks.unix_listener import UnixListenerSink


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.hooks.lane.FIRST_RETRY_S", 0.001)
    monkeypatch.setattr("roost.hooks.lane.MOST_RETRY_S", 0.01)
    monkeypatch.setattr("roost.hooks.unix_socket.FIRST_LOOK_S", 0.002)
    monkeypatch.setattr("roost.hooks.unix_socket.MOST_LOOK_S", 0.01)


class Listener:
    """Somebody who listens and remembers lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = []
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Listener:
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=1 << 22)
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        while line := await reader.readline():
            self.lines.append(json.loads(line))
        writer.close()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()
        self.path.unlink(missing_ok=True)


def client(path: Path, **options: Any) -> SinkConfig:
    return SinkConfig("c", "unix-socket", UnixSocket(str(path), **options))


async def test_a_listener_gets_every_event_over_one_connection(tmp_path: Path) -> None:
    async with Listener(tmp_path / "s") as listener, hub(tmp_path, client(tmp_path / "s")) as it:
        await soon(lambda: it.status("c")["connected"])
        for _ in range(300):
            it.emit()
            await asyncio.sleep(0)
        await soon(lambda: len(listener.lines) == 300)
        assert [one["event"]["id"] for one in listener.lines] == [f"1.{n}" for n in range(1, 301)]
        assert listener.connections == 1


async def test_a_line_that_the_socket_takes_in_parts_arrives_whole_and_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen(1)
        async with hub(tmp_path, SinkConfig("c", "unix-socket", UnixSocket(str(tmp_path / "s")), queue=2)) as it:
            await soon(lambda: it.status("c")["connected"])
            peer, _ = listening.accept()
            with peer:
                it.emit(data={"text": "x" * 1_000_000})
                assert (it.status("c")["queued"], it.status("c")["delivered"]) == (1, 0)
                for _ in range(4):  # the one that was begun falls out of the queue, but not out of its line
                    it.emit()
                peer.setblocking(False)
                got = bytearray()

                def whole() -> bool:
                    with contextlib.suppress(BlockingIOError):
                        got.extend(peer.recv(1 << 20))
                    return got.count(b"\n") == 3

                await soon(whole)
                assert [json.loads(line)["event"]["id"] for line in got.splitlines()] == ["1.1", "1.4", "1.5"]
                assert it.status("c")["dropped"] == 3, "counted as dropped, although its line was finished"


async def test_nobody_listens_and_then_somebody_does(tmp_path: Path) -> None:
    async with hub(tmp_path, client(tmp_path / "s")) as it:
        await soon(lambda: it.status("c")["state"] == "idle")
        it.emit()
        assert (it.status("c")["queued"], it.status("c")["dropped"], it.kinds()) == (0, 0, [])
        async with Listener(tmp_path / "s") as listener:
            await soon(lambda: it.status("c")["state"] == "ok")
            it.emit()
            await soon(lambda: listener.lines)
            assert listener.lines[0]["event"]["id"] == "1.2"


async def test_a_listener_that_comes_back_gets_what_happened_meanwhile(tmp_path: Path) -> None:
    async with hub(tmp_path, client(tmp_path / "s")) as it:
        async with Listener(tmp_path / "s") as listener:
            await soon(lambda: it.status("c")["connected"])
            it.emit()
            await soon(lambda: listener.lines)
        await soon(lambda: it.status("c")["state"] == "failing")
        it.emit()
        async with Listener(tmp_path / "s") as listener:
            await soon(lambda: listener.lines)
            assert listener.lines[0]["event"]["id"] == "1.2"
            await soon(lambda: it.kinds() == ["sink_failing", "sink_recovered"])


async def test_a_listener_that_stays_away_costs_a_counted_drop_and_then_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hub(tmp_path, client(tmp_path / "s")) as it:
        async with Listener(tmp_path / "s"):
            await soon(lambda: it.status("c")["connected"])
        await soon(lambda: it.status("c")["state"] == "failing")
        for _ in range(5):
            it.emit()
        monkeypatch.setattr("roost.hooks.unix_socket.LINGER_S", 0.0)
        await soon(lambda: it.status("c")["state"] == "idle")
        await soon(lambda: it.status("c")["dropped"] == 5)
        it.emit()
        assert (it.status("c")["queued"], it.status("c")["dropped"]) == (0, 5)


async def test_a_listener_that_stops_reading_is_hung_up_on_counted_and_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen(1)
        config = SinkConfig("c", "unix-socket", UnixSocket(str(tmp_path / "s"), 0.05), queue=100)
        async with hub(tmp_path, config) as it:
            await soon(lambda: it.status("c")["connected"])
            for _ in range(5000):
                it.emit(data={"text": "x" * 10_000})
            await soon(lambda: "sink_failing" in it.kinds())
            assert "did not read" in dict(it.told)["sink_failing"]["error"]  # the last error may be another by now
            status = it.status("c")
            assert status["dropped"] >= 4000
            assert status["delivered"] + status["dropped"] + status["queued"] == 5000


# --- monitors ---------------------------------------------------------------------------------------------------------


def listener(path: Path, **options: Any) -> SinkConfig:
    return SinkConfig("m", "unix-listener", UnixListener(str(path), **options))


async def connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    await soon(path.exists)
    return await asyncio.open_unix_connection(path, limit=1 << 22)


async def test_monitors_come_and_go_and_each_gets_every_line(tmp_path: Path) -> None:
    path = tmp_path / "m"
    async with hub(tmp_path, listener(path)) as it:
        readers = [await connect(path) for _ in range(3)]
        await soon(lambda: len(it.status("m")["monitors"]) == 3)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        it.emit()
        for reader, _ in readers:
            assert json.loads(await reader.readline())["event"]["id"] == "1.1"
        readers[0][1].close()
        await soon(lambda: len(it.status("m")["monitors"]) == 2)
        for _, writer in readers[1:]:
            writer.close()
        await soon(lambda: it.status("m")["state"] == "idle")
        it.emit()
        assert (it.status("m")["queued"], it.dispatcher.taking) == (0, False)
    assert not path.exists()


async def test_a_monitor_that_ends_only_its_own_sending_stays(tmp_path: Path) -> None:
    async with hub(tmp_path, listener(tmp_path / "m")) as it:
        reader, writer = await connect(tmp_path / "m")
        writer.write_eof()
        await soon(lambda: it.status("m")["monitors"])
        await asyncio.sleep(0)
        it.emit()
        assert await reader.readline()
        writer.close()


async def test_a_monitor_that_does_not_read_misses_an_exact_number_and_no_other_notices(tmp_path: Path) -> None:
    async with hub(tmp_path, listener(tmp_path / "m", monitor_bytes=100_000)) as it:
        slow = socket.socket(socket.AF_UNIX)
        await soon((tmp_path / "m").exists)
        slow.connect(str(tmp_path / "m"))
        quick, writer = await connect(tmp_path / "m")
        await soon(lambda: len(it.status("m")["monitors"]) == 2)
        total = 2000
        for _ in range(total // 20):
            for _ in range(20):
                it.emit(data={"text": "x" * 1000})
            for _ in range(20):
                assert b'"exited"' in await quick.readline(), "the other one misses nothing"
        await soon(lambda: it.status("m")["queued"] == 0)
        slowest = it.status("m")["monitors"][0]
        assert slowest["dropped"] > 1000
        assert slowest["queued_bytes"] <= 100_000
        slow.setblocking(False)
        data = b""
        seen: list[dict[str, Any]] = []

        def read() -> bool:
            nonlocal data
            try:
                data += slow.recv(1 << 20)
            except BlockingIOError:
                pass
            seen[:] = [json.loads(line)["event"] for line in data.splitlines(keepends=True) if line.endswith(b"\n")]
            return bool(seen) and seen[-1].get("id") == f"1.{total}"

        await soon(read)
        told = sum(one["data"]["dropped"] for one in seen if one["type"] == "hooks_dropped")
        lines = [one for one in seen if one["type"] != "hooks_dropped"]
        assert told == it.status("m")["monitors"][0]["dropped"] == total - len(lines)
        slow.close()
        writer.close()


async def test_a_monitor_gets_a_line_that_its_socket_takes_in_parts(tmp_path: Path) -> None:
    async with hub(tmp_path, listener(tmp_path / "m", monitor_bytes=1 << 22)) as it:
        reader, writer = await connect(tmp_path / "m")
        await soon(lambda: it.status("m")["monitors"])
        it.emit(data={"text": "x" * 1_000_000})
        it.emit()
        ids = [json.loads(await reader.readline())["event"]["id"] for _ in range(2)]
        assert ids == ["1.1", "1.2"]
        assert it.status("m")["delivered"] == 2
        writer.close()


async def test_a_listener_that_only_gets_another_name_takes_its_place_over(tmp_path: Path) -> None:
    given = listener(tmp_path / "m")
    async with hub(tmp_path, given) as it:
        await soon((tmp_path / "m").exists)
        it.dispatcher.prepare([replace(given, name="n")])()
        await soon(lambda: it.dispatcher._lanes["n"].lane._idle)
        _, writer = await connect(tmp_path / "m")
        await soon(lambda: it.status("n")["monitors"])
        assert (it.kinds(), it.status("n")["last_error"]) == ([], "")
        writer.close()


async def test_so_many_monitors_and_no_more(tmp_path: Path) -> None:
    async with hub(tmp_path, listener(tmp_path / "m", max_monitors=1)) as it:
        _, first = await connect(tmp_path / "m")
        await soon(lambda: it.status("m")["monitors"])
        reader, second = await connect(tmp_path / "m")
        assert await reader.read() == b""
        assert it.status("m")["refused"] == 1
        first.close()
        second.close()


async def test_without_descriptors_a_monitor_waits_and_nothing_spins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.hooks.unix_listener._ACCEPT_PAUSE_S", 0.05)
    tries = []
    real = socket.socket.accept

    class Short(socket.socket):
        def accept(self) -> Any:
            tries.append(1)
            if len(tries) < 3:
                raise OSError(24, "Too many open files")
            return real(self)

    monkeypatch.setattr("roost.hooks.unix_listener.socket.socket", Short)
    async with hub(tmp_path, listener(tmp_path / "m")) as it:
        _, writer = await connect(tmp_path / "m")
        await soon(lambda: it.status("m")["monitors"])
        assert (len(tries), it.status("m")["state"]) == (3, "ok")
        assert "Too many open files" in it.status("m")["last_error"]
        assert it.kinds() == ["sink_failing", "sink_recovered"]
        writer.close()


async def test_a_dead_socket_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "m"))
    sink = UnixListenerSink(UnixListener(str(tmp_path / "m")), "envelope")
    await sink.open()
    other = UnixListenerSink(UnixListener(str(tmp_path / "m")), "envelope")
    with pytest.raises(SinkError, match="somebody listens"):
        await other.open()
    await sink.close(0)
    (tmp_path / "m").write_bytes(b"precious")
    with pytest.raises(SinkError, match="no socket"):
        await other.open()
    assert os.path.getsize(tmp_path / "m") == 8
