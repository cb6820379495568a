"""Looks at one printer by SNMP: everything at first, then what changes; remembers the rest.

A machine's tables are some hundred objects, of which two dozen change. They are read whole at the
first look, once an hour or a little oftener, and whenever the machine was changed, restarted or
replaced.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from edge.devices import oids, printer_mib, vendors
from edge.devices.pace import share
from edge.devices.rows import rows
from edge.devices.words import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.devices.objects import Objects
    from edge.devices.oids import Oid, Value
    from edge.devices.vendors import Vendor
    from edge.devices.words import Look, Target

#: Seconds after which tables are read whole again at the latest; each machine has its own time
#: within the last half of them, so that those of one start do not stay together.
_WHOLE: Final = 3600.0
#: And once where something of them was missing: it may have been no more than a lost reply.
_WHOLE_SOON: Final = 300.0
#: Objects that are remembered of one machine; none has a quarter of them.
_MOST: Final = 4000
#: Seconds after which alerts are read again although nothing says that they changed.
_ALERTS: Final = 30.0
#: Seconds that one look may take, whatever a machine does.
_LONGEST: Final = 45.0
_STOPPED: Final = "it stopped answering half way"


@dataclass(slots=True)
class _Known:
    """What is remembered of a machine between looks."""

    again_at: float
    """When its tables are to be read whole again."""
    slow_at: float
    """When what changes slowly was read."""
    values: dict[Oid, Value]
    maker: Vendor | None
    odd: tuple[str, ...]
    alerts_at: float
    """When alerts were last read."""
    alerted: bool
    """There were some."""
    changed: bool = False
    """Something says that alerts came or went since they were read."""
    moved: bool = False
    """Its life count has moved since the counters of services were read."""

    def take(self, got: Mapping[Oid, Value]) -> None:
        """Remember what was read; whoever reads it, a sign of alerts is not lost."""
        signs = (oids.ALERT_ALL_EVENTS, *printer_mib.TROUBLE)
        self.changed |= any(_differ(self.values, got, column) for column in signs)
        self.values.update(got)


@dataclass(slots=True)
class _Gathered:
    """What a whole reading has come to."""

    values: dict[Oid, Value] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    silent: bool = False


class SnmpSource:
    """Looks at printers by SNMP."""

    def __init__(
        self,
        objects: Objects,
        *,
        slow: float,
        clock: Callable[[], float],
        makers: tuple[Vendor, ...],
    ) -> None:
        """Remember how to ask.

        Args:
            objects: reads objects and tables.
            slow: seconds between two readings of what changes slowly (levels, meters).
            clock: seconds that only go forward.
            makers: data files.
        """
        self._objects = objects
        self._slow = slow
        self._clock = clock
        self._makers = makers
        self._known: dict[Target, _Known] = {}

    async def look(self, target: Target) -> Look:
        """Read how a printer is."""
        try:
            async with asyncio.timeout(_LONGEST):
                return await self._looked(target)
        except TimeoutError:
            return NoAnswer(f"{target.address} was not read in {_LONGEST:g} s of SNMP")

    async def meters(self, target: Target) -> Look:
        """Read who it is, what it does and what its counters show; no more where it is known."""
        known = self._known.get(target)
        if known is None:
            return await self.look(target)
        wanted = [oids.SYS_UP_TIME]
        # whether it stands idle belongs to a counter: between two such readings one job is alone
        wanted += _instances(known.values, (*printer_mib.STATE, *printer_mib.LIFE))
        wanted += _services(known)
        got = await self._objects.get(target, wanted)
        if isinstance(got, NoAnswer):
            return got
        if not _goes_on(known.values, got, wanted):
            return await self.look(target)
        known.take(got)
        known.moved = False
        return printer_mib.reading(known.values, known.maker, known.odd)

    def forget(self, target: Target) -> None:
        """Read everything at the next look."""
        self._known.pop(target, None)

    async def _looked(self, target: Target) -> Look:
        known = self._known.get(target)
        now = self._clock()
        if known is None or now >= known.again_at:
            return await self._whole(target)
        wanted = [oids.SYS_UP_TIME, *_instances(known.values, printer_mib.STATE)]
        slow = now - known.slow_at >= self._slow
        if slow:
            wanted += _instances(known.values, printer_mib.SLOW)
        got = await self._objects.get(target, wanted)
        if isinstance(got, NoAnswer):
            return got
        if not _goes_on(known.values, got, wanted):
            return await self._whole(target)
        known.moved |= slow and _differ(known.values, got, oids.MARKER_LIFE_COUNT)
        known.take(got)
        metered = slow
        if slow:
            known.slow_at = now
            metered = await self._count(target, known)
        odd = known.odd
        lasting = known.alerted or _troubled(known.values)
        if known.changed or (lasting and now - known.alerts_at >= _ALERTS):
            odd = (*odd, *await self._alerts(target, known, now))
        return replace(printer_mib.reading(known.values, known.maker, odd), metered=metered)

    async def _count(self, target: Target, known: _Known) -> bool:
        """Read the counters of services where the machine has counted; tell whether all is new."""
        total = any(_of_columns(each, (oids.MARKER_LIFE_COUNT,)) for each in known.values)
        wanted = _services(known)
        if not wanted or not (known.moved or not total):
            return True
        got = await self._objects.get(target, wanted)
        if isinstance(got, NoAnswer):
            return False
        known.values.update(got)
        known.moved = False
        return True

    async def _alerts(self, target: Target, known: _Known, now: float) -> tuple[str, ...]:
        """Read the alerts anew; rows come and go."""
        walk = await self._objects.walk(target, printer_mib.ALERTS)
        if isinstance(walk, NoAnswer):
            return ("its alerts were not told",)
        for oid in [each for each in known.values if _of_columns(each, printer_mib.ALERTS)]:
            del known.values[oid]
        known.values.update(walk.values)
        known.alerts_at, known.alerted, known.changed = now, bool(walk.values), False
        return () if walk.broken is None else (f"its alerts: {walk.broken}",)

    async def _whole(self, target: Target) -> Look:
        now = self._clock()
        first = await self._objects.get(target, printer_mib.SCALARS)
        if isinstance(first, NoAnswer):
            return first
        gathered = _Gathered(dict(first))
        maker = vendors.of(self._makers, first.get(oids.SYS_OBJECT_ID))
        for table in (*printer_mib.TABLES, printer_mib.ALERTS):
            await self._table(target, table, gathered)
        if not printer_mib.is_printer(gathered.values):
            self.forget(target)
            if gathered.silent:
                return NoAnswer(f"{target.address}: {_STOPPED}")
            return NoAnswer(f"{target.address} answers SNMP, and is no printer")
        for table in printer_mib.IMAGING:
            await self._table(target, table, gathered)
        if maker is not None:
            await self._makers_own(target, maker, gathered)
        odd = tuple(dict.fromkeys(gathered.odd))
        if gathered.silent:
            self.forget(target)
            return printer_mib.reading(gathered.values, maker, (*odd, _STOPPED))
        alerted = any(_of_columns(each, printer_mib.ALERTS) for each in gathered.values)
        before = self._known.get(target)
        soon = odd and (before is None or before.odd != odd)
        again = _WHOLE_SOON if soon else _WHOLE * (1 + share(target.address)) / 2
        # who is not asked there any more is not remembered
        self._known = {it: each for it, each in self._known.items() if now < each.again_at + _WHOLE}
        self._known[target] = _Known(now + again, now, gathered.values, maker, odd, now, alerted)
        return printer_mib.reading(gathered.values, maker, odd)

    async def _table(self, target: Target, columns: tuple[Oid, ...], into: _Gathered) -> None:
        if into.silent:
            return
        if len(into.values) >= _MOST:
            into.odd.append(f"its tables are longer than {_MOST:,} values")
            return
        walk = await self._objects.walk(target, columns)
        if isinstance(walk, NoAnswer):
            into.silent = True
            return
        into.values.update(walk.values)
        if walk.broken is not None:
            into.odd.append(walk.broken)

    async def _makers_own(self, target: Target, maker: Vendor, into: _Gathered) -> None:
        """Read what only this maker's machines have; a table of names that is not whole is none."""
        if maker.scalars and not into.silent:
            got = await self._objects.get(target, maker.scalars)
            if isinstance(got, NoAnswer):
                into.silent = True
            else:
                into.values.update(got)
        if maker.columns and not into.silent:
            walk = await self._objects.walk(target, maker.columns)
            if isinstance(walk, NoAnswer):
                into.silent = True
            elif walk.broken is not None:
                into.odd.append(f"its counters: {walk.broken}")
            else:
                into.values.update(walk.values)


def _instances(values: Mapping[Oid, Value], columns: Iterable[Oid]) -> list[Oid]:
    """Return the objects of these columns that a machine has, row by row."""
    found = rows(values, *columns)
    return [(*column, *index) for index, row in found.items() for column in row]


def _services(known: _Known) -> list[Oid]:
    """Return the counters of services that a machine has."""
    wanted = _instances(known.values, printer_mib.SERVICES)
    if known.maker is None:
        return wanted
    wanted += [each for each in known.maker.scalars if each in known.values]
    if known.maker.named is not None:
        wanted += _instances(known.values, (known.maker.named.values,))
    return wanted


def _goes_on(before: Mapping[Oid, Value], got: Mapping[Oid, Value], wanted: list[Oid]) -> bool:
    """Tell whether it is the machine that is remembered, as it was set up then."""
    if any(oid not in got for oid in wanted if oid in before):
        return False
    up, was = got.get(oids.SYS_UP_TIME), before.get(oids.SYS_UP_TIME)
    if isinstance(up, int) and isinstance(was, int) and up < was:
        return False
    return not any(
        _differ(before, got, column) for column in (oids.SERIAL_NUMBER, oids.CONFIG_CHANGES)
    )


def _differ(before: Mapping[Oid, Value], got: Mapping[Oid, Value], column: Oid) -> bool:
    size = len(column)
    return any(oid[:size] == column and before.get(oid) != got[oid] for oid in got)


def _of_columns(oid: Oid, columns: Iterable[Oid]) -> bool:
    return any(oid[: len(column)] == column for column in columns)


def _troubled(values: Mapping[Oid, Value]) -> bool:
    """Tell whether any bit of hrPrinterDetectedErrorState is set."""
    found = rows(values, oids.HR_PRINTER_ERRORS).values()
    said = (row[oids.HR_PRINTER_ERRORS] for row in found)
    return any(bool(each.strip(b"\0")) for each in said if isinstance(each, bytes))
