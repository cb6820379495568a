"""Promises of the migration to people: whoever was in old books is found in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import central.store
from broker.directory import CardRow, UserRow
from central.store import cards, person_search
from central.store.books import sqlite_url
from tests.integration.books_lab import open_books
from tests.integration.test_person_search import in_step

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("it builds the older schema in a file of its own")


def test_people_of_old_books_are_found(tmp_path: Path) -> None:
    """By words and groups, with their cards; who was removed is not."""
    url = sqlite_url(tmp_path / "books.db")
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", f"{central.store.__path__[0]}/migrations")
    with engine.begin() as sql:
        config.attributes["connection"] = sql
        command.upgrade(config, "0008")
        row = text("INSERT INTO directory_row (kind, key, n, row) VALUES (:kind, :key, :n, :row)")
        people = [
            UserRow(name="ana", display="José Ána", groups=("staff", "staff")),
            UserRow(name="ben", enabled=False),
        ]
        rows: list[tuple[str, str, str | None]] = [
            ("user", each.name, each.model_dump_json()) for each in people
        ]
        rows += [
            ("user", "gone", None),
            ("card", "c1", CardRow(user="ana").model_dump_json()),
            ("card", "c2", None),
        ]
        for n, (kind, key, told) in enumerate(rows, 1):
            sql.execute(row, {"kind": kind, "key": key, "n": n, "row": told})
    engine.dispose()
    books = open_books(url)
    with books.read() as tx:
        assert [each.name for each in person_search.suggest(tx, "jose")] == ["ana"]
        assert person_search.groups(tx) == [("staff", 1)]
        assert [each.name for each in person_search.page(tx, order="name")] == ["ana", "ben"]
        assert [card.key for card in cards.every(tx, "ana")] == ["c1"]
    with books.write() as tx:
        assert in_step(tx)
    books.close()
