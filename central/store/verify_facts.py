"""Checking the totals of figures against what they were rolled up from, in little memory.

Each total is weighed by a number made of its key, and the weighed totals of a month are summed:
the sums of two lists are equal only if the totals are, whatever their order, but for a chance of
one in 2⁶⁰. So neither list is ever held whole.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from central.figures.folding import MEASURES, Cell, View, longer
from central.figures.periods import Grain, first_day, grain_of, span
from central.store import facts
from central.store.raw_facts import NOWHERE, RawFacts
from central.store.tables import charge, fact, fact_day, free_charge
from central.store.verify_charges import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from central.figures.folding import Cells
    from central.store.books import Transaction

#: Entries read at once.
_SLICE: Final = 2000
#: Odd, so that no measure hides behind another.
_WEIGHTS: Final = tuple(0x9E3779B97F4A7C15 * (2 * n + 1) | 1 for n in range(len(MEASURES)))
_MASK: Final = (1 << 61) - 1

#: (view, span of the month, of which grain) → weighed sum.
_Weighed = defaultdict[tuple[int, int, Grain], int]


def figures(tx: Transaction, progress: Callable[[int, int], None]) -> Iterator[Finding]:
    """Compare all totals with the ledger up to where they say they are; yield each difference.

    Args:
        tx: a reading transaction.
        progress: called with (entries read, entries in all).
    """
    yield from _all_found(tx)
    mark = facts.mark(tx)
    if mark.doomed:
        return  # they are being made anew: nobody is told anything by them
    raw: _Weighed = defaultdict(int)
    reader, place = RawFacts(tx, mark.zone), NOWHERE
    while place != mark.place:
        cells: Cells = {}
        place = reader.read(cells, place, mark.place, _SLICE)
        for cell, sums in cells.items():
            _weigh(raw, cell, Grain.DAY, sums)
        progress(place.entry, mark.place.entry)
    kept, expected = _kept(tx)
    for what in sorted(raw.keys() | {each for each in kept if each[2] is Grain.DAY}):
        if raw[what] != kept[what]:
            yield _finding(what, "the ledger says otherwise")
    for what in sorted(expected.keys() | {each for each in kept if each[2] is not Grain.DAY}):
        if expected[what] != kept[what]:
            yield _finding(what, "its days sum to something else")


def _all_found(tx: Transaction) -> Iterator[Finding]:
    """Check that each charge without an entry is noted once, in its place."""
    unnoted = (
        select(charge.c.charge)
        .outerjoin(free_charge, free_charge.c.reference == charge.c.charge)
        .where(charge.c.entry.is_(None), free_charge.c.n.is_(None))
    )
    for (id_,) in tx.sql.execute(unnoted):
        yield Finding("figures", id_, "a charge that cost nothing is in no figure")
    twice = (
        select(free_charge.c.reference)
        .group_by(free_charge.c.kind, free_charge.c.reference)
        .having(func.count() > 1)
    )
    for (id_,) in tx.sql.execute(twice):
        yield Finding("figures", id_, "a charge that cost nothing is in figures twice")


def _kept(tx: Transaction) -> tuple[_Weighed, _Weighed]:
    """Return what is kept, weighed; and what the longer spans should be, by the days."""
    closed: Mapping[int, int] = dict(
        tx.sql.execute(select(fact_day.c.day, fact_day.c.closed)).all()
    )
    kept: _Weighed = defaultdict(int)
    expected: _Weighed = defaultdict(int)
    columns = (*Cell._fields, *MEASURES)
    query = select(*(fact.c[name] for name in columns))
    # of this statement alone: options of a connection stay with it
    rows = tx.sql.execute(query, execution_options={"yield_per": _SLICE})
    for row in rows:
        cell, sums = Cell(*row[: len(Cell._fields)]), row[len(Cell._fields) :]
        grain = grain_of(cell.span)
        _weigh(kept, cell, grain, sums)
        if grain is Grain.DAY and cell.view <= closed.get(cell.span, 0):
            for each in longer(cell):
                _weigh(expected, each, grain_of(each.span), sums)
    return kept, expected


def _weigh(into: _Weighed, cell: Cell, grain: Grain, sums: Sequence[int]) -> None:
    weighed = sum(weight * value for weight, value in zip(_WEIGHTS, sums, strict=True))
    is_day = grain is Grain.DAY
    at = cell.view, span(first_day(cell.span), Grain.MONTH) if is_day else cell.span, grain
    into[at] = (into[at] + (hash(cell) | 1) * weighed) & _MASK


def _finding(what: tuple[int, int, Grain], detail: str) -> Finding:
    view, month, grain = what
    day = first_day(month)
    when = {
        Grain.DAY: f"the days of {day:%Y-%m}",
        Grain.MONTH: f"{day:%Y-%m}",
        Grain.QUARTER: f"{day.year} quarter {(day.month + 2) // 3}",
        Grain.YEAR: f"{day.year}",
    }[grain]
    of = View(view).name.lower()
    return Finding("figures", f"{when} by {of}", f"{detail}; `figures rebuild` makes them anew")
