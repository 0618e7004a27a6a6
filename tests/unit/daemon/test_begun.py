"""Work without a task of its own: what it may wait for, and that anything else is an error and not a hang."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from roost.daemon.begun import Begun


def begin(work: Coroutine[Any, Any, str]) -> list[str]:
    """Begin outside of any task, as a reader of the loop does; what it returned is in the list once it is done."""
    results: list[str] = []
    asyncio.get_running_loop().call_soon(Begun(work, results.append).start)
    return results


async def turns(count: int = 4) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_goes_on_when_the_future_is_there() -> None:
    """It returns what the future it waited for has brought."""
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        return await future

    results = begin(work())
    await turns()
    assert results == []
    future.set_result("here")
    await turns()
    assert results == ["here"]


async def _gives_up_its_turn() -> None:
    await asyncio.sleep(0)


async def _sets_a_timeout() -> None:
    async with asyncio.timeout(60):
        await asyncio.get_running_loop().create_future()


async def _opens_a_task_group() -> None:
    async with asyncio.TaskGroup():
        pass


@pytest.mark.parametrize("misuse", [_gives_up_its_turn, _sets_a_timeout, _opens_a_task_group])
@pytest.mark.parametrize("waited_before", [False, True])
async def test_what_needs_a_task_is_an_error_where_it_is_asked_for(
    misuse: Callable[[], Awaitable[None]], waited_before: bool
) -> None:
    """A turn of the loop, a timeout and a task group raise within the work, which can answer with an error."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        if waited_before:
            await future
        try:
            await misuse()
        except RuntimeError as error:
            return f"refused: {error}"
        return "went through"

    results = begin(work())
    await turns()
    future.set_result(None)
    await turns()
    assert results and results[0].startswith("refused: ")


async def test_given_up_it_answers_no_more() -> None:
    """Closed while it waits, its work ends there and nobody is called."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ended: list[str] = []
    results: list[str] = []

    async def work() -> str:
        try:
            await future
        finally:
            ended.append("ended")
        return "done"

    begun = Begun(work(), results.append)
    begun.start()
    begun.close()
    future.set_result(None)
    await turns()
    assert (ended, results) == (["ended"], [])
