"""Rolling the books up into totals: behind a mark that moves in the transaction that adds.

So nothing is added twice and nothing left out, whatever breaks off between two slices. Taking
events in does nothing for it (but for charges that cost nothing, which have no entry to be found
by): the coordinator rolls up when it has nothing better to do, and a twentieth of its time at most
when it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from central.figures.folding import MEASURES, Cell, View, longer
from central.figures.periods import Days, Grain, first_day, span
from central.store.bulk import insert_rows, run_rows
from central.store.raw_facts import NOWHERE, Place, RawFacts
from central.store.tables import entry, fact, fact_day, fact_mark, free_charge, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from central.figures.folding import Cells
    from central.store.books import Books, Transaction

#: Until somebody says whose days these are.
UTC: Final = "UTC"
#: Entries in one transaction: some tens of milliseconds.
SLICE: Final = 1000
#: A day waits so long before it is added to its month: most of what is late comes by then, and
#: what comes later costs three more rows each.
_SETTLES: Final = timedelta(days=2)
_KEYS: Final = Cell._fields
#: The names that the values of a row have in a statement: those of columns are SQLAlchemy's.
_GIVEN: Final = tuple(f"{name}_" for name in (*_KEYS, *MEASURES))
_LAST_VIEW: Final = max(View)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the books are rolled up."""

    zone: str
    """Whose days the totals are of."""
    place: Place
    """What is in them."""
    end: Place
    """What there is."""
    doomed: bool
    """What was there is being removed, to be made anew."""
    at: datetime | None
    """When they last grew; none: never."""

    @property
    def behind(self) -> int:
        """How many entries are not in the totals yet."""
        return self.end.entry - self.place.entry + self.end.free - self.place.free


@dataclass(frozen=True, slots=True)
class Rolled:
    """What one step did."""

    more: bool
    """There is more to do."""
    cells: int = 0
    """Totals that it touched."""


def free(tx: Transaction, kind: str, references: Sequence[str]) -> None:
    """Note what was booked without an entry, that it is not overlooked."""
    if references:
        last = tx.sql.execute(select(func.max(free_charge.c.n))).scalar() or 0
        at = instant(tx.now)
        rows = [(n, kind, each, at) for n, each in enumerate(references, last + 1)]
        insert_rows(tx, free_charge, ("n", "kind", "reference", "at"), rows)


def mark(tx: Transaction) -> Mark:
    """Return how far the books are rolled up."""
    entries, without = tx.sql.execute(_END).one()
    end = Place(entries or 0, without or 0)
    row = tx.sql.execute(_MARK).one_or_none()
    if row is None:
        return Mark(UTC, NOWHERE, end, doomed=False, at=None)
    return Mark(row.zone, Place(row.entry, row.free), end, doomed=row.doomed, at=row.at)


def pending(tx: Transaction) -> bool:
    """Say whether there is something to do."""
    now = mark(tx)
    return now.doomed or now.behind > 0 or _to_close(tx, now) is not None


def step(tx: Transaction, most: int = SLICE) -> Rolled:
    """Do one slice of what is due, in a writing transaction; small enough to hold nobody up."""
    now = mark(tx)
    if now.doomed:
        return _clear(tx)
    cells = _roll(tx, now, most) if now.behind else 0
    if now.behind > most:
        return Rolled(more=True, cells=cells)
    # not only when nothing is left to roll up: where events never cease that is never
    due = _to_close(tx, mark(tx))
    if due is None:
        return Rolled(more=False, cells=cells)
    _close(tx, *due)
    return Rolled(more=True, cells=cells)


def begin_anew(tx: Transaction, zone: str | None = None) -> None:
    """Have all totals made anew, by the days of another zone if one is given."""
    now = mark(tx)
    values = {"zone": zone or now.zone, "entry": 0, "free": 0, "doomed": True, "at": tx.now}
    _set_mark(tx, values)
    tx.sql.execute(delete(fact_day))


def catch_up(books: Books, progress: Callable[[int, int], None]) -> None:
    """Roll up all there is, in slices, beside whoever works with the books.

    Args:
        books: theirs.
        progress: called with entries that are in the totals, and all of them.
    """
    more = True
    while more:
        with books.write() as tx:
            more = step(tx).more
        with books.read() as tx:
            now = mark(tx)
        progress(now.place.entry + now.place.free, now.end.entry + now.end.free)


def open_days(tx: Transaction, view: View) -> list[date]:
    """Return the days whose totals of a view stand in no longer span yet."""
    days = select(fact_day.c.day).where(fact_day.c.closed < int(view))
    return [first_day(day) for day in tx.sql.execute(days).scalars()]


def _roll(tx: Transaction, now: Mark, most: int) -> int:
    """Add what stands behind the mark, at most so many entries; return how many totals grew."""
    cells: Cells = {}
    reached = RawFacts(tx, now.zone).read(cells, now.place, now.end, most)
    closed = _closed(tx, {cell.span for cell in cells})
    for cell in [cell for cell in cells if cell.view <= closed[cell.span]]:
        for each in longer(cell):
            before = cells.get(each)
            more = cells[cell]
            cells[each] = more if before is None else list(map(sum, zip(before, more, strict=True)))
    _add(tx, cells)
    values = {"entry": reached.entry, "free": reached.free, "at": tx.now}
    _set_mark(tx, {"zone": now.zone, "doomed": False, **values})
    return len(cells)


def _closed(tx: Transaction, days: set[int]) -> dict[int, int]:
    """Return up to which view days are closed; those that are new are entered as open."""
    known: dict[int, int] = {}
    listed = sorted(days)
    for first in range(0, len(listed), SLICE):
        some = fact_day.c.day.in_(listed[first : first + SLICE])
        rows = tx.sql.execute(select(fact_day.c.day, fact_day.c.closed).where(some))
        known |= dict(rows.all())
    insert_rows(tx, fact_day, ("day", "closed"), [(d, 0) for d in listed if d not in known])
    return dict.fromkeys(days, 0) | known


def _add(tx: Transaction, cells: Cells) -> None:
    # in the order of the table: neighbours are on the same page
    rows = [(*cell, *cells[cell]) for cell in sorted(cells)]
    run_rows(tx, _adding(tx.sql.dialect.name), _GIVEN, rows)


def _to_close(tx: Transaction, now: Mark) -> tuple[date, View] | None:
    """Return the oldest day that may be added to its month, and the view that is next."""
    if now.at is None:
        return None
    youngest = Days(ZoneInfo(now.zone)).today(tx.now) - _SETTLES
    row = tx.sql.execute(_OPEN, {"upto": span(youngest, Grain.DAY)}).one_or_none()
    return None if row is None else (first_day(row.day), View(row.closed + 1))


def _close(tx: Transaction, day: date, view: View) -> None:
    """Add a day's totals of one view to those of its month, quarter and year."""
    ours, statement = span(day, Grain.DAY), _closing(tx.sql.dialect.name)
    for grain in (Grain.MONTH, Grain.QUARTER, Grain.YEAR):
        into = {"into": span(day, grain), "of": int(view), "ours": ours}
        tx.sql.execute(statement, into)
    tx.sql.execute(update(fact_day).where(fact_day.c.day == ours).values(closed=int(view)))


def _clear(tx: Transaction) -> Rolled:
    """Remove one span of one view; when none is left the totals begin anew."""
    row = tx.sql.execute(
        select(fact.c.view, fact.c.span).order_by(fact.c.view, fact.c.span).limit(1)
    ).one_or_none()
    if row is None:
        tx.sql.execute(update(fact_mark).values(doomed=False))
    else:
        tx.sql.execute(delete(fact).where(fact.c.view == row.view, fact.c.span == row.span))
    return Rolled(more=True)


# statements that do not change are made once: making one takes longer than running it
_END: Final = select(
    select(func.max(entry.c.n)).scalar_subquery(),
    select(func.max(free_charge.c.n)).scalar_subquery(),
)
_MARK: Final = select(fact_mark)
_OPEN: Final = (
    select(fact_day.c.day, fact_day.c.closed)
    .where(fact_day.c.closed < int(_LAST_VIEW), fact_day.c.day <= bindparam("upto"))
    .order_by(fact_day.c.day)
    .limit(1)
)


def _set_mark(tx: Transaction, values: dict[str, Any]) -> None:
    if not tx.sql.execute(update(fact_mark).values(**values)).rowcount:
        tx.sql.execute(insert(fact_mark).values(id=1, **values))


@cache
def _closing(dialect: str) -> Any:  # noqa: ANN401  either database's own insert
    """Return the statement that adds a day's totals of a view to those of a longer span."""
    columns = [
        bindparam("into", type_=Integer) if name == "span" else fact.c[name]
        for name in (*_KEYS, *MEASURES)
    ]
    which = fact.c.view == bindparam("of"), fact.c.span == bindparam("ours")
    return _upsert(dialect, select(*columns).where(*which))


@cache
def _adding(dialect: str) -> Any:  # noqa: ANN401  either database's own insert
    """Return the statement that adds one row to its total."""
    return _upsert(dialect, None)


def _upsert(dialect: str, rows: Any) -> Any:  # noqa: ANN401  as above
    kind: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    names = (*_KEYS, *MEASURES)
    if rows is None:
        into = kind(fact).values({name: bindparam(f"{name}_") for name in names})
    else:
        into = kind(fact).from_select(names, rows)
    return into.on_conflict_do_update(
        index_elements=[fact.c[name] for name in _KEYS],
        set_={name: fact.c[name] + into.excluded[name] for name in MEASURES},
    )
