"""Promises of migrations 0009 to 0011: old books get a chain, days and room, and lose nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from alembic import command
from alembic.config import Config
from sqlalchemy import text

import central.store
from central.store import audit, audit_chain, job_search, jobs, privacy
from central.store.books import Books
from central.store.engines import engine_of
from central.store.job_life import job_life
from central.store.job_search import Which
from central.store.tables import instant
from tests.integration.books_lab import MORNING, Clock, Dice
from tests.integration.dialects import empty_url

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

#: More than one slice of the migration.
ACTS = 1203
HELD, REFUSED, DONE = (UUID(int=n) for n in (1, 2, 3))


def old_books(sql: Connection) -> None:
    """Build the schema of 0008 with acts, and with jobs of two days."""
    config = Config()
    config.set_main_option("script_location", f"{central.store.__path__[0]}/migrations")
    config.attributes["connection"] = sql
    command.upgrade(config, "0008")
    act = text(
        "INSERT INTO audit (n, at, author, act, target, detail) "
        "VALUES (:n, :n, 'cli:root', 'card add', 'person:ana', :detail)"
    )
    sql.execute(act, [{"n": n, "detail": f'{{"é": {n}}}'} for n in range(1, ACTS + 1)])
    job = text(
        'INSERT INTO job (n, job, node, "user", queue, name, state, attempt, counts, detail, '
        "received_at, updated_at) "
        "VALUES (:n, :job, 'north', 'ana', 'pull', 'a.pdf', :state, 0, '[]', '', :at, :at)"
    )
    at = instant(MORNING)
    for n, (id_, state) in enumerate(
        ((HELD, "pending-held"), (REFUSED, "pending-held"), (DONE, "completed")), 1
    ):
        sql.execute(
            job, {"n": n, "job": str(id_), "state": state, "at": at + (n // 3) * 86_400_000_000}
        )
    decision = text(
        "INSERT INTO decision (job, released, reason, attempt, rules_version, tariff_version, "
        "conversions, because, held, at) "
        "VALUES (:job, false, :reason, 0, 0, 0, '{}', '[]', '[]', :at)"
    )
    sql.execute(decision, {"job": str(REFUSED), "reason": "denied-by-rule", "at": at})
    sql.execute(decision, {"job": str(DONE), "reason": "denied-by-rule", "at": at})


def test_old_books_get_a_chain_days_and_names_as_they_are(tmp_path: Path) -> None:
    """Every act is chained, jobs are found by their day, what was refused and waits is found."""
    url = empty_url(tmp_path / "books.db")
    engine = engine_of(url)
    with engine.connect().execution_options(writer=True) as sql, sql.begin():
        old_books(sql)
    engine.dispose()
    books = Books.open(url, clock=Clock(), dice=Dice())
    with books.write() as tx:
        assert list(audit_chain.check(tx)) == []
        assert audit_chain.head(tx).n == ACTS
        assert audit.note(tx, author="a", act="b", target="c") == ACTS + 1
        assert list(audit_chain.check(tx)) == []
    with books.read() as tx:

        def found(which: Which) -> list[UUID]:
            return [each.job.job for each in job_search.search(tx, which).jobs]

        next_day = datetime(2026, 11, 23, tzinfo=UTC)
        assert found(Which(refused=True)) == [REFUSED]
        assert found(Which(since=next_day)) == [DONE]
        assert found(Which(until=next_day)) == [REFUSED, HELD]
        assert privacy.names(tx).mode == "keep"
        life = job_life(tx, REFUSED)
        assert life is not None
        assert [each.kind for each in life.steps] == ["received", "refused"]
        assert jobs.find(tx, DONE) is not None
    books.close()
