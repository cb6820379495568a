"""Which machine stands at a printer's address, pure: learned, swapped, moved.

A printer of the site is known by its serial number. Sources may write it differently (the one in
its IEEE 1284 device id, the one of its Printer MIB), so each source is compared with what the same
source said before; one that is heard for the first time is believed beside one that agrees.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  what is kept is read by its types
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from edge.devices.alerts import Complaint
from edge.devices.merge import WINS
from edge.devices.words import Origin

#: Another serial has to be read so often in a row: one reply may be anybody's.
_SURE: Final = 2
#: A learned printer that was replaced is told of for so long; a declared one as long as it is so.
_SWAP_KNOWN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that a printer is known as; kept over a restart."""

    serials: Mapping[Origin, str] = field(default_factory=dict)
    """Its serial number as each source writes it."""
    stranger: str | None = None
    """Another one was read last."""
    seen: int = 0
    """So often in a row."""
    against: str | None = None
    """The settings name this one, and it is known that another stands there."""


@dataclass(frozen=True, slots=True)
class Same:
    """It is the machine that was there, or nothing says otherwise."""

    machine: Machine


@dataclass(frozen=True, slots=True)
class Unsure:
    """Another serial was read, not often enough yet: this look counts for nothing."""

    machine: Machine


@dataclass(frozen=True, slots=True)
class Swapped:
    """Another machine stands there; what its meters show begins a stretch of its own."""

    machine: Machine
    """As it is known from now on."""
    was: str
    """Serial number."""
    now: str
    """Likewise."""


Identified = Same | Unsure | Swapped


def clean(serial: str) -> str:
    """Return a serial number as it is compared."""
    return "".join(serial.split()).casefold()


def identified(
    machine: Machine, said: Mapping[Origin, str], *, declared: str | None, snmp: bool
) -> Identified:
    """Say which machine one look found.

    Args:
        machine: as it is known.
        said: the serial number by each source that gave one at this look.
        declared: as the settings have it.
        snmp: it is asked by SNMP, whose word the settings have.
    """
    known = machine.serials
    agreed = any(clean(it) == clean(declared or "") for it in known.values())
    if declared is not None and not agreed and machine.against != declared:
        # what the settings say now stands above what was learned under others
        first = Origin.SNMP if snmp else Origin.IPP
        known = {first: declared}
    alike = {it: clean(known[it]) == clean(each) for it, each in said.items() if it in known}
    alike |= {it: True for it, each in said.items() if clean(each) in map(clean, known.values())}
    same = Same(Machine({**known, **said}, against=_against(machine, declared, known)))
    if not known or (alike and all(alike.values())):
        return same
    if not alike:
        # only a source that never spoke before: it may write the same number in its own way
        return Same(replace(machine, serials=known))
    origin = next(it for it in WINS["identity"] if not alike.get(it, True))
    now = said[origin]
    seen = machine.seen + 1 if machine.stranger == now else 1
    if seen < _SURE:
        return Unsure(replace(machine, serials=known, stranger=now, seen=seen))
    if any(alike.values()):
        return same  # another source says that it is the same: this one writes it in a new way
    was = known[origin]
    against = declared if other_than(declared, said) else None
    return Swapped(Machine(dict(said), against=against), was, now)


def _against(machine: Machine, declared: str | None, known: Mapping[Origin, str]) -> str | None:
    return machine.against if machine.against == declared and known is machine.serials else None


def other_than(declared: str | None, said: Mapping[Origin, str]) -> str | None:
    """Return the serial number that stands there instead of the declared one; None: it does not."""
    if declared is None or not said or clean(declared) in map(clean, said.values()):
        return None
    return next(said[it] for it in WINS["identity"] if it in said)


def swapped(now: str, was: str, *, lasts: bool) -> Complaint:
    """Return what is told of another machine at the address.

    Args:
        now: serial number of it.
        was: of the one that is expected.
        lasts: nobody has declared which is right, so it is told for a day.
    """
    detail = f"another machine stands there: serial number {now} instead of {was}"
    return Complaint("warning", detail, (now,), _SWAP_KNOWN if lasts else None)


def moved(address: str, serial: str, *, instead_of: str | None) -> Complaint:
    """Return what is told of a printer that was found elsewhere.

    Args:
        address: where.
        serial: of it.
        instead_of: where the settings have it.
    """
    there = f" instead of {instead_of}" if instead_of else ""
    detail = f"found by its serial number {serial} at {address}{there}; correct the settings"
    return Complaint("warning", detail, (address,))
