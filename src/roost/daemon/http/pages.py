"""What a browser can look at: the OpenAPI document, its documentation page, and files that the build brought in.

`/`, `/v1/openapi.json`, `/docs`, `/assets/{path...}`. Owns which files are served (those under `roost/assets`,
nothing else) and what pages may load: only from here. Pages tell nothing of the sessions; what they ask for needs a
credential.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
from typing import TYPE_CHECKING, Any

import msgspec

from roost import version
from roost.daemon.http import asgi
from roost.daemon.http.caller import Caller
from roost.daemon.http.describe import answers, document
from roost.daemon.http.routes import Route, Scope
from roost.errors import NoRunError

if TYPE_CHECKING:
    from roost.daemon.http.world import World

ASSETS = os.path.join(os.path.dirname(version.__file__), "assets")
#: Nothing from elsewhere, nothing inline but styles, no frames around us.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HTML = "text/html; charset=utf-8"
_SWAGGER = ("swagger-ui.css", "swagger-ui-bundle.js")
_START = (
    b"window.onload = function () {\n  window.ui = SwaggerUIBundle({url: '/v1/openapi.json', dom_id: '#doc', "
    b"deepLinking: false, validatorUrl: null, tryItOutEnabled: true});\n};\n"
)


def routes(world: World) -> list[Route]:
    """Five."""
    made: dict[str, bytes] = {}

    async def openapi(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        if "openapi" not in made:
            made["openapi"] = msgspec.json.encode(document(world.shared["http_all_routes"]))
        await asgi.send_bytes(send, made["openapi"], asgi.JSON)

    async def docs(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        await asgi.send_bytes(send, docs_page(ASSETS), _HTML, 200, {"Content-Security-Policy": POLICY})

    async def front(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        try:
            await send_asset(scope, send, "page/index.html")
        except NoRunError:
            await asgi.send_bytes(send, _NO_PAGE, _HTML, 200, {"Content-Security-Policy": POLICY})

    async def start(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        await asgi.send_bytes(send, _START, "text/javascript; charset=utf-8")

    async def asset(caller: Caller, values: dict[str, str], scope: Scope, receive: Any, send: Any) -> None:
        await send_asset(scope, send, values["path"])

    return [
        Route("GET", "/v1/openapi.json", openapi, public=True, described=_described()),
        Route("GET", "/", front, public=True),
        Route("GET", "/docs", docs, public=True),
        Route("GET", "/docs/start.js", start, public=True),
        Route("GET", "/assets/{path...}", asset, public=True),
    ]


def docs_page(assets: str) -> bytes:
    """The documentation page; where the build could not bring its parts, a page that says so."""
    missing = [name for name in _SWAGGER if not os.path.isfile(os.path.join(assets, "swagger-ui", name))]
    if missing:
        body = (
            "<h1>roost</h1><p>The documentation page is not part of this installation: "
            f"{', '.join(missing)} could not be fetched when it was built (that takes npm and a network). "
            "Install roost again with both to have it.</p>"
            '<p>The document itself is here: <a href="/v1/openapi.json">/v1/openapi.json</a> (OpenAPI 3.1).</p>'
        )
        return _page(body, "")
    head = (
        '<link rel="stylesheet" href="/assets/swagger-ui/swagger-ui.css">'
        '<script src="/assets/swagger-ui/swagger-ui-bundle.js" defer></script>'
        '<script src="/docs/start.js" defer></script>'
    )
    return _page('<div id="doc"></div>', head)


def _page(body: str, head: str) -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>roost: HTTP</title>{head}</head>'
        f"<body>{body}</body></html>"
    ).encode()


async def send_asset(scope: Scope, send: Any, path: str, root: str = ASSETS) -> None:
    """A file that the build brought in. Raises NoRunError for everything else."""
    full, body = await asyncio.to_thread(_read_asset, path, root)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    if asgi.header(scope, b"if-none-match") == tag:
        await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", tag.encode())]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    kind = mimetypes.guess_type(full)[0] or "application/octet-stream"
    await asgi.send_bytes(send, body, kind + ("; charset=utf-8" if kind.startswith("text/") else ""), 200, headers)


def _read_asset(path: str, root: str) -> tuple[str, bytes]:
    full = os.path.normpath(os.path.join(root, path))
    missing = NoRunError(f"there is no file {path[:200]!r}")
    if "\0" in path or not full.startswith(root + os.sep):
        raise missing
    try:
        with open(full, "rb") as file:
            return full, file.read()
    except (OSError, ValueError) as error:
        raise missing from error


def _described() -> dict[str, Any]:
    components: dict[str, Any] = {}
    return {
        "operationId": "get_openapi",
        "summary": "This document",
        "tags": ["daemon"],
        "responses": answers({200: ("OpenAPI 3.1", {asgi.JSON: {"schema": {"type": "object"}}})}, components),
        "components": components,
    }


_NO_PAGE = _page(
    "<h1>roost</h1><p>The page is not part of this installation: it could not be built when roost was installed (that "
    "takes npm and a network). Install roost again with both to have it. Sessions do not need it: "
    "<code>roost ls</code>, <code>roost attach</code>.</p>"
    '<p>The HTTP interface is here all the same: <a href="/docs">/docs</a>.</p>',
    "",
)
