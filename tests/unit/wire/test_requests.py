"""Responses where they are unusual; what protobuf makes of requests and responses is a property."""

from __future__ import annotations

import pytest

from roost.errors import InvalidError
from roost.wire import daemon_v1_pb2 as pb
from roost.wire import requests


def test_a_payload_in_parts_is_one_payload() -> None:
    """Protobuf lets a sub-message come in several fields, which are then merged."""
    first = pb.DaemonResponse(spawn_pty_session=pb.SpawnPtySessionResponse(session_id="s"))
    second = pb.DaemonResponse(spawn_pty_session=pb.SpawnPtySessionResponse(pid=7))
    reply = requests.decode_reply(first.SerializeToString() + second.SerializeToString())
    assert requests.decode_spawned(reply) == requests.Spawned("s", 7)


def test_an_answer_without_the_payload_has_defaults() -> None:
    """A client that insists on a payload looks into `payloads` first."""
    reply = requests.decode_reply(b"")
    assert reply == requests.Reply()
    assert requests.decode_spawned(reply) == requests.Spawned()
    assert requests.decode_attached(reply) == requests.Attached()


def test_an_unknown_stream_is_left_to_the_daemon_to_refuse() -> None:
    """It travels as stream 0, which is no stream."""
    encoded = requests.encode_attach(1, requests.AttachOptions("s", stream="stdlog"))
    assert pb.DaemonRequest.FromString(encoded[4:]).attach_pipe_stream.stream == 0


def test_a_name_that_is_no_utf8_is_refused() -> None:
    """Nothing else than the name that was given is ever made a session's name."""
    with pytest.raises(InvalidError, match=r"name 'a\\udcff' cannot be used: it is not UTF-8"):
        requests.encode_spawn(1, requests.SpawnOptions(argv=(b"x",), name="a\udcff"))
    assert "ä".encode() in requests.encode_spawn(1, requests.SpawnOptions(argv=(b"x",), name="ä"))
