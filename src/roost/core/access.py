"""Who may ask what over HTTP: scopes, the Host and Origin of a request, credentials in headers.

Pure. Fails closed: what is not understood is refused. A page of another site is kept out three times: it cannot name
our host (Host allow-list, so a rebound name does not help), it cannot hide where it comes from (Origin), and it has no
credential (bearer token, or a cookie that browsers send for our own pages only).
"""

from __future__ import annotations

from collections.abc import Mapping

from roost.errors import InvalidError, RoostError

#: From least to most; each includes those before it.
SCOPES = ("read", "type", "admin")
COOKIE = "roost"
_SAFE_METHODS = frozenset(("GET", "HEAD"))


class DeniedError(RoostError):
    """The caller is known and may not do this, or comes from where nobody may."""

    kind = "denied"


class UnauthenticatedError(RoostError):
    """No credential, or none that counts."""

    kind = "unauthenticated"


def check_scope_name(scope: str) -> str:
    """A scope by name. Raises InvalidError."""
    if scope not in SCOPES:
        raise InvalidError(f"unknown scope {scope!r}; scopes are {', '.join(SCOPES)}, each includes those before it")
    return scope


def covers(has: str, needed: str) -> bool:
    """Whether a scope includes another."""
    return SCOPES.index(has) >= SCOPES.index(needed)


def allowed_hosts(authority: str, *, more: tuple[str, ...] = ()) -> frozenset[str]:
    """The Host headers that mean a listener at `host:port`: its own address and, on loopback, the names of that."""
    host, _, port = authority.rpartition(":")
    hosts = {authority.lower(), *(name.lower() for name in more)}
    if host in ("127.0.0.1", "[::1]", "localhost"):
        hosts |= {f"{name}:{port}" for name in ("127.0.0.1", "[::1]", "localhost")}
    if port == "80":
        hosts |= {name.removesuffix(":80") for name in hosts}
    return frozenset(hosts)


def check_host(host: str | None, allowed: frozenset[str]) -> None:
    """Refuse a request that names another host. Raises DeniedError."""
    if host is None or host.lower() not in allowed:
        shown = "no host" if host is None else f"host {host!r}"
        raise DeniedError(f"this listener does not answer for {shown}; use {' or '.join(sorted(allowed))}")


def check_origin(origin: str | None, fetch_site: str | None, allowed: frozenset[str]) -> None:
    """Refuse a request that a page of another origin makes. Raises DeniedError.

    Programs send neither header. What says that it comes from elsewhere, or says something else, is refused.
    """
    if origin is not None and origin.lower() not in {f"http://{h}" for h in allowed} | {
        f"https://{h}" for h in allowed
    }:
        raise DeniedError(f"requests from pages of {origin[:100]!r} are refused; only roost's own pages may ask")
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        raise DeniedError(f"requests from pages of another site ({fetch_site[:20]!r}) are refused")


def check_cookie_use(method: str, origin: str | None, fetch_site: str | None, *, upgrade: bool) -> None:
    """A cookie counts for changes only when the request says that it is our own page's. Raises DeniedError."""
    if method in _SAFE_METHODS and not upgrade:
        return
    if origin is None and fetch_site != "same-origin":
        raise DeniedError("a request with a cookie must say its Origin; programs send a bearer token instead")


def bearer_of(authorization: str | None) -> str | None:
    """The token in an Authorization header; None without one. Raises UnauthenticatedError for another scheme."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("send `Authorization: Bearer TOKEN`; `roost token create` makes a token")
    return token.strip()


def cookie_of(header: str | None) -> str | None:
    """Our cookie's value in a Cookie header; None without one. With several of the name none counts."""
    found = [
        value
        for name, _, value in (part.strip().partition("=") for part in (header or "").split(";"))
        if name == COOKIE
    ]
    return found[0] if len(found) == 1 else None


def check_no_token_in_url(query: Mapping[str, str]) -> None:
    """A token in a URL ends up in logs and histories: it is refused, also a good one. Raises InvalidError."""
    for name in ("token", "access_token", "ticket"):
        if name in query:
            raise InvalidError(f"{name} does not belong into a URL; send `Authorization: Bearer TOKEN`")
