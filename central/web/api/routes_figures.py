"""Figures: pages, sheets, shares and money over time, from totals."""

from __future__ import annotations

from datetime import date  # noqa: TC003  pydantic reads it at run time
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from central.figures.asking import Ask, By, NotKept, Where
from central.figures.periods import LONGEST, Period
from central.rights import Right
from central.store import figures_of
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.table import Call, Example, Route
from central.web.paging import TEXT, Asked
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time
from config.policy.money import Unit  # noqa: TC001  the same

if TYPE_CHECKING:
    from central.figures import asking
    from central.store.books import Transaction

_Word = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=TEXT)]
_OLDEST: Final = 1900
_NEWEST: Final = 9000
_MOST_SKIPPED: Final = 1_000_000


class FiguresAsked(Asked):
    """Which figures."""

    since: date
    """The first day, by the organisation's clock."""
    until: date
    """The last day."""
    by: By | None = None
    """Of what each line is; left out: the sum only."""
    node: NodeId | None = None
    """Of one site, by its edge."""
    printer: NodeId | None = None
    """Of one printer."""
    user: _Word | None = None
    """Of one person."""
    group: _Word | None = None
    """Of the people who were in a group then."""
    department: _Word | None = None
    """Of the people who were of a department then."""
    account: _Word | None = None
    """What a shared account paid."""
    service: Literal["print", "copy"] | None = None
    """Printed, or copied."""
    order: Literal["impressions", "jobs", "color", "sheets", "two_sided", "charged", "name"] = (
        "impressions"
    )
    """What comes first; lines in time are in their order."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    """How many lines at most."""
    skip: Annotated[int, Field(ge=0, le=_MOST_SKIPPED)] = 0
    """Lines of the pages before."""

    @model_validator(mode="after")
    def _are_days(self) -> Self:
        if not _OLDEST <= self.since.year <= self.until.year <= _NEWEST:
            raise ValueError(f"since and until are days after {_OLDEST}, in that order")
        if self.until < self.since or self.until - self.since > LONGEST:
            raise ValueError(f"since and until are in that order, and {LONGEST.days} days at most")
        return self


class MoneyOf(Answer):
    """What was paid in one unit, in micros."""

    charged: int
    """For what was printed and copied."""
    refunded: int
    """Given back of it."""
    corrected: int
    """Given to accounts by hand; negative: taken."""


class Sums(Answer):
    """What was printed and copied, and what was paid for it."""

    jobs: int
    """How many."""
    impressions: int
    """Sides with marks."""
    color: int
    """Of these, in colour."""
    sheets: int
    """Media sheets."""
    two_sided: int
    """Of these, with something on both sides."""
    money: dict[Unit, MoneyOf]
    """By unit."""


class FiguresLine(Answer):
    """One line."""

    key: str
    """What it is of, as filters have it; of time its first day. Empty: nobody."""
    label: str
    """What people read; empty: as the key."""
    sums: Sums
    """Its figures."""


class Figures(Answer):
    """An answer."""

    items: tuple[FiguresLine, ...]
    """Lines, in the order asked for."""
    more: bool
    """There are lines behind these: `skip` them."""
    total: Sums
    """Of all that was asked for."""
    zone: str
    """Whose days these are."""
    upto: AwareDatetime | None
    """When the totals last grew; null: never."""
    behind: int
    """Entries of the ledger that are not in them yet."""


def show(tx: Transaction, call: Call[None, FiguresAsked]) -> Figures | Refused:
    """Answer a question about what was printed and copied, and what it cost."""
    asked, sites = call.asked, call.sites
    nodes = None if sites is None else tuple(sorted(sites))
    if asked.node is not None:
        nodes = (asked.node,) if call.reaches(asked.node) else ()
    where = Where(
        nodes,
        asked.printer,
        None if asked.user is None else asked.user.lower(),
        asked.group,
        asked.department,
        asked.account,
        asked.service,
    )
    ask = Ask(
        Period(asked.since, asked.until),
        asked.by,
        where,
        asked.order,
        asked.limit,
        asked.skip,
        compare=False,
    )
    found = figures_of.figures_of(tx, ask)
    if isinstance(found, NotKept):
        return Refused(found.reason)
    return Figures(
        items=tuple(
            FiguresLine(key=each.key, label=each.label, sums=_sums(each.figures))
            for each in found.lines
        ),
        more=found.more,
        total=_sums(found.total),
        zone=found.zone,
        upto=found.upto,
        behind=found.behind,
    )


def _sums(found: asking.Figures) -> Sums:
    return Sums(
        jobs=found.jobs,
        impressions=found.impressions,
        color=found.color,
        sheets=found.sheets,
        two_sided=found.two_sided,
        money={
            unit: MoneyOf(charged=each.charged, refunded=each.refunded, corrected=each.corrected)
            for unit, each in found.money.items()
        },
    )


_SUMS: Final = {
    "jobs": 12,
    "impressions": 96,
    "color": 8,
    "sheets": 50,
    "two_sided": 46,
    "money": {"EUR": {"charged": 6_000_000, "refunded": 0, "corrected": 0}},
}
_FIGURES: Final = {
    "items": [{"key": "ana", "label": "Ana", "sums": _SUMS}],
    "more": False,
    "total": _SUMS,
    "zone": "Europe/Madrid",
    "upto": "2026-11-22T08:00:09Z",
    "behind": 0,
}

ROUTES: Final = (
    Route(
        method="GET",
        path="/figures",
        right=Right.SEE_FIGURES,
        do=show,
        asks=FiguresAsked,
        gives=Figures,
        example=Example(
            _FIGURES, asked={"since": "2026-11-01", "until": "2026-11-30", "by": "user"}
        ),
    ),
)
