"""The columns of figures: those of the page's list, and those of its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.web.export import Kind
from central.web.pages import figure_views
from central.web.pages.figure_views import paid
from central.web.pages.lists import Cell, Column
from central.web.pages.sentences import mark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from central.figures.asking import Line
    from central.web.export import Value
    from central.web.pages.visit import Visit
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class Row:
    """A line with its name."""

    line: Line
    name: str
    href: str


def _number(key: str, label: str, *, wide: bool = False) -> Column[Row]:
    def show(row: Row, visit: Visit) -> Cell:
        now = int(getattr(row.line.figures, key))
        before = 0 if row.line.before is None else int(getattr(row.line.before, key))
        note = figure_views.change(visit, now, before) if key == "impressions" else ""
        return Cell(visit.words.number(now), note)

    def plain(row: Row) -> Value:
        return int(getattr(row.line.figures, key))

    return Column[Row](key, label, show, plain, kind=Kind.NUMBER, number=True, sort=True, wide=wide)


def _share(key: str, label: str, of: str) -> Column[Row]:
    def show(row: Row, visit: Visit) -> Cell:
        return Cell(figure_views.share(visit, getattr(row.line.figures, of)))

    def plain(row: Row) -> Value:
        found: float | None = getattr(row.line.figures, of)
        return found

    return Column[Row](key, label, show, plain, kind=Kind.SHARE, number=True, sort=True, wide=True)


COLUMNS: Final = (
    Column[Row](
        "name",
        mark("Of"),
        lambda row, _: Cell(row.name, row.line.key if row.line.label else ""),
        lambda row: row.name,
        sort=True,
    ),
    _number("impressions", mark("Pages")),
    _number("jobs", mark("Jobs"), wide=True),
    _number("sheets", mark("Sheets"), wide=True),
    _share("color", mark("In colour"), "color_share"),
    _share("two_sided", mark("Two-sided"), "two_sided_share"),
    Column[Row](
        "charged",
        mark("Paid"),
        lambda row, visit: Cell(figure_views.moneys(visit, row.line.figures)),
        lambda row: " + ".join(map(str, figure_views.cost(row.line.figures))),
        number=True,
        sort=True,
    ),
)
_KEY: Final = Column[Row](
    "key", mark("Key"), lambda row, _: Cell(row.line.key), lambda row: row.line.key
)
_COLOR: Final = _number("color", mark("Pages in colour"))
_TWO_SIDED: Final = _number("two_sided", mark("Two-sided sheets"))


def _in_unit(visit: Visit, unit: Unit, what: str, label: str) -> Column[Row]:
    """Return a column of files: money in one unit, which stands in its head."""

    def plain(row: Row) -> Value:
        return int(getattr(paid(row.line.figures, unit), what))

    return Column[Row](
        f"{what}-{unit}", f"{visit.say(label)}, {unit}", _nothing, plain, kind=Kind.MICROS
    )


def _nothing(_row: Row, _visit: Visit) -> Cell:
    return Cell()


def of_file(visit: Visit, units: Iterable[Unit]) -> tuple[Column[Row], ...]:
    """Return the columns of a file: with keys, with counts for shares, money apart by unit."""
    money = (
        _in_unit(visit, unit, what, label)
        for unit in units
        for what, label in (
            ("charged", mark("Charged")),
            ("refunded", mark("Given back")),
            ("cost", mark("Paid")),
        )
    )
    return (COLUMNS[0], _KEY, *COLUMNS[1:4], _COLOR, _TWO_SIDED, *COLUMNS[4:6], *money)
