"""What a session asks of the rest of the daemon, as callbacks; so it needs to know neither keeper nor bus.

Owns the two lists: what it asks of the daemon, and what it asks of whoever answers for its terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from roost.daemon.session import Session


@dataclass
class SessionHooks:
    """What a session asks of the rest of the daemon."""

    save: Callable[[Session], None]  # store the record in the keeper
    close_stdin: Callable[[Session], None]  # let the keeper close its copy
    signal_group: Callable[[Session, int], None]  # signal the child's process group
    happened: Callable[[Session, str, dict[str, Any]], None] = lambda _session, _type, _data: None  # lifecycle events
    #: Somebody did something to the input: on whose behalf, what, the bytes, how many more that nobody saw.
    typed: Callable[[Session, str, str, bytes, int], None] = lambda _session, _asker, _kind, _data, _unseen: None
    #: Have the keeper drop the input of a local reader; the flag throws away what waits in it.
    drop_direct: Callable[[Session, int, bool, Callable[[], None]], None] = lambda _session, _reader, _all, then: then()


class Questions(Protocol):
    """Who answers what a program asks its terminal."""

    def hand_over(self, start: int) -> frozenset[int]:
        """Leave to a client what stands from that offset on; the offsets of those questions."""
