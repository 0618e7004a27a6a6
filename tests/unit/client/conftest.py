"""Fixtures of the client's tests: a fake daemon and the two clients that talk to it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from unit.client.fake_daemon import FakeDaemon

from roost.client import AsyncClient, Client


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    """A fake daemon on a socket of its own, in a directory with a short path."""
    directory = Path(tempfile.mkdtemp(prefix="roost-fake-"))
    fake = FakeDaemon(directory / "d.sock")
    try:
        yield fake
    finally:
        fake.end()
        shutil.rmtree(directory)


@pytest.fixture
def client(daemon: FakeDaemon) -> Iterator[Client]:
    """A blocking client of the fake daemon."""
    with Client(daemon.path, autostart=False, timeout_s=5) as one:
        yield one


@pytest_asyncio.fixture
async def aclient(daemon: FakeDaemon) -> AsyncIterator[AsyncClient]:
    """An asyncio client of the fake daemon."""
    async with AsyncClient(daemon.path, autostart=False, timeout_s=5) as one:
        yield one
