"""Every page there is at an address that has something to show, and lists with what they filter by.

The addresses come from the table of pages: a page that is added is asked for as well, once
something stands in the holes of its path here.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from sqlalchemy import Select, func, select

from central.rights import Right
from central.store import tables as at
from central.web.pages import every
from central.web.pages.table import checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from central.store.books import Transaction
    from config.settings import CentralSettings

#: Not asked for: what ends the session, what never ends, and what only exists after an act.
_LEFT_OUT: Final = frozenset(
    {
        "/sign-off",
        "/live",
        "/setup",
        "/second",
        "/people/:import/{id}",
        "/nodes/~aside/{id}",
        "/nodes/{node}/fork",
        "/me/asked/{id}",
        "/me/code/{id}",
        "/me/popup/{id}",
    }
)
_HOLE: Final = re.compile(r"\{(\w+)(?::path)?\}")
Asker = Literal["staff", "person"]


@dataclass(frozen=True, slots=True)
class Address:
    """Something to ask for."""

    name: str
    """For people: the page, and what of it."""
    path: str
    who: Asker
    searches: bool = False
    """It is the search for people, while somebody types."""


def addresses(tx: Transaction, settings: CentralSettings, person: str) -> list[Address]:
    """Return all there are.

    Args:
        tx: of the books that are asked.
        settings: which pages are served.
        person: whose own pages are asked for.
    """
    shown, mine = _samples(tx, None), _samples(tx, person)
    found = []
    for page in checked(every.pages(settings)):
        own = page.right is Right.OWN
        if page.path in _LEFT_OUT or "GET" not in page.methods:
            continue
        if (path := _filled(page.path, mine if own else shown)) is not None:
            found.append(Address(page.path, path, "person" if own else "staff"))
    found += [Address(_short(each), each, "staff") for each in _lists(tx, shown)]
    found += [Address(_short(each), each, "person") for each in _own_lists()]
    typed = ("a", "an", "ana", "be co", "jo ma", "xq", "mi.cor", "department")
    found += [Address("typing", f"/people/:find?q={quote(t)}", "staff", True) for t in typed]  # noqa: FBT003
    return found


def _short(path: str) -> str:
    return path if len(path) <= 60 else f"{path[:59]}…"


def _filled(path: str, samples: Mapping[str, str]) -> str | None:
    """Return an address with its holes filled; None where nothing fits: nothing is there."""
    holes = [each for each in _HOLE.findall(path) if not samples.get(_which(path, each))]
    if holes:
        return None
    return _HOLE.sub(lambda hole: quote(samples[_which(path, hole[1])], safe=":"), path)


def _which(path: str, hole: str) -> str:
    """Return the sample for a hole: what a word means depends on where it stands."""
    for start, name in _ELSEWISE.items():
        if path.startswith(start):
            return name.get(hole, hole)
    return hole


_ELSEWISE: Final[Mapping[str, Mapping[str, str]]] = {
    "/accounts/entries/": {"n": "entry"},
    "/accounts/of/": {"key": "account"},
    "/accounts/act/": {"key": "account", "act": "account-act"},
    "/nodes/": {"act": "node-act"},
    "/audit/": {"n": "act"},
    "/till/receipts/": {"number": "receipt"},
    "/till/sessions/": {"number": "session"},
    "/people/": {"key": "card"},
    "/me/cards/": {"key": "card"},
    "/me/jobs/{job}/delete": {"job": "held"},
}


def _samples(tx: Transaction, person: str | None) -> dict[str, str]:
    """Return one of each kind of thing, from the middle of the books, or of somebody's own."""
    middle = tx.sql.execute(select(func.max(at.job.c.n))).scalar_one() // 2
    mine = [] if person is None else [at.job.c.user == person]
    jobs = select(at.job).where(*mine, at.job.c.n <= middle, at.job.c.charge.is_not(None))
    job = tx.sql.execute(jobs.order_by(at.job.c.n.desc()).limit(1)).one()
    held = select(at.job.c.job).where(*mine, at.job.c.state == "pending-held")
    user = person or job.user
    entry = select(at.charge.c.entry).where(at.charge.c.charge == job.charge)
    found: dict[str, Any] = {
        "job": job.job,
        "held": _one(tx, held.order_by(at.job.c.n.desc())),
        "user": user,
        "node": job.node,
        "device": job.printer,
        "account": f"user:{user}",
        "account-act": "correct",
        "node-act": "enrol",
        "entry": _one(tx, entry),
        "act": _one(tx, select(func.max(at.audit.c.n))),
        "receipt": _one(tx, select(func.max(at.till_receipt.c.number))),
        "session": _one(tx, select(func.max(at.till_session.c.n))),
        "till": "desk",
        "request": _one(tx, select(at.refund_request.c.id)),
        "version": "1",
        "card": _one(tx, select(at.card_holder.c.card).where(at.card_holder.c.user == user)),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _one(tx: Transaction, query: Select[Any]) -> object:
    return tx.sql.execute(query.limit(1)).scalar()


def _lists(tx: Transaction, sample: Mapping[str, str]) -> Iterator[str]:
    """Yield lists with each of their filters, sorted each way, and in their middle."""
    newest = tx.sql.execute(select(func.max(at.job.c.n))).scalar_one()
    last = tx.sql.execute(select(at.job.c.received_at).where(at.job.c.n == newest)).scalar_one()
    day, month = last.date(), last.date() - timedelta(days=30)
    user, node, device = sample["user"], sample["node"], sample["device"]
    for state in ("completed", "pending-held", "processing", "canceled", "aborted"):
        yield f"/jobs?state={state}"
    for asked in (
        "state=flagged", "state=refused", "service=copy", "q=Thesis", "q=Nothing+like+it",
        f"user={user}", f"site={node}", f"printer={device}", f"since={day}", f"until={month}",
        f"since={month}&until={day}&q=Exam", "cost=0.50", "cost=500", f"user={user}&q=Plan",
        f"site={node}&state=aborted", f"site={node}&state=pending-held", f"site={node}&q=Form",
        f"printer={device}&state=canceled", f"after={_cursor(newest // 2)}",
        f"state=aborted&since={month}", "n=200",
    ):  # fmt: skip
        yield f"/jobs?{asked}"
    for asked in ("q=an", "kind=user", "kind=project", "state=frozen", "state=closed", f"q={user}"):
        yield f"/accounts?{asked}"
    for asked in (
        "q=an", "q=be+co", "group=everybody", "group=group+7", "department=department+3",
        "source=ldap%3Abench", "source=local", "state=disabled", "group=everybody&q=jo",
        "department=department+3&state=disabled",
    ):  # fmt: skip
        yield f"/people?{asked}"
    for asked in (
        "author=ada", f"person={user}", "act=card+add", "act=user", "act=staff",
        f"target=user%3A{user}", f"since={month}", f"until={month}", "author=root&act=card",
        f"since={month}&until={day}&author=ada",
    ):  # fmt: skip
        yield f"/audit?{asked}"
    for by in ("site", "printer", "user", "group", "department", "account", "service", "day"):
        yield f"/figures?by={by}&since={month - timedelta(days=650)}&until={day}"
        yield f"/figures?by={by}"
    yield f"/figures?by=user&site={node}"
    for asked in ("sort=state", "sort=-supplies", "q=floor+3", "state=hand", f"site={node}"):
        yield f"/printers?{asked}"
    yield from ("/?sort=-supplies", "/?state=hand", "/sites?sort=-waiting", "/sites?q=site-1")
    yield from ("/refunds?state=open", "/refunds?state=refunded", f"/refunds?user={user}")
    yield from ("/search?q=an", "/search?q=Thesis", f"/search?q={sample['job']}", "/search?q=lib")
    yield "/search/:find?q=li"


def _own_lists() -> Iterator[str]:
    for asked in ("q=Thesis", "state=pending-held", "state=canceled", "n=200"):
        yield f"/me/history?{asked}"


def _cursor(n: int) -> str:
    return urlsafe_b64encode(str(n).encode()).decode().rstrip("=")
