"""A small HTTP client for tests: says exactly what it is told, over a Unix socket or TCP."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self._path)


class Http:
    """Asks at an address: `http://host:port` or `unix:PATH`."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self.token = token

    def connection(self) -> http.client.HTTPConnection:
        """A connection of its own."""
        if self.url.startswith("unix:"):
            return _Unix(self.url.removeprefix("unix:"))
        parts = urlsplit(self.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)

    def ask(
        self, verb: str, path: str, body: bytes | dict[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        given = dict(headers or {})
        if self.token:
            given.setdefault("Authorization", f"Bearer {self.token}")
        if isinstance(body, dict):
            given.setdefault("Content-Type", "application/json")
            body = json.dumps(body).encode()
        connection = self.connection()
        try:
            connection.request(verb, path, body, given)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: bytes | dict[str, Any] | None = None, **headers: str) -> Answer:
        """POST."""
        return self.ask("POST", path, body, headers)
