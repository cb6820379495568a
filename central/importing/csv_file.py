"""People from a file of separated values: whoever made it, in whatever alphabet; pure.

Nothing is guessed silently: what was taken for what is told, and each wrong row by its line.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from broker.directory import card_names
from central.acts import naming
from central.folding import folded
from central.importing.plan import Refusal, Wanted
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Column: TypeAlias = Literal[
    "name", "display", "given", "family", "email", "department", "groups", "cards", "id", "enabled"
]

#: Longer files are refused before they are read.
LONGEST_BYTES: Final = 128 * 1024 * 1024
MOST_ROWS: Final = 500_000
_DELIMITERS: Final = ",;\t|"
_CARD_LONGEST: Final = 255
_SEVERAL: Final = re.compile(r"[;|\n]+")
#: What our own lists put before a cell that a spreadsheet would compute.
_GUARDED: Final = re.compile(r"'[=+\-@\t\r]")
_ONLY_LETTERS: Final = re.compile(r"[^a-z0-9]+")

#: What columns are called, folded and without anything but letters and digits.
_ALIASES: Final[Mapping[Column, frozenset[str]]] = {
    "name": frozenset(
        [
            "user",
            "username",
            "userid",
            "login",
            "loginname",
            "logon",
            "account",
            "accountname",
            "samaccountname",
            "uid",
            "benutzer",
            "benutzername",
            "anmeldename",
            "kennung",
            "utilisateur",
            "nomutilisateur",
            "nomdutilisateur",
            "identifiant",
            "usuario",
            "nombredeusuario",
        ]
    ),
    "display": frozenset(
        [
            "display",
            "displayname",
            "fullname",
            "cn",
            "anzeigename",
            "vollername",
            "nomcomplet",
            "nomaffiche",
            "nombrecompleto",
            "nombremostrado",
        ]
    ),
    "given": frozenset(
        ["given", "givenname", "firstname", "forename", "vorname", "prenom", "nombre"]
    ),
    "family": frozenset(
        [
            "family",
            "familyname",
            "lastname",
            "surname",
            "sn",
            "nachname",
            "nom",
            "nomdefamille",
            "apellido",
            "apellidos",
        ]
    ),
    "email": frozenset(
        ["email", "mail", "emailaddress", "courriel", "correo", "correoelectronico"]
    ),
    "department": frozenset(
        ["department", "dept", "division", "abteilung", "departement", "service", "departamento"]
    ),
    "groups": frozenset(
        ["group", "groups", "memberof", "gruppe", "gruppen", "groupe", "groupes", "grupo", "grupos"]
    ),
    "cards": frozenset(
        [
            "card",
            "cards",
            "cardnumber",
            "cardid",
            "cardno",
            "badge",
            "karte",
            "karten",
            "kartennummer",
            "carte",
            "cartes",
            "numerodecarte",
            "tarjeta",
            "tarjetas",
            "numerodetarjeta",
        ]
    ),
    "id": frozenset(
        [
            "id",
            "sourceid",
            "externalid",
            "employeeid",
            "employeenumber",
            "personalnummer",
            "matricule",
            "numerodeempleado",
            "entryuuid",
            "objectguid",
        ]
    ),
    "enabled": frozenset(["enabled", "active", "status", "aktiv", "actif", "activo", "estado"]),
}
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
    encoding: str
    delimiter: str
    rows: int = field(default=0)


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
    records = _records(text, delimiter)
    try:
        header = next(records)[1]
    except StopIteration:
        return Refused("the file is empty; its first line names its columns")
    except csv.Error as error:
        return Refused(f"the first line cannot be read: {error}")
    columns = _columns(header, mapping or {})
    if isinstance(columns, Refused):
        return columns
    ignored = tuple(
        name for at, name in enumerate(header) if at not in columns.values() and name.strip()
    )
    reading = _Reading(columns, card_key)
    try:
        for line, cells in records:
            reading.take(line, cells)
            if reading.rows > MOST_ROWS:
                return Refused(f"the file has more than {MOST_ROWS:,} rows; split it")
    except csv.Error as error:
        return Refused(f"the file cannot be read behind row {reading.rows + 1}: {error}")
    named = {column: header[at].strip() for column, at in columns.items()}
    return CsvRead(
        tuple(reading.wanted),
        tuple(reading.refusals),
        named,
        ignored,
        encoding,
        delimiter,
        reading.rows,
    )


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
        name = naming.user_name(self._cell(cells, "name") or "")
        display = self._display(cells)
        email = self._line(cells, "email")
        department = self._line(cells, "department")
        groups, cards = self._groups(cells), self._cards(cells)
        enabled = self._enabled(cells)
        if isinstance(name, Refused):
            return name
        if isinstance(display, Refused):
            return display
        if isinstance(email, Refused):
            return email
        if isinstance(department, Refused):
            return department
        if isinstance(groups, Refused):
            return groups
        if isinstance(cards, Refused):
            return cards
        if isinstance(enabled, Refused):
            return enabled
        id_ = self._cell(cells, "id") or ""
        return Wanted(name, where, id_, display, email, department, groups, cards, enabled)

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


def _columns(header: Sequence[str], mapping: Mapping[str, str]) -> dict[Column, int] | Refused:
    """Return where each column is."""
    found: dict[Column, int] = {}
    plain = [_ONLY_LETTERS.sub("", folded(each)) for each in header]
    for column, given in mapping.items():
        kind = next((each for each in _ALIASES if each == column), None)
        if kind is None:
            return Refused(f"there is no column {column!r}; there are {', '.join(_ALIASES)}")
        wanted = _ONLY_LETTERS.sub("", folded(given))
        if wanted not in plain:
            named = ", ".join(each.strip() for each in header)
            return Refused(f"the file has no column {given!r}; it has {named}")
        found[kind] = plain.index(wanted)
    for column, aliases in _ALIASES.items():
        if column in found:
            continue
        here = [at for at, name in enumerate(plain) if name in aliases and at not in found.values()]
        if len(here) > 1:
            named = " and ".join(repr(header[at].strip()) for at in here)
            return Refused(f"{named} are both taken for {column}; say which by --map {column}=…")
        if here:
            found[column] = here[0]
    if "name" in plain and plain.index("name") not in found.values():
        # beside user names it is what people read, or the family's; alone it is the user name
        halves = "given" in found and "family" not in found
        column: Column = "name" if "name" not in found else "family" if halves else "display"
        found.setdefault(column, plain.index("name"))
    if "name" not in found:
        named = ", ".join(each.strip() for each in header)
        return Refused(f"no column is a user name: {named}; say which by --map name=…")
    return found


def _several(text: str) -> list[str]:
    return [each.strip() for each in _SEVERAL.split(text) if each.strip()]
