"""Roost's own calls about the control plane: `http.*`, `tokens.*`, `tickets.create`. Light, like `area`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from roost.core.access import check_scope_name
from roost.core.tokens import DEFAULT_TOKEN_S, TICKET_S
from roost.daemon.calls import Calls, Method, NoParams, Params, Result
from roost.errors import InvalidError

if TYPE_CHECKING:
    from roost.daemon.http.area import Http

_MOST_S = 10 * 365 * 86400.0


class ListenParams(Params, frozen=True):
    """An address to listen on; hosts: further names under which requests may call it."""

    address: str
    hosts: list[str] = []


class UnlistenParams(Params, frozen=True):
    """An address to listen on no more, "" for all that were asked for."""

    address: str = ""


class CreateTokenParams(Params, frozen=True):
    """A token. lasts_s: how long it counts, 0 for ever, 90 days unless said otherwise."""

    scope: str = "read"
    name: str = ""
    lasts_s: float = DEFAULT_TOKEN_S


class RevokeParams(Params, frozen=True):
    """A token by id or name, a browser by id."""

    which: str


class TicketParams(Params, frozen=True):
    """What the browser that is let in may do."""

    scope: str = "type"
    name: str = ""


def access_methods(http: Http) -> dict[str, Method[Any]]:
    """By name."""

    async def listen(_calls: Calls, p: ListenParams, _data: bytes) -> Result:
        return {"url": http.listen(p.address, p.hosts)}, b""

    async def unlisten(_calls: Calls, p: UnlistenParams, _data: bytes) -> Result:
        return {"urls": http.unlisten(p.address)}, b""

    async def status(_calls: Calls, _p: NoParams, _data: bytes) -> Result:
        stack = http.doors.stack
        return {
            "addresses": http.status(),
            "connections": stack.connections if stack is not None else 0,
            "loaded": stack is not None,
        }, b""

    async def create(_calls: Calls, p: CreateTokenParams, _data: bytes) -> Result:
        if not (math.isfinite(p.lasts_s) and 0 <= p.lasts_s <= _MOST_S):
            raise InvalidError(
                f"lasts_s is {p.lasts_s}; give seconds, up to ten years, or 0 for a token without an end"
            )
        scope = check_scope_name(p.scope)
        if len(p.name) > 100 or not p.name.isprintable():
            raise InvalidError("the name of a token has 100 printable characters at most")
        token, text = http.credentials.create(scope, p.name, p.lasts_s or None)
        return {"token": token.shown(), "text": text}, b""

    async def list_tokens(_calls: Calls, _p: NoParams, _data: bytes) -> Result:
        return {"tokens": [token.shown() for token in http.credentials.list()]}, b""

    async def revoke(_calls: Calls, p: RevokeParams, _data: bytes) -> Result:
        return http.credentials.revoke(p.which).shown(), b""

    async def ticket(_calls: Calls, p: TicketParams, _data: bytes) -> Result:
        text = http.credentials.ticket(check_scope_name(p.scope), p.name[:100])
        return {"ticket": text, "lasts_s": TICKET_S}, b""

    return {
        "http.listen": Method(ListenParams, listen),
        "http.unlisten": Method(UnlistenParams, unlisten),
        "http.status": Method(NoParams, status),
        "tokens.create": Method(CreateTokenParams, create),
        "tokens.list": Method(NoParams, list_tokens),
        "tokens.revoke": Method(RevokeParams, revoke),
        "tickets.create": Method(TicketParams, ticket),
    }
