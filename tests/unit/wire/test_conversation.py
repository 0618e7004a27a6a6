"""Both ends of a connection, joined in memory."""

from __future__ import annotations

import pytest

from roost.errors import ProtocolError
from roost.wire import codec, frames, requests
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.conversation import BadRequest, ClientConversation, Request, ServerConversation
from roost.wire.framing import frame

ATTACH = requests.encode_attach(1, requests.AttachOptions("s"))
OVERSIZE = b"\x00\x40\x00\x01"


def types(events: object) -> list[int]:
    return [event.message.type for event in events]


def test_pipelined_requests_come_in_order() -> None:
    """Requests sent at once wait and are taken one after the other."""
    server = ServerConversation()
    server.feed(requests.encode_simple(1, 40) + requests.encode_simple(2, 42))
    first = server.next_event()
    assert isinstance(first, Request)
    assert (first.message.id, first.message.type) == (1, 40)
    assert server.buffered
    assert types(server.events()) == [42]
    assert server.next_event() is None


def test_a_malformed_request_keeps_the_connection() -> None:
    """It is reported, not fatal, and the next request is read."""
    server = ServerConversation()
    bad, good = server.feed(frame(b"\xff") + requests.encode_simple(2, 40))
    assert isinstance(bad, BadRequest)
    assert bad.text.startswith("protobuf decode error")
    assert not bad.fatal
    assert types([good]) == [40]


def test_an_oversize_request_ends_the_connection() -> None:
    """It is reported once, as fatal, and nothing after it is read."""
    server = ServerConversation()
    [bad] = server.feed(OVERSIZE + requests.encode_simple(2, 40))
    assert isinstance(bad, BadRequest)
    assert bad.text.startswith("frame decode error")
    assert bad.fatal
    assert list(server.feed(requests.encode_simple(3, 40))) == []
    assert server.feed_eof() is None


def test_an_end_inside_a_frame_is_reported_and_between_frames_is_not() -> None:
    """The peer that cut a request in two is told so; one that just left is not."""
    server = ServerConversation()
    assert list(server.feed(b"\x00\x00")) == []
    bad = server.feed_eof()
    assert isinstance(bad, BadRequest)
    assert bad.text.startswith("frame decode error")
    assert bad.fatal
    assert ServerConversation().feed_eof() is None


def test_what_follows_an_attach_is_the_streams() -> None:
    """Bytes in flight behind an attach request are neither requests nor lost: they wait for the stream to start."""
    server = ServerConversation()
    events = list(server.feed(requests.encode_simple(1, 40) + ATTACH + frames.encode_input(b"ls\n")))
    assert types(events) == [40, 61]
    assert list(server.feed(frames.encode_resize(3, 4))) == []
    assert (server.waiting, server.streaming) == (True, False)
    server.start_stream()
    assert (server.waiting, server.streaming) == (False, True)
    assert list(server.events()) == [frames.InputFrame("input", b"ls\n"), frames.InputFrame("resize", rows=3, cols=4)]


def test_a_pipe_attach_waits_too() -> None:
    """Type 66 turns the connection into a stream like type 61."""
    server = ServerConversation()
    attach = requests.encode_attach(1, requests.AttachOptions("s", stream="stderr"))
    assert types(server.feed(attach + frames.encode_close_stdin())) == [66]
    server.start_stream()
    assert list(server.events()) == [frames.InputFrame("close_stdin")]


def streaming_server() -> ServerConversation:
    server = ServerConversation()
    assert types(server.feed(ATTACH)) == [61]
    server.start_stream()
    return server


def test_input_that_asks_for_nothing_is_skipped() -> None:
    """Malformed, empty and false frames are ignored and the stream goes on."""
    noise = frame(b"\xff\xff") + frame(b"") + frame(b"\x18\x00") + frame(b"\x20\x00") + frame(b"\x99\x06\x01")
    assert list(streaming_server().feed(noise + frames.encode_interrupt() + noise)) == [frames.InputFrame("interrupt")]


def test_an_oversize_input_frame_is_fatal() -> None:
    """What came before it is still taken; then a fatal BadRequest, and nothing more."""
    detach, bad = streaming_server().feed(frames.encode_detach() + OVERSIZE + frames.encode_detach())
    assert detach == frames.InputFrame("detach")
    assert isinstance(bad, BadRequest)
    assert bad.fatal


def test_an_end_on_a_stream_is_no_error() -> None:
    """To leave is to detach, wherever the bytes end."""
    server = streaming_server()
    server.feed(b"\x00")
    assert server.feed_eof() is None


def test_a_client_reads_replies_and_then_its_stream() -> None:
    """Frames that came in one piece with the attach reply wait for the stream to start."""
    client = ClientConversation()
    pong = codec.encode_response(pb.DaemonResponse(request_id=1, ping=pb.PingResponse(server_time_ms=1)))
    attached = pb.AttachPipeStreamResponse(roost=pb.RoostAttached(name="n", start_offset=7))
    answer = codec.encode_response(pb.DaemonResponse(request_id=2, attach_pipe_stream=attached))
    stream = frames.output_head(2, 7) + b"hi" + frames.pipe_exit(3)
    replies = list(client.feed(pong + answer + stream))
    assert [reply.request_id for reply in replies] == [1, 2]
    assert requests.decode_attached(replies[1]).start_offset == 7
    client.start_stream(pipe=True)
    assert client.streaming
    output, end = client.events()
    assert (output.output, output.offset, end.exit_code) == (b"hi", 7, 3)
    assert client.at_boundary


def test_a_refused_attach_is_an_ordinary_reply() -> None:
    """The empty attach payload beside the error does not make the client wait for a stream."""
    client = ClientConversation()
    refused = pb.DaemonResponse(request_id=1, code=4, attach_pty_session=pb.AttachPtySessionResponse())
    codes = [reply.code for reply in client.feed(codec.encode_response(refused) * 2)]
    assert codes == [4, 4]


def test_a_client_refuses_what_is_not_the_protocol() -> None:
    """Malformed and oversize responses raise; a cut one shows at the end."""
    with pytest.raises(ProtocolError, match=r"^protobuf decode error"):
        list(ClientConversation().feed(frame(b"\xff")))
    with pytest.raises(ProtocolError, match=r"^frame decode error"):
        list(ClientConversation().feed(b"\x01\x00\x00\x01"))
    client = ClientConversation()
    assert list(client.feed(b"\x01\x00\x00\x00")) == []
    assert not client.at_boundary
