"""Roles in tests: what the centre wishes for, and what a site then says in its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.messages import (
    Charged,
    GaveBack,
    Message,
    Role,
    SetTerms,
    UncoveredCap,
)
from config.policy.decisions import Allowed, Denied
from config.policy.jobs import JobState
from edge.changing import Changing
from edge.printing.fake_spooler import PrinterBehaviour
from tests.unit.edge_lab import (
    CENT,
    Site,
    centre_says,
    said,
)

if TYPE_CHECKING:
    from uuid import UUID

    from config.ids import JobId

PRICE = 50 * CENT


def wish(
    site: Site,
    role: Role,
    *,
    number: int = 1,
    caps: tuple[int | None, int | None] | None = None,
    offline: int | None = None,
) -> None:
    """Let the centre wish for terms; caps of the site and of each account in EUR."""
    cap = (UncoveredCap(unit="EUR", site=caps[0], user=caps[1]),) if caps else ()
    centre_says(
        site.books, SetTerms(terms=number, role=role, uncovered=cap, offline_seconds=offline)
    )


def become(
    site: Site, role: Role, *, number: int = 1, caps: tuple[int | None, int | None] | None = None
) -> None:
    """Let the site take terms."""
    wish(site, role, number=number, caps=caps)
    changing = Changing(site.books, clock=site.clock)
    for _ in range(10):
        changing.step(0.0)
    assert site.books.terms.wish is None


def ledger(site: Site, kind: type[Message]) -> list[Message]:
    """Return the events of a kind in the ledger stream."""
    return [each for each in said(site.books, "ledger") if isinstance(each, kind)]


def postings(site: Site) -> list[tuple[str, int, str]]:
    """Return what was charged: account, micros, what covers it."""
    return [
        (each.account, each.micros, each.covered_by)
        for event in said(site.books, "ledger")
        if isinstance(event, Charged)
        for each in event.postings
    ]


def gave_back(site: Site) -> list[tuple[int, str, UUID | None]]:
    """Return what went back of itself."""
    events = said(site.books, "ledger")
    return [(each.micros, each.why, each.job) for each in events if isinstance(each, GaveBack)]


async def release(site: Site, job: JobId) -> Allowed | Denied:
    """Release a job of Ana's."""
    answer = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(answer, Allowed | Denied)
    return answer


def still_printing(site: Site) -> None:
    """Let printers not finish."""
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
