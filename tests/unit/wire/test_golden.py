"""The bytes of v1, as other implementations write them: what we write is the same, and what they write we read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from roost.wire import codec, frames, requests
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.framing import frame


def ping_request() -> bytes:
    return requests.encode_simple(1, requests.PING, "c")


def attach_request() -> bytes:
    payload = pb.AttachPtySessionRequest(session_id="s", rows=24, cols=80, is_tty=True)
    name = "running-process-client"
    request = pb.DaemonRequest(id=1, type=61, protocol_version=1, client_name=name, attach_pty_session=payload)
    return frame(request.SerializeToString())


def register_observer_request() -> bytes:
    payload = pb.RegisterSessionObserverRequest(session_id="s", session_kind=2, categories=[0, 1, 2, 3])
    request = pb.DaemonRequest(id=5, type=78, protocol_version=1, register_session_observer=payload)
    return frame(request.SerializeToString())


def shutdown_response() -> bytes:
    response = pb.DaemonResponse(request_id=3, message="shutting down", shutdown=pb.ShutdownResponse())
    return codec.encode_response(response)


def refused_response() -> bytes:
    refused = pb.DaemonResponse(request_id=1, code=10, message="busy", attach_pty_session=pb.AttachPtySessionResponse())
    return codec.encode_response(refused)


def ping_response() -> bytes:
    return codec.encode_response(pb.DaemonResponse(request_id=1, ping=pb.PingResponse(server_time_ms=1700000000000)))


def attach_response() -> bytes:
    payload = pb.AttachPtySessionResponse(backlog=b"old", backlog_truncated=True, bytes_missed=11)
    return codec.encode_response(pb.DaemonResponse(request_id=1, attach_pty_session=payload))


WRITTEN: list[tuple[str, Callable[[], bytes], str]] = [
    ("ping request", ping_request, "0000000c 0801 1028 1801 220163 c20200"),
    ("ping response", ping_response, "0000000c 0801 c202 07 0880d095ffbc31"),
    ("shutdown response", shutdown_response, "00000014 0803 1a0d7368757474696e6720646f776e ca0200"),
    (
        "attach request",
        attach_request,
        "0000002a 0801 103d 1801 221672756e6e696e672d70726f636573732d636c69656e74 ea03 09 0a0173 1018 1850 3001",
    ),
    ("attach response", attach_response, "0000000e 0801 ea03 09 12036f6c64 1801 200b"),
    ("attach refused", refused_response, "0000000d 0801 100a 1a0462757379 ea0300"),
    ("terminal output", lambda: frames.output_head(2) + b"hi", "00000004 0a026869"),
    ("terminal exit 0", lambda: frames.pty_exit(0), "00000002 1000"),
    ("terminal exit 7", lambda: frames.pty_exit(7), "00000002 1007"),
    ("terminal stolen", lambda: frames.pty_stolen("peer"), "00000006 2a0470656572"),
    ("terminal error", lambda: frames.pty_error("detached"), "0000000a 22086465746163686564"),
    ("input", lambda: frames.encode_input(b"hi"), "00000004 0a026869"),
    ("resize", lambda: frames.encode_resize(40, 120), "00000006 120408281078"),
    ("interrupt", frames.encode_interrupt, "00000002 1801"),
    ("detach", frames.encode_detach, "00000002 2001"),
    ("pipe output", lambda: frames.output_head(2, pipe=True) + b"hi", "00000004 0a026869"),
    ("pipe eof", frames.pipe_eof, "00000002 1001"),
    ("pipe exit 0", lambda: frames.pipe_exit(0), "00000002 1800"),
    ("pipe exit -9", lambda: frames.pipe_exit(-9), "0000000b 18f7ffffffffffffffff01"),
    ("register observer", register_observer_request, "00000014 0805 104e 1801 f204 0b 0a0173 1002 1a0400010203"),
]


@pytest.mark.parametrize(("write", "expected"), [pytest.param(w, e, id=name) for name, w, e in WRITTEN])
def test_what_we_write_is_what_v1_writes(write: Callable[[], bytes], expected: str) -> None:
    """Each message of the sheet's golden table leaves us in exactly those bytes, length prefix included."""
    assert write().hex() == bytes.fromhex(expected).hex()


def golden(name: str) -> bytes:
    return bytes.fromhex(next(expected for n, _, expected in WRITTEN if n == name))[4:]


@pytest.mark.parametrize(
    ("name", "pipe", "attribute", "value"),
    [
        ("terminal output", False, "output", b"hi"),
        ("terminal exit 0", False, "exit_code", 0),
        ("terminal exit 7", False, "exit_code", 7),
        ("terminal stolen", False, "stolen_by", "peer"),
        ("terminal error", False, "error", "detached"),
        ("pipe output", True, "output", b"hi"),
        ("pipe eof", True, "eof", True),
        ("pipe exit 0", True, "exit_code", 0),
        ("pipe exit -9", True, "exit_code", -9),
    ],
)
def test_stream_frames_of_v1_are_read(name: str, pipe: bool, attribute: str, value: object) -> None:
    """A golden stream frame carries its one thing and nothing else."""
    expected = frames.StreamFrame()
    setattr(expected, attribute, value)
    assert frames.decode_stream_frame(golden(name), pipe=pipe) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("input", frames.InputFrame("input", b"hi")),
        ("resize", frames.InputFrame("resize", rows=40, cols=120)),
        ("interrupt", frames.InputFrame("interrupt")),
        ("detach", frames.InputFrame("detach")),
    ],
)
def test_input_frames_of_v1_are_read(name: str, expected: frames.InputFrame) -> None:
    """A golden input frame is read as what it asks for."""
    assert frames.decode_input_frame(golden(name)) == expected


def test_requests_and_responses_of_v1_are_read() -> None:
    """The golden requests decode in the daemon and the golden responses in the client."""
    attach = codec.decode_request(golden("attach request"))
    assert (attach.id, attach.type, attach.attach_pty_session.session_id) == (1, 61, "s")
    assert list(codec.decode_request(golden("register observer")).register_session_observer.categories) == [0, 1, 2, 3]
    refused = requests.decode_reply(golden("attach refused"))
    assert (refused.request_id, refused.code, refused.message, refused.payloads) == (1, 10, "busy", {61: b""})
    attached = requests.decode_attached(requests.decode_reply(golden("attach response")))
    assert (attached.backlog, attached.backlog_truncated, attached.bytes_missed) == (b"old", True, 11)
