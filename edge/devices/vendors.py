"""Meters that makers keep where no standard says: data files in `makers/`, by sysObjectID.

Pure but for `load`, which reads the files once. The PWG Imaging Counter MIB (PWG 5106.3) comes
first; where it tells services apart, no maker's own table is believed beside it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from broker.messages import Meter
from edge.devices import oids
from edge.devices.oids import Oid, oid, text_of
from edge.devices.rows import number, rows, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.devices.oids import Value

Unit = Literal["impressions", "sheets", "other"]

#: icKeyServiceType → service, as the names of meters have it.
_SERVICES: Final = {
    3: "",
    4: "copy",
    5: "email-in",
    7: "fax",
    9: "network-fax",
    11: "print",
    12: "scan",
}
#: icSubunitType: other, unknown, or none: the key counts the whole service.
_WHOLE: Final = frozenset({None, 0, 1, 2})
_WORK_TOTALS: Final = 3
_LIFETIME: Final = 3
#: What a meter shows is below this, as the wire has it.
MOST_SHOWN: Final = 2**63


class _OneMeter(BaseModel):
    """`[[meters]]`: a figure, as the sum of objects that all have to be there."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    unit: Unit = "impressions"
    oids: tuple[str, ...] = Field(min_length=1)


class _NamedTable(BaseModel):
    """`[named]`: a table whose rows have names; `meters` joins them to figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    names: str
    values: str
    unit: Unit = "impressions"
    meters: dict[str, tuple[str, ...]]


class _File(BaseModel):
    """A data file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    maker: str
    enterprises: tuple[str, ...] = Field(min_length=1)
    source: str = Field(min_length=10)
    verify: str = Field(min_length=10)
    meters: tuple[_OneMeter, ...] = ()
    named: _NamedTable | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A table whose rows are found by what they are called."""

    names: Oid
    """Column of the names."""
    values: Oid
    """Column of the counts."""
    unit: Unit
    """What all of them count."""
    meters: Mapping[str, tuple[str, ...]]
    """Figure → names of rows, lower case; the first has to be there, the rest is added."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a maker's machines count beyond the standards."""

    maker: str
    """As people write it."""
    enterprises: tuple[Oid, ...]
    """Prefixes of sysObjectID."""
    meters: Mapping[str, tuple[Unit, tuple[Oid, ...]]] = field(default_factory=dict)
    """Figure → its unit, and the objects whose sum it is."""
    named: Named | None = None

    @property
    def scalars(self) -> tuple[Oid, ...]:
        """Single objects to read."""
        return tuple(each for _, parts in self.meters.values() for each in parts)

    @property
    def columns(self) -> tuple[Oid, ...]:
        """Columns to read."""
        return () if self.named is None else (self.named.names, self.named.values)


@cache
def load() -> tuple[Vendor, ...]:
    """Read the data files.

    Raises:
        ValueError: one is not as it should be; a test reads them all.
    """
    folder = files("edge.devices").joinpath("makers")
    return tuple(
        vendor(tomllib.loads(file.read_text(encoding="utf-8")))
        for file in sorted(folder.iterdir(), key=lambda each: each.name)
        if file.name.endswith(".toml")
    )


def vendor(table: Mapping[str, object]) -> Vendor:
    """Check what a data file holds, and return it.

    Raises:
        ValueError: it does not fit.
    """
    read = _File.model_validate(table)
    named = None if read.named is None else _joined(read.named)
    meters = {each.name: (each.unit, tuple(map(oid, each.oids))) for each in read.meters}
    return Vendor(read.maker, tuple(map(oid, read.enterprises)), meters, named)


def _joined(table: _NamedTable) -> Named:
    meters = {meter: tuple(each.lower() for each in names) for meter, names in table.meters.items()}
    return Named(oid(table.names), oid(table.values), table.unit, meters)


def of(vendors: Iterable[Vendor], sys_object_id: Value | None) -> Vendor | None:
    """Return the maker of a machine: the longest prefix of its sysObjectID."""
    if not isinstance(sys_object_id, str):
        return None
    try:
        own = oid(sys_object_id)
    except ValueError:
        return None
    fitting = [
        (len(prefix), each)
        for each in vendors
        for prefix in each.enterprises
        if own[: len(prefix)] == prefix
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def service_meters(
    values: Mapping[Oid, Value], maker: Vendor | None
) -> tuple[tuple[Meter, ...], tuple[str, ...]]:
    """Return figures beyond prtMarkerLifeCount, and what was odd; all from one source.

    Args:
        values: objects as read.
        maker: whose machine it is, where a data file knows it.
    """
    odd: list[str] = []
    standard = list(_imaging(values, odd))
    if any(not each.name.startswith("total") for each in standard) or maker is None:
        return tuple(standard), tuple(odd)
    own = [*_scalars(values, maker, odd), *_by_name(values, maker, odd)]
    known = {each.name for each in own}
    return (*own, *(each for each in standard if each.name not in known)), tuple(odd)


def _imaging(values: Mapping[Oid, Value], odd: list[str]) -> Iterable[Meter]:
    keys = rows(values, oids.IC_KEY_SERVICE_TYPE, oids.IC_KEY_SUBUNIT_TYPE)
    counts = rows(values, oids.IC_TOTAL, oids.IC_MONO, oids.IC_FULL_COLOR, oids.IC_HIGHLIGHT)
    seen: set[str] = set()
    for index, row in counts.items():
        if len(index) != 3 or index[1:] != (_WORK_TOTALS, _LIFETIME):  # noqa: PLR2004  its index
            continue
        key = keys.get(index[:1], {})
        service = _SERVICES.get(number(key.get(oids.IC_KEY_SERVICE_TYPE)) or 0)
        if service is None or number(key.get(oids.IC_KEY_SUBUNIT_TYPE)) not in _WHOLE:
            continue
        head = service or "total"
        colour = [number(row.get(each)) for each in (oids.IC_FULL_COLOR, oids.IC_HIGHLIGHT)]
        figures = {
            head: number(row.get(oids.IC_TOTAL)),
            f"{head}-mono": number(row.get(oids.IC_MONO)),
            f"{head}-color": sum(each or 0 for each in colour) if colour[0] is not None else None,
        }
        for name, value in figures.items():
            if value is not None and name not in seen:
                seen.add(name)
                yield from _meter(name, "impressions", value, "icImpressionTable", odd)


def _scalars(values: Mapping[Oid, Value], maker: Vendor, odd: list[str]) -> Iterable[Meter]:
    for name, (unit, parts) in maker.meters.items():
        found = [number(values.get(each)) for each in parts]
        whole = [each for each in found if each is not None]
        if len(whole) == len(parts):
            yield from _meter(name, unit, sum(whole), text_of(parts[0]), odd)
        elif whole:
            odd.append(f"the parts of {name} are not all there")


def _by_name(values: Mapping[Oid, Value], maker: Vendor, odd: list[str]) -> Iterable[Meter]:
    if (named := maker.named) is None:
        return
    table: dict[str, int] = {}
    for row in rows(values, named.names, named.values).values():
        called = " ".join(text(row.get(named.names)).lower().split())
        count = number(row.get(named.values))
        if called and count is None:
            odd.append(f"the counter {called!r} is half there")
            return
        if not called or count is None:
            continue
        if table.setdefault(called, count) != count:
            odd.append(f"the counter {called!r} is there twice")
            return
    for name, parts in named.meters.items():
        if parts[0] in table:
            total = sum(table.get(each, 0) for each in parts)
            yield from _meter(name, named.unit, total, text_of(named.values), odd)


def _meter(name: str, unit: Unit, value: int, where: str, odd: list[str]) -> Iterable[Meter]:
    if 0 <= value < MOST_SHOWN:
        yield Meter(name=name, unit=unit, value=value, source=f"snmp:{where}")
    else:
        odd.append(f"{name} shows {value}")
