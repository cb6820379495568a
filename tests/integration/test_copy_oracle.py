"""The oracle of copies in a chaos run is not blind: it sees pages that are free or paid twice."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from demo.audit import Rows
from demo.chaos.copy_oracle import MARGIN, Copies, weigh_copies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = """
CREATE TABLE charge (charge TEXT, job TEXT, printer TEXT, service TEXT, impressions INTEGER,
  printed_above INTEGER, paid TEXT);
CREATE TABLE event (stream INTEGER, seq INTEGER, type TEXT, data TEXT);
"""
CENT = 10_000


class Machine:
    """Books of one copy of three pages, in order, of which 0.50 was set aside; tests spoil them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.sql = sqlite3.connect(file, isolation_level=None)
        self.sql.executescript(SCHEMA)
        self.made, self.torn = 3, 0
        self.began("one")
        self.bill("one", 3)
        self.event("job-settled", {"job": "one"})

    def bill(self, job: str, pages: int, *, above: int = 0, cents: int | None = None) -> None:
        """Charge a copy."""
        micros = (5 * pages if cents is None else cents) * CENT
        paid = json.dumps([{"account": "user:ana", "unit": "EUR", "micros": micros}])
        row = (job, job, "copier", "copy", pages, above, paid)
        self.sql.execute("INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def began(self, job: str) -> None:
        """Set 0.50 aside."""
        held = [{"account": "user:ana", "unit": "EUR", "micros": 50 * CENT}]
        self.event("copy-began", {"job": job, "printer": "copier", "held": held})

    def event(self, kind: str, data: object) -> None:
        """Let the edge tell of something."""
        row = (f"printmesh.{kind}.v1", json.dumps({"data": data}))
        self.sql.execute("INSERT INTO event VALUES (1, 1, ?, ?)", row)

    def verdict(self) -> Copies:
        """Ask the oracle."""
        return weigh_copies(Rows(self.file), "copier", made=self.made, torn=self.torn)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return books in order."""
    made = Machine(tmp_path / "books.db")
    yield made
    made.sql.close()


def test_books_in_order(machine: Machine) -> None:
    """Where all is well nothing is reported."""
    assert machine.verdict() == Copies(made=3, billed=3, begun=1)


def test_a_free_page(machine: Machine) -> None:
    """A page that was made and is in no bill is lost."""
    machine.made += 1
    assert machine.verdict().lost == 1
    assert len(machine.verdict().problems) == 1


def test_a_killed_terminal_loses_no_more_than_the_margin(machine: Machine) -> None:
    """What a copier makes around a kill may be lost, and no page more."""
    machine.torn = 1
    machine.made += MARGIN
    assert machine.verdict().problems == ()
    machine.made += 1
    assert len(machine.verdict().problems) == 1


def test_a_page_above_what_was_set_aside_is_told(machine: Machine) -> None:
    """What the edge records as made above the money is not lost."""
    machine.began("two")
    machine.bill("two", 10, above=2)
    machine.event("job-settled", {"job": "two"})
    machine.made += 12
    assert machine.verdict().problems == ()


def test_a_page_that_was_never_made(machine: Machine) -> None:
    """A bill without a page is a doubling, killed terminals or not."""
    machine.torn = 3
    machine.made -= 1
    assert machine.verdict().doubled == 1
    assert len(machine.verdict().problems) == 1


def test_a_second_bill(machine: Machine) -> None:
    """A copy that is charged twice is a doubling, though the pages would fit."""
    machine.bill("one", 0)
    assert machine.verdict().doubled == 1


def test_more_than_was_set_aside(machine: Machine) -> None:
    """A charge above what was held of an account is seen."""
    machine.began("two")
    machine.bill("two", 10, cents=51)
    machine.event("job-settled", {"job": "two"})
    machine.made += 10
    assert machine.verdict().over_micros == CENT


def test_a_copy_that_never_ended(machine: Machine) -> None:
    """Money that is set aside for ever is seen."""
    machine.began("two")
    (problem,) = machine.verdict().problems
    assert "never ended" in problem


def test_prints_and_other_machines_are_none_of_it(machine: Machine) -> None:
    """Only copies of this copier are weighed."""
    machine.sql.execute("INSERT INTO charge VALUES ('p', 'p', 'copier', 'print', 5, 0, '[]')")
    machine.sql.execute("INSERT INTO charge VALUES ('q', 'q', 'other', 'copy', 5, 0, '[]')")
    assert machine.verdict().problems == ()
