"""Lists as files: CSV and XLSX, row by row, so that any number of rows takes little room.

A cell that a spreadsheet would take for a formula is written so that it is read as text: what
people call their documents must not run on the desk of who looks at the list.
"""

from __future__ import annotations

import csv
import re
import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import xlsxwriter

from config.policy.money import UNIT_MICROS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

#: What a cell may hold; none is an empty cell.
Value: TypeAlias = "str | int | float | bool | date | datetime | None"
Row: TypeAlias = "Sequence[Value]"


class Kind(Enum):
    """How a column is read."""

    TEXT = "text"
    NUMBER = "number"
    MICROS = "micros"
    """Whole millionths of a unit, written as the unit's amount; the unit belongs in the title."""
    SHARE = "share"
    """0 to 1, written as percent where that can be said."""
    MOMENT = "moment"
    """An aware datetime."""
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list."""

    title: str
    """With the unit, if its figures have one."""
    kind: Kind = Kind.TEXT
    width: int = 0
    """In characters, for sheets; 0: as its kind."""


#: Spreadsheets take cells that begin so for formulas; the wide ones as well, in some languages.
#: (OWASP, CSV Injection.)
_FORMULA: Final = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
#: No XML can hold these (XML 1.0 §2.2).
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: Byte order mark: without it some spreadsheets take UTF-8 for something older.
_MARK: Final = b"\xef\xbb\xbf"
#: Bytes handed on at once.
_PIECE: Final = 64 * 1024
#: Rows and characters that a sheet and a cell can hold (Excel's limits).
_ROWS: Final = 1_048_576
_CHARACTERS: Final = 32_767
_WIDTHS: Final = {
    Kind.TEXT: 24,
    Kind.NUMBER: 12,
    Kind.MICROS: 14,
    Kind.SHARE: 10,
    Kind.MOMENT: 20,
    Kind.DAY: 12,
}
_FORMATS: Final = {
    Kind.NUMBER: "#,##0",
    Kind.MICROS: "#,##0.00####",
    Kind.SHARE: "0.0%",
    Kind.MOMENT: "yyyy-mm-dd hh:mm:ss",
    Kind.DAY: "yyyy-mm-dd",
}
_NAME_LIMIT: Final = 31
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\']")


def csv_of(
    rows: Iterable[Row],
    columns: Sequence[Column],
    *,
    mark: bool = True,
    zone: ZoneInfo | None = None,
) -> Iterator[bytes]:
    """Write rows as CSV (RFC 4180, UTF-8), piece by piece as they come.

    Args:
        rows: as many values as there are columns.
        columns: the first line is their titles.
        mark: begin with a byte order mark, for spreadsheets.
        zone: whose clock moments are written by; None: UTC.
    """
    room = _Lines()
    out = csv.writer(room, lineterminator="\r\n")
    out.writerow([guarded(column.title) for column in columns])
    if mark:
        yield _MARK
    clock = zone or ZoneInfo("UTC")
    plain = [_PLAIN[column.kind] for column in columns]
    for row in rows:
        out.writerow([write(value, clock) for write, value in zip(plain, row, strict=True)])
        if room.size >= _PIECE:
            yield room.take()
    yield room.take()


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: such a one begins with '."""
    text = text.replace("\x00", "")
    return f"'{text}" if _FORMULA.match(text.lstrip(" ")) else text


def xlsx_of(
    rows: Iterable[Row],
    columns: Sequence[Column],
    *,
    sheet: str = "Printmesh",
    zone: ZoneInfo | None = None,
) -> Iterator[bytes]:
    """Write rows as a workbook, and hand it on piece by piece when it is whole.

    It is made in a file of its own that is gone afterwards; rows beyond what a sheet can hold go
    on in the next. Texts are never formulas or links.

    Args:
        rows: as many values as there are columns.
        columns: the first line is their titles; it stays in sight.
        sheet: what the sheet is called.
        zone: whose clock moments are written by; None: UTC.
    """
    with tempfile.TemporaryDirectory() as directory:
        name = f"{directory}/sheet.xlsx"
        _Workbook(name, columns, sheet, zone or ZoneInfo("UTC")).write(rows)
        with open(name, "rb") as file:  # noqa: PTH123  one name, ours
            while piece := file.read(_PIECE):
                yield piece


class _Lines:
    """What csv writes to: keeps lines until they are taken."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.size = 0

    def write(self, line: str) -> None:
        """Keep a line."""
        self._lines.append(line)
        self.size += len(line)

    def take(self) -> bytes:
        """Return the lines kept, as UTF-8, and forget them."""
        text = "".join(self._lines)
        self._lines.clear()
        self.size = 0
        return text.encode(errors="replace")


class _Workbook:
    """A workbook that is written forward only: what is written takes no room in memory."""

    def __init__(self, name: str, columns: Sequence[Column], sheet: str, zone: ZoneInfo) -> None:
        self._columns = columns
        self._zone = zone
        # of a hundred thousand rows nothing but the running one is kept
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        }
        self._book = xlsxwriter.Workbook(name, options)
        self._name = _NOT_IN_NAMES.sub(" ", sheet)[: _NAME_LIMIT - 5].strip() or "Printmesh"
        self._head = self._book.add_format({"bold": True, "bottom": 1})
        self._formats = {
            kind: self._book.add_format({"num_format": text}) for kind, text in _FORMATS.items()
        }
        self._sheets = 0

    def write(self, rows: Iterable[Row]) -> None:
        """Write all rows and close the file."""
        at, line = self._sheet(), 1
        for row in rows:
            if line == _ROWS:
                at.autofilter(0, 0, line - 1, len(self._columns) - 1)
                at, line = self._sheet(), 1
            for place, (column, value) in enumerate(zip(self._columns, row, strict=True)):
                if value is not None:
                    self._cell(at, line, place, column.kind, value)
            line += 1
        at.autofilter(0, 0, max(line - 1, 1), len(self._columns) - 1)
        self._book.close()

    def _sheet(self) -> Worksheet:
        self._sheets += 1
        number = f" {self._sheets}" if self._sheets > 1 else ""
        sheet = self._book.add_worksheet(f"{self._name}{number}")
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(self._columns):
            sheet.set_column(place, place, column.width or _WIDTHS[column.kind])
        for place, column in enumerate(self._columns):
            sheet.write_string(0, place, _writable(column.title), self._head)
        return sheet

    def _cell(self, sheet: Worksheet, line: int, place: int, kind: Kind, value: Any) -> None:  # noqa: ANN401  by its kind
        form: Format | None = self._formats.get(kind)
        if kind is Kind.TEXT or isinstance(value, str):
            sheet.write_string(line, place, _writable(_text(value, self._zone)))
        elif kind is Kind.MICROS:
            sheet.write_number(line, place, value / UNIT_MICROS, form)
        elif kind is Kind.MOMENT:
            # sheets know no zones
            local = value.astimezone(self._zone).replace(tzinfo=None)
            sheet.write_datetime(line, place, local, form)
        elif kind is Kind.DAY:
            sheet.write_datetime(line, place, datetime(value.year, value.month, value.day), form)  # noqa: DTZ001  as above
        else:
            sheet.write_number(line, place, value, form)


def _writable(text: str) -> str:
    return _UNWRITABLE.sub(" ", text)[:_CHARACTERS]


def _text(value: Any, zone: ZoneInfo) -> str:  # noqa: ANN401  anything can be written
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _moment(value, zone)
    return str(value)


def _moment(value: Any, zone: ZoneInfo) -> str:  # noqa: ANN401  a datetime, or nothing
    if value is None:
        return ""
    local: datetime = value.astimezone(zone)
    return local.isoformat(sep=" ", timespec="seconds")


def _micros(value: Any, _zone: ZoneInfo) -> str:  # noqa: ANN401  an integer, or nothing
    if value is None:
        return ""
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), UNIT_MICROS)
    return f"{sign}{whole}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"


def _share(value: Any, _zone: ZoneInfo) -> str:  # noqa: ANN401  a number, or nothing
    return "" if value is None else f"{value:.4f}"


def _guarded_text(value: Any, zone: ZoneInfo) -> str:  # noqa: ANN401  anything can be written
    return guarded(_text(value, zone))


def _number(value: Any, zone: ZoneInfo) -> str:  # noqa: ANN401  a number, or nothing
    # a text among figures is still a text
    return guarded(value) if isinstance(value, str) else _text(value, zone)


_PLAIN: Final[dict[Kind, Callable[[Any, ZoneInfo], str]]] = {
    Kind.TEXT: _guarded_text,
    Kind.NUMBER: _number,
    Kind.MICROS: _micros,
    Kind.SHARE: _share,
    Kind.MOMENT: _moment,
    Kind.DAY: _number,
}
