"""The promise to books of the first schema: every row of every table of theirs is there today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, insert, select

import central.store
from tests.integration.books_lab import open_books
from tests.integration.dialects import empty_url

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

ID = "019aaba6-0b12-7000-8000-00000000000{}"
#: One row or two of each table; what is not named takes what its kind has by itself.
ROWS: dict[str, list[dict[str, Any]]] = {
    "meta": [{"id": 1, "node": "coordinator", "incarnation": ID.format(0), "currency": "EUR"}],
    "node": [{"id": "north", "kind": "edge", "state": "active", "birth": "{}"}],
    "account": [{"key": "user:ana", "unit": "EUR", "floor": -5}, {"key": "user:é", "unit": "page"}],
    "location": [
        {"id": 1, "account": "house:topup", "floor": None, "micros": -(2**40)},
        {"id": 2, "account": "user:ana", "micros": 2**40},
    ],
    "entry": [{"n": 1, "id": ID.format(1), "kind": "topup"}],
    "posting": [
        {"entry": 1, "location": 1, "micros": -(2**40)},
        {"entry": 1, "location": 2, "micros": 2**40},
    ],
    "stream": [{"id": 1, "node": "north", "direction": "up", "incarnation": ID.format(2)}],
    "event": [{"stream": 1, "seq": 1, "state": "quarantined", "data": "not JSON"}],
    "charge": [{"charge": ID.format(3), "entry": 1, "alone": True, "paid": "[]"}],
    "request": [{"corr": ID.format(4), "node": "north", "account": "user:ana"}],
    "reclaim": [{"id": ID.format(5), "node": "north", "state": "open", "request": ID.format(4)}],
    "visit": [{"account": "user:ana", "node": "north", "value": 0.1}],
    "job": [{"n": 7, "job": ID.format(6), "counts": "[]", "state": "completed", "user": "ana"}],
    "directory_row": [
        {"kind": "user", "key": "ana", "n": 1, "row": '{"name":"ana","groups":["a"]}'}
    ],
    "command": [{"id": ID.format(7), "node": "north", "state": "waiting", "args": "{}"}],
    "api_token": [{"digest": "d", "name": "a screen"}],
}


def fill(sql: Connection, made: MetaData) -> None:
    """Enter the rows: what a row does not name is empty, nothing or no."""
    for table in made.sorted_tables:
        for row in ROWS.get(table.name, []):
            for column in table.columns:
                empty = None if column.nullable else column.type.python_type()
                row.setdefault(column.name, empty)
            sql.execute(insert(table).values(row))


def test_every_row_of_the_first_schema_is_there(tmp_path: Path) -> None:
    """Whatever was added since, nothing was lost or changed on the way."""
    url = empty_url(tmp_path / "books.db")
    config, engine, first = Config(), create_engine(url), MetaData()
    config.set_main_option("script_location", f"{central.store.__path__[0]}/migrations")
    with engine.begin() as sql:
        config.attributes["connection"] = sql
        command.upgrade(config, "0001")
        first.reflect(sql)
        assert set(ROWS) == set(first.tables) - {"alembic_version"}
        fill(sql, first)
    engine.dispose()
    books = open_books(url)
    with books.read() as tx:
        for name, rows in ROWS.items():
            # the columns of then, read as they are called and kept now
            found = tx.sql.execute(select(first.tables[name])).mappings().all()
            assert [dict(each) for each in found] == rows, name
    books.close()
