"""Events as a test reads them: a page of the journal, or a stream on a connection of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from roost.wire import daemon_v1_pb2 as pb
from support.v1 import V1Client


def call(client: V1Client, method: str, **params: Any) -> tuple[dict[str, Any], bytes]:
    """The result and the data of a roost call that succeeds."""
    payload = pb.RoostCall(method=method, params=json.dumps(params).encode())
    answer = client.request(1000, payload)
    assert not answer.code, answer.message
    return json.loads(answer.roost.result), answer.roost.data


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def journal(client: V1Client, **params: Any) -> list[dict[str, Any]]:
    """All that the journal has of what was asked for."""
    found: list[dict[str, Any]] = []
    since = "0.0"
    while True:
        told, data = call(client, "events.read", since=since, limit=1000, **params)
        found += lines(data)
        since = told["next"]
        if not told["more"]:
            return found


class EventReader:
    """A stream of events over the raw protocol."""

    def __init__(self, path: str, **params: Any) -> None:
        self.client = V1Client(path)
        self.told, _ = call(self.client, "events.stream", **params)
        self.last: dict[str, Any] = {}

    def __enter__(self) -> EventReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.sock.close()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Events, until the daemon ends the stream."""
        while True:
            try:
                answer = pb.DaemonResponse.FromString(self.client.read_raw())
            except EOFError:
                return
            self.last = json.loads(answer.roost.result)
            yield from lines(answer.roost.data)

    def until(self, found: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Events up to the first that is the one."""
        seen = []
        for event in self:
            seen.append(event)
            if found(event):
                return seen
        raise AssertionError(f"the stream ended: {seen}")


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]
