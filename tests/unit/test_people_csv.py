"""Promises of reading people from a file: whoever made it, and each wrong row by its line."""

from __future__ import annotations

import pytest

from broker.directory import card_names
from central.importing.csv_file import CsvRead, read_csv
from central.store.ledger import Refused

KEY = bytes(range(32))


def read(text: str | bytes, **mapping: str) -> CsvRead:
    """Return what a file says."""
    content = text.encode() if isinstance(text, str) else text
    told = read_csv(content, mapping=mapping, card_key=KEY)
    assert isinstance(told, CsvRead), told
    return told


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter"),
    [
        ("user,name\nana,José\n".encode(), "utf-8", ","),
        ("user;name\r\nana;José\r\n".encode("cp1252"), "windows-1252", ";"),
        ("\ufeffuser\tname\nana\tJosé\n".encode(), "utf-8", "\t"),
        ("user|name\nana|José\n".encode("utf-16"), "utf-16", "|"),
        # a separator within quotes separates nothing
        ('user;"name, in full"\nana;José\n'.encode(), "utf-8", ";"),
    ],
)
def test_alphabet_and_separator_are_found_out(
    content: bytes, encoding: str, delimiter: str
) -> None:
    """What spreadsheets write is read, and it is told what it was taken for."""
    told = read(content, display="name, in full" if b"full" in content else "name")
    assert [(each.name, each.display) for each in told.wanted] == [("ana", "José")]
    assert (told.encoding, told.delimiter) == (encoding, delimiter)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Username,Full Name,E-Mail,Department", {"name", "display", "email", "department"}),
        ("Benutzername;Vorname;Nachname;Abteilung", {"name", "given", "family", "department"}),
        ("Identifiant;Prénom;Nom;Courriel", {"name", "given", "family", "email"}),
        ("Usuario;Nombre;Apellidos;Correo electrónico", {"name", "given", "family", "email"}),
        # beside a user name it is what people read, alone it is the user name
        ("login,name", {"name", "display"}),
        ("name,groups", {"name", "groups"}),
    ],
)
def test_headers_are_known_in_four_languages(header: str, columns: set[str]) -> None:
    """Nobody has to rename columns."""
    assert set(read(header + "\n").columns) == columns


def test_what_a_row_says() -> None:
    """Several groups and cards in a cell; a guarded cell; cards only by their keys."""
    text = "user,groups,cards,department,active\nANA,staff; chess|music,04A2;0B,'=Art,yes\n"
    (ana,) = read(text).wanted
    assert (ana.name, ana.groups, ana.department) == ("ana", ("staff", "chess", "music"), "=Art")
    assert ana.cards == (card_names("04A2", KEY), card_names("0B", KEY))
    assert "04A2" not in repr(ana)


def test_what_a_file_does_not_tell_stays() -> None:
    """A column that is not there is no empty one."""
    (ana,) = read("user\nana\n").wanted
    assert (ana.display, ana.email, ana.groups, ana.cards) == (None, None, None, None)


def test_wrong_rows_are_told_by_their_line() -> None:
    """A record over several lines is named by its first; the others are read."""
    text = (
        'user,name,e-mail\nana,"Ana\nSilva",\na b,Ab,\nben,Ben,nowhere\n\ncleo,Cleo,c@example.org\n'
    )
    told = read(text)
    assert [each.name for each in told.wanted] == ["ana", "cleo"]
    assert [(each.where, each.name) for each in told.refusals] == [
        ("line 4", "a b"),
        ("line 5", "ben"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"colour,size\nred,9\n", "no column is a user name: colour, size"),
        (b"login,user\nana,ana\n", "both taken for name"),
        (b'user,name\nana,"Ana\n', "cannot be read"),
    ],
)
def test_files_that_are_none_are_refused_in_words(content: bytes, said: str) -> None:
    """What would be right is in the answer."""
    told = read_csv(content)
    assert isinstance(told, Refused)
    assert said in told.reason


@pytest.mark.parametrize(
    ("mapping", "said"),
    [({"name": "Nutzer"}, "has no column 'Nutzer'"), ({"colour": "user"}, "no column 'colour'")],
)
def test_wrong_mappings_are_refused(mapping: dict[str, str], said: str) -> None:
    """A slip in a mapping takes no other column silently."""
    told = read_csv(b"user\nana\n", mapping=mapping)
    assert isinstance(told, Refused)
    assert said in told.reason


def test_mapped_columns_win() -> None:
    """What somebody says is stronger than what a header looks like."""
    (ana,) = read("user,matricule\nx1,ana\n", name="Matricule", id="user").wanted
    assert (ana.name, ana.source_id) == ("ana", "x1")
