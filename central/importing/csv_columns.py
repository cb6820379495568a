"""What the columns of a file are called, in four languages, and which one is which; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from central.folding import folded
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Column: TypeAlias = Literal[
    "name", "display", "given", "family", "email", "department", "groups", "cards", "id", "enabled"
]
COLUMNS: Final[tuple[Column, ...]] = get_args(Column)

_ONLY_LETTERS: Final = re.compile(r"[^a-z0-9]+")
#: Folded, and nothing but letters and digits.
_CALLED: Final = """
name        user username userid login loginname logon account accountname samaccountname uid
name        benutzer benutzername anmeldename kennung utilisateur nomutilisateur nomdutilisateur
name        identifiant usuario nombredeusuario
display     display displayname fullname cn anzeigename vollername nomcomplet nomaffiche
display     nombrecompleto nombremostrado
given       given givenname firstname forename vorname prenom nombre
family      family familyname lastname surname sn nachname nom nomdefamille apellido apellidos
email       email mail emailaddress courriel correo correoelectronico
department  department dept division abteilung departement service departamento
groups      group groups memberof gruppe gruppen groupe groupes grupo grupos
cards       card cards cardnumber cardid cardno badge karte karten kartennummer carte cartes
cards       numerodecarte tarjeta tarjetas numerodetarjeta
id          id sourceid externalid employeeid employeenumber personalnummer matricule
id          numerodeempleado entryuuid objectguid
enabled     enabled active status aktiv actif activo estado
"""


def _aliases() -> dict[Column, frozenset[str]]:
    lines = [line.split() for line in _CALLED.strip().splitlines()]
    return {
        column: frozenset(alias for first, *rest in lines if first == column for alias in rest)
        for column in COLUMNS
    }


_ALIASES: Final = _aliases()


def columns_of(header: Sequence[str], mapping: Mapping[str, str]) -> dict[Column, int] | Refused:
    """Return where each column is.

    Args:
        header: the first line of the file.
        mapping: column → header, where somebody says so.
    """
    plain = [_plain(each) for each in header]
    mapped = _mapped(header, plain, mapping)
    if isinstance(mapped, Refused):
        return mapped
    found = _known(header, plain, mapped)
    if isinstance(found, Refused):
        return found
    if "name" in plain and plain.index("name") not in found.values():
        # beside user names it is what people read, or the family's; alone it is the user name
        halves = "given" in found and "family" not in found
        other: Column = "family" if halves else "display"
        found.setdefault(other if "name" in found else "name", plain.index("name"))
    if "name" not in found:
        return Refused(f"no column is a user name: {_named(header)}; say which by --map name=…")
    return found


def _mapped(
    header: Sequence[str], plain: Sequence[str], mapping: Mapping[str, str]
) -> dict[Column, int] | Refused:
    found: dict[Column, int] = {}
    for given, called in mapping.items():
        column = next((each for each in COLUMNS if each == given), None)
        if column is None:
            return Refused(f"there is no column {given!r}; there are {', '.join(COLUMNS)}")
        if _plain(called) not in plain:
            return Refused(f"the file has no column {called!r}; it has {_named(header)}")
        found[column] = plain.index(_plain(called))
    return found


def _known(
    header: Sequence[str], plain: Sequence[str], found: dict[Column, int]
) -> dict[Column, int] | Refused:
    """Add the columns whose headers are known."""
    for column, aliases in _ALIASES.items():
        if column in found:
            continue
        taken = set(found.values())
        here = [at for at, name in enumerate(plain) if name in aliases and at not in taken]
        if len(here) > 1:
            both = " and ".join(repr(header[at].strip()) for at in here)
            return Refused(f"{both} are both taken for {column}; say which by --map {column}=…")
        if here:
            found[column] = here[0]
    return found


def _plain(text: str) -> str:
    return _ONLY_LETTERS.sub("", folded(text))


def _named(header: Sequence[str]) -> str:
    return ", ".join(each.strip() for each in header)
