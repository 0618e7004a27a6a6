"""What a daemon answers before all of it is loaded, and what waits."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from roost.daemon.early import EarlyV1
from roost.daemon.v1 import V1, Ask, Connection
from roost.daemon.v1_sessions import V1Sessions
from roost.errors import NoRunError
from roost.wire import daemon_v1_pb2 as pb


class FakeSessions:
    """One session, with nothing around it unless a test says so."""

    def __init__(self) -> None:
        self.record = SimpleNamespace(options={}, recordings=[], observers=[])

    def handlers(self) -> dict[int, Any]:
        return {pb.REQUEST_TYPE_ATTACH_PTY_SESSION: self._attach}

    def named(self, payload: Any, _kind: str) -> Any:
        if payload.session_id != "s-1":
            raise NoRunError("no such session")
        return SimpleNamespace(record=self.record)

    async def _attach(self, ask: Ask) -> None:
        ask.response.attach_pty_session.roost.name = "early"


class Whole:
    """The whole protocol, which says that it was it."""

    async def answer(self, request: pb.DaemonRequest, _connection: Connection) -> pb.DaemonResponse:
        return pb.DaemonResponse(request_id=request.id, message="whole")


CONNECTION = Connection(None, None, 1, lambda: None)


def attach(target: str = "s-1", **extension: Any) -> pb.DaemonRequest:
    request = pb.DaemonRequest(id=5, type=pb.REQUEST_TYPE_ATTACH_PTY_SESSION)
    request.attach_pty_session.session_id = target
    request.attach_pty_session.roost.SetInParent()
    for name, value in extension.items():
        setattr(request.attach_pty_session.roost, name, value)
    return request


@pytest.fixture
def sessions() -> FakeSessions:
    return FakeSessions()


async def test_an_attach_to_a_plain_session_is_answered_at_once(sessions: FakeSessions) -> None:
    early = EarlyV1(cast(V1Sessions, sessions), asyncio.get_running_loop().create_future())
    assert not early.may_wait(attach())
    assert (await early.answer(attach(), CONNECTION)).attach_pty_session.roost.name == "early"
    assert not early.wanted.is_set()


@pytest.mark.parametrize(
    "request_", [attach("s-2"), attach(env=b"A=1\0"), attach(restore="screen"), pb.DaemonRequest(type=40)]
)
async def test_everything_else_waits_for_the_whole(sessions: FakeSessions, request_: pb.DaemonRequest) -> None:
    await _waits(sessions, request_)


@pytest.mark.parametrize("around", ["options", "recordings", "observers"])
async def test_an_attach_to_a_session_with_something_around_it_waits(sessions: FakeSessions, around: str) -> None:
    setattr(sessions.record, around, {"one": 1})
    await _waits(sessions, attach())


async def _waits(sessions: FakeSessions, request: pb.DaemonRequest) -> None:
    whole: asyncio.Future[V1] = asyncio.get_running_loop().create_future()
    early = EarlyV1(cast(V1Sessions, sessions), whole)
    assert early.may_wait(request)
    async with asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(early.answer(request, CONNECTION))
        await early.wanted.wait()
        assert not answer.done()
        whole.set_result(cast(V1, Whole()))
    assert answer.result().message == "whole"
