"""Promises of lists as files: all rows, in little room, and no text is ever a formula."""

from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from central.web.export import Column, Kind, csv_of, guarded, xlsx_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.web.export import Row

COLUMNS = (
    Column("name"),
    Column("pages", Kind.NUMBER),
    Column("cost EUR", Kind.MICROS),
    Column("colour", Kind.SHARE),
    Column("at", Kind.MOMENT),
    Column("day", Kind.DAY),
)
ROW: Row = ("Ana", 12, 1_234_500, 0.25, datetime(2026, 11, 23, 8, 0, tzinfo=UTC), date(2026, 11, 1))
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_csv(given_: Iterator[bytes]) -> list[list[str]]:
    """Read it back as a spreadsheet would."""
    text = b"".join(given_).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def cells(book: bytes, sheet: int = 1) -> list[ET.Element]:
    """Return the cells of a sheet."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        root = ET.fromstring(parts.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314  ours
    return list(root.iter(f"{MAIN}c"))


def test_a_row_is_written_by_its_columns() -> None:
    """Money as an amount, moments by the clock of the reader."""
    lines = read_csv(csv_of([ROW], COLUMNS, zone=ZoneInfo("Europe/Madrid")))
    assert lines == [
        ["name", "pages", "cost EUR", "colour", "at", "day"],
        ["Ana", "12", "1.2345", "0.2500", "2026-11-23 09:00:00+01:00", "2026-11-01"],
    ]


def test_the_mark_is_there_unless_unwanted() -> None:
    """Spreadsheets need it; programs stumble over it."""
    assert b"".join(csv_of([], COLUMNS)).startswith(b"\xef\xbb\xbfname,")
    assert b"".join(csv_of([], COLUMNS, mark=False)).startswith(b"name,")


def test_nothing_is_an_empty_cell() -> None:
    """What is not known is neither 0 nor `None`."""
    (_, line) = read_csv(csv_of([(None,) * 6], COLUMNS))
    assert line == [""] * 6


@given(st.text())
def test_no_text_is_a_formula(text: str) -> None:
    """Whatever somebody calls a document, no cell begins as a formula does."""
    (_, line) = read_csv(csv_of([(text,)], [Column("name")], mark=False)) or ([], [""])
    cell = line[0] if line else ""
    assert not cell.lstrip(" ").startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))


def test_texts_that_are_none_stay_as_they_are() -> None:
    """The guard is for formulas only; negative figures stay figures."""
    assert guarded("Thesis - final.pdf") == "Thesis - final.pdf"
    assert guarded("=1+1") == "'=1+1"
    assert guarded("  @SUM(A1)") == "'  @SUM(A1)"
    assert read_csv(csv_of([(-5, -2_500_000)], COLUMNS[1:3]))[1] == ["-5", "-2.50"]


def test_a_workbook_has_texts_as_texts_and_figures_as_figures() -> None:
    """A formula in a name is a string in its cell; nothing in the book is computed."""
    rows: list[Row] = [ROW, ("=HYPERLINK(1)", -5, -2_500_000, 0.5, None, None)]
    book = b"".join(xlsx_of(rows, COLUMNS))
    found = {each.get("r"): each for each in cells(book)}
    assert not [each for each in found.values() if each.find(f"{MAIN}f") is not None]
    name = found["A3"]
    assert name.get("t") == "inlineStr"
    assert "".join(name.itertext()) == "=HYPERLINK(1)"
    assert "".join(found["C3"].itertext()) == "-2.5"
    assert "E3" not in found


def test_what_no_file_can_hold_is_left_out() -> None:
    """Control characters and half pairs in a document's name do not spoil the book."""
    text = "a\x00b\x07\ud800\ufffe"
    book = b"".join(xlsx_of([(text,)], [Column("name")]))
    assert "".join(cells(book)[1].itertext()).startswith("a b")
    assert b"a" in b"".join(csv_of([(text,)], [Column("name")]))


def test_many_rows_take_little_room() -> None:
    """Rows come from wherever they come from, one by one, and go on in pieces."""
    made = 0

    def rows() -> Iterator[Row]:
        nonlocal made
        for made in range(1, 30_001):
            yield (f"person {made}", made)

    tracemalloc.start()
    pieces = csv_of(rows(), COLUMNS[:2])
    next(pieces)
    next(pieces)
    assert made < 30_000
    size = sum(map(len, pieces))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 400_000
    assert most < 1_000_000
