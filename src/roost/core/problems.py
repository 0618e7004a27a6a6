"""Errors as they travel over HTTP: a status for each kind, and problem details. Source: RFC 9457.

Pure; both ends use it. `kind` and `detail` are roost's own kind and sentence, so that nothing is lost on the way.
"""

from __future__ import annotations

import json
from typing import Any

from roost.errors import RoostError, error_of_kind

CONTENT_TYPE = "application/problem+json"
#: A client reads no more than this of an error's body.
MOST_ERROR_BYTES = 4096

_STATUS = {
    "invalid": 422,
    "unauthenticated": 401,
    "denied": 403,
    "not_found": 404,
    "unknown_request": 404,
    "method_not_allowed": 405,
    "ambiguous": 409,
    "already_attached": 409,
    "wrong_state": 409,
    "timeout": 408,
    "too_large": 413,
    "unsupported_type": 415,
    "range": 416,
    "rate_limited": 429,
    "exhausted": 503,
    "unavailable": 503,
    "unimplemented": 501,
    "version_mismatch": 501,
    "malformed": 400,
    "internal": 500,
}
_TITLES = {
    "invalid": "The request cannot be carried out as it is",
    "unauthenticated": "A credential is needed",
    "denied": "Not allowed",
    "not_found": "There is no such thing here",
    "unknown_request": "There is no such thing here",
    "method_not_allowed": "Not with this method",
    "ambiguous": "Several things could be meant",
    "already_attached": "Somebody else is attached",
    "wrong_state": "Not in this state",
    "timeout": "It took too long",
    "too_large": "Too large",
    "unsupported_type": "Not in this form",
    "range": "There is no such part",
    "rate_limited": "Too often",
    "exhausted": "Something has run out",
    "unavailable": "Not available now",
    "unimplemented": "Not built",
    "version_mismatch": "Another version is needed",
    "malformed": "The request cannot be read",
    "internal": "A defect of roost",
}
_KIND_OF_STATUS = {
    400: "invalid",
    401: "unauthenticated",
    403: "denied",
    404: "not_found",
    408: "timeout",
    503: "unavailable",
}


def status_of(kind: str) -> int:
    """The status for a kind of error."""
    return _STATUS.get(kind, 500)


def problem(kind: str, detail: str, instance: str = "") -> dict[str, Any]:
    """Problem details."""
    given = {"instance": instance} if instance else {}
    return {
        "type": f"urn:roost:problem:{kind}",
        "title": _TITLES.get(kind, "Error"),
        "status": status_of(kind),
        "detail": detail,
        "kind": kind,
        **given,
    }


def error_of(status: int, body: bytes) -> RoostError:
    """The error that an answer stands for; also for one that does not come from roost (a proxy, another program)."""
    try:
        details = json.loads(body[:MOST_ERROR_BYTES])
        kind, detail = details["kind"], details["detail"]
        if isinstance(kind, str) and isinstance(detail, str):
            return error_of_kind("invalid" if kind == "malformed" else kind, detail)
    except (ValueError, KeyError, TypeError):
        pass
    words = " ".join(body[:200].decode("utf-8", "replace").split())
    return error_of_kind(_KIND_OF_STATUS.get(status, "internal"), f"the server answered {status}: {words or 'nothing'}")
