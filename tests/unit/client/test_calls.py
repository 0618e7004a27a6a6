"""Calls of the blocking client against a fake daemon: order, deadlines, losses, errors, repetition."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from unit.client.fake_daemon import FakeDaemon, Peer

from roost import errors
from roost.client import Client, calls
from roost.errors import InvalidError, ProtocolError, RoostError, UnavailableError, WaitTimeoutError
from roost.wire import codec
from roost.wire import daemon_v1_pb2 as pb

INFO = {"id": "s-1", "name": "sh", "kind": "pty", "state": "running", "pid": 7, "argv": ["sh"], "unknown_key": 1}


def answering(*results: object) -> object:
    def script(peer: Peer) -> None:
        for result in results:
            peer.reply(peer.request(), result)
        peer.until_closed()

    return script


def test_calls_share_one_connection_and_count_their_ids(daemon: FakeDaemon, client: Client) -> None:
    def script(peer: Peer) -> None:
        for expected in (1, 2):
            request = peer.request()
            assert request.id == expected
            peer.reply(request, {"sessions": [INFO]})
        peer.until_closed()

    daemon.play(script)
    assert client.list()[0].argv == ("sh",)
    assert client.list()[0].id == "s-1"
    client.close()
    assert daemon.connections == 1


def test_an_answer_in_many_pieces_is_put_together(daemon: FakeDaemon, client: Client) -> None:
    def script(peer: Peer) -> None:
        request = peer.request()
        response = pb.DaemonResponse(request_id=request.id)
        response.roost.result = b'{"start_offset":0,"end_offset":300000,"next_offset":300000}'
        response.roost.data = bytes(300_000)
        data = codec.encode_response(response)
        for start in range(0, len(data), 70_001):
            peer.send(data[start : start + 70_001])
        peer.until_closed()

    daemon.play(script)
    assert client.logs().data == bytes(300_000)
    client.close()


@pytest.mark.parametrize("kind", [kind for kind in errors.KINDS if kind != "timeout"])
def test_an_error_has_the_class_of_its_kind(daemon: FakeDaemon, client: Client, kind: str) -> None:
    def script(peer: Peer) -> None:
        peer.refuse(peer.request(), kind, "so it is")
        peer.reply(peer.request(), INFO)
        peer.until_closed()

    daemon.play(script)
    with pytest.raises(RoostError, match="so it is") as raised:
        client.get("x")
    assert raised.value.kind == kind
    assert type(raised.value) is type(errors.error_of_kind(kind, ""))
    assert client.get("x").id == "s-1"
    client.close()


@pytest.mark.parametrize(
    ("code", "kind"),
    [(2, "unknown_request"), (3, "invalid"), (4, "not_found"), (5, "internal"), (9, "unimplemented"), (99, "internal")],
)
def test_a_code_of_v1_alone_has_its_kind(daemon: FakeDaemon, client: Client, code: int, kind: str) -> None:
    def script(peer: Peer) -> None:
        peer.send(codec.encode_response(pb.DaemonResponse(request_id=peer.request().id, code=code, message="m")))
        peer.until_closed()

    daemon.play(script)
    with pytest.raises(RoostError) as raised:
        client.get("x")
    assert raised.value.kind == kind
    client.close()


def test_an_answer_to_another_request_ends_the_connection(daemon: FakeDaemon, client: Client) -> None:
    def wrong(peer: Peer) -> None:
        request = peer.request()
        request.id = 77
        peer.reply(request, INFO)
        peer.until_closed()

    daemon.play(wrong, answering(INFO))
    with pytest.raises(ProtocolError, match="77"):
        client.get("x")
    assert client.get("x").id == "s-1"
    client.close()


def test_an_answer_that_is_not_json_names_the_call(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(answering([1, 2]))
    with pytest.raises(ProtocolError, match=r"sessions\.list"):
        client.list()
    client.close()


def test_a_silent_daemon_costs_the_timeout_and_not_more(daemon: FakeDaemon) -> None:
    daemon.play(lambda peer: peer.until_closed())
    with Client(daemon.path, autostart=False, timeout_s=0.1) as client:
        started = time.monotonic()
        with pytest.raises(WaitTimeoutError, match=r"sessions\.get"):
            client.get("x")
        assert 0.09 < time.monotonic() - started < 2


def test_a_trickling_daemon_does_not_stretch_the_deadline(daemon: FakeDaemon) -> None:
    gone = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"\x00\x00\x10\x00")
        try:
            while not gone.wait(0.01):
                peer.send(b"x")
        except ConnectionError:
            pass

    daemon.play(script)
    with Client(daemon.path, autostart=False, timeout_s=0.2) as client:
        started = time.monotonic()
        with pytest.raises(WaitTimeoutError):
            client.get("x")
        assert time.monotonic() - started < 2
    gone.set()


def test_the_end_of_the_connection_in_a_changing_call_is_an_error_at_once(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(lambda peer: peer.request())
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"sessions\.send.*carried out or not"):
        client.send("x", b"text")
    assert time.monotonic() - started < 2
    assert daemon.connections == 1


def test_the_end_inside_an_answer_is_the_same(daemon: FakeDaemon, client: Client) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"\x00\x00\x00\x10abc")

    daemon.play(script)
    with pytest.raises(UnavailableError):
        client.rename("x", "y")


def test_a_reading_call_is_asked_again_after_a_loss(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(lambda peer: peer.request(), lambda peer: peer.request(), answering(INFO))
    assert client.get("x").id == "s-1"
    client.close()
    assert daemon.connections == 3


def test_a_call_that_was_never_sent_is_sent_to_the_next_daemon(daemon: FakeDaemon, client: Client) -> None:
    closed = threading.Event()

    def first(peer: Peer) -> None:
        peer.reply(peer.request(), INFO)
        peer.close()
        closed.set()

    daemon.play(first, answering({"written": 4}))
    client.get("x")
    assert closed.wait(5)
    assert client.send("x", "text").written == 4
    client.close()


def test_a_reading_call_outlives_a_restart(daemon: FakeDaemon, client: Client) -> None:
    def dying(peer: Peer) -> None:
        peer.request()
        daemon.go_away()

    daemon.play(dying, answering(INFO))
    back = threading.Timer(0.2, daemon.listen)
    back.start()
    assert client.get("x").id == "s-1"
    back.join()
    client.close()


def test_without_a_daemon_the_error_says_what_to_do(tmp_path: Path) -> None:
    with (
        Client(tmp_path / "none.sock", autostart=False) as client,
        pytest.raises(UnavailableError, match="roost daemon start"),
    ):
        client.ping()


def test_a_repeated_spawn_carries_the_same_spawn_id(daemon: FakeDaemon, client: Client) -> None:
    seen = []

    def dying(peer: Peer) -> None:
        seen.append(peer.request().spawn_pty_session.roost)

    def living(peer: Peer) -> None:
        request = peer.request()
        seen.append(request.spawn_pty_session.roost)
        peer.spawned(request, existing=True)
        peer.until_closed()

    daemon.play(dying, living)
    session = client.spawn(["sh", "-c", "true"])
    assert seen[0] == seen[1] and len(seen[0].spawn_id) >= 16
    assert (session.id, session.name, session.pid, session.existing) == ("s-aaaaaaaaaa", "sh", 4242, True)
    assert str(session) == "sh (s-aaaaaaaaaa, pty, pid 4242)"
    client.close()


def test_a_spawn_carries_the_whole_environment_as_it_is_then(
    daemon: FakeDaemon, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def script(peer: Peer) -> None:
        for _ in range(4):
            request = peer.request()
            seen.append(request.spawn_pty_session.roost)
            peer.spawned(request)
        peer.until_closed()

    daemon.play(script)
    for term in ("vt100", "dumb"):
        monkeypatch.setenv("TERM", term)
        monkeypatch.setitem(os.environb, b"ODD", b"\xff=1")
        client.spawn(["sh"])
        assert seen[-1].term == term
        assert dict(entry.split(b"=", 1) for entry in seen[-1].env.split(b"\0")[:-1]) == dict(os.environb)
    monkeypatch.delenv("TERM")
    client.spawn(["sh"])
    client.spawn(["sh"], env={"MYTERM": "x", "TERM": ""})
    assert [one.term for one in seen[2:]] == ["xterm-256color"] * 2
    client.close()


def test_two_spawns_have_different_spawn_ids(daemon: FakeDaemon, client: Client) -> None:
    seen = []

    def script(peer: Peer) -> None:
        for _ in range(2):
            request = peer.request()
            seen.append(request.spawn_pty_session.roost.spawn_id)
            peer.spawned(request)
        peer.until_closed()

    daemon.play(script)
    client.spawn(["true"])
    client.spawn(["true"])
    client.close()
    assert seen[0] != seen[1]


def test_a_spawn_takes_over_what_is_ours(
    daemon: FakeDaemon, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[pb.SpawnPtySessionRequest] = []

    def script(peer: Peer) -> None:
        request = peer.request()
        asked.append(request.spawn_pty_session)
        peer.spawned(request)
        peer.until_closed()

    daemon.play(script)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environb, b"ODD", b"\xff\xfe")  # type: ignore[arg-type]
    mask = os.umask(0o027)
    try:
        client.spawn([b"\xffprog", Path("arg")], labels={"a": "b"}, limits={"core": 0, "cpu": None}, rows=40)
    finally:
        os.umask(mask)
    client.close()
    roost = asked[0].roost
    assert list(roost.argv) == [b"\xffprog", b"arg"]
    assert roost.cwd == os.fsencode(tmp_path)
    assert roost.umask == 0o027
    assert asked[0].environment_policy == 3 and asked[0].rows == 40
    assert b"ODD=\xff\xfe" in roost.env.split(b"\0")
    assert {limit.resource for limit in roost.limits} == {"nofile", "core", "cpu"}


@pytest.mark.parametrize("argv", [[], "ls -l", b"ls"])
def test_an_argv_that_is_no_list_is_refused_here(client: Client, argv: object) -> None:
    with pytest.raises(errors.InvalidError):
        client.spawn(argv)  # type: ignore[arg-type]


def test_sizes_out_of_range_are_refused_here(client: Client) -> None:
    with pytest.raises(errors.InvalidError, match="70000"):
        client.spawn(["true"], rows=70000)


def test_terminating_everything_has_to_be_asked_for(client: Client) -> None:
    with pytest.raises(errors.InvalidError, match="older_than_s"):
        client.terminate()


def page(start: int, data: bytes, end: int, missed: int = 0) -> tuple[dict[str, int], bytes]:
    return (
        {"start_offset": start, "next_offset": start + len(data), "end_offset": end, "missed": missed},
        data,
    )


def paging(*pages: tuple[dict[str, int], bytes]) -> object:
    def script(peer: Peer) -> None:
        for result, data in pages:
            peer.reply(peer.request(), result, data)
        peer.until_closed()

    return script


def test_a_backlog_is_gathered_page_by_page(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(paging(page(10, b"abc", 16, missed=10), page(13, b"def", 20)))
    backlog = client.backlog("x")
    assert (backlog.data, backlog.start_offset, backlog.next_offset, backlog.missed) == (b"abcdef", 10, 16, 10)
    client.close()


def test_a_backlog_that_is_overtaken_has_no_hole(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(paging(page(0, b"abc", 6), page(5, b"fgh", 30, missed=2)))
    backlog = client.backlog("x")
    assert (backlog.data, backlog.start_offset, backlog.next_offset, backlog.missed) == (b"fgh", 5, 8, 5)
    client.close()


def test_an_empty_backlog_is_one_page(daemon: FakeDaemon, client: Client) -> None:
    daemon.play(paging(page(0, b"", 0)))
    assert client.backlog("x").data == b""
    client.close()


def test_a_large_request_to_a_slow_daemon_arrives_whole(daemon: FakeDaemon, client: Client) -> None:
    data = os.urandom(1 << 20)

    def script(peer: Peer) -> None:
        time.sleep(0.05)
        request = peer.request()
        assert request.roost.data == data
        peer.reply(request, {"written": len(data)})
        peer.until_closed()

    daemon.play(script)
    assert client.send("x", data).written == len(data)
    client.close()


def test_an_interrupted_call_leaves_a_usable_client(daemon: FakeDaemon, client: Client) -> None:
    asked = threading.Event()

    def silent(peer: Peer) -> None:
        peer.request()
        asked.set()
        peer.until_closed()

    daemon.play(silent, answering(INFO))
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        asked.wait(5)
        import signal

        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        client.get("x")
    thread.join()
    assert client.get("x").id == "s-1"
    client.close()


def test_text_that_is_no_utf8_is_refused_by_name() -> None:
    """Bytes of a command line that are no text are named as what they are; other text beyond ASCII travels."""
    with pytest.raises(InvalidError, match=r"'build\\xff' is not UTF-8; give text"):
        calls.resize("build\udcff", 10, 10).encode(1, "me")
    assert "ß🐓".encode() in calls.resize("ß🐓", 10, 10).encode(1, "me")
