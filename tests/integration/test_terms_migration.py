"""Promises of migration 0003: books of the first version go on, their reclaims with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import central.store
from central.store.books import Books
from tests.integration.accounts_lab import assert_sound
from tests.integration.dialects import empty_url

if TYPE_CHECKING:
    from pathlib import Path


def test_reclaims_under_way_survive(tmp_path: Path) -> None:
    """Every row of the table that is written anew is there, open ones are still one a site."""
    url = empty_url(tmp_path / "books.db")
    config = Config()
    config.set_main_option("script_location", f"{central.store.__path__[0]}/migrations")
    engine = create_engine(url)
    with engine.begin() as sql:
        config.attributes["connection"] = sql
        command.upgrade(config, "0002")
        sql.execute(
            text(
                "INSERT INTO node (id, site, role, kind, state, linked, created_at) "
                "VALUES ('north', 'north', 'remote', 'edge', 'active', FALSE, 0)"
            )
        )
        sql.execute(
            text(
                "INSERT INTO request (corr, node, account, unit, asked, granted, coming, "
                "expires_at) VALUES ('c', 'north', 'user:ana', 'EUR', 5, 0, 5, 0)"
            )
        )
        for n, state in enumerate(("open", "closed")):
            sql.execute(
                text(
                    "INSERT INTO reclaim (id, account, unit, node, up_to, request, state, "
                    "returned, at) VALUES (:id, 'user:ana', 'EUR', 'north', 5, 'c', :state, 0, 7)"
                ),
                {"id": str(n), "state": state},
            )
    engine.dispose()
    books = Books.open(url)
    with books.read() as tx:
        rows = tx.sql.execute(
            text("SELECT id, account, up_to, request, purpose, state, at FROM reclaim ORDER BY id")
        ).all()
        wire = tx.sql.execute(text("SELECT wire FROM node")).scalar_one()
    assert [tuple(row) for row in rows] == [
        ("0", "user:ana", 5, "c", "request", "open", 7),
        ("1", "user:ana", 5, "c", "request", "closed", 7),
    ]
    assert wire == 1
    assert_sound(books)
    books.close()
