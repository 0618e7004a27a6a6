"""The application as the connections see it: every request passes here first, and every failure is answered here.

Owns who is let in (Host, Origin, credential, rate) and how errors travel (problem details, RFC 9457). What is asked
for is the routes' business.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from roost.core.access import (
    UnauthenticatedError,
    bearer_of,
    check_cookie_use,
    check_host,
    check_no_token_in_url,
    check_origin,
    cookie_of,
)
from roost.core.byte_range import RangeError
from roost.core.listening import ListenAddress
from roost.core.problems import CONTENT_TYPE, problem
from roost.core.rates import Buckets
from roost.daemon.asker import ASKER
from roost.daemon.calls import caller_pid
from roost.daemon.http.caller import Caller
from roost.daemon.http.routes import Found, build_routes
from roost.errors import RoostError

if TYPE_CHECKING:
    from roost.daemon.http.doors import Door
    from roost.daemon.http.world import World

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Requests of one client over TCP, and failed attempts to be let in of all together.
REQUESTS_PER_S, REQUESTS_BURST = 200.0, 400.0
FAILURES_PER_S, FAILURES_BURST = 1.0, 20.0

#: What every answer says: nothing of it is for other sites, and nothing is to be guessed or kept.
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class RateLimitedError(RoostError):
    """Too many requests; `retry_s` later there is room."""

    kind = "rate_limited"

    def __init__(self, message: str, retry_s: float) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class Entrance:
    """The ASGI application."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clock = world.context.loop.time
        self._routes = build_routes(world)
        self._requests = Buckets(REQUESTS_PER_S, REQUESTS_BURST)
        self._failures = Buckets(FAILURES_PER_S, FAILURES_BURST)

    def close(self) -> None:
        """Let go of what the routes hold."""
        self._routes.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            return
        answer = _Answer(scope, send)
        found: Found | None = None
        try:
            self._world.context.bus.settle()
            door: Door = scope["state"]["door"]
            headers = _Headers(scope)
            self._check_where(scope, headers, door)
            found = self._routes.find(scope)
            caller = self._admit(scope, headers, door, public=found.route.public)
            scope["state"]["caller"] = caller
            ASKER.set(caller.name)
            caller_pid.set(int(caller.name.removeprefix("unix:")) if door.local else None)
            await found.route.serve(caller, found.values, scope, receive, answer)
        except asyncio.CancelledError:  # the daemon stops; a half answer shows as one
            answer.broken = True
        except RoostError as error:
            await answer.problem(error, str(scope["path"]))
        except Exception:
            log.exception("%s %s failed in a way that nobody foresaw", scope.get("method", "WS"), scope["path"])
            text = "roost could not do that because of a defect of its own; see `roost daemon logs`"
            await answer.problem(RoostError(text), str(scope["path"]))
        finally:
            self._world.counters.count(found.route.name if found else "none", answer.status)
        if answer.broken:
            raise BrokenAnswer

    # --- who is let in ----------------------------------------------------------------------------------------------

    def _check_where(self, scope: Scope, headers: _Headers, door: Door) -> None:
        hosts = door.hosts
        if door.address.wildcard:  # the address at which it was reached, which no rebound name is
            ip, port = scope["server"]
            hosts |= {ListenAddress(host=ip, port=port).authority}
        check_host(headers.one("host"), hosts)
        check_origin(headers.one("origin"), headers.one("sec-fetch-site"), hosts)

    def _admit(self, scope: Scope, headers: _Headers, door: Door, *, public: bool) -> Caller:
        """Who asks. Raises UnauthenticatedError, DeniedError, RateLimitedError."""
        if door.local:
            return Caller(scope["state"]["peer"], "admin", door.only)
        if b"oken=" in scope["query_string"] or b"icket=" in scope["query_string"]:
            names = scope["query_string"].decode("latin-1").split("&")
            check_no_token_in_url(dict.fromkeys((name.partition("=")[0] for name in names), ""))
        caller = self._credential(scope, headers, door)
        if caller is None:
            if not public:
                self._failed(door)
                raise UnauthenticatedError(
                    "send `Authorization: Bearer TOKEN`; `roost token create` makes a token on the daemon's machine"
                )
            caller = Caller("anybody", "read", door.only)
        wait_s = self._requests.take(caller.name, self._clock())
        if wait_s:
            raise RateLimitedError(f"more than {REQUESTS_PER_S:g} requests a second; wait {wait_s:.1f} s", wait_s)
        return caller

    def _credential(self, scope: Scope, headers: _Headers, door: Door) -> Caller | None:
        credentials = self._world.credentials
        text = bearer_of(headers.one("authorization"))
        if text is not None:
            token = credentials.find(text)
            if token is None:
                self._failed(door)
                raise UnauthenticatedError(
                    "this token is unknown, revoked or expired; `roost token list` shows which count"
                )
            return Caller(f"token:{token.id}", token.scope, door.only)
        value = cookie_of(headers.one("cookie"))
        grant = credentials.find(value, kind="browser") if value is not None else None
        if grant is None:
            return None
        check_cookie_use(
            scope.get("method", "GET"),
            headers.one("origin"),
            headers.one("sec-fetch-site"),
            upgrade=scope["type"] == "websocket",
        )
        return Caller(f"browser:{grant.id}", grant.scope, door.only)

    def _failed(self, door: Door) -> None:
        """Count a failed attempt to be let in. Raises RateLimitedError when there were too many."""
        self._world.counters.refused += 1
        wait_s = self._failures.take(door.address.url, self._clock())
        if wait_s:
            raise RateLimitedError(f"too many failed attempts to be let in; wait {wait_s:.1f} s", wait_s)


class BrokenAnswer(Exception):
    """Told to the connection so that the client sees an answer that ends in the middle."""


class _Headers:
    """The headers of a request; one that must be there once at most and is not, counts as nonsense."""

    def __init__(self, scope: Scope) -> None:
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]

    def one(self, name: str) -> str | None:
        wanted = name.encode()
        found = [value for key, value in self._headers if key == wanted]
        if len(found) > 1:
            raise RoostError(f"the header {name} is there more than once", kind="malformed")
        return found[0].decode("latin-1") if found else None


class _Answer:
    """`send` with what every answer has in common, and a memory of how far the answer has got."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._websocket = scope["type"] == "websocket"
        self._send = send
        self.status = 0
        self.broken = False

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        elif kind == "websocket.accept":
            self.status = 101
        await self._send(message)

    async def problem(self, error: RoostError, instance: str) -> None:
        """Answer with problem details; where an answer has begun, leave it incomplete."""
        if self.status:
            self.broken = not self._websocket
            return
        details = problem(error.kind, error.message, instance[:200])
        body = json.dumps(details).encode()
        headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        headers.append((b"cache-control", b"no-store"))
        if details["status"] == 401:
            headers.append((b"www-authenticate", b'Bearer realm="roost"'))
        if isinstance(error, RateLimitedError):
            headers.append((b"retry-after", str(max(1, round(error.retry_s + 0.5))).encode()))
        if isinstance(error, RangeError):
            headers.append((b"content-range", f"bytes */{error.end}".encode()))
        allow = getattr(error, "allow", "")
        if allow:
            headers.append((b"allow", allow.encode()))
        prefix = "websocket.http.response" if self._websocket else "http.response"
        self.status = details["status"]
        await self._send({"type": f"{prefix}.start", "status": self.status, "headers": [*headers, *_HEADERS]})
        await self._send({"type": f"{prefix}.body", "body": body, "more_body": False})
