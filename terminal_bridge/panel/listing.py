"""The jobs that wait for somebody, as the edge lists them: asked for before a page wants them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from terminal_bridge.panel.rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broker.messages import Reply

#: The edge gives some dozens of jobs at a time; asked for at most so often for one page.
_PAGES_MOST: Final = 6
#: Jobs shown at once: more are found by deleting or releasing some.
SHOWN: Final = 100
#: What was asked for ahead is as good as asked for by the page, for so many seconds.
_GOOD: Final = 2.0


@dataclass(frozen=True, slots=True)
class Listed:
    """Waiting jobs."""

    rows: tuple[dict[str, Any], ...]
    """As `read_rows` gives them, oldest first."""
    more: bool = False
    """There are more than these."""
    failed: bool = False
    """The edge did not list them all; `reply` says why."""
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class First:
    """What somebody's first page shows."""

    balance: Reply | None
    listed: Listed


async def listed(ask: Callable[..., Awaitable[Reply | None]], printer: str, of: str = "") -> Listed:
    """List the jobs that wait.

    Args:
        ask: `Visit.ask`.
        printer: id of the machine they would be released at.
        of: whose; empty: of who is signed in.
    """
    rows: list[dict[str, Any]] = []
    after: str | None = None
    for _ in range(_PAGES_MOST):
        reply = await ask("jobs", held_only=True, printer=printer, of=of or None, after=after)
        given = reply.data.get("jobs") if reply is not None and reply.status == "ok" else None
        if reply is None or not isinstance(given, list):
            return Listed(tuple(rows), failed=True, reply=reply)
        some, more = list(read_rows(given)), bool(reply.data.get("more"))
        rows += some
        if not (more and some) or len(rows) >= SHOWN:
            return Listed(tuple(rows[:SHOWN]), more or len(rows) > SHOWN)
        after = str(some[-1].get("job"))
    return Listed(tuple(rows), more=True)


class Ahead:
    """Asks for somebody's first page as they come, while their browser is still on its way there.

    One page has it, soon or not at all: what happened since is asked for again.
    """

    def __init__(self, ask: Callable[..., Awaitable[Reply | None]], printer: str) -> None:
        """Begin with nothing asked for.

        Args:
            ask: `Visit.ask`.
            printer: id of the machine that the panel stands at.
        """
        self._ask = ask
        self._printer = printer
        self._asked: asyncio.Task[First] | None = None
        self._at = 0.0

    def begin(self) -> None:
        """Ask now, for who has just signed in."""
        self.forget()
        self._at = asyncio.get_running_loop().time()
        self._asked = asyncio.create_task(self._first(), name="first page")
        self._asked.add_done_callback(_heard)

    def forget(self) -> None:
        """Have the next page ask for itself."""
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.cancel()

    async def take(self) -> First | None:
        """Return what was asked for, once; None: nothing was, or it is too long ago."""
        asked, self._asked = self._asked, None
        if asked is None:
            return None
        if asyncio.get_running_loop().time() - self._at > _GOOD:
            asked.cancel()
            return None
        return await asked

    async def _first(self) -> First:
        balance, jobs = await asyncio.gather(self._ask("balance"), listed(self._ask, self._printer))
        return First(balance, jobs)


def _heard(asked: asyncio.Task[First]) -> None:
    """Take note of a failure: the page that wants it says so, and there may be none."""
    if not asked.cancelled():
        asked.exception()
