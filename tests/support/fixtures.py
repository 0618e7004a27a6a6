"""Roosts for tests that run the real thing. A conftest takes what it needs from here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.instance import Instance
from support.v1 import V1Client


@pytest.fixture(scope="module")
def shared() -> Iterator[Instance]:
    """A roost that the tests of a file share; they use sessions of their own."""
    yield from _started()


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A roost for one test, which may kill what it likes."""
    yield from _started()


@pytest.fixture
def v1(shared: Instance) -> Iterator[V1Client]:
    """A connection to the shared roost."""
    with V1Client(shared.socket) as client:
        yield client


def _started() -> Iterator[Instance]:
    one = Instance()
    try:
        one.start()
        yield one
    finally:
        one.end()
