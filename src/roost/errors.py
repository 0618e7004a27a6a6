"""Every error roost raises on purpose, with the kind that edges translate.

Owns the kinds and their classes. Knows nothing of wires, exit codes or HTTP: those are looked up by kind at the edge.
"""

from __future__ import annotations

#: The kinds, in the order in which edges (wire status, exit code) list them.
KINDS = (
    "not_found",
    "ambiguous",
    "already_attached",
    "invalid",
    "wrong_state",
    "denied",
    "unauthenticated",
    "exhausted",
    "rate_limited",
    "unavailable",
    "unimplemented",
    "unknown_request",
    "version_mismatch",
    "timeout",
    "internal",
)


class RoostError(Exception):
    """Base of all errors: a kind for programs, a sentence for people that names the thing and the next step."""

    kind = "internal"

    def __init__(self, message: str, *, kind: str | None = None) -> None:
        super().__init__(message)
        if kind is not None:
            self.kind = kind

    @property
    def message(self) -> str:
        """The sentence for people."""
        return str(self.args[0])


class NoRunError(RoostError):
    """No session answers to the target; every miss, whatever its form, is this class."""

    kind = "not_found"


class AmbiguousTargetError(RoostError):
    """Several sessions answer to the target; the message lists them."""

    kind = "ambiguous"


class AlreadyAttachedError(RoostError):
    """An exclusive client holds the session; attach with steal, share or view."""

    kind = "already_attached"


class InvalidError(RoostError):
    """The caller's argument cannot be used; nothing was changed."""

    kind = "invalid"


class WrongStateError(RoostError):
    """The session exists, but not in a state in which this can be done (mostly: it has exited)."""

    kind = "wrong_state"


class UnavailableError(RoostError):
    """The daemon or keeper cannot be reached or does not answer."""

    kind = "unavailable"


class WaitTimeoutError(RoostError):
    """The deadline of the caller passed first; the session is unchanged."""

    kind = "timeout"


class ProtocolError(RoostError):
    """The peer broke the protocol; the connection cannot be used any further."""

    kind = "invalid"


_BY_KIND: dict[str, type[RoostError]] = {
    "not_found": NoRunError,
    "ambiguous": AmbiguousTargetError,
    "already_attached": AlreadyAttachedError,
    "invalid": InvalidError,
    "wrong_state": WrongStateError,
    "unavailable": UnavailableError,
    "timeout": WaitTimeoutError,
}


def error_of_kind(kind: str, message: str) -> RoostError:
    """The error of that kind; an unknown kind (a newer peer's) becomes a plain RoostError that carries it."""
    return _BY_KIND.get(kind, RoostError)(message, kind=kind)
