"""Books whose figures are known: what is charged, given back, corrected is noted beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from broker.directory import UserRow
from broker.messages import AccountAmount, Counted
from central.figures.asking import Figures, Money
from central.store import accounts, corrections, directory, facts, funds
from central.store.accounts import Rules
from central.store.books import Books
from central.store.ledger import Refused
from config.policy.money import Money as Amount
from tests.integration.books_lab import MORNING, Clock, Dice, MemoryEdge
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from broker.messages import Charged

NODES = ("north", "south")
USERS = ("ana", "bob", "eve")
APOLLO = "project:apollo"
PHYSICS = "department:physics"


@dataclass(frozen=True)
class Noted:
    """One thing that adds to figures, as the test knows it."""

    day: date
    node: str
    printer: str
    user: str
    groups: frozenset[str]
    service: str
    paid: tuple[tuple[str, str, int], ...]
    """(account, unit, micros)."""
    figures: Figures


@dataclass
class FiguresLab:
    """An organisation of two sites and three people, one of whom pays in pages."""

    zone: str = "UTC"
    opened: Books | None = None
    """Books to use; None: new ones."""
    clock: Clock = field(default_factory=Clock)
    noted: list[Noted] = field(default_factory=list)
    charges: list[tuple[Charged, Noted]] = field(default_factory=list)
    history: dict[str, list[tuple[datetime, frozenset[str]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the books and give everybody money."""
        self.books = self.opened or Books.open(books_url(), clock=self.clock, dice=Dice())
        self.edges = {node: MemoryEdge(self.books, node) for node in NODES}
        with self.books.write() as tx:
            facts.begin_anew(tx, self.zone)
            for user in USERS:
                assert accounts.put(tx, f"user:{user}", "EUR", floor=0, enabled=True) is None
                accounts.top_up(
                    tx, f"user:{user}", Amount.parse("900", "EUR"), note="", author="test"
                )
            assert accounts.open_new(tx, "quota:eve", "page", Rules()) is None
            accounts.top_up(tx, "quota:eve", Amount.parse("9000", "page"), note="", author="test")
            for key in (APOLLO, PHYSICS):
                assert accounts.open_new(tx, key, "EUR", Rules(unlimited=True)) is None
        for edge in self.edges.values():
            edge.join()
        more = True
        while more:
            with self.books.write() as tx:
                _, more = funds.park_free(tx, frozenset(NODES))
        for edge in self.edges.values():
            edge.listen()
        for user in USERS:
            self.regroup(user, ("students",) if user == "bob" else ("staff",))

    def regroup(self, user: str, groups: Sequence[str]) -> None:
        """Put somebody into groups, from now on."""
        with self.books.write() as tx:
            directory.put(tx, "user", user, UserRow(name=user, groups=tuple(groups)))
            self.history.setdefault(user, []).append((tx.now, frozenset(groups)))

    def print_(
        self,
        parts: Sequence[tuple[str, str, int]],
        *,
        user: str = "ana",
        node: str = "north",
        printer: int = 1,
        service: str = "print",
        counted: tuple[int | None, int | None, int | None] = (3, 1, 2),
        ago: timedelta = timedelta(),
    ) -> None:
        """Charge a job, settled so long ago by its edge's clock."""
        edge = self.edges[node]
        settled = self.clock.now - ago
        charged = edge.charge(
            0,
            user=user,
            printer=f"{node}-{printer}",
            service=service,
            counted=Counted(
                source="analysis",
                impressions=counted[0],
                color_impressions=counted[1],
                sheets=counted[2],
            ),
            postings=tuple(
                AccountAmount(
                    account=account,
                    unit=unit,
                    micros=micros,
                    covered_by="allocation" if account.startswith(("user", "quota")) else "account",
                )
                for account, unit, micros in parts
            ),
            settled_at=settled,
        )
        done = edge.send(edge.say(charged))
        assert done.quarantined == (), done.quarantined
        at = min(settled, self.clock.now)
        noted = Noted(
            self._day(at),
            node,
            charged.printer,
            user,
            self._groups(user, at),
            service,
            tuple(parts),
            _counted(*counted),
        )
        self.noted.append(noted)
        self.charges.append((charged, noted))

    def refund(self, which: int, amount: str | None = None) -> None:
        """Give back a charge, or part of it, now; nothing where nothing is left."""
        if not self.charges:
            return
        charged, noted = self.charges[which % len(self.charges)]
        money = None if amount is None else Amount.parse(amount, "EUR")
        with self.books.write() as tx:
            done = corrections.refund(tx, charged.charge, money, reason="jam", author="test")
            now = tx.now
        for each in done if isinstance(done, list) else []:
            for account, back in each.parts:
                self.noted.append(
                    Noted(
                        self._day(now),
                        noted.node,
                        noted.printer,
                        noted.user,
                        noted.groups,
                        noted.service,
                        ((account, back.unit, 0),),
                        Figures(money={back.unit: Money(refunded=back.micros)}),
                    )
                )

    def correct(self, user: str, amount: str) -> None:
        """Give somebody money by hand."""
        money = Amount.parse(amount, "EUR")
        with self.books.write() as tx:
            done = corrections.correct(tx, f"user:{user}", money, reason="coin", author="test")
            now = tx.now
        if isinstance(done, Refused):  # all that there is is at sites
            return
        self.noted.append(
            Noted(
                self._day(now),
                "",
                "",
                user,
                self._groups(user, now),
                "",
                ((f"user:{user}", "EUR", 0),),
                Figures(money={"EUR": Money(corrected=money.micros)}),
            )
        )

    def roll(self, most: int = 1000) -> None:
        """Roll up all there is, in slices."""
        more = True
        while more:
            with self.books.write() as tx:
                more = facts.step(tx, most).more

    def expected(
        self, wanted: Callable[[Noted], bool], keys: Callable[[Noted], Sequence[str]]
    ) -> dict[str, Figures]:
        """Sum what was noted, by whatever keys each adds to."""
        found: dict[str, Figures] = {}
        for each in self.noted:
            if wanted(each):
                for key in keys(each):
                    found[key] = found.get(key, Figures()) + _with_money(each)
        return found

    def _day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()

    def _groups(self, user: str, at: datetime) -> frozenset[str]:
        known = self.history[user]
        return next((groups for since, groups in reversed(known) if since <= at), known[0][1])


def of_account(noted: Noted, account: str) -> Figures:
    """Return what one account has of a thing: all that was counted, its own money."""
    own = sum(micros for key, _, micros in noted.paid if key == account)
    unit = next(unit for key, unit, _ in noted.paid if key == account)
    given = {u: m for u, m in noted.figures.money.items() if m.refunded or m.corrected}
    money = given or {unit: Money(charged=own)}
    return _figures(noted.figures, {u: m for u, m in money.items() if m != Money()})


def _with_money(noted: Noted) -> Figures:
    money: dict[str, Money] = dict(noted.figures.money)
    for _, unit, micros in noted.paid:
        if micros:
            before = money.get(unit, Money())
            money[unit] = Money(before.charged + micros, before.refunded, before.corrected)
    return _figures(noted.figures, money)


def _figures(counted: Figures, money: dict[str, Money]) -> Figures:
    return Figures(
        counted.jobs,
        counted.impressions,
        counted.color,
        counted.sheets,
        counted.two_sided,
        money,
    )


def _counted(impressions: int | None, color: int | None, sheets: int | None) -> Figures:
    backs = 0
    if impressions is not None and sheets is not None:
        backs = max(0, min(impressions - sheets, sheets))
    return Figures(1, impressions or 0, color or 0, sheets or 0, backs)


def plain(figures: Figures) -> tuple[Any, ...]:
    """Return figures in a form that compares."""
    return (
        figures.jobs,
        figures.impressions,
        figures.color,
        figures.sheets,
        figures.two_sided,
        {unit: each for unit, each in figures.money.items() if each != Money()},
    )


__all__ = ["APOLLO", "MORNING", "NODES", "PHYSICS", "USERS", "FiguresLab", "Noted", "plain"]
