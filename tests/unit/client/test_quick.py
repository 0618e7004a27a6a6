"""The fast path: one call, no daemon started, nothing heavy imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from unit.client.fake_daemon import FakeDaemon, Peer

from roost.client import quick
from roost.client.faults import DaemonAbsentError
from roost.errors import NoRunError, UnavailableError, WaitTimeoutError


@pytest.fixture(autouse=True)
def socket_path(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_SOCKET", str(daemon.path))


def test_it_imports_nothing_heavy() -> None:
    code = "import sys; before = set(sys.modules); import roost.client.quick; print(*set(sys.modules) - before)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.decode().split())
    assert not loaded & {"socket", "json", "typing", "dataclasses", "re", "enum", "asyncio", "select", "subprocess"}
    assert not {name for name in loaded if name.startswith(("google", "msgspec", "roost.model"))}


@pytest.mark.parametrize("text", ["", 'ID  NAME\ns-1 ü\t"x" \\ \n', "\N{GRINNING FACE}"])
def test_the_table_comes_as_the_daemon_made_it(daemon: FakeDaemon, text: str) -> None:
    def script(peer: Peer) -> None:
        request = peer.request()
        assert request.roost.method == "sessions.list"
        assert request.roost.params == b'{"table":true,"all":true,"originator":"a\\"b"}'
        peer.reply(request, {"table": text})

    daemon.play(script)
    assert quick.session_table(all=True, originator='a"b') == text


def test_a_table_in_the_daemons_compact_form_is_read() -> None:
    assert quick._table_of('{"table":"a\\nb"}') == "a\nb"
    assert quick._table_of('{"table":"a","more":1}') == "a"


def test_input_is_sent(daemon: FakeDaemon) -> None:
    def script(peer: Peer) -> None:
        request = peer.request()
        assert (request.roost.params, request.roost.data) == (b'{"target":"b","enter":true}', b"text")
        peer.reply(request, {"written": 5})

    daemon.play(script)
    quick.send_input("b", b"text", enter=True)


def test_errors_are_the_daemons(daemon: FakeDaemon) -> None:
    daemon.play(lambda peer: peer.refuse(peer.request(), "not_found", "no session b", code=4))
    with pytest.raises(NoRunError, match="no session b"):
        quick.send_input("b", b"", enter=False)


def test_without_a_daemon_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_SOCKET", str(tmp_path / "none"))
    with pytest.raises(DaemonAbsentError):
        quick.session_table()


def test_the_end_of_the_connection_is_an_error_at_once(daemon: FakeDaemon) -> None:
    daemon.play(lambda peer: peer.request())
    with pytest.raises(UnavailableError):
        quick.session_table()


def test_a_silent_daemon_costs_the_timeout(daemon: FakeDaemon) -> None:
    daemon.play(lambda peer: peer.until_closed())
    with pytest.raises(WaitTimeoutError):
        quick.call("daemon.status", "{}", timeout_s=0.1)
