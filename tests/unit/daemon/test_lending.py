"""What is asked of the keeper for a local reader that may type."""

from __future__ import annotations

import os
from typing import Any

import pytest

from roost.daemon.lending import lend
from roost.keeper import messages as m
from roost.platform import sealed_memory_file
from roost.ring.reader_page import PAGE_BYTES
from roost.ring.writer import create_ring_file


class FakeLink:
    """A keeper with these features, which lends what it is asked for."""

    def __init__(self, *features: str) -> None:
        self.features = set(features)
        self.asked: list[tuple[int, Any]] = []

    async def call(self, _type: int, fields: list[tuple[int, Any]]) -> tuple[m.Message, list[int]]:
        self.asked = list(fields)
        ends = list(os.pipe())
        fds = [create_ring_file("r", 1 << 16), sealed_memory_file("p", PAGE_BYTES), ends[0]]
        if (m.T_INPUT, 1) in fields:
            fds.append(ends[1])
        else:
            os.close(ends[1])
        return m.decode(m.encode(m.ADD_READER, 1, [(m.T_READER, 3)])), fds

    def tell(self, *_: Any) -> None:
        """DROP_READER."""


@pytest.mark.parametrize("features", [("readers",), ("readers", "inputs")])
async def test_an_input_is_lent_only_by_a_keeper_that_can(features: tuple[str, ...]) -> None:
    link = FakeLink(*features)
    lent = await lend(link, "s", "stdout", types=True)  # type: ignore[arg-type]
    assert lent is not None and lent.reader == 3
    assert lent.types == ("inputs" in features) == ((m.T_INPUT, 1) in link.asked)
    assert len(lent.fds) == 3 + lent.types
    lent.without_input()
    assert not lent.types and len(lent.fds) == 3
    lent.release()
