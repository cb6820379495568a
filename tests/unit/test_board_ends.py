"""The board of a site ends when it is told to, also when there is something to say just then."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from edge.board import Board
from edge.calm import Calm

if TYPE_CHECKING:
    from broker.messages import Message


class Quiet:
    """A desk and a spooler to which nothing happens."""

    async def say(self, topic: object, message: Message, **levels: str) -> None:
        """Say it to nobody."""

    async def printers(self) -> dict[str, object]:
        """See none."""
        return {}


async def test_a_wake_that_comes_with_the_end_is_no_reason_to_go_on() -> None:
    """An edge that is stopped while its board is woken stops: it hung for ever once."""
    quiet = cast("Any", Quiet())
    nobody = cast("Any", SimpleNamespace(sessions=SimpleNamespace(every=lambda _: ())))
    board = Board(
        visitors=nobody,
        calm=Calm(),
        books=quiet,
        replica=quiet,
        spooler=quiet,
        monotonic=lambda: 0.0,
    )
    woken = board._wake
    waiting = asyncio.create_task(_waits(board, quiet))
    await asyncio.sleep(0)
    while not woken._waiters:  # noqa: ASYNC110  nobody tells that a task waits
        await asyncio.sleep(0.01)
    woken.set()
    waiting.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()


async def _waits(board: Board, desk: Any) -> None:  # noqa: ANN401  a fake
    await board._follow(desk, lambda: cast("Any", "a state"))
