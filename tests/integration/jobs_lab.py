"""Jobs for tests: told by an edge with money, from held to charged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from broker.directory import PrinterRow, UserRow
from broker.messages import (
    AccountAmount,
    Because,
    Counted,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)
from central.store import accounts, directory, funds, rules
from config.policy.money import Money
from config.policy.rules import RuleSet
from config.policy.tariffs import Tariff, TariffLine
from tests.integration.books_lab import MORNING, MemoryEdge, euros

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Message
    from central.store.books import Books

ANALYSED = Counted(source="analysis", impressions=10, color_impressions=4, sheets=5)
PRINTED = Counted(source="device-job", impressions=6, color_impressions=2, sheets=3)
RULES = {
    "rules": [
        {"name": "no heaps", "when": {"pages": {"min": 500}}, "then": {"deny": "too long"}},
        {"name": "both sides", "when": {}, "then": {"two_sided": True}},
    ]
}


@dataclass
class Office:
    """Books with ana, her money at north, a printer there, prices and rules."""

    books: Books
    edge: MemoryEdge

    def tell(self, *messages: Message) -> None:
        """Let the edge tell of jobs."""
        self.edge.send(self.edge.say(*messages, name="jobs"), name="jobs")

    def held(self, **changes: object) -> UUID:
        """Let a job come in; return it."""
        fields: dict[str, Any] = {
            "job": self.edge.mint(),
            "queue": "print2me",
            "user": "ana",
            "name": "Thesis.pdf",
            "received_at": MORNING,
            "counted": ANALYSED,
        }
        event = JobHeld.model_validate(fields | changes)
        self.tell(event)
        return event.job

    def refused(self, job: UUID) -> None:
        """Let its release be denied."""
        self.tell(
            JobRefused(
                job=job,
                user="ana",
                printer="north-1",
                reason="denied-by-rule",
                detail="too long",
                alone=False,
                rules_version=1,
                because=(Because(code="refused", text="too long", rule="no heaps"),),
            )
        )

    def released(self, job: UUID, held: str = "0.30", printer: str = "north-1") -> None:
        """Let it go to a printer."""
        line = Because(code="conversion", text="two-sided", rule="both sides")
        price = Because(code="price", text="10 sides, 0.30 EUR (tariff 1)")
        self.tell(
            JobReleased(
                job=job,
                attempt=1,
                user="ana",
                printer=printer,
                held=(AccountAmount(account="user:ana", unit="EUR", micros=euros(held)),),
                alone=False,
                tariff_version=1,
                rules_version=1,
                because=(line, price),
                conversions={"sides": "two-sided-long-edge"},
            )
        )

    def settled(self, job: UUID, cost: str = "0.18", **changes: object) -> UUID | None:
        """Let it be printed and charged; return its charge."""
        charge = None
        if euros(cost):
            charged = self.edge.charge(
                euros(cost), job=job, printer="north-1", counted=PRINTED, settled_at=MORNING
            )
            self.edge.send(self.edge.say(charged))
            charge = charged.charge
        fields: dict[str, Any] = {
            "job": job,
            "attempt": 1,
            "printer": "north-1",
            "disposition": "completed",
            "counts": (ANALYSED, PRINTED),
            "billed": PRINTED,
            "charge": charge,
        }
        self.tell(JobSettled.model_validate(fields | changes))
        return charge

    def printed(self, cost: str = "0.18", **changes: object) -> UUID:
        """Let a job come in, be printed and charged; return it."""
        job = self.held(**changes)
        self.released(job)
        self.settled(job, cost)
        return job


def office(books: Books, money: str = "50.00") -> Office:
    """Fill books."""
    edge = MemoryEdge(books)
    edge.join()
    with books.write() as tx:
        assert accounts.put(tx, "user:ana", "EUR", floor=0, enabled=True) is None
        accounts.top_up(tx, "user:ana", Money.parse(money, "EUR"), note="", author="test")
        directory.put(tx, "user", "ana", UserRow(name="ana", accounts=("user:ana",)))
        row = PrinterRow(device="north-1", node="north", name="Library 2")
        directory.put(tx, "printer", "north-1", row)
        line = TariffLine(per_impression=30_000)
        tariff = Tariff(version=1, unit="EUR", effective_from=MORNING, lines=(line,))
        directory.put(tx, "tariff", "1", tariff)
        rules.enter(tx, RuleSet.model_validate(RULES | {"version": 1}), author="cli:eva")
    with books.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    edge.listen()
    return Office(books, edge)


def days(number: float) -> timedelta:
    """Return so many days."""
    return timedelta(days=number)


def at(number: float) -> datetime:
    """Return the moment so many days after the first morning."""
    return MORNING + days(number)
