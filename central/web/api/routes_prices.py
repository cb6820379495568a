"""Prices: those in force, those that were, and those to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field

from central.acts import rules as acts
from central.rights import Right
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.table import Call, Example, Given, Route
from central.web.paging import Asked, NumberPage, Page, page_of, paged
from central.web.problems import NotFound
from config.policy.money import Unit  # noqa: TC001  pydantic reads it at run time
from config.policy.tariffs import TariffLine

if TYPE_CHECKING:
    from central.acts.rules import Priced
    from central.store.books import Transaction

_Lines = Annotated[tuple[TariffLine, ...], Field(min_length=1, max_length=1000)]


class Prices(Answer):
    """A tariff, and when it prices jobs."""

    version: int
    """Charges name it."""
    unit: Unit
    """What the prices are in."""
    effective_from: AwareDatetime
    """In force from then on."""
    until: AwareDatetime | None
    """Until then; null: no other is known."""
    state: Literal["past", "now", "future", "never"]
    """never: another one came into force at the same moment."""
    author: str
    """Who entered it, as far as the audit still tells."""
    entered_at: AwareDatetime | None
    """When."""
    lines: tuple[TariffLine, ...]
    """What each side and sheet costs; of those that apply, what names most wins."""


class NewPrices(Given):
    """Prices to be entered."""

    lines: _Lines
    """What each side and sheet costs."""
    effective_from: AwareDatetime | None = None
    """In force from then on; null: from now."""
    unit: Unit | None = None
    """Null: the currency of the books."""


def every(tx: Transaction, call: Call[None, NumberPage]) -> Page[Prices]:
    """List tariffs by version."""
    page = call.asked
    rows = sorted(
        (each for each in acts.tariffs(tx) if each.tariff.version > page.after),
        key=lambda each: each.tariff.version,
    )
    return page_of(rows, page.limit, show=_shown, key=lambda each: each.tariff.version)


def one(tx: Transaction, call: Call[None, Asked]) -> Prices:
    """Show one tariff."""
    return _shown(_known(tx, call.path["version"]))


def enter(tx: Transaction, call: Call[NewPrices, Asked]) -> Prices | Refused:
    """Enter prices, in force from now on or from a moment to come."""
    given: dict[str, Any] = {
        key: value for key, value in dict(call.body).items() if value is not None
    }
    done = acts.set_tariff(tx, call.by, given)
    return done if isinstance(done, Refused) else _shown(_known(tx, done.version))


def withdraw(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Take prices back that are not in force yet."""
    version = _known(tx, call.path["version"]).tariff.version
    done = acts.withdraw_tariff(tx, call.by, version)
    return done if isinstance(done, Refused) else None


def _known(tx: Transaction, version: int) -> Priced:
    for each in acts.tariffs(tx):
        if each.tariff.version == version:
            return each
    raise NotFound(f"There is no tariff {version}; /api/v1/tariffs lists all.")


def _shown(row: Priced) -> Prices:
    tariff = row.tariff
    return Prices(
        version=tariff.version,
        unit=tariff.unit,
        effective_from=tariff.effective_from,
        until=row.until,
        state=row.state,
        author=row.author,
        entered_at=row.entered_at,
        lines=tariff.lines,
    )


_LINES: Final = [
    {"color": "monochrome", "per_impression": 50_000},
    {"color": "color", "per_impression": 200_000},
]
_WHOLE: Final = {"service": "*", "media": "*", "sides": "*", "printer": "*", "per_sheet": 0}
_PRICES: Final = {
    "version": 3,
    "unit": "EUR",
    "effective_from": "2026-11-22T08:00:00Z",
    "until": None,
    "state": "now",
    "author": "api:till-1",
    "entered_at": "2026-11-22T08:00:00Z",
    "lines": [{**_WHOLE, **line} for line in _LINES],
}
_ONE: Final = "/tariffs/{version}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/tariffs",
        right=Right.SEE_RULES,
        do=every,
        asks=NumberPage,
        gives=paged(Prices),
        example=Example({"items": [_PRICES], "next": None}),
    ),
    Route(
        method="POST",
        path="/tariffs",
        right=Right.CHANGE_RULES,
        do=enter,
        takes=NewPrices,
        gives=Prices,
        status=201,
        example=Example(_PRICES, {"lines": _LINES}),
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.SEE_RULES,
        do=one,
        gives=Prices,
        example=Example(_PRICES),
    ),
    Route(method="DELETE", path=_ONE, right=Right.CHANGE_RULES, do=withdraw),
)
