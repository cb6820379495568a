"""Promise: at the machine people see, change and price their job; what they chose comes out."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any
from uuid import UUID

from broker.messages import (
    JobChanges,
    Person,
    PreviewRequest,
    QuoteAnswer,
    QuoteRequest,
    ReleaseRequest,
)
from demo import documents

if TYPE_CHECKING:
    from demo.lab import Lab

PRINTER = "north-1"


async def test_seen_quoted_changed_and_paid_like_that(fleet: Lab) -> None:
    """Page one as a picture, a price for two pages, two pages on paper, that price charged."""
    north = fleet.sites["north"]
    path = documents.pdf(fleet.root / "changed.pdf", 5, colour=(4,))
    await north.print(path, user="ana", title="changed-000")
    row = await north.job("changed-000", "held")
    where: dict[str, Any] = {"job": UUID(row["job"]), "person": Person(user="ana")}
    seen = await north.ask("preview", PreviewRequest, **where)
    assert b64decode(seen.data["image"]).startswith(b"\x89PNG")
    assert seen.data["pages"] == 5
    wanted = JobChanges(page_ranges=((4, 5),), copies=2)
    quoted = await north.ask("quote", QuoteRequest, **where, printer=PRINTER, changes=wanted)
    quote = QuoteAnswer.model_validate(quoted.data)
    assert (quote.allowed, quote.impressions, quote.color_impressions) == (True, 4, 2)
    released = await north.ask("release", ReleaseRequest, **where, printer=PRINTER, changes=wanted)
    assert released.status == "ok"
    row = await north.job("changed-000", "settled")
    assert row["changed"] == {"copies": "2", "page-ranges": "4-5"}
    assert [each["micros"] for each in row["charged"]] == [each.micros for each in quote.price]
    kept = [each for each in north.printers[PRINTER].kept() if each.name.startswith("changed-000")]
    assert [each.impressions for each in kept] == [4]
    gone = await north.ask("preview", PreviewRequest, **where)
    assert gone.problem is not None
    assert gone.problem.code == "no-preview"
