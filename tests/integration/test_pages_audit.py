"""The pages of the audit: found, shown with before and after, checked, handed out; for few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from central.acts import rules as acts
from central.acts.by import By
from tests.integration.pages_lab import PERSON, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Lab

pytestmark = pytest.mark.sqlite_only("what the audit keeps is tested where it is kept")


def priced(path: Path, *, author: str = "web:eva") -> Lab:
    """Return books in which somebody has set prices twice."""
    lab = open_lab(path)
    for micros in (30_000, 40_000):
        with lab.books.write() as tx:
            given = {"lines": [{"per_impression": micros}]}
            acts.set_tariff(tx, By(author, "10.0.0.7"), given)
    return lab


async def test_acts_are_found_and_shown_with_what_was_before(tmp_path: Path) -> None:
    """By who did it and what it was; the price before and after stand line by line."""
    lab = priced(tmp_path)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/audit?author=eva&act=tariff")
        assert axel.page.count("10.0.0.7") == 2
        assert "at these pages" in axel.text()
        with lab.books.read() as tx:
            query = "SELECT max(n) FROM audit WHERE act = 'tariff set'"
            newest = tx.sql.exec_driver_sql(query).scalar_one()
        await axel.get(f"/audit/{newest}")
        assert "<del>" in axel.page
        assert "30000" in axel.text()
        assert "40000" in axel.text()
        answer = await axel.get("/audit?author=eva&as=csv")
        assert answer.text.count("tariff set") == 2
        assert "per_impression" in answer.text


async def test_a_chain_that_was_changed_from_outside_shows(tmp_path: Path) -> None:
    """It holds as it is; one word changed in the database and it does not."""
    lab = priced(tmp_path)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/audit/~chain")
        assert "The chain holds" in axel.text()
        with lab.books.write() as tx:
            for trigger in tx.sql.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
            ).scalars().all():  # fmt: skip
                tx.sql.exec_driver_sql(f"DROP TRIGGER {trigger}")
            tx.sql.exec_driver_sql("UPDATE audit SET author = 'web:ada' WHERE author = 'web:eva'")
        await axel.get("/audit/~chain")
        assert "The chain does not hold" in axel.text()


async def test_a_long_chain_is_checked_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many acts at once; the page leads on by itself until all were hashed again."""
    monkeypatch.setattr("central.web.pages.routes_audit._AT_ONCE", 3)
    lab = priced(tmp_path)
    async with signed_in(lab, "axel") as axel:
        answer = await axel.get("/audit/~chain")
        assert "The chain holds up to act 3" in axel.text()
        asked = 0
        while "refresh" in answer.headers and asked < 50:
            answer = await axel.get(answer.headers["refresh"].partition("url=")[2])
            asked += 1
        assert asked
        assert "The chain holds: all" in axel.text()
        assert (await axel.get("/audit/~chain?after=-1")).status_code == 200


async def test_the_audit_is_for_administrators_and_auditors(tmp_path: Path) -> None:
    """Nobody of a site, of the desk, or without a role reads it."""
    lab = priced(tmp_path)
    for name in ("sam", "olga", PERSON):
        async with signed_in(lab, name) as other:
            for path in ("/audit", "/audit/1", "/audit/~chain", "/audit?as=csv"):
                assert (await other.get(path)).status_code in {303, 403}


async def test_hostile_words_in_the_audit_stay_words(tmp_path: Path) -> None:
    """What was written down is shown as text; addresses that mean nothing are answered."""
    lab = priced(tmp_path, author="web:<script>alert(1)</script>")
    async with signed_in(lab, "axel") as axel:
        await axel.get("/audit")
        assert "<script>alert" not in axel.page
        for number in ("0", "9" * 30, "-1", "x", "%00", "\u0661"):
            assert (await axel.get(f"/audit/{number}")).status_code == 404
        for query in ("since=x&until=9999-12-31", "after=OTk5&act=%00", "after=!", "author='--"):
            assert (await axel.get(f"/audit?{query}")).status_code == 200
