"""Which daemon a target means: the client's own, or one that is reached over HTTP. Light: most targets are no address.

Owns the way from an address to what is done there; that is imported only when there is one.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from roost.core.targets import is_address, split_address

if TYPE_CHECKING:
    from roost.client.calls import Request
    from roost.client.endpoint import Endpoint
    from roost.client.event_stream import EventWish
    from roost.client.far import FarDaemon, FarRequest

T = TypeVar("T")


def far_base(place: str | os.PathLike[str] | None) -> str:
    """The address of a client's own daemon where it was given one, "" for a socket."""
    return split_address(place)[0] if isinstance(place, str) and is_address(place) else ""


def far_id(target: str, session_id: str) -> str:
    """The id by which a session that was reached through that target is found again."""
    return f"{split_address(target)[0]}/{session_id}" if is_address(target) else session_id


def near_id(session_id: str) -> str:
    """The id of a session as its own daemon knows it."""
    return split_address(session_id)[1] if is_address(session_id) else session_id


def far_request(base: str, request: Request[T]) -> FarRequest[T] | None:
    """What to ask which daemon over HTTP; None where the client's own socket is meant."""
    params = getattr(request, "params", None)
    if not base and not (params and (_names(params.get("target")) or any(map(_names, params.get("targets") or ())))):
        return None
    from roost.client.far import FarDaemon, FarRequest, far_call

    return far_call(request) or FarRequest(FarDaemon(base), request)


def far_wish(base: str, wish: EventWish) -> tuple[FarDaemon, EventWish] | None:
    """Which daemon to ask for events over HTTP, and for which; None where the client's own socket is meant."""
    target = wish.target
    if not base and not _names(target):
        return None
    from roost.client.far import FarDaemon

    if target is None or not is_address(target):
        return FarDaemon(base), wish
    there, target = split_address(target)
    return FarDaemon(there), replace(wish, target=target or "-")


def _names(target: object) -> bool:
    return isinstance(target, str) and is_address(target)


def attach_endpoint(own: Endpoint, base: str, session_id: str) -> Endpoint:
    """Where to attach to a session."""
    if not base and not is_address(session_id):
        return own
    from roost.client.far import FarDaemon
    from roost.client.far_attach import FarEndpoint

    return FarEndpoint(FarDaemon(far_base(session_id) or base), near_id(session_id))
