"""Money for a person who is here: asked for when they look at their jobs, before they release one.

Nobody waits for it and nothing is decided by it; what does not come is asked for at the release.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from config.policy.decisions import Allowed, Denied
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from config.ids import AccountKey
    from config.policy.decisions import Decision
    from config.policy.money import Unit

#: Seconds between two of these for one person.
EVERY = 60.0
#: Jobs that are looked at: who has more waits for the rest.
JOBS = 20
#: People remembered, so that the list does not grow with time.
_REMEMBERED = 1000


class Prefetch:
    """Asks for money ahead, at most once a minute and person."""

    def __init__(
        self, fetch: Callable[[AccountKey, Money], Awaitable[None]], *, wanted: Callable[[], bool]
    ) -> None:
        """Take the way to money.

        Args:
            fetch: asks for so much on an account, quietly.
            wanted: whether it may be asked for now: the centre listens, money may stay here.
        """
        self._fetch = fetch
        self._wanted = wanted
        self._asked: dict[str, float] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def due(self, user: str, now: float) -> bool:
        """Say whether it is worth a look, and note that it was had; `now` never jumps, seconds."""
        key = user.lower()
        last = self._asked.get(key)
        if not self._wanted() or (last is not None and now - last < EVERY):
            return False
        self._asked.pop(key, None)
        self._asked[key] = now
        if len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]
        return True

    def begin(self, decisions: Iterable[Decision], free: Callable[[str, str], int]) -> None:
        """Ask for what these are short of, all together; return at once.

        Args:
            decisions: on each job by itself.
            free: what may be spent here of an account in a unit, in micros.
        """
        missing = shortage(decisions, free)
        if missing:
            task = asyncio.ensure_future(self._all(missing))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _all(self, missing: dict[tuple[AccountKey, Unit], int]) -> None:
        for (account, unit), micros in missing.items():
            await self._fetch(account, Money(micros, unit))


def shortage(
    decisions: Iterable[Decision], free: Callable[[str, str], int]
) -> dict[tuple[AccountKey, Unit], int]:
    """Return what jobs are short of together, by the first account that could pay it.

    Args:
        decisions: on each job as if it were the only one.
        free: what may be spent here of an account in a unit, in micros.
    """
    needed: Counter[tuple[AccountKey, Unit]] = Counter()
    for decision in decisions:
        if isinstance(decision, Allowed):
            for charge in decision.charges:
                if charge.covered_by != "account":
                    needed[charge.account, charge.money.unit] += charge.money.micros
        elif isinstance(decision, Denied) and decision.short is not None:
            account, missing = decision.short.account, decision.short.missing
            here = max(0, free(account, missing.unit))
            needed[account, missing.unit] += missing.micros + here
    rest = {key: micros - max(0, free(*key)) for key, micros in needed.items()}
    return {key: micros for key, micros in rest.items() if micros > 0}
