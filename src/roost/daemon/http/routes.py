"""Which request goes where: paths, methods, and the list of everything that answers.

Owns the matching of paths. What a route does is its own module's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from roost.daemon.http.caller import Caller
from roost.errors import NoRunError, RoostError

if TYPE_CHECKING:
    from roost.daemon.http.world import World

Scope = MutableMapping[str, Any]
#: Serves one request: the caller, the values in the path, then as ASGI has it.
Serve = Callable[[Caller, dict[str, str], Scope, Any, Any], Awaitable[None]]

#: Modules with a `routes(world)`; other areas add theirs to `context.shared["http_routes"]`.
PARTS = ("operations", "input", "output", "events", "attach", "metrics", "login", "generic", "mcp", "pages")


class MethodNotAllowedError(RoostError):
    """The path exists, with other methods."""

    kind = "method_not_allowed"

    def __init__(self, message: str, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path. The last part of a path may be `{name...}`, which takes all that is left.

    public: answers without a credential, because it tells nothing of this daemon's sessions. described: the operation
    in the OpenAPI document, None to leave it out.
    """

    verb: str  # GET, POST, ...; WS for a WebSocket
    path: str
    serve: Serve
    public: bool = False
    described: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """For counting."""
        return f"{self.verb} {self.path}"


@dataclass(frozen=True, slots=True)
class Found:
    """A route and what stands at the places of its path."""

    route: Route
    values: dict[str, str]


@dataclass(slots=True)
class Routes:
    """All routes."""

    all: list[Route] = field(default_factory=list)
    on_close: list[Callable[[], None]] = field(default_factory=list)

    def find(self, scope: Scope) -> Found:
        """The route of a request. Raises NoRunError or MethodNotAllowedError."""
        raw = scope.get("raw_path") or scope["path"].encode()
        words = [unquote(word) for word in raw.decode("latin-1").split("?")[0].split("/")[1:]]
        verb = "WS" if scope["type"] == "websocket" else scope["method"]
        verb = "GET" if verb == "HEAD" else verb
        others = []
        for route in self.all:
            values = _match(route.path.split("/")[1:], words)
            if values is not None:
                if route.verb == verb:
                    return Found(route, values)
                others.append(route.verb)
        if others:
            allow = ", ".join(sorted({other for other in others if other != "WS"})) or "GET"
            hint = "; connect to it as a WebSocket" if "WS" in others else ""
            raise MethodNotAllowedError(f"{scope['path'][:200]} does not answer to {verb}, but to {allow}{hint}", allow)
        raise NoRunError(f"there is nothing at {scope['path'][:200]}; /v1/openapi.json lists what there is")

    def close(self) -> None:
        """The daemon stops."""
        for call in self.on_close:
            call()


def _match(pattern: list[str], words: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for at, part in enumerate(pattern):
        if part.endswith("...}"):
            values[part[1:-4]] = "/".join(words[at:])
            return values
        if at >= len(words):
            return None
        if part.startswith("{"):
            if not words[at]:
                return None
            values[part[1:-1]] = words[at]
        elif part != words[at]:
            return None
    return values if len(words) == len(pattern) else None


def build_routes(world: World) -> Routes:
    """Every route, those of other areas first."""
    routes = Routes()
    world.shared["http_world"] = world
    for make in world.shared.get("http_routes", ()):
        routes.all += make(world)
    for name in PARTS:
        module: Any = import_module(f"roost.daemon.http.{name}")
        routes.all += module.routes(world)
    routes.on_close += world.shared.get("http_on_close", [])
    world.shared["http_all_routes"] = routes.all
    return routes
