"""How a browser is let in: a ticket, made where the user is known already, is exchanged once for a cookie.

`POST /v1/tickets`, `POST /v1/login`, `POST /v1/logout`, and `GET /v1/me`. Neither tickets nor tokens ever stand in a
URL that is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from roost.core.access import COOKIE, UnauthenticatedError, check_scope_name
from roost.core.tokens import GRANT_S, TICKET_S
from roost.daemon.http import asgi, schemas
from roost.daemon.http.caller import Caller
from roost.daemon.http.describe import answers, schema_of
from roost.daemon.http.routes import Route, Scope

if TYPE_CHECKING:
    from roost.daemon.http.world import World


class TicketBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the browser may do then; name: shown by `roost token list`."""

    scope: str = "type"
    name: str = ""


class LoginBody(msgspec.Struct, forbid_unknown_fields=True):
    """A ticket, not older than 30 s."""

    ticket: str


class Me(msgspec.Struct):
    """Who you are to the daemon; only: the one session that this address reaches, "" for all."""

    name: str
    scope: str
    only: str


def routes(world: World) -> list[Route]:
    """Four."""

    async def ticket(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        body = asgi.json_object(await asgi.read_body(scope, receive), scope)
        wish = asgi.convert(body, TicketBody, strict=True)
        caller.require(check_scope_name(wish.scope))  # nobody can pass on more than they have
        caller.require_everything()
        text = world.credentials.ticket(wish.scope, wish.name[:100])
        await asgi.send_json(send, schemas.Ticket(text, TICKET_S), 201)

    async def login(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        body = asgi.json_object(await asgi.read_body(scope, receive, 4096), scope)
        wish = asgi.convert(body, LoginBody, strict=True)
        exchanged = world.credentials.exchange(wish.ticket)
        if exchanged is None:
            world.counters.refused += 1
            raise UnauthenticatedError("this ticket is unknown, used or older than 30 s; ask for another")
        grant, value = exchanged
        cookie = f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={int(GRANT_S)}"
        await asgi.send_json(send, Me(f"browser:{grant.id}", grant.scope, caller.only), 200, {"Set-Cookie": cookie})

    async def logout(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        await asgi.read_body(scope, receive, 4096)
        kind, _, grant_id = caller.name.partition(":")
        if kind == "browser":
            world.credentials.revoke(grant_id)
        await asgi.send_bytes(
            send, b"", "", 204, {"Set-Cookie": f"{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"}
        )

    async def me(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        await asgi.send_json(send, Me(caller.name, caller.scope, caller.only))

    return [
        Route(
            "POST",
            "/v1/tickets",
            ticket,
            described=_posts(
                "post_tickets", "Make a ticket that lets a browser in once", TicketBody, schemas.Ticket, 201
            ),
        ),
        Route(
            "POST",
            "/v1/login",
            login,
            public=True,
            described=_posts("post_login", "Exchange a ticket for a cookie", LoginBody, Me, 200),
        ),
        Route(
            "POST",
            "/v1/logout",
            logout,
            described=_posts("post_logout", "Leave: the cookie counts no more", None, None, 204),
        ),
        Route("GET", "/v1/me", me, described=_posts("get_me", "Who you are to the daemon", None, Me, 200)),
    ]


def _posts(name: str, summary: str, body: Any, result: Any, status: int) -> dict[str, Any]:
    components: dict[str, Any] = {}
    content = {asgi.JSON: {"schema": schema_of(result, components)}} if result is not None else {}
    described: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": ["access"],
        "responses": answers({status: ("Done", content)}, components),
        "components": components,
    }
    if body is not None:
        described["requestBody"] = {
            "required": body is LoginBody,
            "content": {asgi.JSON: {"schema": schema_of(body, components)}},
        }
    return described
