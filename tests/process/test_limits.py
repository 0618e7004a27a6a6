"""Past a limit there is a clear refusal, and everyone else is served."""

from __future__ import annotations

from support.instance import Instance
from support.v1 import V1Client

from roost.wire import daemon_v1_pb2 as pb


def test_one_session_too_many_is_refused_and_a_purge_makes_room() -> None:
    instance = Instance({"ROOST_MAX_SESSIONS": "2"})
    try:
        instance.start()
        with V1Client(instance.socket) as client:
            client.spawn("cat")
            short = client.spawn("true")
            refused = client.request(60, pb.SpawnPtySessionRequest(argv=["cat"]))
            assert refused.code == pb.STATUS_CODE_RATE_LIMITED and "2 sessions" in refused.message
            client.call("sessions.wait", target=short.session_id)
            client.call("sessions.purge")
            client.spawn("cat")
    finally:
        instance.end()
