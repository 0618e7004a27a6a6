"""Input that is typed when its turn has come, with receipts. `context.shared["followups"]`."""

from __future__ import annotations

import os

from roost.core.followups import decode_followups, encode_followups
from roost.daemon.around import Context, Wired
from roost.daemon.followups.calls import followup_methods
from roost.daemon.followups.queue import Queues
from roost.daemon.kept_file import KeptFile


def wire(context: Context) -> Wired:
    """Take up what is queued, and more. Wired behind waits and states, which tell when somebody is idle."""
    path = os.path.join(context.paths.state_dir, "followups.json")
    queues = Queues(context, KeptFile(path, encode_followups, decode_followups))
    context.shared["followups"] = queues
    context.areas.add(queues)
    return Wired(methods=followup_methods(queues))
