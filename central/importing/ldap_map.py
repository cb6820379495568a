"""Entries of a directory service become people: presets, attributes, names of groups; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from broker.directory import card_names
from central.acts import naming
from central.importing.plan import Refusal, Wanted
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from config.settings_directory_services import LdapSettings, Preset

_CARD_LONGEST: Final = 255
_GUID_BYTES: Final = 16
#: userAccountControl, ADS_UF_ACCOUNTDISABLE ([MS-ADTS] 2.2.16).
_DISABLED: Final = 0x2
#: A character of a name that is written by its code, or behind a backslash (RFC 4514 §2.4).
_ESCAPED: Final = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)
_AROUND: Final = re.compile(r"\s*([,=+])\s*")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as the service gave it."""

    dn: str
    """Its distinguished name."""
    attributes: Mapping[str, Sequence[bytes]]
    """By name in lower case."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What to ask a service for, and what its answers mean."""

    base: str
    filter: str
    name: str
    display: str
    email: str
    department: str
    id: str
    cards: str
    """Empty: cards are not told."""
    groups_by: str
    """member-of, search or none."""
    groups_base: str
    """Empty: anywhere."""
    groups_filter: str
    groups_member: str
    groups_name: str
    binary_id: bool
    """The id is a GUID as octets, not text."""
    control: str
    """Where it says that somebody is shut out; empty: nowhere."""

    @property
    def asked(self) -> tuple[str, ...]:
        """Attributes to ask of a person's entry."""
        wanted = [self.name, self.display, self.email, self.department, self.id]
        wanted += [self.cards, self.control]
        wanted += ["memberOf"] if self.groups_by == "member-of" else []
        return tuple(dict.fromkeys(each for each in wanted if each))


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a service says."""

    wanted: tuple[Wanted, ...]
    refusals: tuple[Refusal, ...]


_OPENLDAP: Final = Shape(
    base="",
    filter="(objectClass=inetOrgPerson)",
    name="uid",
    display="cn",
    email="mail",
    department="departmentNumber",
    id="entryUUID",
    cards="",
    groups_by="search",
    groups_base="",
    groups_filter="(objectClass=groupOfNames)",
    groups_member="member",
    groups_name="cn",
    binary_id=False,
    control="",
)
_ACTIVE_DIRECTORY: Final = Shape(
    base="",
    # not computers, not contacts
    filter="(&(objectCategory=person)(objectClass=user)(sAMAccountName=*))",
    name="sAMAccountName",
    display="displayName",
    email="mail",
    department="department",
    id="objectGUID",
    cards="",
    groups_by="member-of",
    groups_base="",
    groups_filter="(objectClass=group)",
    groups_member="member",
    groups_name="cn",
    binary_id=True,
    control="userAccountControl",
)
_PRESETS: Final[Mapping[Preset, Shape]] = {
    "openldap": _OPENLDAP,
    "active-directory": _ACTIVE_DIRECTORY,
}


def shape_of(settings: LdapSettings) -> Shape:
    """Return what to ask a service for: its preset, and what the settings say otherwise."""
    preset, named, groups = _PRESETS[settings.preset], settings.attributes, settings.groups
    id_ = named.id or preset.id
    return Shape(
        base=settings.base,
        filter=settings.filter or preset.filter,
        name=named.name or preset.name,
        display=named.display or preset.display,
        email=named.email or preset.email,
        department=named.department or preset.department,
        id=id_,
        cards=named.cards or preset.cards,
        groups_by=groups.by or preset.groups_by,
        groups_base=groups.base or preset.groups_base,
        groups_filter=groups.filter or preset.groups_filter,
        groups_member=groups.member or preset.groups_member,
        groups_name=groups.name or preset.groups_name,
        binary_id=id_.lower() == "objectguid",
        control=preset.control,
    )


def mapped(
    people: Iterable[Entry], groups: Iterable[Entry], shape: Shape, *, card_key: bytes | None = None
) -> Mapped:
    """Return the people that entries are.

    Args:
        people: their entries.
        groups: entries of groups, where they are searched for.
        shape: what they mean.
        card_key: the organisation's, by which the rows of cards are named; None: it has none.
    """
    of_member = _members(groups, shape)
    wanted: list[Wanted] = []
    refusals: list[Refusal] = []
    for entry in people:
        read = _wanted(entry, shape, of_member, card_key)
        if isinstance(read, Refused):
            name = _first(entry, shape.name).lower()
            refusals.append(Refusal(entry.dn, name, read.reason, _id(entry, shape)))
        else:
            wanted.append(read)
    return Mapped(tuple(wanted), tuple(refusals))


def _wanted(
    entry: Entry, shape: Shape, of_member: Mapping[str, Sequence[str]], card_key: bytes | None
) -> Wanted | Refused:
    name = naming.user_name(_first(entry, shape.name))
    if isinstance(name, Refused):
        return name
    display = naming.line(_first(entry, shape.display), "name")
    if isinstance(display, Refused):
        return display
    department = naming.line(_first(entry, shape.department), "department")
    if isinstance(department, Refused):
        return department
    # an address that is none is no reason to leave somebody out
    email = naming.email(_first(entry, shape.email))
    id_ = _id(entry, shape)
    if not id_:
        return Refused(f"the entry has no {shape.id}, by which it would be known for ever")
    return Wanted(
        name,
        entry.dn,
        id_,
        display,
        "" if isinstance(email, Refused) else email,
        department,
        _groups(entry, name, shape, of_member),
        _cards(entry, shape, card_key),
        enabled=not _shut_out(entry, shape),
    )


def _groups(
    entry: Entry, name: str, shape: Shape, of_member: Mapping[str, Sequence[str]]
) -> tuple[str, ...] | None:
    if shape.groups_by == "none":
        return None
    if shape.groups_by == "search":
        found = [*of_member.get(plain_dn(entry.dn), ()), *of_member.get(name, ())]
    else:
        below = plain_dn(shape.groups_base)
        found = [
            first_value(dn)
            for dn in _texts(entry, "memberOf")
            if not below or plain_dn(dn).endswith("," + below)
        ]
    named = [each for text in found if isinstance(each := naming.group(text), str)]
    return tuple(sorted(set(named)))


def _members(groups: Iterable[Entry], shape: Shape) -> dict[str, list[str]]:
    """Return the groups of each member, by entry or user name."""
    found: dict[str, list[str]] = {}
    for group in groups:
        called = _first(group, shape.groups_name) or first_value(group.dn)
        for member in _texts(group, shape.groups_member):
            key = plain_dn(member) if "=" in member else member.lower()
            found.setdefault(key, []).append(called)
    return found


def _cards(
    entry: Entry, shape: Shape, card_key: bytes | None
) -> tuple[tuple[str, ...], ...] | None:
    if not shape.cards:
        return None
    numbers = [each.strip() for each in _texts(entry, shape.cards)]
    good = [each for each in numbers if 0 < len(each) <= _CARD_LONGEST and each.isprintable()]
    return tuple(card_names(number, card_key) for number in good)


def _shut_out(entry: Entry, shape: Shape) -> bool:
    if not shape.control:
        return False
    flags = _first(entry, shape.control)
    return flags.lstrip("-").isdigit() and bool(int(flags) & _DISABLED)


def _id(entry: Entry, shape: Shape) -> str:
    values = entry.attributes.get(shape.id.lower(), ())
    if not values:
        return ""
    if shape.binary_id and len(values[0]) == _GUID_BYTES:
        # [MS-DTYP] 2.3.4.2: the first three fields are little-endian
        return str(UUID(bytes_le=bytes(values[0])))
    return values[0].decode(errors="replace").strip()


def _first(entry: Entry, attribute: str) -> str:
    return next(iter(_texts(entry, attribute)), "").strip()


def _texts(entry: Entry, attribute: str) -> list[str]:
    values = entry.attributes.get(attribute.lower(), ())
    return [value.decode(errors="replace") for value in values]


def first_value(dn: str) -> str:
    """Return the value of the first part of a distinguished name (RFC 4514 §3)."""
    return _unescaped(_first_part(dn).partition("=")[2].strip())


def plain_dn(dn: str) -> str:
    """Return a name so that names of the same entry are nearly always the same text."""
    return _AROUND.sub(r"\1", dn.strip()).casefold()


def _first_part(dn: str) -> str:
    escaped = False
    for at, sign in enumerate(dn):
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign in ",+":
            return dn[:at]
    return dn


def _unescaped(text: str) -> str:
    octets = bytearray()
    at = 0
    for match in _ESCAPED.finditer(text):
        octets += text[at : match.start()].encode()
        octets += bytes.fromhex(match[1]) if match[1] else match[2].encode()
        at = match.end()
    octets += text[at:].encode()
    return octets.decode(errors="replace")
