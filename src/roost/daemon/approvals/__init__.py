"""Approvals: a program asks, a person or a client answers. `context.shared["approvals"]`."""

from __future__ import annotations

from roost.daemon.approvals.calls import approval_methods
from roost.daemon.approvals.desk import Desk
from roost.daemon.approvals.store import ApprovalStore
from roost.daemon.around import Context, Wired


def wire(context: Context) -> Wired:
    """Take up the requests that were pending, and more."""
    desk = Desk(context.loop, context.bus, context.table, ApprovalStore(context.paths.state_dir))
    context.shared["approvals"] = desk
    context.areas.add(desk)
    return Wired(methods=approval_methods(context, desk), close=desk.close)
