"""Promises to books of the first version: their accounts, balances and people go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command as alembic
from alembic.config import Config
from sqlalchemy import create_engine, text

import central.store
from central.store import accounts
from central.store.ledger import Posted
from central.store.wallets import lists_of
from config.policy.money import Money
from tests.integration.accounts_lab import person
from tests.integration.books_lab import euros, open_books
from tests.integration.dialects import empty_url

if TYPE_CHECKING:
    from sqlalchemy import Connection

USER = '{"name":"ana","display":"","groups":[],"accounts":["user:ana"],"enabled":true}'


def first_version(sql: Connection) -> None:
    """Build the first schema, with what it could hold."""
    config = Config()
    where = Path(central.store.__file__).parent / "migrations"
    config.set_main_option("script_location", str(where))
    config.attributes["connection"] = sql
    alembic.upgrade(config, "0001")
    for statement in (
        "INSERT INTO account VALUES ('user:ana', 'EUR', -1000000, TRUE)",
        "INSERT INTO account VALUES ('user:old', 'EUR', 0, FALSE)",
        (
            "INSERT INTO location (id, account, unit, place, floor, micros) VALUES "
            "(1, 'house:topup', 'EUR', '', NULL, -2000000), "
            "(2, 'user:ana', 'EUR', '', -1000000, 2000000)"
        ),
        (
            "INSERT INTO entry VALUES (1, '019aaba6-0b12-7000-8000-000000000001', 'topup', 0, "
            "'user:ana', '', 'test')"
        ),
        "INSERT INTO posting VALUES (1, 1, -2000000), (1, 2, 2000000)",
    ):
        sql.execute(text(statement))
    row = "INSERT INTO directory_row VALUES ('user', 'ana', 1, :row)"
    sql.execute(text(row), {"row": USER})


def test_accounts_of_the_first_version_go_on(tmp_path: Path) -> None:
    """Open stays open, what was switched off is frozen, money and overdraft are as before."""
    url = empty_url(tmp_path / "books.db")
    engine = create_engine(url)
    with engine.begin() as sql:
        first_version(sql)
    engine.dispose()
    books = open_books(url)
    with books.write() as tx:
        ana, old = accounts.every(tx)
        assert (ana.key, ana.state, ana.floor) == ("user:ana", "open", -euros("1.00"))
        assert (old.key, old.state, old.enabled) == ("user:old", "frozen", False)
        assert accounts.whole(tx, "user:ana", "EUR") == euros("2.00")
        money = Money.parse("1.00", "EUR")
        assert isinstance(accounts.top_up(tx, "user:ana", money, note="", author="t"), Posted)
        assert accounts.put(tx, "user:old", "EUR", floor=0, enabled=True) is None
    assert lists_of(person(books, "ana")) == (("user:ana",),)
    books.close()
