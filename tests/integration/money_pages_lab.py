"""Books behind pages with jobs, money at a site, and people who ask for theirs back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from broker.directory import PrinterRow
from central.acts import money as acts
from central.acts import staff as staff_acts
from central.acts.by import By
from central.rights import EVERYWHERE, Role
from central.store import directory, funds, rules
from central.store.ledger import Refused
from config.policy.rules import RuleSet
from config.policy.tariffs import Tariff, TariffLine
from tests.integration.books_lab import MORNING, MemoryEdge, open_account
from tests.integration.jobs_lab import RULES, Office
from tests.integration.pages_lab import enter, open_lab

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from tests.integration.pages_lab import Lab

#: At the desk of all sites; `olga` of the lab is at north's only.
DESK: Final = "dora"
#: Another person, who has printed nothing.
OTHER: Final = "ben"


def open_money(path: Path) -> tuple[Lab, Office]:
    """Return the lab with a printer, prices, rules and money at north."""
    lab = open_lab(path)
    books = lab.books
    enter(books, OTHER)
    enter(books, DESK)
    open_account(books, f"user:{OTHER}", top_up="1.00")
    with books.write() as tx:
        given = staff_acts.give(tx, By("cli:test"), DESK, Role.OPERATOR, (EVERYWHERE,))
        assert not isinstance(given, Refused)
        row = PrinterRow(device="north-1", node="north", name="Library 2")
        directory.put(tx, "printer", "north-1", row)
        line = TariffLine(per_impression=30_000)
        tariff = Tariff(version=1, unit="EUR", effective_from=MORNING, lines=(line,))
        directory.put(tx, "tariff", "1", tariff)
        rules.enter(tx, RuleSet.model_validate(RULES | {"version": 1}), author="cli:eva")
    with books.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    # the same journal as the one that joined: both are made of the same dice
    edge = MemoryEdge(books, "north")
    edge.listen()
    return lab, Office(books, edge)


def ask_back(lab: Lab, job: UUID, reason: str = "All pages were white.") -> UUID:
    """Let ana ask for a job's money; return the request."""
    with lab.books.write() as tx:
        done = acts.ask_refund(tx, By("web:ana"), job, user="ana", reason=reason)
    assert not isinstance(done, Refused)
    return done.id
