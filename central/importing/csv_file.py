"""People from a file of separated values: whoever made it, in whatever alphabet; pure.

Nothing is guessed silently: what was taken for what is told, and each wrong row by its line.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from broker.directory import card_names
from central.acts import naming
from central.folding import folded
from central.importing.csv_columns import columns_of
from central.importing.plan import Refusal, Wanted
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from central.importing.csv_columns import Column

#: Longer files are refused before they are read.
LONGEST_BYTES: Final = 128 * 1024 * 1024
MOST_ROWS: Final = 500_000
_DELIMITERS: Final = ",;\t|"
_CARD_LONGEST: Final = 255
_SEVERAL: Final = re.compile(r"[;|\n]+")
#: What our own lists put before a cell that a spreadsheet would compute.
_GUARDED: Final = re.compile(r"'[=+\-@\t\r]")
_YES: Final = frozenset(
    [
        "yes",
        "y",
        "true",
        "t",
        "1",
        "active",
        "enabled",
        "on",
        "x",
        "ja",
        "oui",
        "si",
        "aktiv",
        "actif",
        "activo",
    ]
)
_NO: Final = frozenset(
    [
        "no",
        "n",
        "false",
        "f",
        "0",
        "inactive",
        "disabled",
        "off",
        "nein",
        "non",
        "inaktiv",
        "inactif",
    ]
)


@dataclass(frozen=True, slots=True)
class CsvRead:
    """What a file says."""

    wanted: tuple[Wanted, ...]
    refusals: tuple[Refusal, ...]
    columns: Mapping[Column, str]
    """What was taken for what: the header of each."""
    ignored: tuple[str, ...]
    """Headers that mean nothing here."""
    encoding: str = ""
    delimiter: str = ","
    rows: int = 0


def read_csv(
    content: bytes, *, mapping: Mapping[str, str] | None = None, card_key: bytes | None = None
) -> CsvRead | Refused:
    """Read a file.

    Args:
        content: the whole of it.
        mapping: column → header, where the headers say it otherwise.
        card_key: the organisation's, by which the rows of cards are named; None: it has none.
    """
    if len(content) > LONGEST_BYTES:
        return Refused(f"the file is longer than {LONGEST_BYTES // 2**20} MiB; split it")
    text, encoding = _decoded(content)
    head = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=lambda each: _outside_quotes(head, each))
    read = _read(_records(text, delimiter), mapping or {}, card_key)
    if isinstance(read, Refused):
        return read
    return replace(read, encoding=encoding, delimiter=delimiter)


def _read(
    records: Iterator[tuple[int, list[str]]], mapping: Mapping[str, str], card_key: bytes | None
) -> CsvRead | Refused:
    rows = 0
    try:
        header = next(records, (1, []))[1]
        columns = columns_of(header, mapping)
        if isinstance(columns, Refused):
            return columns if header else Refused("the file is empty; its first line names columns")
        reading = _Reading(columns, card_key)
        for line, cells in records:
            reading.take(line, cells)
            rows = reading.rows
            if rows > MOST_ROWS:
                return Refused(f"the file has more than {MOST_ROWS:,} rows; split it")
    except csv.Error as error:
        return Refused(f"the file cannot be read behind row {rows}: {error}")
    named = {column: header[at].strip() for column, at in columns.items()}
    taken = set(columns.values())
    ignored = [name for at, name in enumerate(header) if at not in taken and name.strip()]
    return CsvRead(tuple(reading.wanted), tuple(reading.refusals), named, tuple(ignored), rows=rows)


class _Reading:
    """Goes through the rows."""

    def __init__(self, columns: Mapping[Column, int], card_key: bytes | None) -> None:
        self._columns = columns
        self._card_key = card_key
        self.wanted: list[Wanted] = []
        self.refusals: list[Refusal] = []
        self.rows = 0

    def take(self, line: int, cells: Sequence[str]) -> None:
        """Read one row."""
        if not any(cell.strip() for cell in cells):
            return
        self.rows += 1
        where = f"line {line}"
        read = self._read(where, cells)
        if isinstance(read, Refused):
            name = (self._cell(cells, "name") or "").lower()
            id_ = self._cell(cells, "id") or ""
            self.refusals.append(Refusal(where, name, read.reason, id_))
        else:
            self.wanted.append(read)

    def _read(self, where: str, cells: Sequence[str]) -> Wanted | Refused:
        fields = {
            "name": naming.user_name(self._cell(cells, "name") or ""),
            "display": self._display(cells),
            "email": self._line(cells, "email"),
            "department": self._line(cells, "department"),
            "groups": self._groups(cells),
            "cards": self._cards(cells),
            "enabled": self._enabled(cells),
        }
        wrong = next((each for each in fields.values() if isinstance(each, Refused)), None)
        if wrong is not None:
            return wrong
        good: dict[str, Any] = fields
        return Wanted(where=where, source_id=self._cell(cells, "id") or "", **good)

    def _cell(self, cells: Sequence[str], column: Column) -> str | None:
        at = self._columns.get(column)
        if at is None:
            return None
        text = cells[at].strip() if at < len(cells) else ""
        return text[1:] if _GUARDED.match(text) else text

    def _display(self, cells: Sequence[str]) -> str | Refused | None:
        told = self._cell(cells, "display")
        if told is None:
            parts = [self._cell(cells, "given"), self._cell(cells, "family")]
            if parts == [None, None]:
                return None
            told = " ".join(part for part in parts if part)
        return naming.line(told, "name")

    def _line(
        self, cells: Sequence[str], column: Literal["email", "department"]
    ) -> str | Refused | None:
        told = self._cell(cells, column)
        if told is None:
            return None
        return naming.email(told) if column == "email" else naming.line(told, "department")

    def _groups(self, cells: Sequence[str]) -> tuple[str, ...] | Refused | None:
        told = self._cell(cells, "groups")
        if told is None:
            return None
        found: dict[str, None] = {}
        for each in _several(told):
            name = naming.group(each)
            if isinstance(name, Refused):
                return name
            found[name] = None
        return tuple(found)

    def _cards(self, cells: Sequence[str]) -> tuple[tuple[str, ...], ...] | Refused | None:
        told = self._cell(cells, "cards")
        if told is None:
            return None
        numbers = _several(told)
        if any(len(number) > _CARD_LONGEST or not number.isprintable() for number in numbers):
            return Refused(f"a card number has up to {_CARD_LONGEST} signs")
        return tuple(card_names(number, self._card_key) for number in numbers)

    def _enabled(self, cells: Sequence[str]) -> bool | Refused:
        told = folded(self._cell(cells, "enabled") or "")
        if not told or told in _YES:
            return True
        if told in _NO:
            return False
        return Refused(f"{told!r} says neither that somebody is enabled nor that they are not")


def _decoded(content: bytes) -> tuple[str, str]:
    """Return the text and what it was written in."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding, "replace"), encoding.removesuffix("-sig")
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        # what spreadsheets on Windows write; octets that it has not become U+FFFD
        return content.decode("cp1252", "replace"), "windows-1252"


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line that each record begins on, and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1


def _outside_quotes(line: str, sign: str) -> int:
    return sum(part.count(sign) for part in line.split('"')[::2])


def _several(text: str) -> list[str]:
    return [each.strip() for each in _SEVERAL.split(text) if each.strip()]
