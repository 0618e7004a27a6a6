"""The terminal calls of protocol v1 (60 to 64, 71 to 74) against the real daemon, with an independent client."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from support.instance import Instance, alive, eventually
from support.v1 import V1Client

from roost.wire import daemon_v1_pb2 as pb

NOT_FOUND = pb.STATUS_CODE_NOT_FOUND
RAW_ECHO = """
import os, tty
tty.setraw(0)
os.write(1, b"ready\\n")
while b"Q" not in (data := os.read(0, 65536)):
    os.write(1, data)
"""


RAW_UNTIL_SIGINT = """
import os, signal, tty
signal.signal(2, lambda *_: (os.write(1, b"INT"), os._exit(5)))
tty.setraw(0)
os.write(1, b"ready")
while True:
    signal.pause()
"""
FLOOD_ON_KEY = """
import os, sys, termios, tty
tty.setraw(0, termios.TCSANOW)  # keep input that is there already
os.read(0, 1)
data = memoryview(b"0123456789abcdef" * (int(sys.argv[1]) // 16))
while data:
    data = data[os.write(1, data):]
"""
SETSID_ESCAPEE = """
setsid sh -c 'trap "" TERM HUP; echo pid=$$.; while :; do sleep 0.05; done' & wait
"""


def info(client: V1Client, session_id: str) -> pb.PtySessionInfo:
    answer = client.request(63, pb.ListPtySessionsRequest())
    return next(s for s in answer.list_pty_sessions.sessions if s.session_id == session_id)


def wait_exit(client: V1Client, session_id: str) -> pb.PtySessionInfo:
    return eventually(lambda: (i := info(client, session_id)).exited and i, what=f"{session_id} exits")  # type: ignore[return-value]


def backlog(client: V1Client, session_id: str, **fields: Any) -> pb.GetSessionBacklogResponse:
    answer = client.request(71, pb.GetSessionBacklogRequest(session_id=session_id, **fields))
    assert answer.code == 0, answer.message
    return answer.get_session_backlog


def test_ping_and_status_answer(v1: V1Client, shared: Instance) -> None:
    assert abs(v1.request(40).ping.server_time_ms / 1000 - time.time()) < 60
    status = v1.request(42).status
    assert status.version and status.socket_path == shared.socket and status.active_connections >= 1


def test_output_then_exit_code_and_nothing_behind_it(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("sh", "-c", "read x; echo got $x; exit 7")
    with V1Client(shared.socket) as other:
        answer = other.attach(spawned.session_id)
        assert answer.code == 0 and answer.HasField("attach_pty_session")
        other.type(b"hi\n")
        output, last = other.rest()
    assert b"got hi\r\n" in answer.attach_pty_session.backlog + output
    assert last.exit_code == 7 and last.WhichOneof("frame") == "exit_code"
    ended = info(v1, spawned.session_id)
    assert ended.exited and ended.exit_code == 7 and ended.exited_at > 0
    assert ended.termination_outcome == pb.TERMINATION_OUTCOME_NATURAL_EXIT


def test_exit_code_zero_is_written_on_the_wire(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("sh", "-c", "read x")
    with V1Client(shared.socket) as other:
        other.attach(spawned.session_id)
        other.type(b"\n")
        raw = b""
        while not raw.endswith(b"\x10\x00"):
            raw = other.read_raw()
    assert raw == b"\x10\x00"


def test_death_by_signal_is_minus_the_number(v1: V1Client) -> None:
    spawned = v1.spawn("sh", "-c", "kill -KILL $$")
    assert wait_exit(v1, spawned.session_id).exit_code == -9


def test_a_vanished_client_leaves_the_session_running_and_the_backlog_goes_on(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("python3", "-c", RAW_ECHO)
    with V1Client(shared.socket) as one:
        first = one.attach(spawned.session_id).attach_pty_session
        one.until(b"ready", first.backlog)
        one.type(b"abc")
        one.until(b"abc")
    eventually(lambda: not info(v1, spawned.session_id).attached, what="the vanished client is seen to be gone")
    with V1Client(shared.socket) as two:
        second = two.attach(spawned.session_id).attach_pty_session
        # v1: everything since the previous attach, seen live or not.
        assert (second.backlog, second.bytes_missed) == (b"ready\nabc"[len(first.backlog) :], 0)
        two.type(b"Q")
        assert two.rest()[1].exit_code == 0


def test_backlog_call_neither_drains_nor_moves_the_mark(v1: V1Client) -> None:
    spawned = v1.spawn("sh", "-c", "printf hello; exit 3")
    wait_exit(v1, spawned.session_id)
    for _ in range(2):
        answer = backlog(v1, spawned.session_id)
        assert (answer.backlog, answer.bytes_missed, answer.session_kind) == (b"hello", 0, "pty")
        assert answer.exited and answer.exit_code == 3


def test_bytes_missed_counts_exactly_what_fell_out_of_the_ring(v1: V1Client) -> None:
    size = 3_000_000
    spawned = v1.spawn("python3", "-c", f"import os,tty; tty.setraw(1); d=b'x'*{size}\nwhile d: d=d[os.write(1,d):]")
    wait_exit(v1, spawned.session_id)
    answer = backlog(v1, spawned.session_id)
    assert (len(answer.backlog), answer.bytes_missed) == (1 << 20, size - (1 << 20))


def test_attach_refusals_close_the_connection_after_the_answer(v1: V1Client, shared: Instance) -> None:
    gone = v1.spawn("true")
    wait_exit(v1, gone.session_id)
    for session_id in (gone.session_id, "pty-nope"):
        with V1Client(shared.socket) as other:
            answer = other.attach(session_id)
            assert answer.code == NOT_FOUND and answer.HasField("attach_pty_session")
            assert other.sock.recv(1) == b""


def test_a_steal_tells_the_victim_and_spares_the_thief(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("cat")
    with V1Client(shared.socket) as victim, V1Client(shared.socket) as refused, V1Client(shared.socket) as thief:
        victim.attach(spawned.session_id)
        assert refused.attach(spawned.session_id).code == pb.STATUS_CODE_ALREADY_ATTACHED
        assert thief.attach(spawned.session_id, steal=True).code == 0
        _, last = victim.rest()
        assert last.stolen_by == "peer"
        thief.type(b"still here\n")
        thief.until(b"still here")
        assert info(v1, spawned.session_id).attached


def test_detach_call_tells_the_client_and_is_ok_without_one(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("cat")
    with V1Client(shared.socket) as other:
        other.attach(spawned.session_id)
        assert v1.request(62, pb.DetachPtySessionRequest(session_id=spawned.session_id)).code == 0
        assert other.rest()[1].error == "detached"
    answer = v1.request(62, pb.DetachPtySessionRequest(session_id=spawned.session_id))
    assert answer.code == 0 and answer.HasField("detach_pty_session")
    assert v1.request(62, pb.DetachPtySessionRequest(session_id="x")).code == NOT_FOUND


def test_detach_frame_ends_the_attachment_without_a_word(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("cat")
    with V1Client(shared.socket) as other:
        other.attach(spawned.session_id)
        other.send_raw(pb.PtyInputFrame(detach=True).SerializeToString())
        assert other.sock.recv(1) == b""
    assert not info(v1, spawned.session_id).attached


def test_sizes_follow_spawn_attach_call_and_frame(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("sh", "-c", "while read x; do stty size; done")
    assert (info(v1, spawned.session_id).rows, info(v1, spawned.session_id).cols) == (24, 80)
    with V1Client(shared.socket) as other:
        other.attach(spawned.session_id, rows=30, cols=0)
        other.type(b"\n")
        other.until(b"30 80")
        assert v1.request(74, pb.ResizePtySessionRequest(session_id=spawned.session_id, cols=132)).code == 0
        assert info(v1, spawned.session_id).cols == 132
        other.send_raw(pb.PtyInputFrame(resize=pb.PtyResize(rows=40, cols=100)).SerializeToString())
        eventually(lambda: info(v1, spawned.session_id).rows == 40, what="the frame's size is applied")
        other.send_raw(pb.PtyInputFrame(resize=pb.PtyResize(rows=0, cols=0)).SerializeToString())
        other.send_raw(pb.PtyInputFrame(resize=pb.PtyResize(rows=70000, cols=1)).SerializeToString())
        other.type(b"\n")
        other.until(b"40 100")
    answer = v1.request(74, pb.ResizePtySessionRequest(session_id=spawned.session_id, rows=70000, cols=80))
    assert answer.code == pb.STATUS_CODE_INVALID_ARGUMENT and "70000" in answer.message


def test_an_attach_without_a_terminal_does_not_resize(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("cat", rows=33, cols=99)
    with V1Client(shared.socket) as other:
        other.attach(spawned.session_id, rows=10, cols=10, is_tty=False, term="vt100")
        listed = info(v1, spawned.session_id)
        assert (listed.rows, listed.cols, listed.attached_is_tty, listed.attached_term) == (33, 99, False, "vt100")
        sources = [p.source for p in listed.attached_graphics_capabilities.protocols]
        assert sources == ["missing"] * 3


def test_interrupt_reaches_the_foreground_job_in_raw_mode_too(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("python3", "-c", RAW_UNTIL_SIGINT)
    with V1Client(shared.socket) as other:
        other.until(b"ready", other.attach(spawned.session_id).attach_pty_session.backlog)
        other.send_raw(pb.PtyInputFrame(interrupt=False).SerializeToString())
        other.send_raw(pb.PtyInputFrame(interrupt=True).SerializeToString())
        output, last = other.rest()
    assert output.endswith(b"INT") and last.exit_code == 5


@pytest.mark.parametrize(
    ("script", "outcome", "code"),
    [
        ("trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 0.02; done", "SOFT_EXIT", 4),
        ("trap '' TERM; echo ready; while :; do sleep 0.02; done", "HARD_KILLED", -9),
    ],
)
def test_terminate_gives_the_rest_and_the_code(
    v1: V1Client, shared: Instance, script: str, outcome: str, code: int
) -> None:
    spawned = v1.spawn("sh", "-c", script)
    with V1Client(shared.socket) as other:
        seen = other.until(b"ready", other.attach(spawned.session_id).attach_pty_session.backlog)
        began = time.monotonic()
        answer = v1.request(64, pb.TerminatePtySessionRequest(session_id=spawned.session_id, grace_ms=400))
        assert answer.code == 0 and answer.HasField("terminate_pty_session") and time.monotonic() - began < 0.3
        output, last = other.rest()
        assert last.exit_code == code, last
        assert (b"bye" in seen + output) == (code == 4)
    ended = wait_exit(v1, spawned.session_id)
    assert ended.termination_outcome == pb.TerminationOutcome.Value(f"TERMINATION_OUTCOME_{outcome}")
    assert v1.request(64, pb.TerminatePtySessionRequest(session_id=spawned.session_id)).code == 0
    assert v1.request(64, pb.TerminatePtySessionRequest(session_id="x")).code == NOT_FOUND


def test_terminate_reaches_a_child_that_called_setsid(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("sh", "-c", SETSID_ESCAPEE)
    with V1Client(shared.socket) as other:
        seen = other.until(b".\r\n", other.attach(spawned.session_id).attach_pty_session.backlog)
    escaped = int(seen.split(b"pid=")[1].split(b".")[0])
    v1.request(64, pb.TerminatePtySessionRequest(session_id=spawned.session_id, grace_ms=100))
    eventually(lambda: not alive(escaped), what="the escapee is ended")


def test_a_background_job_that_holds_the_terminal_does_not_hide_the_exit(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("sh", "-c", "trap '' HUP; sleep 1000 & echo $!; exit 6")
    ended = wait_exit(v1, spawned.session_id)
    assert ended.exit_code == 6
    sleeper = int(backlog(v1, spawned.session_id).backlog.split()[0])
    assert alive(sleeper), "a natural exit kills nobody"
    v1.request(64, pb.TerminatePtySessionRequest(session_id=spawned.session_id, grace_ms=100))
    eventually(lambda: not alive(sleeper), what="terminate reaches what holds the terminal")


def test_spawn_failures_name_the_thing(v1: V1Client) -> None:
    empty = v1.request(60, pb.SpawnPtySessionRequest())
    assert empty.code == pb.STATUS_CODE_INTERNAL and empty.message == "argv must not be empty"
    missing = v1.request(60, pb.SpawnPtySessionRequest(argv=["no-such-program-here"]))
    assert missing.code == pb.STATUS_CODE_INTERNAL and missing.message.startswith("failed to spawn PTY: ")
    assert "no-such-program-here" in missing.message
    nowhere = v1.request(60, pb.SpawnPtySessionRequest(argv=["true"], cwd="/no/such/dir"))
    assert nowhere.code == pb.STATUS_CODE_INTERNAL and "/no/such/dir" in nowhere.message
    policy = v1.request(60, pb.SpawnPtySessionRequest(argv=["true"], environment_policy=9))
    assert policy.code == pb.STATUS_CODE_INVALID_ARGUMENT and policy.message == "unknown environment policy"


def test_environment_policies_and_originator(v1: V1Client) -> None:
    entries = [pb.KeyValue(key="A", value="1"), pb.KeyValue(key="A", value="2")]
    spawned = v1.spawn("/usr/bin/env", env=entries, environment_policy=3, originator="ci:7")
    wait_exit(v1, spawned.session_id)
    lines = backlog(v1, spawned.session_id).backlog.decode().split("\r\n")
    assert "A=2" in lines and "A=1" not in lines and "RUNNING_PROCESS_ORIGINATOR=ci:7" in lines
    assert f"ROOST_SESSION={spawned.session_id}" in lines and not any(x.startswith("PATH=") for x in lines)
    assert any(x.startswith("SHELL=") for x in lines)
    default = v1.spawn("true")
    assert info(v1, default.session_id).originator == "client:tester"


def test_purge_and_bulk_terminate_filter_by_originator(v1: V1Client) -> None:
    one = v1.spawn("true", originator="purge:1")
    wait_exit(v1, one.session_id)
    assert v1.request(72, pb.PurgeExitedSessionsRequest(originator="purge:")).purge_exited_sessions.pty_purged == 0
    assert v1.request(72, pb.PurgeExitedSessionsRequest(originator="purge:1")).purge_exited_sessions.pty_purged == 1
    assert v1.request(71, pb.GetSessionBacklogRequest(session_id=one.session_id)).code == NOT_FOUND
    two = v1.spawn("cat", originator="bulk:1")
    old = v1.request(73, pb.BulkTerminateSessionsRequest(originator="bulk:1", older_than_secs=1000))
    assert old.bulk_terminate_sessions.pty_terminated == 0 and old.HasField("bulk_terminate_sessions")
    all_of_them = v1.request(73, pb.BulkTerminateSessionsRequest(originator="bulk:1"))
    assert all_of_them.bulk_terminate_sessions.pty_terminated == 1
    assert wait_exit(v1, two.session_id).termination_outcome in (2, 3)


def test_unknown_and_unbuilt_requests_are_told_apart_and_the_connection_lives(v1: V1Client) -> None:
    for number in (0, 5, 999, 4711):
        answer = v1.request(number)
        assert answer.code == pb.STATUS_CODE_UNKNOWN_REQUEST
        assert number == 0 or f"unknown request type: {number}" in answer.message
    missing = v1.request(60)
    assert missing.code == pb.STATUS_CODE_INVALID_ARGUMENT and missing.message == "spawn_pty_session payload missing"
    assert v1.request(40).code == 0


def test_malformed_frames_are_answered(shared: Instance) -> None:
    with V1Client(shared.socket) as client:
        client.send_raw(b"\xff\xff\xff")
        bad = pb.DaemonResponse.FromString(client.read_raw())
        assert (bad.request_id, bad.code) == (0, pb.STATUS_CODE_INVALID_ARGUMENT)
        assert bad.message.startswith("protobuf decode error")
        assert client.request(40).code == 0, "the connection stays open"
        client.sock.sendall(b"\x00\x40\x00\x01")
        bad = pb.DaemonResponse.FromString(client.read_raw())
        assert bad.message.startswith("frame decode error") and client.sock.recv(1) == b""


def test_pipelined_requests_are_answered_in_order(shared: Instance) -> None:
    with V1Client(shared.socket) as client:
        for number in range(50):
            client.send_raw(pb.DaemonRequest(id=number, type=40).SerializeToString())
        assert [pb.DaemonResponse.FromString(client.read_raw()).request_id for _ in range(50)] == list(range(50))


def test_a_stopped_client_gets_an_exact_missed_bytes_frame_and_the_tail(v1: V1Client, shared: Instance) -> None:
    size = 8_000_000
    spawned = v1.spawn("python3", "-c", FLOOD_ON_KEY, str(size))
    with V1Client(shared.socket) as slow:
        slow.attach(spawned.session_id)
        slow.type(b"g")
        wait_exit(v1, spawned.session_id)  # nothing waits for a reader that does not read
        got, missed, last = 0, 0, None
        while last is None:
            frame = slow.frame()
            kind = frame.WhichOneof("frame")
            got += len(frame.output)
            missed += frame.missed_bytes
            last = frame if kind == "exit_code" else None
    assert got + missed - size in (0, 1) and missed > 0  # 1: the terminal echoed the start signal
    assert got >= 1 << 20


def test_shutdown_ends_sessions_and_daemon(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        spawned = client.spawn("sh", "-c", "trap '' TERM HUP; while :; do sleep 1; done")
        keeper = instance.status()["keeper_pid"]
        answer = client.request(41)
        assert answer.code == 0 and answer.message == "shutting down" and answer.HasField("shutdown")
        assert client.sock.recv(1) == b""
    eventually(lambda: not alive(spawned.pid) and not alive(keeper), what="everything is gone")
    assert not os.path.exists(instance.socket)


def test_sigterm_to_the_daemon_leaves_the_sessions_with_the_keeper(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        spawned = client.spawn("sleep", "1000")
    pid = instance.note_pids()
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not alive(pid) or instance._process.poll() is not None, what="the daemon ends")  # type: ignore[union-attr]
    assert alive(spawned.pid)
    instance.start()
    with V1Client(instance.socket) as client:
        assert info(client, spawned.session_id).pid == spawned.pid


def test_a_refused_size_leaves_nobody_attached_and_sends_nobody_away(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn("cat")
    with V1Client(shared.socket) as sitting:
        sitting.attach(spawned.session_id)
        with V1Client(shared.socket) as other:
            answer = other.attach(spawned.session_id, rows=70000, cols=80, steal=True)
            assert answer.code == pb.STATUS_CODE_INVALID_ARGUMENT
        sitting.type(b"still\n")
        sitting.until(b"still\r\n")
        v1.request(62, pb.DetachPtySessionRequest(session_id=spawned.session_id))
        sitting.rest()
    with V1Client(shared.socket) as other:
        assert other.attach(spawned.session_id, rows=70000, cols=80).code == pb.STATUS_CODE_INVALID_ARGUMENT
    with V1Client(shared.socket) as other:
        assert other.attach(spawned.session_id).code == 0
    v1.request(64, pb.TerminatePtySessionRequest(session_id=spawned.session_id, grace_ms=50))


def test_sizes_of_a_spawn_are_cut_to_16_bits(v1: V1Client) -> None:
    spawned = v1.spawn("sh", "-c", "stty size; read x", rows=65541, cols=65536)
    wanted = pb.GetSessionBacklogRequest(session_id=spawned.session_id)
    eventually(lambda: v1.request(71, wanted).get_session_backlog.backlog == b"5 80\r\n", what="the size is seen")
    v1.request(64, pb.TerminatePtySessionRequest(session_id=spawned.session_id, grace_ms=50))


def test_an_empty_program_is_a_failed_spawn(v1: V1Client) -> None:
    answer = v1.request(60, pb.SpawnPtySessionRequest(argv=[""]))
    assert answer.code == pb.STATUS_CODE_INTERNAL and answer.message.startswith("failed to spawn PTY: ")


def test_terminate_leaves_the_next_session_on_the_same_terminal_alone(v1: V1Client, shared: Instance) -> None:
    previous = v1.spawn("cat")
    for _ in range(40):
        v1.request(64, pb.TerminatePtySessionRequest(session_id=previous.session_id, grace_ms=1))
        with V1Client(shared.socket) as client:
            spawned = v1.spawn("sh", "-c", "echo here; read x; exit 3")
            seen = client.attach(spawned.session_id).attach_pty_session.backlog
            client.until(b"here", seen)
            time.sleep(0.01)
            client.type(b"\n")
            assert client.rest()[1].exit_code == 3
        previous = v1.spawn("cat")
    v1.request(64, pb.TerminatePtySessionRequest(session_id=previous.session_id, grace_ms=1))


def test_parameters_that_are_not_utf8_are_refused(v1: V1Client) -> None:
    answer = v1.request(1000, pb.RoostCall(method="sessions.logs", params=b'{"target":"\xff"}'))
    assert answer.code == pb.STATUS_CODE_INVALID_ARGUMENT and answer.roost.error_kind == "invalid"
