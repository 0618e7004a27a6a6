"""What the daemon knows of its keeper."""

from __future__ import annotations

import socket

from roost.daemon.keeper_link import KeeperLink
from roost.keeper import messages as m


def said(*features: str) -> m.Message:
    named = [(m.T_PID, 7), (m.T_VERSION, 1), *((m.T_FEATURE, feature) for feature in features)]
    return m.decode(m.encode(m.PING | m.REPLY, 1, named))


def test_an_upgraded_keeper_can_what_its_new_image_says() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = KeeperLink(ours, said("holds"))
        link.became(said("holds", "guests"))
        assert link.features == {"holds", "guests"}
        link.became(said())  # one of before features were named there
        assert link.features == {"holds", "guests"}
