"""Promises of the schema: migrations build what the code expects, and old books open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from central.store.books import Books, BooksUnusable
from central.store.engines import engine_of
from central.store.schema import migrate
from central.store.tables import metadata
from config.settings import sqlite_url
from tests.integration.books_lab import open_account, open_books
from tests.integration.dialects import books_url, empty_url

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def shape(engine: Engine) -> set[tuple[str, str | None]]:
    """Return every table and index, by the database's own word."""
    found = inspect(engine)
    tables = set(found.get_table_names()) - {"alembic_version"}
    names = {(table, str(each["name"])) for table in tables for each in found.get_indexes(table)}
    return names | {(table, None) for table in tables}


def test_the_migrations_build_exactly_what_the_code_expects(tmp_path: Path) -> None:
    """Tables, columns, checks and indexes are the same as those of the metadata."""
    migrated = engine_of(empty_url(tmp_path / "migrated.db"))
    direct = engine_of(empty_url(tmp_path / "direct.db"))
    try:
        migrate(migrated)
        metadata.create_all(direct)
        with migrated.connect() as sql:
            assert compare_metadata(MigrationContext.configure(sql), metadata) == []
        assert shape(migrated) == shape(direct)
        for table in inspect(direct).get_table_names():
            old, new = inspect(migrated), inspect(direct)
            named = [
                sorted(str(check["name"]) for check in each.get_check_constraints(table))
                for each in (old, new)
            ]
            assert named[0] == named[1]
            assert sorted(map(str, old.get_foreign_keys(table))) == sorted(
                map(str, new.get_foreign_keys(table))
            )
    finally:
        migrated.dispose()
        direct.dispose()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    """The second run finds the newest schema and leaves it."""
    engine = engine_of(empty_url(tmp_path / "books.db"))
    try:
        assert migrate(engine)[0] is None
        before, after = migrate(engine)
        assert before == after
    finally:
        engine.dispose()


def test_books_of_the_first_version_open(tmp_path: Path) -> None:
    """A database that version 0001 made is used as it is."""
    url = books_url(tmp_path / "books.db")
    books = open_books(url)
    open_account(books, top_up="1.00")
    identity = books.identity
    books.close()
    again = open_books(url)
    assert again.identity == identity
    again.close()


def test_books_of_a_newer_program_are_refused(tmp_path: Path) -> None:
    """A schema that is not known here is not touched, and the answer says what to do."""
    url = books_url(tmp_path / "books.db")
    open_books(url).close()
    engine = create_engine(url)
    with engine.begin() as sql:
        sql.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(BooksUnusable, match="9999"):
        Books.open(url)


@pytest.mark.sqlite_only("no database is reached")
@pytest.mark.parametrize(
    ("url", "said"),
    [
        # no address at all
        ("books", "write it like sqlite"),
        # a database this program has no driver for
        ("oracle://x/y", "oracle"),
    ],
)
def test_a_wrong_address_is_refused_in_words(url: str, said: str) -> None:
    """What would be right is in the answer."""
    with pytest.raises(BooksUnusable, match=said):
        Books.open(url)


@pytest.mark.sqlite_only("about a file")
def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    """A file that is no database is not written to."""
    file = tmp_path / "books.db"
    file.write_text("a letter to my aunt\n" * 100)
    with pytest.raises(BooksUnusable, match="not a database"):
        Books.open(sqlite_url(file))
    assert file.read_text().startswith("a letter")
