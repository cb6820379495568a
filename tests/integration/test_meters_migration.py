"""Promises of migration 0008: books from before meters go on, and begin their totals at nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import central.store
from broker.messages import Counted
from central.store import jobs, meters, tallies
from central.store.meters import Place
from central.store.reconciled import days
from central.tallies import NOTHING, Tally
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import open_books
from tests.integration.dialects import empty_url
from tests.integration.meters_lab import FIRST_DAY, reading, settled
from tests.integration.meters_lab import meters as shown

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

JOBS = UUID(int=1), UUID(int=2)


def before_meters(sql: Connection) -> None:
    """Build the schema of 0007, with a job that was settled and one that is printing."""
    config = Config()
    config.set_main_option("script_location", f"{central.store.__path__[0]}/migrations")
    config.attributes["connection"] = sql
    command.upgrade(config, "0007")
    sql.execute(
        text(
            "INSERT INTO node (id, site, role, kind, state, linked, created_at) "
            "VALUES ('north', 'north', 'remote', 'edge', 'active', FALSE, 0)"
        )
    )
    counts = json.dumps([{"source": "analysis", "impressions": 7, "sheets": 7}])
    for n, (job, state) in enumerate(zip(JOBS, ("completed", "processing"), strict=True), 1):
        values = {"n": n, "job": str(job), "state": state, "counts": counts}
        values["impressions"] = 7 if state == "completed" else None
        sql.execute(
            text(
                'INSERT INTO job (n, job, node, "user", queue, name, state, printer, attempt, '
                "counts, impressions, detail, updated_at) VALUES (:n, :job, 'north', 'ana', "
                "'pull', 'a.pdf', :state, 'north-1', 1, :counts, :impressions, '', 0)"
            ),
            values,
        )


def test_old_books_begin_to_count_at_nothing(tmp_path: Path) -> None:
    """What was settled before is in no total; what is settled from now on is, once.

    The first reading begins a stretch, and is compared with nothing.
    """
    url = empty_url(tmp_path / "books.db")
    engine = create_engine(url)
    with engine.begin() as sql:
        before_meters(sql)
    engine.dispose()
    books = open_books(url)
    with books.write() as tx:
        assert tallies.open_(tx, "north", "north-1") == NOTHING
        meters.record(tx, "north", reading(0, *shown(total=5000)))
        told = Counted(source="analysis", impressions=7, color_impressions=0, sheets=7)
        assert jobs.record(tx, "north", [settled(job, told) for job in JOBS]) == [None, None]
        # the first of them was settled before: told again, it came out once
        assert tallies.open_(tx, "north", "north-1") == Tally(prints=7, print_sheets=7)
        meters.record(tx, "north", reading(1, *shown(total=5007)))
    with books.read() as tx:
        (first,) = days(tx, FIRST_DAY)
        (second,) = days(tx, FIRST_DAY + timedelta(days=1), Place("north", "north-1"))
    assert first.breaks == ("it is the first reading",)
    assert (second.metered, second.prints, second.unexplained) == (7, 7, 0)
    assert_sound(books)
    books.close()
