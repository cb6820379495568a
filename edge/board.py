"""Says unasked on the site's broker how the site is, and to terminals what concerns their person.

Terminals behind the broker hear `all/site` and their own news; the broker sees to it that nobody
hears another's.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from broker import topics
from config.logs import logger
from edge.calm import AFTER_PAPER
from edge.news import Account, Affairs, Over, changes, hearers, of_job
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.visitors import Nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from broker.messages import Message, PersonNews, SiteState
    from config.ids import AccountKey
    from edge.calm import Calm
    from edge.desk import Desk
    from edge.jobs import JobRecord
    from edge.ports import PrinterSeen, Spooler
    from edge.sessions import Session
    from edge.store.books import Books
    from edge.store.replica import Replica
    from edge.visitors import SignedIn

_log = logger("edge.board")

#: Whatever happens, nothing is looked at or said more often.
_APART: Final = 0.25
#: And at least so often: time alone ends cards and what a site may do by itself.
_AT_LEAST: Final = 1.0
_PRINTERS_EVERY: Final = 10.0
#: News of jobs that wait to be said; more of them than this at once, and the oldest are dropped.
_WAITING: Final = 1000


class Board:
    """What a site's screens hear without asking."""

    def __init__(
        self,
        *,
        visitors: SignedIn,
        books: Books,
        replica: Replica,
        spooler: Spooler,
        calm: Calm,
        monotonic: Callable[[], float],
    ) -> None:
        """Take what is told of.

        Args:
            visitors: who is signed in where.
            calm: whether somebody waits for paper: screens are drawn anew after it.
            books: money and cards.
            replica: whose accounts are whose.
            spooler: sees the printers.
            monotonic: seconds that only go on, the clock of the sessions.
        """
        self._visitors = visitors
        self._calm = calm
        self._books = books
        self._replica = replica
        self._spooler = spooler
        self._monotonic = monotonic
        self._wake = asyncio.Event()
        self._said: SiteState | None = None
        self._known: dict[UUID, Affairs] = {}
        self._jobs: deque[tuple[str, PersonNews]] = deque(maxlen=_WAITING)
        self.printers: Mapping[str, PrinterSeen] = {}
        """As the print system last saw them, by queue."""

    # ── what others tell ────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Look soon: something may have changed."""
        self._wake.set()

    def on_online(self) -> None:
        """Say the state anew: a broker that was started anew has forgotten it."""
        self._said = None
        self._wake.set()

    def on_job(self, record: JobRecord, event: Message) -> None:
        """Tell those of a job who are signed in now."""
        now = self._monotonic()
        there = [
            session
            for name in hearers(record, event)
            for session in self._visitors.sessions.of(name, now)
        ]
        told = of_job(record, event) if there else None
        if told is not None:
            self._jobs.extend((session.node, told.to(session.id)) for session in there)
            self._wake.set()

    # ── tasks ───────────────────────────────────────────────────────────────────────────────

    async def run(self, desk: Desk, state: Callable[[], SiteState]) -> None:
        """Say what is new until canceled.

        Args:
            desk: the edge's place at the site's broker.
            state: how the site is at this moment.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(desk, state), name="board")
            tasks.create_task(self._see_printers(), name="board printers")

    async def _follow(self, desk: Desk, state: Callable[[], SiteState]) -> None:
        while True:
            await self._calm.paper(AFTER_PAPER)
            self._wake.clear()
            # what is not heard now is lost: terminals ask anew when they are back
            with suppress(ConnectionError):
                await self._say_state(desk, state())
                news = self._news()
                for node, each in news:
                    await desk.say(topics.NEWS, each, node=node)
            await asyncio.sleep(_APART)
            with suppress(TimeoutError):
                async with asyncio.timeout(_AT_LEAST - _APART):
                    await self._wake.wait()

    async def _say_state(self, desk: Desk, state: SiteState) -> None:
        if state != self._said:
            await desk.say(topics.ALL_SITE, state)
            self._said = state

    async def _see_printers(self) -> None:
        while True:
            try:
                self.printers = await self._spooler.printers()
            except (SpoolerUnavailableError, SpoolerRefusedError) as error:
                _log.debug("printers are not seen", action="board-printers", why=str(error))
                self.printers = {}
            self._wake.set()
            await asyncio.sleep(_PRINTERS_EVERY)

    # ── news ────────────────────────────────────────────────────────────────────────────────

    def _news(self) -> list[tuple[str, PersonNews]]:
        """Return what is new, each with the terminal it is for."""
        found = list(self._jobs)
        self._jobs.clear()
        before, self._known = self._known, {}
        cards: defaultdict[str, set[str]] = defaultdict(set)
        sessions = self._visitors.sessions.every(self._monotonic())
        for card in self._books.cards.every() if sessions else ():
            cards[card.user.lower()].add(card.card)
        for session in sessions:
            now = self._affairs(session, frozenset(cards[session.user.lower()]))
            if isinstance(now, Affairs):
                self._known[session.id] = now
            told = changes(before.get(session.id), now)
            found += [(session.node, each.to(session.id)) for each in told]
        return found

    def _affairs(self, session: Session, cards: frozenset[str]) -> Affairs | Over:
        """Say how things stand for who is signed in; who may be so no more is signed off."""
        seen = self._visitors.signed_in(session)
        if isinstance(seen, Nobody):
            return Over(seen.code, seen.detail)
        user = seen.user
        keys = [*user.accounts, *(key for each in user.wallets for key in each), *user.choices]
        accounts = tuple(map(self._account, dict.fromkeys(keys)))
        return Affairs(tuple(each for each in accounts if each), cards, seen.waits)

    def _account(self, key: AccountKey) -> Account | None:
        row = self._replica.account(key)
        if row is None:
            return None
        here = 0 if row.unlimited else self._books.free(row.account, row.unit)
        return Account(row.account, row.unit, here, row.enabled)
