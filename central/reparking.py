"""Looking again at where money sits: after jobs, when a site returns, and once a day.

What this remembers is in memory only: forgotten, the next round of all accounts finds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from broker.messages import Charged
from central.store import owed, parking, recovery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.messages import Message
    from central.fleet import Fleet

#: Accounts looked at in one look: some milliseconds, so that no release waits for it.
_SLICE: Final = 8
#: Accounts remembered; beyond it the daily round has to find them.
MOST: Final = 5000
#: Seconds between two rounds of all accounts: of themselves, and at least, whoever returns.
DAILY: Final = 86_400.0
_LEAST: Final = 600.0
#: Seconds between two counts of how busy sites are.
_POPULARITY: Final = 3600.0


def spent(fleet: Fleet, accepted: Sequence[Message]) -> None:
    """Remember whose money may belong elsewhere now: a job was paid while its site was linked."""
    for event in accepted:
        if not isinstance(event, Charged) or len(fleet.spent) >= MOST:
            continue
        for posting in event.postings:
            if not event.alone or posting.covered_by == "uncovered":
                fleet.spent.add(posting.account)


class Reparking:
    """Asks sites for money that does more good elsewhere, or that is owed; a slice at a time."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.popularity: dict[str, float] = {}
        """How busy each site is, the busiest 1.0."""
        self._counted = float("-inf")
        self._began = float("-inf")
        self._wanted = False
        self._cursor: str | None = None
        """The account up to which the present round is; None: no round."""

    def look(self, now: float, *, returned: bool = False) -> None:
        """Look at a few accounts.

        Args:
            now: seconds on a clock that never jumps.
            returned: a site has come back, or a round is due for another reason.
        """
        fleet = self._fleet
        linked = fleet.linked(now)
        self._wanted |= returned
        if self._cursor is None and (
            now - self._began >= DAILY or (self._wanted and now - self._began >= _LEAST)
        ):
            self._began, self._wanted, self._cursor = now, False, ""
            self._limitless()
        if returned and linked:
            # a debt was booked while the site that has the money was cut off
            with fleet.books.read() as tx:
                fleet.spent |= set(owed.who_can_pay(tx, linked, MOST - len(fleet.spent)))
        if not linked or (not fleet.spent and self._cursor is None):
            return
        with fleet.books.read() as tx:
            if now - self._counted >= _POPULARITY:
                self._counted, self.popularity = now, parking.popularity(tx)
            some = [fleet.spent.pop() for _ in range(min(_SLICE, len(fleet.spent)))]
            if self._cursor is not None and len(some) < _SLICE:
                room = _SLICE - len(some)
                more = parking.at_sites(tx, after=self._cursor, limit=room)
                self._cursor = more[-1] if len(more) == room else None
                some += more
            wanted = parking.misplaced(tx, some, linked, self.popularity)
        if wanted:
            with fleet.books.write() as tx:
                wake = parking.fetch(tx, wanted)
            fleet.grown(wake)

    def _limitless(self) -> None:
        with self._fleet.books.write() as tx:
            if recovery.closed(tx) is not None:
                return
            wake = owed.collect_from_limitless(tx)
        self._fleet.grown(wake)
