"""The HTTP control plane against its own description: whatever a request says, the answer is one that is described."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from support.instance import Instance

#: A stream of events does not end, and a WebSocket is none of OpenAPI's business.
ENDLESS = ("get_events", "attach_sessions_target")

#: Who guesses tokens is slowed down (a test of its own), and no schema says which names, signals and sizes there are.
EXCLUDED = [ignored_auth, positive_data_acceptance]


@pytest.fixture(scope="module")
def api(shared: Instance) -> Any:
    """The description, as the daemon gives it; an exited session and a running one are there to be hit."""
    with shared.client() as client:
        token = client.access.create_token("admin")[1]
        url = client.access.listen("127.0.0.1:0")
        client.spawn(["true"], name="a").wait(20)
    headers = {"Authorization": f"Bearer {token}"}
    config = SchemathesisConfig.from_dict({"headers": headers, "generation": {"max-examples": 5, "no-shrink": True}})
    schema = schemathesis.openapi.from_url(f"{url}/v1/openapi.json", config=config, headers=headers)
    return schema.exclude(operation_id=list(ENDLESS))


def test_every_answer_is_as_described(api: Any) -> None:
    described = [result.ok() for result in api.get_all_operations()]
    assert len(described) > 25
    answers = api.raw_schema["components"]["schemas"]
    assert {"Approval", "Approvals", "Followup", "Followups"} <= set(answers)
    for operation in described:
        for mode in GenerationMode:
            _check(operation, mode)


def _check(operation: Any, mode: GenerationMode) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    def check(case: Any) -> None:
        if case.query:
            case.query.pop("follow", None)
        if (
            case.operation.path == "/v1/approvals"
            and isinstance(case.body, dict)
            and case.body.get("wait", True) is True
        ):
            case.body["wait"] = False  # with true it waits until somebody answers, as it should
        case.call_and_validate(timeout=20, excluded_checks=EXCLUDED)

    with contextlib.suppress(Unsatisfiable):  # there is nothing wrong to say to an operation that takes nothing
        check()
