"""The observer calls of protocol v1 (78 to 80): registration, status, removal."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from support.instance import Instance
from support.v1 import V1Client

from roost.wire import daemon_v1_pb2 as pb

INVALID, NOT_FOUND = pb.STATUS_CODE_INVALID_ARGUMENT, pb.STATUS_CODE_NOT_FOUND


def register(client: V1Client, session_id: str, **fields: Any) -> pb.DaemonResponse:
    fields.setdefault("session_kind", 1)
    return client.request(78, pb.RegisterSessionObserverRequest(session_id=session_id, **fields))


def status(client: V1Client, session_id: str, subscriber_id: str, kind: int = 1) -> pb.DaemonResponse:
    payload = pb.GetSessionObserverStatusRequest(session_id=session_id, session_kind=kind, subscriber_id=subscriber_id)
    return client.request(80, payload)


def test_an_observer_is_registered_told_of_and_removed_once(v1: V1Client) -> None:
    session = v1.spawn("cat").session_id
    answer = register(v1, session, categories=[0, 1, 2, 3, 3])
    assert (answer.code, answer.message) == (0, "OK")
    observer = answer.register_session_observer.subscriber_id
    assert str(uuid.UUID(observer)) == observer
    told = status(v1, session, observer)
    assert told.code == 0 and told.HasField("get_session_observer_status")
    assert (told.get_session_observer_status.disconnected, told.get_session_observer_status.missed_events) == (False, 0)
    removal = pb.UnregisterSessionObserverRequest(session_id=session, session_kind=1, subscriber_id=observer)
    assert v1.request(79, removal).HasField("unregister_session_observer")
    assert v1.request(79, removal).code == NOT_FOUND and status(v1, session, observer).code == NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"session_id": ""}, INVALID),
        ({"session_kind": 0}, INVALID),
        ({"session_kind": 9}, INVALID),
        ({"backpressure": 5}, INVALID),
        ({"categories": [4]}, INVALID),
        ({"session_id": "nope"}, NOT_FOUND),
        ({"session_kind": 2}, NOT_FOUND),
    ],
)
def test_bad_registrations_are_refused(v1: V1Client, fields: dict[str, Any], code: int) -> None:
    session = v1.spawn("cat").session_id
    assert register(v1, fields.pop("session_id", session), **fields).code == code


def test_a_registration_outlives_the_client_the_exit_and_the_daemon(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        session = client.spawn("sh", "-c", "exit 3").session_id
        observer = register(client, session).register_session_observer.subscriber_id
        client.call("sessions.wait", target=session)
    instance.kill_daemon()
    with V1Client(instance.socket) as client:
        assert status(client, session, observer).code == 0
        client.call("sessions.purge")
        assert status(client, session, observer).code == NOT_FOUND
