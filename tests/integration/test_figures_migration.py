"""Promises of the migration: books that are full already have figures of all that is in them."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

import central.store
from central.figures.asking import Ask, By, Figures, Money, Where
from central.figures.periods import Period
from central.store import facts, verify_facts
from central.store.books import Books
from central.store.engines import engine_of
from central.store.figures_of import every_line
from tests.integration.books_lab import MORNING, Clock, Dice
from tests.integration.dialects import empty_url

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

ALL = Period(date(2026, 1, 1), date(2026, 12, 31))
AT = int(MORNING.timestamp()) * 1_000_000
DAY = 86_400_000_000


def before_figures(sql: Connection) -> None:
    """Build the books as they were, with charges of all sorts; days apart, in two months."""
    config = Config()
    config.set_main_option("script_location", f"{central.store.__path__[0]}/migrations")
    config.attributes["connection"] = sql
    script = ScriptDirectory.from_config(config)
    (mine,) = [each for each in script.walk_revisions() if each.path.endswith("_figures.py")]
    command.upgrade(config, str(mine.down_revision))
    _put(
        sql,
        "node",
        id="north",
        site="north",
        role="remote",
        kind="edge",
        state="active",
        linked=False,
        created_at=0,
    )
    for n, (user, groups) in enumerate((("ana", ["staff", "night"]), ("bob", [])), 1):
        row = json.dumps({"name": user, "groups": groups})
        _put(sql, "directory_row", kind="user", key=user, n=n, row=row)
    for n, account in enumerate(("user:ana", "project:apollo", "income:print"), 1):
        _put(sql, "location", id=n, account=account, unit="EUR", place="", floor=None, micros=0)
    _charge(sql, 1, "ana", [("user:ana", 50_000)], AT)
    _charge(sql, 2, "bob", [("project:apollo", 20_000)], AT - 40 * DAY)
    _charge(sql, 3, "ana", [], AT - 41 * DAY)
    _put(sql, "entry", n=3, id="r", kind="refund", at=AT, reference=_id(1), note="", author="")
    _put(sql, "posting", entry=3, location=1, micros=10_000)
    _put(sql, "posting", entry=3, location=3, micros=-10_000)
    _put(
        sql,
        "meter_reading",
        n=1,
        node="north",
        device="north-9",
        why="day",
        read_at=AT,
        heard_at=AT,
        meters="[]",
        continues=True,
        detail="",
        under_way=0,
        under_way_pages=0,
        state="done",
    )
    _put(
        sql,
        "meter_booking",
        reading=1,
        node="north",
        device="north-9",
        account="project:apollo",
        service="copy",
        media="a4",
        monochrome=7,
        color=2,
        entry=None,
        state="booked",
        reason="",
        at=AT,
    )


def test_full_books_get_their_figures(tmp_path: Path) -> None:
    """Paid, free, given back, copied by the meter: all is there once the slices are through."""
    url = empty_url(tmp_path / "books.db")
    engine = engine_of(url)
    with engine.connect().execution_options(writer=True) as sql, sql.begin():
        before_figures(sql)
    engine.dispose()
    books = Books.open(url, clock=Clock(), dice=Dice())
    with books.read() as tx:
        assert facts.mark(tx).behind == 5
    more = True
    while more:
        with books.write() as tx:
            more = facts.step(tx, 1).more
    with books.read() as tx:
        by_user = {each.key: each.figures for each in every_line(tx, Ask(ALL, By.USER))}
        by_group = {each.key: each.figures.jobs for each in every_line(tx, Ask(ALL, By.GROUP))}
        (apollo,) = every_line(tx, Ask(ALL, By.PROJECT, Where(service="print")))
        assert list(verify_facts.figures(tx, lambda *_: None)) == []
    assert by_user == {
        "ana": Figures(2, 8, 4, 4, 4, {"EUR": Money(50_000, 10_000)}),
        "bob": Figures(1, 4, 2, 2, 2, {"EUR": Money(20_000)}),
        "": Figures(0, 9, 2, 0, 0),
    }
    assert by_group == {"staff": 2, "night": 2, "": 1}
    assert (apollo.key, apollo.figures.money) == ("project:apollo", {"EUR": Money(20_000)})
    books.close()


def _id(n: int) -> str:
    return str(UUID(int=n))


def _charge(sql: Connection, n: int, user: str, paid: list[tuple[str, int]], at: int) -> None:
    entry = n if paid else None
    if paid:
        _put(sql, "entry", n=n, id=_id(n), kind="charge", at=at, reference="", note="", author="")
        ((account, micros),) = paid
        _put(sql, "posting", entry=n, location=_locations[account], micros=-micros)
        _put(sql, "posting", entry=n, location=3, micros=micros)
    parts = [{"account": account, "unit": "EUR", "micros": micros} for account, micros in paid]
    _put(
        sql,
        "charge",
        charge=_id(n),
        entry=entry,
        node="north",
        content="",
        job=_id(100 + n),
        attempt=1,
        user=user,
        printer="north-1",
        service="print",
        tariff_version=1,
        source="analysis",
        impressions=4,
        color_impressions=2,
        sheets=2,
        paid=json.dumps(parts),
        printed_above=0,
        alone=False,
        settled_at=at,
    )


_locations = {"user:ana": 1, "project:apollo": 2}


def _put(sql: Connection, table: str, **values: object) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(f":{name}" for name in values)
    sql.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)  # noqa: S608  our own names
