"""What one charge, refund or correction adds to which totals: a pure fold.

Each total is a cell: a view says by what it is kept, its key by which of them. Sums over one view
are sums over all, but for corrections, which no printer has, and accounts, of which only the
shared ones are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from central.figures.periods import Grain, first_day, span

if TYPE_CHECKING:
    from collections.abc import Iterable


class View(IntEnum):
    """By what totals are kept; beside it always by span, node and unit."""

    SITE = 1
    """Service."""
    ACCOUNT = 2
    """Shared account that paid, service."""
    PRINTER = 3
    """Printer, service."""
    COHORT = 4
    """Groups and department that the person was in then, service."""
    USER = 5
    """Person, and their groups then."""


#: Kinds of account that are one person's own: their totals are the person's.
PERSONAL: Final = frozenset({"user", "grant", "quota"})
#: A person's quota may be kept in two: `quota:ana.color` is ana's.
_HALVES: Final = (".color", ".mono")
#: Nobody whose groups are known.
NO_COHORT: Final = 0


class Cell(NamedTuple):
    """Which total."""

    view: int
    span: int
    key: str
    """Account, printer or person; empty where the view has none, or nobody."""
    node: str
    cohort: int
    service: str
    unit: str
    """Of its money. What was counted stands beside the money that was paid for it first."""


MEASURES: Final = (
    "jobs",
    "impressions",
    "color",
    "sheets",
    "two_sided",
    "charged",
    "refunded",
    "corrected",
)
_MONEY: Final = MEASURES.index("charged")
_NO_COUNTS: Final = (0,) * _MONEY
#: What is added to a total, in the order of MEASURES; money in micros of the cell's unit.
Sums: TypeAlias = "list[int]"
Cells: TypeAlias = "dict[Cell, Sums]"
#: (account, unit, micros).
Part: TypeAlias = "tuple[str, str, int]"


@dataclass(frozen=True, slots=True)
class Whose:
    """Where something was printed, by whom, and when."""

    day: int
    """The day's span."""
    node: str
    printer: str
    user: str
    """Empty: nobody."""
    cohort: int
    """The person's groups and department then."""
    service: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What came out."""

    jobs: int
    impressions: int
    color: int
    sheets: int
    two_sided: int
    """Sheets with something on both sides."""

    @classmethod
    def of(
        cls, jobs: int, impressions: int | None, color: int | None, sheets: int | None
    ) -> Counts:
        """Return the figures of a charge; what its source did not know counts as none.

        Blank backs are no impressions, so what exceeds one impression a sheet is on backs.
        """
        known = impressions is not None and sheets is not None
        backs = min(max((impressions or 0) - (sheets or 0), 0), sheets or 0) if known else 0
        return cls(jobs, impressions or 0, color or 0, sheets or 0, backs)


def charged(
    cells: Cells, whose: Whose, counts: Counts, paid: Iterable[Part], currency: str
) -> None:
    """Add a charge.

    Args:
        cells: added to.
        whose: where, by whom, when.
        counts: what came out.
        paid: by which accounts; none when it was free.
        currency: the books' own: what was counted stands beside it if it was paid in it, or free.
    """
    figures = (counts.jobs, counts.impressions, counts.color, counts.sheets, counts.two_sided)
    by_unit, by_account = _sums(paid)
    first = currency if currency in by_unit or not by_unit else next(iter(by_unit))
    for unit, micros in by_unit.items() or ((first, 0),):
        more = (*(figures if unit == first else _NO_COUNTS), micros, 0, 0)
        for cell in _cells(whose, unit):
            _add(cells, cell, more)
    for (account, unit), micros in by_account.items():
        if _is_shared(account):
            _add(cells, _of_account(whose, account, unit), (*figures, micros, 0, 0))


def refunded(cells: Cells, whose: Whose, back: Iterable[Part]) -> None:
    """Add what was given back, on the day that it was, to whoever the charge was."""
    by_unit, by_account = _sums(back)
    for unit, micros in by_unit.items():
        for cell in _cells(whose, unit):
            _add(cells, cell, (*_NO_COUNTS, 0, micros, 0))
    for (account, unit), micros in by_account.items():
        if _is_shared(account):
            _add(cells, _of_account(whose, account, unit), (*_NO_COUNTS, 0, micros, 0))


def corrected(cells: Cells, whose: Whose, account: str, unit: str, micros: int) -> None:
    """Add what an account was given by hand (negative: what was taken); no printer has it."""
    more = (*_NO_COUNTS, 0, 0, micros)
    for cell in _cells(whose, unit):
        if cell.view != View.PRINTER:
            _add(cells, cell, more)
    if _is_shared(account):
        _add(cells, _of_account(whose, account, unit), more)


def longer(cell: Cell) -> tuple[Cell, ...]:
    """Return the cells of the month, quarter and year that a day's cell is a part of."""
    day = first_day(cell.span)
    return tuple(
        cell._replace(span=span(day, grain)) for grain in (Grain.MONTH, Grain.QUARTER, Grain.YEAR)
    )


def person_of(account: str) -> str:
    """Return whose own account it is, empty for others."""
    kind, _, name = account.partition(":")
    if kind not in PERSONAL:
        return ""
    if kind == "quota" and name.endswith(_HALVES):
        name = name.rpartition(".")[0]
    return name.lower()


def _is_shared(account: str) -> bool:
    return not person_of(account)


def _sums(parts: Iterable[Part]) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    by_unit: dict[str, int] = {}
    by_account: dict[tuple[str, str], int] = {}
    for account, unit, micros in parts:
        by_unit[unit] = by_unit.get(unit, 0) + micros
        by_account[account, unit] = by_account.get((account, unit), 0) + micros
    return by_unit, by_account


def _cells(whose: Whose, unit: str) -> tuple[Cell, Cell, Cell, Cell]:
    day, node, service = whose.day, whose.node, whose.service
    return (
        Cell(View.SITE, day, "", node, NO_COHORT, service, unit),
        Cell(View.PRINTER, day, whose.printer, node, NO_COHORT, service, unit),
        Cell(View.COHORT, day, "", node, whose.cohort, service, unit),
        Cell(View.USER, day, whose.user, node, whose.cohort, "", unit),
    )


def _of_account(whose: Whose, account: str, unit: str) -> Cell:
    return Cell(View.ACCOUNT, whose.day, account, whose.node, NO_COHORT, whose.service, unit)


def _add(cells: Cells, cell: Cell, more: tuple[int, ...]) -> None:
    found = cells.get(cell)
    if found is None:
        cells[cell] = list(more)
        return
    for number, each in enumerate(more):
        if each:
            found[number] += each
