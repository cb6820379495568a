"""Keeps the tasks of a node alive: one that fails is logged and begun again, others go on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
    from typing import Any

_log = logger("edge.supervision")

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
_HEALTHY_AFTER = 60.0


async def supervised(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` for ever: when it ends or fails, begin it again after a growing pause."""
    loop = asyncio.get_running_loop()
    pause = _FIRST_PAUSE
    while True:
        begun = loop.time()
        try:
            await work()
        except Exception:  # noqa: BLE001  once a task
            _log.exception("a task failed and is begun again", action="task-failed", task=name)
        if loop.time() - begun > _HEALTHY_AFTER:
            pause = _FIRST_PAUSE
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


@asynccontextmanager
async def supervising(works: Mapping[str, Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    """Keep these alive, by name, while the context is entered; then end them."""
    tasks = [asyncio.create_task(supervised(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Wait until one of these is done; the others are canceled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
