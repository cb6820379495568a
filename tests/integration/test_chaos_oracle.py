"""The oracle of the chaos runs is not blind: it sees each wrong that is done to the books."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from demo.audit import Rows
from demo.chaos.arena import Hurt
from demo.chaos.oracle import Verdict, weigh
from demo.chaos.people import Told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
JOB = UUID("11111111-1111-4111-8111-111111111111")
TAG = JOB.hex[:12]
SCHEMA = """
CREATE TABLE job (job TEXT, node TEXT, name TEXT, flag TEXT);
CREATE TABLE charge (charge TEXT, job TEXT, impressions INTEGER, paid TEXT);
CREATE TABLE owed (charge TEXT, account TEXT, node TEXT, micros INTEGER, collected INTEGER);
CREATE TABLE event (stream INTEGER, seq INTEGER, type TEXT, data TEXT);
"""


class Life:
    """Books of one job of two sides that cost 0.10, all in order; tests spoil them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.sql = sqlite3.connect(file, isolation_level=None)
        self.sql.executescript(SCHEMA)
        self.sql.execute("INSERT INTO job VALUES (?, 'north', 'chaos-1', NULL)", (str(JOB),))
        self.charge("one")
        self.event("job-released", NOON)
        self.event("job-settled", NOON + timedelta(seconds=5))
        self.sides: Counter[str | None] = Counter({TAG: 2})
        self.hurts: list[Hurt] = []
        self.told = Told(
            receipts=Counter({"user:ana": 100_000}),
            printed={"chaos-1": "north"},
            promised={JOB},
        )

    def charge(self, name: str) -> None:
        """Charge it, once more."""
        paid = json.dumps([{"account": "user:ana", "unit": "EUR", "micros": 100_000}])
        self.sql.execute("INSERT INTO charge VALUES (?, ?, 2, ?)", (name, str(JOB), paid))

    def event(self, kind: str, at: datetime) -> None:
        """Let the edge tell of it."""
        told = {"type": f"printmesh.{kind}.v1", "time": at.isoformat(), "data": {"job": str(JOB)}}
        self.sql.execute("INSERT INTO event VALUES (1, 1, ?, ?)", (told["type"], json.dumps(told)))

    def verdict(self) -> Verdict:
        """Ask the oracle."""
        return weigh(Rows(self.file), self.sides, self.hurts, {}, self.told)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """Return books in order."""
    made = Life(tmp_path / "books.db")
    yield made
    made.sql.close()


def test_books_in_order(life: Life) -> None:
    """Where all is well nothing is reported."""
    verdict = life.verdict()
    assert verdict.problems == []
    assert (verdict.jobs, verdict.events, verdict.printed, verdict.billed) == (1, 2, 2, 2)
    assert (verdict.lost, verdict.doubled, verdict.overspent_micros) == (0, 0, 0)


def test_paper_that_nobody_pays(life: Life) -> None:
    """A side more on paper than in the bill is lost."""
    life.sides[TAG] += 1
    assert life.verdict().lost == 1


def test_a_bill_without_paper(life: Life) -> None:
    """A side billed and not printed is doubled."""
    life.sides[TAG] -= 1
    assert life.verdict().doubled == 1


def test_a_second_charge(life: Life) -> None:
    """Two charges of one job are one too many, and more than was paid in."""
    life.charge("two")
    verdict = life.verdict()
    assert verdict.doubled > 0
    assert verdict.overspent_micros == 100_000


def test_what_is_owed_by_leave_is_not_overspent(life: Life) -> None:
    """Past the allocation counts apart, as long as it stands as owed."""
    life.charge("two")
    life.sql.execute("INSERT INTO owed VALUES ('two', 'user:ana', 'north', 100000, 0)")
    verdict = life.verdict()
    assert (verdict.overspent_micros, verdict.owed_micros) == (0, 100_000)


def test_more_is_owed_than_there_was_leave_for(life: Life) -> None:
    """What stands as owed has a bound."""
    life.sql.execute("INSERT INTO owed VALUES ('two', 'user:ana', 'north', 20000001, 0)")
    assert life.verdict().overspent_micros == 1


def test_a_job_that_the_books_never_heard_of(life: Life) -> None:
    """What a spooler took must be known."""
    life.told.printed["chaos-2"] = "north"
    assert life.verdict().lost == 1


def test_a_broken_promise(life: Life) -> None:
    """A release that was answered with ok must be in the books."""
    life.sql.execute("DELETE FROM event")
    assert life.verdict().lost == 1


def test_a_release_without_an_end(life: Life) -> None:
    """Each released job ends."""
    life.sql.execute("DELETE FROM event WHERE type LIKE '%settled%'")
    assert any("never ended" in each for each in life.verdict().problems)


@pytest.mark.parametrize(
    ("site", "seconds", "forgiven"),
    [
        ("north", 3, True),  # while it was under way
        ("north", 60, False),  # long after it had ended
        ("north", -60, False),  # long before it was released
        ("south", 3, False),  # elsewhere
    ],
)
def test_a_flag_needs_a_kill(life: Life, site: str, seconds: int, *, forgiven: bool) -> None:
    """A job may be flagged only if something was killed at its site while it was under way."""
    life.sql.execute("UPDATE job SET flag = 'unknown'")
    life.hurts.append(Hurt(NOON + timedelta(seconds=seconds), site))
    verdict = life.verdict()
    assert (verdict.problems == []) is forgiven
    assert verdict.flags.total() == 1
    assert verdict.in_flight == forgiven
