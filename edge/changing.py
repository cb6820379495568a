"""Brings a site to the terms the centre wishes for: running jobs end, what is too much goes back.

The site goes on after a while, whatever prints. The centre is told when nothing under way may
charge more than the terms taken allow: until then it counts the wider ones.

What is decided and written is the books'; here is only when. After a crash it begins again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from config.logs import logger
from edge.release import Phase
from edge.store.errors import StoreUnwritableError
from edge.terms import changes_role, most_owed

if TYPE_CHECKING:
    from edge.ports import Clock
    from edge.store.books import Books
    from edge.terms import Terms

_log = logger("edge.changing")

#: Accounts that one record gives money of back.
AT_ONCE = 500
#: A job that prints for longer (no paper, a long one) keeps its hold as a disputed one does, and
#: the site goes on: in seconds.
PATIENCE = 300.0
#: Jobs end without saying so here: seconds between two looks while one is waited for.
_LOOK_AGAIN = 0.5


class Changing:
    """The way from the terms in force to those that are wished for."""

    def __init__(self, books: Books, *, clock: Clock) -> None:
        self._books = books
        self._clock = clock
        self._news = asyncio.Event()
        self._since: tuple[int, float] | None = None
        books.on_terms = self._news.set

    async def run(self) -> None:
        """Take terms whenever there are new ones, also those a crash left behind."""
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            try:
                went = self.step(loop.time())
            except StoreUnwritableError as error:
                _log.warning("terms wait", action="terms-wait", why=str(error))
                went = False
            if went and self._books.terms.wish is not None:
                await asyncio.sleep(0)  # others first, between two records
                continue
            try:
                async with asyncio.timeout(None if went else _LOOK_AGAIN):
                    await self._news.wait()
            except TimeoutError:
                continue

    def step(self, now: float) -> bool:
        """Go as far as one record goes; return whether there is nothing to wait for.

        Args:
            now: on a clock that never jumps, seconds.

        Raises:
            StoreUnwritableError: nothing was changed; try again.
        """
        terms = self._books.terms
        wish = terms.wish
        if wish is None:
            return self._tell()
        if self._since is None or self._since[0] != wish.number:
            self._since = wish.number, now
            _log.info("terms wished", action="terms-wished", terms=wish.number, role=wish.name)
        printing = self._books.count_jobs().get(Phase.RELEASING.value, 0)
        patient = now - self._since[1] < PATIENCE
        if changes_role(terms.taken, wish) and printing and patient:
            return False
        if not changes_role(terms.taken, wish) and self._owes_more(wish):
            # what prints was let through by wider leave, and the centre counts that until we tell
            return False
        tell = not self._owes_more(wish)
        if not self._books.approach_terms(self._clock(), AT_ONCE, tell=tell):
            return True
        _log.info("terms taken", action="terms-taken", terms=wish.number, role=wish.name, told=tell)
        return tell

    def _tell(self) -> bool:
        """Tell the centre of terms that were taken without a word; return whether it knows them."""
        terms = self._books.terms
        if not terms.untold:
            return True
        if self._owes_more(terms.taken):
            return False
        self._books.approach_terms(self._clock(), AT_ONCE)
        _log.info("terms told", action="terms-told", terms=terms.taken.number)
        return True

    def _owes_more(self, wish: Terms) -> bool:
        """Say whether jobs under way, or in dispute, may yet charge more than terms let it owe."""
        under_way = self._books.jobs(Phase.RELEASING, Phase.DISPUTED)
        past = {
            each.unit
            for job in under_way
            for each in (job.hold.amounts if job.hold else ())
            if each.covered_by == "uncovered"
        }
        return any(self._books.till.owed(unit) > most_owed(wish, unit) for unit in past)
