"""Roosts for tests that run the real thing. A conftest takes what it needs from here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from roost.client import Client
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
def client(shared: Instance) -> Iterator[Client]:
    """A client of the shared roost."""
    with shared.client() as one:
        yield one


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A pipe with a name, through which a test holds and releases a child."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


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
