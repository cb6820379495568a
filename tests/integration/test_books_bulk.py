"""Statements straight to the driver: values never end up in another column than theirs."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from central.store.bulk import insert_rows
from central.store.tables import visit
from tests.integration.books_lab import open_books

ROW = {"account": "user:ana", "node": "north", "value": 1.5, "at": 7}


def test_tuples_are_written_as_they_are_named() -> None:
    """Each value stands in the column that was named for it."""
    books = open_books()
    with books.write() as tx:
        insert_rows(tx, visit, tuple(ROW), [tuple(ROW.values())])
        (kept,) = tx.sql.execute(select(visit)).all()
    assert (kept.account, kept.node, kept.value) == ("user:ana", "north", 1.5)


def test_tuples_in_another_order_are_refused() -> None:
    """Columns named in another order than the statement's are no silent mix-up."""
    books = open_books()
    names = tuple(reversed(ROW))
    with books.write() as tx, pytest.raises(ValueError, match="takes"):
        insert_rows(tx, visit, names, [tuple(ROW[name] for name in names)])
