"""The copies that `run --tee` makes, once the run is over: their files have all of it, or what they miss is said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from roost.cli.failures import say
from roost.cli.wording import count
from roost.core.shown import printable

if TYPE_CHECKING:
    from roost.client import Client
    from roost.model.files import TeeInfo

#: How long a slow disk is waited for.
_WITHIN_S = 5.0
_POLL_S = 0.01


def say_what_tees_missed(client: Client, session_id: str) -> None:
    """Wait until the files have what was written up to now, for a while; say what they will never have."""
    end = client.get(session_id).end_offset
    deadline = time.monotonic() + _WITHIN_S
    tees = client.tees(session_id)
    while any(_is_behind(tee, end) for tee in tees) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        tees = client.tees(session_id)
    for tee in tees:
        if tee.missed_bytes or _is_behind(tee, end):
            missed = tee.missed_bytes or end - tee.written_bytes
            why = tee.error or ("" if tee.missed_bytes else "it is being written")
            say(f"{printable(tee.path)} lacks {count(missed, 'byte')} of the output" + (f": {why}" if why else ""))


def _is_behind(tee: TeeInfo, end: int) -> bool:
    return tee.state == "open" and tee.written_bytes + tee.missed_bytes < end
