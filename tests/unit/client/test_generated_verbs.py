"""The verbs of the asyncio client are generated from the blocking ones."""

from __future__ import annotations

import inspect

from roost.client import AsyncClient, AsyncSession, Client, Session
from tools.generate_async import stale_files, translate

SOURCE = '''"""A module.

Owns nothing.
"""

class Client:
    def asks(self):
        return self._perform(1)

    def tells(self):
        return 1
'''


def test_committed_verbs_are_those_that_the_sources_generate() -> None:
    assert stale_files() == [], "run `make async`"


def test_both_clients_and_both_handles_have_the_same_verbs_with_the_same_arguments() -> None:
    for blocking, asynchronous in ((Client, AsyncClient), (Session, AsyncSession)):
        verbs = {name: verb for name, verb in vars_of(blocking).items() if not name.startswith("_")}
        assert set(verbs) == {name for name in vars_of(asynchronous) if not name.startswith("_")}
        for name, verb in verbs.items():
            if inspect.isfunction(verb):
                other = getattr(asynchronous, name)
                assert list(inspect.signature(verb).parameters) == list(inspect.signature(other).parameters), name


def vars_of(cls: type) -> dict[str, object]:
    return {name: member for base in reversed(cls.__mro__[:-1]) for name, member in vars(base).items()}


def test_only_what_awaits_becomes_a_coroutine() -> None:
    text = translate("module", SOURCE)
    assert "class AsyncClient:" in text
    assert "    async def asks(self):\n        return await self._perform(1)" in text
    assert "    def tells(self):\n        return 1" in text
