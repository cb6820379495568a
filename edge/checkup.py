"""How this edge is: what `status` and `verify` answer, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.branch import RETIRING
from edge.store.books import DOWN, UP
from edge.store.holds import held_wrongly
from edge.store.verify import verify

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from broker.messages import DirectoryCursor
    from edge.store.books import Books
    from edge.store.refusals import Refusals
    from edge.terms import Terms
    from edge.uplink import Uplink


def site_status(
    site: str,
    uplink: Uplink,
    directory: DirectoryCursor | None,
    books: Books,
    refusals: Refusals,
    alone_for: timedelta,
) -> dict[str, Any]:
    """Return everything that `status` tells of a site; see the parts."""
    return {
        "site": site,
        **line_status(uplink, directory),
        **books_status(books, alone_for),
        "rejected": refusals.rejected(),
        "quarantined": refusals.quarantined(),
    }


def books_status(books: Books, alone_for: timedelta) -> dict[str, Any]:
    """Return what the books say: role, terms, jobs, money, what is owed, streams.

    Args:
        books: of this edge.
        alone_for: for how long the centre has not been heard.
    """
    money, accounts = books.money()
    terms, wish = books.terms.taken, books.terms.wish
    return {
        "role": terms.name,
        "terms": terms_status(terms),
        "terms_wished": terms_status(wish) if wish else None,
        "unheard_seconds": int(alone_for.total_seconds()),
        "jobs": books.count_jobs(),
        "money": money,
        "accounts": accounts,
        "owed": books.till.owed_by_unit(),
        "retiring": books.note(RETIRING) is not None,
        "streams": {name: books.head(name).seq for name in (*UP, DOWN)},
        "incarnation": str(books.incarnation),
    }


def line_status(uplink: Uplink, directory: DirectoryCursor | None) -> dict[str, Any]:
    """Return how the line to the centre is, and how far the directory goes."""
    return {
        "node": uplink.node,
        "linked": uplink.linked,
        "since": uplink.since.isoformat(timespec="seconds"),
        "waiting": uplink.waiting,
        "directory": directory.n if directory else None,
    }


def terms_status(terms: Terms) -> dict[str, Any]:
    """Return terms as `status` shows them; amounts in micros, none without limit."""
    return {
        "number": terms.number,
        "role": terms.name,
        "uncovered": [each.model_dump() for each in terms.uncovered],
        "offline_seconds": terms.offline_seconds,
    }


def verified(data: Path) -> dict[str, Any]:
    """Re-fold the journal in an edge's data directory, reading only.

    Returns:
        records, events, rows per table, heads, problems, and whether it holds.
    """
    found = verify(data / "journal")
    problems = [*found.problems, *held_wrongly(data / "journal")]
    return {
        "holds": not problems,
        "records": found.records,
        "events": found.events,
        "rows": found.rows,
        "heads": {name: place.model_dump() for name, place in found.heads.items()},
        "problems": problems,
    }
