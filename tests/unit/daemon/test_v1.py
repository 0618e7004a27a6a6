"""What the answers to all requests have in common."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from roost.daemon.v1 import V1, Ask, StatusFacts
from roost.errors import NoRunError
from roost.wire import daemon_v1_pb2 as pb


def v1_with(handler: Any) -> V1:
    async def nothing() -> int:
        return 0

    calls: Any = SimpleNamespace(control=None)
    return V1(calls, StatusFacts("", None, nothing), {pb.REQUEST_TYPE_UNREGISTER: handler})


async def answer(v1: V1) -> pb.DaemonResponse:
    request = pb.DaemonRequest(id=7, type=pb.REQUEST_TYPE_UNREGISTER, unregister=pb.UnregisterRequest(pid=3))
    connection: Any = None
    return await v1.answer(request, connection)


async def test_a_defect_in_a_handler_costs_one_request_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(ask: Ask) -> None:
        ask.response.unregister.SetInParent()
        raise KeyError("unforeseen")

    with caplog.at_level(logging.ERROR):
        response = await answer(v1_with(broken))
    assert (response.request_id, response.code) == (7, pb.STATUS_CODE_INTERNAL)
    assert response.message == "internal server error: handler panicked"
    assert not response.HasField("unregister") and "unforeseen" in caplog.text


async def test_a_foreseen_error_becomes_its_code_and_text() -> None:
    async def missing(_ask: Ask) -> None:
        raise NoRunError("pid 3 not found in registry")

    response = await answer(v1_with(missing))
    assert (response.code, response.message) == (pb.STATUS_CODE_NOT_FOUND, "pid 3 not found in registry")
