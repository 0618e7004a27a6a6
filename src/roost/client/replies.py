"""What a response means for the call that waits for it: its answer, or the error to raise.

Owns the mapping of v1's status codes to kinds, pure.
"""

from __future__ import annotations

from roost.errors import ProtocolError, error_of_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.wire.requests import Reply

_KIND_OF_CODE = {
    2: "unknown_request",
    3: "invalid",
    4: "not_found",
    6: "unavailable",
    7: "version_mismatch",
    8: "exhausted",
    9: "unimplemented",
    10: "already_attached",
}


def check_reply(reply: Reply, request_id: int) -> Reply:
    """The reply, if it belongs to the request; ProtocolError otherwise: the conversation is out of step."""
    if reply.request_id == request_id:
        return reply
    if reply.request_id == 0 and reply.code:
        raise ProtocolError(f"the daemon could not read the request: {reply.message}")
    raise ProtocolError(
        f"the daemon answered request {reply.request_id} where {request_id} was asked; this connection is closed"
    )


def raise_reply_error(reply: Reply) -> None:
    """Raises the error that the reply stands for, if it stands for one."""
    if reply.code or reply.error_kind:
        kind = reply.error_kind or _KIND_OF_CODE.get(reply.code, "internal")
        raise error_of_kind(kind, reply.message or f"the daemon refused without a reason (code {reply.code})")
