"""The pipe calls of protocol v1 (65 to 71) against the real daemon, with an independent client."""

from __future__ import annotations

import time

import pytest
from support.instance import Instance, alive, eventually
from support.v1 import V1Client

from roost.wire import daemon_v1_pb2 as pb

INVALID = pb.STATUS_CODE_INVALID_ARGUMENT
NOT_FOUND = pb.STATUS_CODE_NOT_FOUND


def info(client: V1Client, session_id: str) -> pb.PipeSessionInfo:
    answer = client.request(68, pb.ListPipeSessionsRequest())
    return next(s for s in answer.list_pipe_sessions.sessions if s.session_id == session_id)


def wait_exit(client: V1Client, session_id: str) -> pb.PipeSessionInfo:
    return eventually(lambda: (i := info(client, session_id)).exited and i, what=f"{session_id} exits")  # type: ignore[return-value]


def write(client: V1Client, session_id: str, data: bytes = b"", *, close: bool = False) -> pb.DaemonResponse:
    return client.request(70, pb.WritePipeStdinRequest(session_id=session_id, data=data, close=close))


def backlog(client: V1Client, session_id: str, stream: int = 0) -> pb.GetSessionBacklogResponse:
    answer = client.request(71, pb.GetSessionBacklogRequest(session_id=session_id, pipe_stream=stream))
    return answer.get_session_backlog


def test_streams_are_byte_exact_and_apart(v1: V1Client) -> None:
    spawned = v1.spawn_pipe("sh", "-c", r"printf 'a\n\nb\r\nc\0\fno-newline'; printf 'E\n\n' >&2; exit 5")
    ended = wait_exit(v1, spawned.session_id)
    assert (ended.exit_code, ended.termination_outcome) == (5, pb.TERMINATION_OUTCOME_NATURAL_EXIT)
    assert backlog(v1, spawned.session_id).backlog == b"a\n\nb\r\nc\0\x0cno-newline"
    assert backlog(v1, spawned.session_id, 1).session_kind == "pipe"
    assert backlog(v1, spawned.session_id, 2).backlog == b"E\n\n"


def test_the_exit_code_never_overtakes_output(v1: V1Client, shared: Instance) -> None:
    size = 300_000
    for _ in range(10):
        spawned = v1.spawn_pipe("sh", "-c", f"read x; head -c {size} /dev/zero; exit 9")
        with V1Client(shared.socket) as client:
            assert client.attach_pipe(spawned.session_id).code == 0
            write(v1, spawned.session_id, b"\n")
            output, last = client.pipe_rest()
        assert len(output) == size and last.exit_code == 9 and last.WhichOneof("frame") == "exit_code"


def test_stdin_is_written_and_closed(v1: V1Client) -> None:
    spawned = v1.spawn_pipe("sort")
    assert write(v1, spawned.session_id, b"b\na\n").write_pipe_stdin.bytes_written == 4
    answer = write(v1, spawned.session_id, close=True)
    assert answer.code == 0 and answer.HasField("write_pipe_stdin")
    assert wait_exit(v1, spawned.session_id).exit_code == 0
    assert backlog(v1, spawned.session_id).backlog == b"a\nb\n"
    again = write(v1, spawned.session_id, b"x")
    assert again.code == INVALID and "process stdin is not available" in again.message
    assert write(v1, "pipe-nope", b"x").code == NOT_FOUND


def test_a_child_that_does_not_read_stdin_blocks_nobody(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn_pipe("sh", "-c", "read go < /dev/null; sleep 1000")
    with V1Client(shared.socket) as stuck:
        message = pb.DaemonRequest(id=1, type=70)
        message.write_pipe_stdin.session_id = spawned.session_id
        message.write_pipe_stdin.data = b"x" * 3_000_000
        stuck.send_raw(message.SerializeToString())
        began = time.monotonic()
        for _ in range(20):
            assert v1.request(40).code == 0
        assert time.monotonic() - began < 5
        v1.request(69, pb.TerminatePipeSessionRequest(session_id=spawned.session_id, grace_ms=100))
        assert pb.DaemonResponse.FromString(stuck.read_raw()).code != 0


def test_merged_streams_keep_their_order(v1: V1Client) -> None:
    spawned = v1.spawn_pipe(
        "sh", "-c", "for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done", merge_stderr_into_stdout=True
    )
    assert wait_exit(v1, spawned.session_id).merge_stderr_into_stdout
    assert backlog(v1, spawned.session_id).backlog.split() == [b"%c%d" % (c, i) for i in range(1, 6) for c in b"oe"]
    with_error = v1.request(66, pb.AttachPipeStreamRequest(session_id=spawned.session_id, stream=2))
    assert with_error.code in (INVALID, NOT_FOUND)


def test_attach_checks_stream_first_then_session(shared: Instance) -> None:
    for session_id, stream, code in (("nope", 0, INVALID), ("nope", 7, INVALID), ("nope", 1, NOT_FOUND)):
        with V1Client(shared.socket) as client:
            assert client.attach_pipe(session_id, stream).code == code
            assert client.sock.recv(1) == b""


def test_streams_are_attached_independently(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn_pipe("sh", "-c", "read x; echo out; echo err >&2")
    with V1Client(shared.socket) as out, V1Client(shared.socket) as err, V1Client(shared.socket) as late:
        assert out.attach_pipe(spawned.session_id, 1).code == 0
        assert err.attach_pipe(spawned.session_id, 2).code == 0
        assert late.attach_pipe(spawned.session_id, 2).code == pb.STATUS_CODE_ALREADY_ATTACHED
        listed = info(v1, spawned.session_id)
        assert (listed.stdout_attached, listed.stderr_attached) == (True, True)
        write(v1, spawned.session_id, b"\n")
        assert out.pipe_rest()[0] == b"out\n"
        assert err.pipe_rest()[0] == b"err\n"


def test_eof_when_the_stream_ends_before_the_child(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn_pipe("sh", "-c", "read x; echo last; exec >&-; sleep 1000")
    with V1Client(shared.socket) as client:
        client.attach_pipe(spawned.session_id)
        write(v1, spawned.session_id, b"\n")
        output, last = client.pipe_rest()
        assert output == b"last\n" and last.eof
    v1.request(69, pb.TerminatePipeSessionRequest(session_id=spawned.session_id, grace_ms=50))


def test_detach_ends_with_eof_and_the_session_goes_on(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn_pipe("cat")
    with V1Client(shared.socket) as client:
        client.attach_pipe(spawned.session_id)
        assert v1.request(67, pb.DetachPipeStreamRequest(session_id=spawned.session_id, stream=1)).code == 0
        assert client.pipe_rest()[1].eof
    assert v1.request(67, pb.DetachPipeStreamRequest(session_id="x", stream=9)).code == NOT_FOUND
    assert v1.request(67, pb.DetachPipeStreamRequest(session_id=spawned.session_id, stream=9)).code == INVALID
    assert not info(v1, spawned.session_id).exited


def test_terminate_reaches_a_grandchild_that_called_setsid(v1: V1Client) -> None:
    spawned = v1.spawn_pipe("sh", "-c", "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & exit 0")
    pid = int(eventually(lambda: backlog(v1, spawned.session_id).backlog, what="the grandchild says its pid"))
    wait_exit(v1, spawned.session_id)
    v1.request(69, pb.TerminatePipeSessionRequest(session_id=spawned.session_id, grace_ms=50))
    eventually(lambda: not alive(pid), what="the grandchild is ended")


@pytest.mark.parametrize(("argv", "word"), [((), "argv must not be empty"), (("nope-prog",), "nope-prog")])
def test_spawn_failures_are_internal_with_a_text(v1: V1Client, argv: tuple[str, ...], word: str) -> None:
    answer = v1.request(65, pb.SpawnPipeSessionRequest(argv=argv))
    assert answer.code == pb.STATUS_CODE_INTERNAL and word in answer.message


def test_a_roost_client_of_a_pipe_session_interrupts_the_childs_group(shared: Instance) -> None:
    with shared.client() as client:
        script = "trap 'echo INT; exit 5' INT; echo ready; while :; do sleep 0.02; done"
        session = client.spawn(["sh", "-c", script], pipe=True)
        with session.attach() as attachment:
            seen = b""
            for event in attachment:
                seen += getattr(event, "data", b"")
                if seen == b"ready\n":
                    attachment.interrupt()
        assert seen == b"ready\nINT\n" and session.wait(20).code == 5


def test_kinds_do_not_know_each_others_ids(v1: V1Client) -> None:
    pipe, pty = v1.spawn_pipe("cat"), v1.spawn("cat")
    assert v1.request(64, pb.TerminatePtySessionRequest(session_id=pipe.session_id)).code == NOT_FOUND
    assert v1.request(69, pb.TerminatePipeSessionRequest(session_id=pty.session_id)).code == NOT_FOUND
    assert v1.request(74, pb.ResizePtySessionRequest(session_id=pipe.session_id, rows=1)).code == NOT_FOUND


def test_frames_of_a_pipe_client_are_thrown_away(v1: V1Client, shared: Instance) -> None:
    spawned = v1.spawn_pipe("cat")
    with V1Client(shared.socket) as client:
        client.attach_pipe(spawned.session_id)
        for frame in (pb.PtyInputFrame(detach=True), pb.PtyInputFrame(interrupt=True), pb.PtyInputFrame(input=b"no")):
            client.send_raw(frame.SerializeToString())
        write(v1, spawned.session_id, b"yes")
        assert client.pipe_frame().bytes == b"yes"
    v1.request(69, pb.TerminatePipeSessionRequest(session_id=spawned.session_id, grace_ms=50))


def test_the_stderr_of_a_merged_session_is_empty_and_has_nobody_to_detach(v1: V1Client) -> None:
    spawned = v1.spawn_pipe("sh", "-c", "echo e >&2", merge_stderr_into_stdout=True)
    wait_exit(v1, spawned.session_id)
    answer = v1.request(71, pb.GetSessionBacklogRequest(session_id=spawned.session_id, pipe_stream=2))
    assert answer.code == 0 and answer.get_session_backlog.backlog == b"" and answer.get_session_backlog.exited
    assert v1.request(67, pb.DetachPipeStreamRequest(session_id=spawned.session_id, stream=2)).code == 0
