"""What a virtual printer says of itself over SNMP: its objects, out of pages, copies and orders.

Pure. It has the shape of a colour machine with a copier: Host Resources (RFC 2790), Printer MIB
(RFC 3805), and a maker's named table that tells copies from prints.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from demo.snmp_wire import COUNTER32, GAUGE32, INTEGER, OBJECT_ID, OCTETS, TIME_TICKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from demo.snmp_wire import Object, Oid

_MIB_2: Final = (1, 3, 6, 1, 2, 1)
_PRINTER: Final = (*_MIB_2, 43)
SYS_UP_TIME: Final = (*_MIB_2, 1, 3, 0)
_MAKER: Final = (1, 3, 6, 1, 4, 1, 367)
_NAMED: Final = (*_MAKER, 3, 2, 1, 2, 19, 5, 1)
_DEVICE_ID: Final = (1, 3, 6, 1, 4, 1, 2699, 1, 2, 1, 2, 1, 1, 3, 1)
_TRAY: Final = 500
#: prtMarkerSuppliesLevel: unknown.
_UNKNOWN: Final = -2
_COLORS: Final = ("black", "cyan", "magenta", "yellow")


@dataclass(frozen=True, slots=True)
class Machine:
    """What it is, for ever."""

    name: str
    """As it calls itself."""
    serial: str
    """Serial number."""
    began: int = 12_345
    """Sides that it had printed before, all of them monochrome."""
    toner: int = 80
    """Percent that is left of each toner at the beginning."""
    lasts: int = 2000
    """Sides that a full cartridge prints."""


@dataclass(frozen=True, slots=True)
class Pages:
    """What came out since it was set up, in sides; also how much to add."""

    mono: int = 0
    color: int = 0
    copies: int = 0
    """All of them monochrome."""

    def __add__(self, other: Pages) -> Pages:
        """Return both together."""
        return Pages(self.mono + other.mono, self.color + other.color, self.copies + other.copies)

    def __sub__(self, other: Pages) -> Pages:
        """Return what came since `other`."""
        return Pages(self.mono - other.mono, self.color - other.color, self.copies - other.copies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What it is to do wrong, or to be in the middle of; by default nothing."""

    drop: float = 0
    """Share of the answers that get lost."""
    slow: float = 0
    """Seconds that each answer takes."""
    silent: bool = False
    """It is switched off."""
    community: str | None = None
    """It listens to another one now."""
    garbage: Literal["", "noise", "other-number", "circles", "types"] = ""
    """Answers nobody can read; for another question; tables without end; words for numbers."""
    truncated: int | None = None
    """Each table ends after so many rows."""
    level: int | None = None
    """What it says of each toner: -2, -3, 200 …"""
    serial: str | None = None
    """Another machine stands at its address."""
    resets: int = 0
    """Each one more lets its counters and its clock begin anew."""
    total: int | None = None
    """All that it has printed was set to so many, with the next page one more."""
    walked_up: int = 0
    """Sides that somebody made at the machine itself, past every queue; stays as `resets` does."""
    wrap: int | None = None
    """Its counters go round at so many: 1,000,000."""
    large_as_four: bool = False
    """A large sheet printed on both sides counts as four."""
    jam: bool = False
    cover_open: bool = False
    tray_empty: bool = False
    asleep: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return what a file holds."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read a file's content; what is not known is left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


def objects(
    machine: Machine, pages: Pages, orders: Orders, away: Pages | None = None
) -> dict[Oid, Object]:
    """Return all that it says, in the order of a walk; sysUpTime is the asker's to put in.

    Args:
        machine: what it is.
        pages: what came out; toner falls with it.
        orders: what it does wrong.
        away: what its counters have forgotten of the pages.
    """
    serial = orders.serial or machine.serial
    found: dict[Oid, Object] = {
        (*_MIB_2, 1, 1, 0): _text(f"{machine.name}, printer of the lab"),
        (*_MIB_2, 1, 2, 0): (OBJECT_ID, (*_MAKER, 1, 1)),
        SYS_UP_TIME: (TIME_TICKS, 0),
        (*_MIB_2, 1, 5, 0): _text(machine.name),
        _DEVICE_ID: _text(f"MFG:Lab;MDL:{machine.name};CLS:PRINTER;SN:{serial};"),
    }
    for each in (
        _condition(machine, orders),
        _general(machine, serial, orders),
        _counters(machine, pages - (away or Pages()), orders),
        _supplies(machine, pages, orders),
        _alerts(orders),
    ):
        found.update(each)
    if orders.garbage == "types":
        found = {oid: _worded(each) for oid, each in found.items()}
    return dict(sorted(_shortened(found, orders.truncated)))


def total(machine: Machine, pages: Pages) -> int:
    """Return all sides that it ever made."""
    return machine.began + pages.mono + pages.color + pages.copies


def _condition(machine: Machine, orders: Orders) -> Iterator[tuple[Oid, Object]]:
    """Host Resources: hrDeviceTable and hrPrinterTable, RFC 2790 §4.2."""
    device, printer = (*_MIB_2, 25, 3, 2, 1), (*_MIB_2, 25, 3, 5, 1)
    stopped = orders.jam or orders.cover_open or orders.tray_empty
    # bits: noPaper 1, doorOpen 4, jammed 5, from the highest
    errors = orders.tray_empty << 6 | orders.cover_open << 3 | orders.jam << 2
    yield (*device, 2, 1), (OBJECT_ID, (*_MIB_2, 25, 3, 1, 5))
    yield (*device, 3, 1), _text(machine.name)
    yield (*device, 5, 1), (INTEGER, 5 if stopped else 2)
    yield (*printer, 1, 1), (INTEGER, 1 if stopped or orders.asleep else 3)
    yield (*printer, 2, 1), (OCTETS, bytes([errors]))


def _general(machine: Machine, serial: str, orders: Orders) -> Iterator[tuple[Oid, Object]]:
    """Name, serial, covers, tray, console: RFC 3805 §5."""
    yield (*_PRINTER, 5, 1, 1, 1, 1), (COUNTER32, 1)
    yield (*_PRINTER, 5, 1, 1, 16, 1), _text(machine.name)
    yield (*_PRINTER, 5, 1, 1, 17, 1), _text(serial)
    yield (*_PRINTER, 6, 1, 1, 2, 1, 1), _text("Front cover")
    yield (*_PRINTER, 6, 1, 1, 3, 1, 1), (INTEGER, 3 if orders.cover_open else 4)
    level = 0 if orders.tray_empty else _TRAY // 2
    tray = {2: 3, 8: 8, 9: _TRAY, 10: level, 11: 9 if orders.tray_empty else 0}
    for column, number in tray.items():
        yield (*_PRINTER, 8, 2, 1, column, 1, 1), (INTEGER, number)
    for column, words in {12: "iso_a4_210x297mm", 13: "Tray 1", 18: "Tray 1"}.items():
        yield (*_PRINTER, 8, 2, 1, column, 1, 1), _text(words)
    yield (*_PRINTER, 16, 5, 1, 2, 1, 1), _text(_console(orders))


def _console(orders: Orders) -> str:
    if orders.jam:
        return "Paper jam"
    if orders.cover_open:
        return "Close the front cover"
    if orders.tray_empty:
        return "Load paper in tray 1"
    return "Sleep" if orders.asleep else "Ready"


def _counters(machine: Machine, pages: Pages, orders: Orders) -> Iterator[tuple[Oid, Object]]:
    """The life count in impressions, and the maker's split by name."""
    all_sides = total(machine, pages)
    prints = all_sides - pages.copies
    named = {
        "Counter: Machine Total": all_sides,
        "Counter:Copy:Total": pages.copies,
        "Counter:Copy:Black & White": pages.copies,
        "Counter:Copy:Full Color": 0,
        "Counter:Print:Total": prints,
        "Counter:Print:Black & White": prints - pages.color,
        "Counter:Print:Full Color": pages.color,
    }
    for column, each in {2: (INTEGER, 4), 3: (INTEGER, 7)}.items():
        yield (*_PRINTER, 10, 2, 1, column, 1, 1), each
    yield (*_PRINTER, 10, 2, 1, 4, 1, 1), (COUNTER32, _round(all_sides, orders))
    yield (*_PRINTER, 10, 2, 1, 15, 1, 1), (INTEGER, 0)
    for row, (words, count) in enumerate(named.items(), 1):
        yield (*_NAMED, 5, row), _text(words)
        yield (*_NAMED, 9, row), (GAUGE32, _round(count, orders))


def _round(count: int, orders: Orders) -> int:
    return count % (orders.wrap or 2**32)


def _supplies(machine: Machine, pages: Pages, orders: Orders) -> Iterator[tuple[Oid, Object]]:
    """Toners that fall with the pages, and a box for what is left of them."""
    table, colorants = (*_PRINTER, 11, 1, 1), (*_PRINTER, 12, 1, 1)
    for row, color in enumerate(_COLORS, 1):
        sides = pages.mono + pages.copies if color == "black" else 0
        left = max(0, machine.toner - (sides + pages.color) * 100 // machine.lasts)
        level = left if orders.level is None else orders.level
        numbers = {2: 1, 3: row, 4: 3, 5: 3, 7: 19, 8: 100, 9: level}
        for column, number in numbers.items():
            yield (*table, column, 1, row), (INTEGER, number)
        yield (*table, 6, 1, row), _text(f"{color.title()} toner")
        yield (*colorants, 2, 1, row), (INTEGER, 1)
        yield (*colorants, 3, 1, row), (INTEGER, 3)
        yield (*colorants, 4, 1, row), _text(color)
    row = len(_COLORS) + 1
    for column, number in {2: 1, 3: 0, 4: 4, 5: 4, 7: 19, 8: 100, 9: _UNKNOWN}.items():
        yield (*table, column, 1, row), (INTEGER, number)
    yield (*table, 6, 1, row), _text("Waste toner box")


def _alerts(orders: Orders) -> Iterator[tuple[Oid, Object]]:
    """prtAlertTable: severity, group, group's row, code, words."""
    wrong = (
        (orders.jam, 3, 13, 8, "Paper jam"),
        (orders.cover_open, 3, 6, 3, "Front cover is open"),
        (orders.tray_empty, 3, 8, 808, "Tray 1 is empty"),
    )
    for row, (so, severity, group, code, words) in enumerate(wrong, 1):
        if so:
            numbers = {2: severity, 3: 4, 4: group, 5: 1, 6: -2, 7: code}
            for column, number in numbers.items():
                yield (*_PRINTER, 18, 1, 1, column, 1, row), (INTEGER, number)
            yield (*_PRINTER, 18, 1, 1, 8, 1, row), _text(words)
            yield (*_PRINTER, 18, 1, 1, 9, 1, row), (TIME_TICKS, 0)


def _shortened(found: Mapping[Oid, Object], rows: int | None) -> Iterator[tuple[Oid, Object]]:
    """Leave out what comes after the first rows of each column."""
    if rows is None:
        yield from found.items()
        return
    seen: dict[Oid, int] = {}
    for oid, each in sorted(found.items()):
        column = oid[:-1]
        seen[column] = seen.get(column, 0) + 1
        if seen[column] <= rows:
            yield oid, each


def _worded(found: Object) -> Object:
    tag, content = found
    return (OCTETS, b"many") if tag in {INTEGER, COUNTER32, GAUGE32} else (tag, content)


def _text(words: str) -> Object:
    return OCTETS, words.encode()
