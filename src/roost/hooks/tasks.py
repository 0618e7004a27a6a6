"""Starting a task of a sink, whose failure is logged and nobody else's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


def start(tasks: asyncio.TaskGroup, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """The task, within the group, but unable to end it by failing."""
    return tasks.create_task(_guard(work, name), name=name)


async def _guard(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await work
    except Exception:
        log.exception("%s failed", name)
