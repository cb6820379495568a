"""Promises of `move-books`: every row arrives and is checked, or nothing does; one set goes on."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from central.cli import main
from central.store import audit, recovery
from central.store.moving import MoveRefused, move
from central.store.tables import explanation, metadata
from config.settings import sqlite_url
from demo.postgres import programs
from tests.integration.accounts_lab import assert_sound
from tests.integration.api_lab import fill
from tests.integration.books_lab import euros, open_account, open_books
from tests.integration.dialects import on_postgresql, unchecked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.store.books import Books
    from tests.integration.api_lab import Lab
    from tests.integration.books_server import Server

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")

#: What moving itself changes.
_CHANGED = {"meta", "second_log", "audit", "audit_chain", "standing"}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return an organisation with one of everything."""
    made = fill(tmp_path)
    yield made
    made.books.close()


@pytest.fixture
def elsewhere(tmp_path: Path, postgresql: Server) -> Iterator[str]:
    """Return the address of a database of the other kind, empty."""
    if on_postgresql():
        yield sqlite_url(tmp_path / "new" / "books.db")
        return
    with postgresql.database("TEMPLATE template1") as url:
        yield url


def rows(books: Books) -> dict[str, list[Any]]:
    """Return every row."""
    with books.read() as tx:
        return {
            name: list(tx.sql.execute(select(table).order_by(*table.primary_key.columns)))
            for name, table in metadata.tables.items()
            if name not in _CHANGED
        }


def explain(books: Books) -> int:
    """Write a row that the database numbers; return its number."""
    values = {"node": "north", "device": "d", "day": "2026-11-22", "pages": 1, "reason": ""}
    with books.write() as tx:
        new = explanation.insert().values(**values, author="t", at=tx.now)
        return int(tx.sql.execute(new.returning(explanation.c.n)).scalar_one())


def test_every_row_arrives_and_the_books_go_on(lab: Lab, elsewhere: str) -> None:
    """They hold as they are, take new acts under the next epoch, and the old ones are fenced."""
    first = explain(lab.books)
    with lab.books.write() as tx:
        tx.sql.execute(text("UPDATE node SET linked = FALSE"))
    seen: list[tuple[int, int]] = []
    moved = move(lab.books, elsewhere, author="t", progress=lambda *at: seen.append(at))
    assert seen[-1] == (moved.rows, moved.rows)
    with closing(open_books(elsewhere)) as new:
        assert rows(new) == rows(lab.books)
        assert new.identity.epoch == moved.epoch == lab.books.identity.epoch + 1
        assert new.identity.incarnation == lab.books.identity.incarnation
        assert_sound(new)
        open_account(new, "user:cleo", "1.00")
        assert explain(new) > first
        with new.read() as tx:
            assert [act.act for act in audit.acts(tx, target="books")] == ["books moved here"]
            assert recovery.find(tx).fenced_by is None
        assert_sound(new)
    with lab.books.read() as tx:
        assert recovery.find(tx).fenced_by == moved.epoch


def test_books_that_are_there_are_not_written_over(lab: Lab, elsewhere: str) -> None:
    """A database in which anybody has done anything stays as it is, and so do the old books."""
    with closing(open_books(elsewhere)) as there:
        open_account(there, "user:zoe", "3.00")
    with pytest.raises(MoveRefused, match="books in that database already"):
        move(lab.books, elsewhere, author="t", progress=lambda *_: None)
    with closing(open_books(elsewhere)) as there, there.read() as tx:
        micros = text("SELECT micros FROM location WHERE account = 'user:zoe'")
        assert tx.sql.execute(micros).scalar_one() == euros("3.00")
    with lab.books.read() as tx:
        assert recovery.find(tx).fenced_by is None


def test_books_that_do_not_hold_are_not_moved(lab: Lab, elsewhere: str) -> None:
    """What is wrong with them is said; nothing is in the other database, and it can be used."""
    with lab.books.write() as tx:
        unchecked(tx)
        tx.sql.execute(text("UPDATE location SET micros = micros + 1 WHERE account = 'user:ana'"))
    with pytest.raises(MoveRefused, match="balance"):
        move(lab.books, elsewhere, author="t", progress=lambda *_: None)
    with lab.books.write() as tx:
        tx.sql.execute(text("UPDATE location SET micros = micros - 1 WHERE account = 'user:ana'"))
    move(lab.books, elsewhere, author="t", progress=lambda *_: None)
    with closing(open_books(elsewhere)) as new:
        assert_sound(new)


@pytest.mark.sqlite_only("the settings name where the books are now")
def test_the_command_says_what_is_next(
    tmp_path: Path, elsewhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The settings' line and the epoch; a coordinator must not run, a file must be there."""
    lab = fill(tmp_path)
    settings = tmp_path / "central.toml"
    settings.write_text(
        'data = "."\ncredentials = "c.json"\n[broker]\nport = 1\nsecret = "' + "s" * 43 + '"\n'
    )
    file = tmp_path / "database-url"
    words = ["move-books", str(file), "--config", str(settings)]
    assert main(words) == 1
    assert "cannot be read" in capsys.readouterr().err
    file.write_text(f"{elsewhere}\n")
    with lab.books.alone():
        assert main(words) == 1
    assert "a coordinator runs on the books" in capsys.readouterr().err
    lab.books.close()
    assert main(words) == 0
    assert f'database_url_file = "{file}"' in capsys.readouterr().out
    assert main(["balance", "--config", str(settings)]) == 0
    assert "old copy" in capsys.readouterr().err
