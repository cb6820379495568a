"""Who stands at a site's terminals, put together: sessions, cards, PINs, and what may be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.policy.money import UNIT_MICROS
from edge.age import too_old
from edge.answers.money import MoneyAnswers
from edge.answers.people import PeopleAnswers
from edge.asking import OPERATOR
from edge.bidding import CENTRE
from edge.cards import Allowance
from edge.proving import Proving
from edge.secrets import Secrets
from edge.sessions import Sessions
from edge.site_broker import OwnTerminals
from edge.standing import spoken
from edge.store.tries import PinTries
from edge.visitors import SignedIn

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from uuid import UUID

    from config.settings import EdgeSettings
    from config.settings_people import VisitorSettings
    from edge.answers.words import Answers
    from edge.deciding import Standing
    from edge.ports import Clock, Funds
    from edge.store.books import Books
    from edge.store.database import EdgeDatabase
    from edge.store.replica import Replica


class Reception:
    """The identities of one site."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        database: EdgeDatabase,
        books: Books,
        replica: Replica,
        mint: Callable[[datetime], UUID],
        clock: Clock,
        monotonic: Callable[[], float],
        alone_for: Callable[[], timedelta],
    ) -> None:
        """Take what it rests on.

        Args:
            settings: how long sessions are, who may vouch, what new cards may spend.
            database: the journal.
            books: the same, as the site's books.
            replica: who is who.
            mint: makes ids that nobody can guess.
            clock: the time of day.
            monotonic: seconds that only go on.
            alone_for: for how long the centre has not been heard.
        """
        terminals = settings.terminals
        self.secrets = Secrets()
        own = OwnTerminals(settings)
        self.visitors = SignedIn(
            sessions=Sessions(
                idle=terminals.idle.total_seconds(),
                longest=terminals.longest.total_seconds(),
                shared=frozenset(terminals.shared),
            ),
            replica=replica,
            cards=books.cards,
            vouching=(OPERATOR, CENTRE, *settings.site_broker.vouching),
            clock=clock,
            monotonic=monotonic,
            pin_beside_card=terminals.pin_beside_card,
            own=own,
            stale=lambda: stale(alone_for(), terminals.known_for),
        )
        self._books = books
        self._replica = replica
        self._clock = clock
        self._people = PeopleAnswers(
            visitors=self.visitors,
            proving=Proving(PinTries(database), self.secrets, clock=clock, monotonic=monotonic),
            replica=replica,
            cards=books.cards,
            bound=own,
            allowance=allowance(terminals),
            node=settings.node,
            mint=lambda: mint(clock()),
            clock=clock,
            monotonic=monotonic,
        )

    def answers(self, standing: Standing, funds: Funds) -> tuple[Answers, ...]:
        """Return what may be asked here.

        Args:
            standing: how far the site may go past what is here.
            funds: where the rest of a balance is.
        """
        money = MoneyAnswers(
            books=self._books,
            replica=self._replica,
            visitors=self.visitors,
            standing=standing,
            funds=funds,
        )
        return self._people, money

    def tidy(self, told: int) -> None:
        """Drop cards that wait no more.

        Args:
            told: how far the centre has the stream of jobs.
        """
        self._books.cards.tidy(
            told, lambda name: self._replica.card_named(name) is not None, self._clock()
        )


def stale(age: timedelta, longest: timedelta) -> str | None:
    """Say why nobody is identified at a site, None when people are.

    Args:
        age: for how long the centre has not been heard.
        longest: for how long who was known then is known.
    """
    if not too_old(age, longest):
        return None
    return (
        f"this site has heard nothing from the centre for {spoken(age)}; after {spoken(longest)} "
        "nobody is known here, for some may have left; ask at the desk"
    )


def allowance(terminals: VisitorSettings) -> Allowance:
    """Return what may be spent by a card that the centre has not confirmed."""
    return Allowance(
        int(terminals.provisional * UNIT_MICROS), terminals.provisional_pages * UNIT_MICROS
    )
