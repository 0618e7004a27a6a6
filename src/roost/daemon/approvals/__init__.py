"""Approvals: a program asks, a person or a client answers. `context.shared["approvals"]`."""

from __future__ import annotations

import os

from roost.core.approvals import decode_approvals, encode_approvals
from roost.daemon.approvals.calls import approval_methods
from roost.daemon.approvals.desk import Desk
from roost.daemon.around import Context, Wired
from roost.daemon.kept_file import KeptFile


def wire(context: Context) -> Wired:
    """Take up the requests that were pending, and more."""
    path = os.path.join(context.paths.state_dir, "approvals.json")
    kept = KeptFile(path, encode_approvals, decode_approvals)
    desk = Desk(context.loop, context.bus, context.table, kept)
    context.shared["approvals"] = desk
    context.areas.add(desk)
    return Wired(methods=approval_methods(context, desk), close=desk.close)
