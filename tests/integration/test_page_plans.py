"""Promise: no page reads a whole table of what grows with jobs, whatever its list is asked for.

Every page of the table is asked for, every list by each of its filters; what SQLite plans for each
statement is looked at. On books of any size it plans the same: it keeps no statistics.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, event

from benchmarks.organisation import Size, fill
from benchmarks.pages_addresses import addresses
from central.store import web_sessions
from central.store.books import Books, sqlite_url
from central.web.app import make_site
from central.web.pages.centre import Centre
from config.settings import CentralSettings, LinkSettings
from config.settings_web import WebSettings
from tests.integration.pages_lab import ADDRESS

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from sqlalchemy import Connection

    from benchmarks.pages_addresses import Address

pytestmark = pytest.mark.sqlite_only("it is about SQLite's plans")

#: What grows with jobs and with people.
_LARGE = "job|charge|entry|posting|event|decision|free_charge|location|visit|audit|fact"
_SCAN = re.compile(rf"SCAN (?:{_LARGE})(?: |$)")
#: Indexes of what is seldom so.
_FEW = re.compile(r"INDEX ix_event_quarantined|INDEX ix_job_(?:flagged|refused)")
#: What is read from one end, so many at most.
_BOUNDED = re.compile(r"ORDER BY (?:audit\.n|job\.n) DESC\s+LIMIT|SELECT max\(|SELECT min\(")


class Plans:
    """What SQLite plans to do for each statement."""

    def __init__(self) -> None:
        self.scans: dict[str, str] = {}
        self._seen: set[str] = set()
        self.asking = ""

    def before(self, *given: Any) -> None:  # noqa: ANN401  as SQLAlchemy calls it
        """Look at a statement that is about to be executed."""
        sql, _, statement, parameters, *_ = cast("tuple[Connection, Any, str, Any]", given)
        if statement in self._seen or not statement.lstrip().startswith(("SELECT", "WITH")):
            return
        self._seen.add(statement)
        raw = cast("sqlite3.Connection", sql.connection.driver_connection)
        plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        for *_, step in plan:
            few = _FEW.search(step) or _BOUNDED.search(statement)
            if _SCAN.match(step) and not few:
                self.scans[statement] = f"{self.asking}: {step}"


async def test_no_page_reads_a_whole_table(tmp_path: Path) -> None:
    """Each statement of each page finds what it reads by an index, or by a bounded range."""
    books = Books.open(sqlite_url(tmp_path / "books.db"))
    fill(books, Size(jobs=3000, users=60, days=40, sites=4, printers=8))
    settings = CentralSettings(
        data=tmp_path,
        credentials=tmp_path / "credentials.json",
        broker=LinkSettings(secret=SecretStr("the coordinator's own, long and random")),
        web=WebSettings(port=8090),
    )
    centre = Centre.of(settings, books)
    with books.read() as tx:
        person = tx.sql.exec_driver_sql("SELECT user FROM job WHERE n = 8").scalar_one()
        asked = addresses(tx, settings, person)
    with books.write() as tx:
        for name in ("ada", person):
            ends = tx.now + timedelta(hours=1)
            web_sessions.begin(
                tx, f"of {name}", name, stage="full", mark="", proven=True, ends_at=ends
            )
    plans, answered = Plans(), set[str]()
    event.listen(Engine, "before_cursor_execute", plans.before)
    try:
        for name, who in (("ada", "staff"), (person, "person")):
            transport = httpx.ASGITransport(make_site(centre))
            cookies = {"printmesh": f"of {name}"}
            async with httpx.AsyncClient(
                transport=transport, base_url=ADDRESS, cookies=cookies
            ) as client:
                for each in asked:
                    if each.who == who:
                        await ask(client, each, plans, answered)
    finally:
        event.remove(Engine, "before_cursor_execute", plans.before)
        books.close()
    assert len(answered) > 100
    assert "\n".join(plans.scans.values()) == ""


async def ask(
    client: httpx.AsyncClient, address: Address, plans: Plans, answered: set[str]
) -> None:
    """Ask for a page, which is there."""
    plans.asking = address.path
    answer = await client.get(address.path)
    assert answer.status_code in {200, 303, 404}, address.path
    if answer.status_code == 200:
        answered.add(address.path)
