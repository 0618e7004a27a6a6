"""The attachment's state machine, frame by frame, without a socket."""

from __future__ import annotations

import pytest

from roost.client.stream import REQUEST_ID, AttachmentState
from roost.errors import (
    AlreadyAttachedError,
    InvalidError,
    ProtocolError,
    RoostError,
    UnavailableError,
    WrongStateError,
)
from roost.model import AttachmentEvent, Detached, Exited, Gap, Output, Reconnected, Resized, Stolen
from roost.wire import codec, frames
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.frames import ExitInfo
from roost.wire.requests import AttachOptions


def answer(start: int = 0, end: int = 0) -> bytes:
    response = pb.DaemonResponse(request_id=REQUEST_ID)
    roost = response.attach_pty_session.roost
    roost.start_offset, roost.end_offset, roost.session_id, roost.resume_token = start, end, "s-1", b"t"
    return codec.encode_response(response)


def put(state: AttachmentState, data: bytes) -> None:
    while data:
        space = state.inbox.space()
        count = min(len(space), len(data))
        space[:count] = data[:count]
        state.inbox.received(count)
        data = data[count:]


def attached(start: int = 0, **options: object) -> AttachmentState:
    state = AttachmentState(AttachOptions("s-1", **options), client_name="t", reconnect=True)  # type: ignore[arg-type]
    put(state, answer(start))
    assert state.answer()
    return state


def events(state: AttachmentState) -> list[AttachmentEvent]:
    found = []
    while (event := state.next_event()) is not None:
        found.append(event)
    return found


def output(offset: int, data: bytes) -> bytes:
    return frames.output_head(len(data), offset) + data


def send_all(state: AttachmentState) -> bytes:
    sent = b""
    while state.outbox:
        head = bytes(state.outbox.head())
        state.outbox.sent(len(head))
        sent += head
    return sent


def asked(state: AttachmentState) -> pb.AttachPtySessionRequest:
    return codec.decode_request(state.request()[4:]).attach_pty_session


def test_output_keeps_its_offsets() -> None:
    state = attached(start=7)
    put(state, output(7, b"ab") + output(9, b"cde"))
    assert events(state) == [Output(7, b"ab"), Output(9, b"cde")]
    assert state.offset == 12


def test_the_offset_follows_what_was_taken_not_what_was_received() -> None:
    state = attached()
    put(state, output(0, b"ab") + output(2, b"cd"))
    state.stash()
    assert state.offset == 0
    assert state.next_event() == Output(0, b"ab")
    assert state.offset == 2


def test_frames_cut_anywhere_give_the_same_events() -> None:
    data = output(0, b"x" * 300) + frames.gap(300, 400) + output(400, b"y") + frames.resized(40, 120)
    expected = [Output(0, b"x" * 300), Gap(300, 400), Output(400, b"y"), Resized(40, 120)]
    for cut in range(1, len(data)):
        state = attached()
        put(state, data[:cut])
        found = events(state)
        put(state, data[cut:])
        assert found + events(state) == expected


def test_after_a_loss_the_request_resumes_behind_the_last_whole_frame() -> None:
    state = attached(rows=24, cols=80, tty=True, steal=True, tail_bytes=5, mode="share", label="me")
    put(state, output(0, b"abc") + output(3, b"def")[:-1])
    state.lost()
    assert not state.ended
    request = asked(state)
    assert (request.roost.from_offset, request.roost.resume_token) == (3, b"t")
    assert not request.roost.HasField("tail_bytes") and not request.steal
    assert (request.rows, request.cols, request.is_tty, request.roost.label) == (24, 80, True, "me")
    put(state, answer(3))
    assert state.answer()
    put(state, output(3, b"def"))
    assert events(state) == [Output(0, b"abc"), Reconnected(0), Output(3, b"def")]


def test_what_is_sent_again_after_a_resume_is_not_given_twice() -> None:
    state = attached()
    put(state, output(0, b"abcdef"))
    assert events(state) == [Output(0, b"abcdef")]
    state.lost()
    put(state, answer(2) + output(2, b"cd") + output(4, b"efgh") + output(8, b"i"))
    assert state.answer()
    assert events(state) == [Reconnected(0), Output(6, b"gh"), Output(8, b"i")]


def test_an_unannounced_hole_is_told() -> None:
    state = attached()
    put(state, output(5, b"ab") + output(7, b"c"))
    assert events(state) == [Gap(0, 5), Output(5, b"ab"), Output(7, b"c")]


def test_an_unannounced_hole_keeps_its_place_when_stashed() -> None:
    state = attached()
    put(state, output(0, b"a") + output(5, b"b") + output(6, b"c"))
    state.stash()
    assert events(state) == [Output(0, b"a"), Gap(1, 5), Output(5, b"b"), Output(6, b"c")]


def test_a_gap_after_a_resume_counts_only_what_was_not_seen() -> None:
    state = attached()
    put(state, output(0, b"abcd"))
    state.next_event()
    state.lost()
    put(state, answer(4) + frames.gap(2, 10) + output(10, b"x"))
    state.answer()
    assert events(state) == [Reconnected(0), Gap(4, 10), Output(10, b"x")]


def test_missed_bytes_of_v1_are_a_gap() -> None:
    state = attached()
    put(state, frames.output_head(2) + b"ab" + frames.pty_missed(5) + frames.output_head(1) + b"c")
    assert events(state) == [Output(0, b"ab"), Gap(2, 7), Output(7, b"c")]


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (frames.pty_exit(3, ExitInfo(3, None, "natural", 12.5)), Exited(3, None, "natural", 12.5)),
        (frames.pty_exit(-9, ExitInfo(None, 9, "hard", 12.5)), Exited(None, 9, "hard", 12.5)),
        (frames.pty_exit(-15), Exited(None, 15, "unknown", None)),
        (frames.pty_exit(0), Exited(0, None, "unknown", None)),
        (frames.pty_exit(None, ExitInfo(None, None, "unknown", 0.0)), Exited(None, None, "unknown", None)),
        (frames.pty_error("exit code unknown"), Exited(None, None, "unknown", None)),
        (frames.pty_stolen("ada"), Stolen("ada")),
        (frames.pty_error("detached", reset=b"R"), Detached("detached")),
        (frames.pty_error("session terminated by request"), Detached("session terminated by request")),
    ],
)
def test_last_frames(frame: bytes, event: AttachmentEvent) -> None:
    state = attached()
    put(state, output(0, b"a") + frame + output(1, b"behind the end"))
    assert events(state) == [Output(0, b"a"), event]
    assert state.ended and state.failure is None


def test_a_pipe_stream_ends_with_its_own_numbers() -> None:
    state = attached(stream="stdout")
    put(state, frames.pipe_exit(4, ExitInfo(4, None, "natural", 1.0)))
    assert events(state) == [Exited(4, None, "natural", 1.0)]
    state = attached(stream="stdout")
    put(state, frames.pipe_eof())
    assert events(state) == [Detached("end of the stream")]


def test_the_reset_string_comes_with_the_last_frame() -> None:
    state = attached()
    put(state, frames.pty_exit(0, ExitInfo(0, None, "natural", 1.0), b"\x1b[?1049l"))
    events(state)
    assert state.reset == b"\x1b[?1049l"


def test_an_error_frame_with_a_kind_is_raised_behind_the_events() -> None:
    state = attached()
    put(state, output(0, b"a") + frames.pty_error("no room", error_kind="exhausted"))
    assert events(state) == [Output(0, b"a")]
    assert state.failure is not None and state.failure.kind == "exhausted"


def test_a_malformed_frame_ends_the_attachment() -> None:
    state = attached()
    put(state, b"\x00\x00\x00\x02\x0a\x7f")
    assert events(state) == []
    assert isinstance(state.failure, ProtocolError)


def test_a_loss_after_the_last_frame_changes_nothing() -> None:
    state = attached()
    put(state, frames.pty_exit(0))
    state.lost()
    assert events(state) == [Exited(0, None, "unknown", None)]
    assert state.failure is None


def test_a_loss_while_leaving_is_the_detach() -> None:
    state = attached()
    state.leave()
    send_all(state)
    state.lost()
    assert events(state) == [Detached("detached")]


def test_without_reconnect_a_loss_is_an_error() -> None:
    state = AttachmentState(AttachOptions("s-1"), client_name="t", reconnect=False)
    put(state, answer() + output(0, b"a"))
    state.answer()
    state.lost()
    assert events(state) == [Output(0, b"a")]
    assert isinstance(state.failure, UnavailableError)


def test_input_that_was_not_acknowledged_is_in_doubt() -> None:
    state = attached()
    assert state.outbox.offer(memoryview(b"hello")) == 5
    assert send_all(state) == frames.encode_input(b"hello")
    put(state, frames.input_offset(2))
    assert events(state) == []
    state.lost()
    put(state, answer())
    state.answer()
    assert events(state) == [Reconnected(3)]
    assert not state.outbox


def test_input_of_a_frame_that_was_cut_off_is_sent_again_and_not_in_doubt() -> None:
    state = attached()
    state.outbox.offer(memoryview(b"one"))
    send_all(state)
    put(state, frames.input_offset(3))
    events(state)
    state.outbox.offer(memoryview(b"two"))
    state.outbox.sent(4)
    state.lost()
    put(state, answer())
    state.answer()
    assert events(state) == [Reconnected(0)]
    assert send_all(state) == frames.encode_input(b"two")


def test_acknowledgements_count_per_connection() -> None:
    state = attached()
    for _ in range(2):
        state.outbox.offer(memoryview(b"abcd"))
        send_all(state)
        put(state, frames.input_offset(3))
        events(state)
        state.lost()
        put(state, answer())
        state.answer()
        assert events(state) == [Reconnected(1)]


def test_doubt_is_kept_over_attempts_that_led_nowhere() -> None:
    state = attached()
    state.outbox.offer(memoryview(b"abcd"))
    send_all(state)
    state.lost()
    state.lost()
    put(state, answer())
    state.answer()
    assert events(state) == [Reconnected(4)]


def test_the_outbox_takes_64_kib_at_most() -> None:
    state = attached()
    assert state.outbox.offer(memoryview(bytes(100_000))) == 65536
    assert state.outbox.offer(memoryview(b"x")) == 0
    send_all(state)
    assert state.outbox.offer(memoryview(b"x")) == 1


def test_a_size_set_while_away_is_the_size_of_the_next_attach() -> None:
    state = attached(rows=24, cols=80, tty=True)
    state.lost()
    state.resize(40, 120)
    assert (asked(state).rows, asked(state).cols) == (40, 120)
    put(state, answer())
    state.answer()
    assert not state.outbox


def test_a_refused_attach_raises_what_the_daemon_said() -> None:
    state = AttachmentState(AttachOptions("s-1"), client_name="t", reconnect=True)
    response = pb.DaemonResponse(request_id=REQUEST_ID, code=10, message="held by ada")
    response.attach_pty_session.SetInParent()
    put(state, codec.encode_response(response))
    with pytest.raises(AlreadyAttachedError, match="held by ada"):
        state.answer()


def test_an_answer_to_another_request_is_refused() -> None:
    state = AttachmentState(AttachOptions("s-1"), client_name="t", reconnect=True)
    put(state, codec.encode_response(pb.DaemonResponse(request_id=9)))
    with pytest.raises(ProtocolError):
        state.answer()


def test_writing_is_refused_where_it_makes_no_sense() -> None:
    with pytest.raises(InvalidError):
        attached(mode="view").check_writable()
    state = attached()
    state.leave()
    with pytest.raises(WrongStateError):
        state.check_writable()
    state = attached()
    state.fail(RoostError("gone"))
    with pytest.raises(RoostError, match="gone"):
        state.check_writable()
