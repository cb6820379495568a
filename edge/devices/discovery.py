"""Printers in a range of addresses: who answers SNMP there, what it is, and whether it is known."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.logs import logger
from edge.devices import ipp_source, oids, vendors
from edge.devices.addresses import MOST, NotAnAddressError, spread
from edge.devices.identity import clean
from edge.devices.objects import Objects
from edge.devices.snmp_source import SnmpSource
from edge.devices.walking import Bounds, Walk
from edge.devices.words import Found, NoAnswer, Reading, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from config.settings_devices import DeviceSettings, SnmpProfile
    from edge.devices.objects import Asker
    from edge.devices.words import Look

_log = logger("edge.devices.discovery")

#: What a printer has that nothing else has; one datagram there and back.
_PROBE: Final = (
    oids.SYS_OBJECT_ID,
    (*oids.SERIAL_NUMBER, 1),
    (*oids.HR_PRINTER_STATUS, 1),
    (*oids.CONFIG_CHANGES, 1),
)
#: The same of a printer that its agent does not call its first device.
_PRINTERS: Final = (oids.SERIAL_NUMBER, oids.CONFIG_CHANGES)
_FEW: Final = Bounds(values=4, seconds=5.0)
#: Questions that may be under way at most, however patient the profiles are.
_AT_ONCE: Final = 500
#: Machines that are read whole at the same time.
_READ_AT_ONCE: Final = 12
#: Seconds that reading one machine takes at most; said beforehand.
_READING: Final = 5.0
#: A running edge looks for a lost printer at this many addresses a second.
_SEARCH_RATE: Final = 25.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be asked."""

    addresses: tuple[str, ...]
    """Each once, in their order."""
    profiles: tuple[str, ...]
    """In the order in which they are tried."""
    rate: float
    """New addresses a second at most."""
    seconds: float
    """How long it takes at most."""
    at_once: int
    """Questions under way at the same time at most."""


@dataclass(slots=True)
class Sweep:
    """What came of it; grows while it goes on."""

    found: list[Found] = field(default_factory=list)
    """Printers, as they answered."""
    others: list[str] = field(default_factory=list)
    """Addresses that answer SNMP and are no printers."""
    refused: list[str] = field(default_factory=list)
    """Why some that answered will not speak with us."""
    asked: int = 0
    """Addresses asked so far."""


def listed(words: Iterable[str]) -> tuple[str, ...]:
    """Return every address that is meant, each once: addresses, ranges, networks, files of them.

    Raises:
        NotAnAddressError: one is none of these, or they are far too many.
    """
    found: dict[str, None] = {}
    for word in words:
        for address in _meant(word):
            found[address] = None
            if len(found) > MOST:
                raise NotAnAddressError(f"more than {MOST:,} addresses")
    return tuple(found)


def _meant(word: str) -> Iterator[str]:
    path = Path(word)
    if not path.is_file():
        yield from spread(word)
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise NotAnAddressError(f"{word} cannot be read as text") from error
    for line in lines:
        if text := line.partition("#")[0].strip():
            yield from spread(text)


def plan(
    addresses: Sequence[str],
    profiles: Mapping[str, SnmpProfile],
    *,
    rate: float,
    live: float = 0.05,
) -> Plan:
    """Work out how it would be done and how long it takes at most.

    Args:
        addresses: where.
        profiles: how, in the order in which they are tried.
        rate: new addresses a second at most.
        live: the share of them that answer, for the estimate of reading them.
    """
    patience = sum(each.timeout.total_seconds() * (each.retries + 1) for each in profiles.values())
    at_once = max(1, min(_AT_ONCE, math.ceil(rate * patience)))
    pace = max(1 / rate, patience / at_once)
    reading = _READING * max(1.0, math.ceil(len(addresses) * live / _READ_AT_ONCE))
    seconds = len(addresses) * pace + patience + reading
    return Plan(tuple(addresses), tuple(profiles), rate, seconds, at_once)


async def discover(
    wanted: Plan,
    profiles: Mapping[str, SnmpProfile],
    *,
    known: Mapping[str, str] | None = None,
    told: Callable[[Sweep], None] = lambda _: None,
    whole: bool = True,
    asker: Asker | None = None,
) -> Sweep:
    """Ask every address of a plan; what nobody answers is passed over.

    Args:
        wanted: what to ask.
        profiles: how, by name.
        known: serial number, as `identity.clean` writes it → device id of this site.
        told: called after each address.
        whole: ask the printers found by IPP too.
        asker: puts the questions; None: SNMP of its own.
    """
    own = None
    if asker is None:
        from edge.devices.snmp import Snmp  # noqa: PLC0415  pysnmp loads in 0.3 s

        asker = own = Snmp(profiles, at_once=wanted.at_once)
    objects = Objects(asker)
    source = SnmpSource(objects, slow=0.0, clock=time.monotonic, makers=vendors.load())
    going = _Going(wanted, profiles, objects, source, known or {}, told, whole=whole)
    try:
        await going.run()
    finally:
        if own is not None:
            await own.close()
    order = {address: place for place, address in enumerate(wanted.addresses)}
    going.sweep.found.sort(key=lambda each: order[each.address])
    return going.sweep


class _Going:
    """A sweep under way."""

    def __init__(
        self,
        wanted: Plan,
        profiles: Mapping[str, SnmpProfile],
        objects: Objects,
        source: SnmpSource,
        known: Mapping[str, str],
        told: Callable[[Sweep], None],
        *,
        whole: bool,
    ) -> None:
        self.sweep = Sweep()
        self._plan = wanted
        self._profiles = profiles
        self._objects = objects
        self._source = source
        self._known = known
        self._told = told
        self._whole = whole
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)
        self._under_way = asyncio.Semaphore(wanted.at_once)

    async def run(self) -> None:
        """Begin with one address after the other, no faster than the rate."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number, address in enumerate(self._plan.addresses):
                pause = start + number / self._plan.rate - loop.time()
                if pause > 0:
                    await asyncio.sleep(pause)
                await self._under_way.acquire()
                tasks.create_task(self._ask(address), name=f"discover {address}")

    async def _ask(self, address: str) -> None:
        try:
            await self._look(address)
        except Exception:  # noqa: BLE001  once an address: no machine ends a sweep
            _log.exception("an address failed", action="discover-error", address=address)
            self.sweep.refused.append(f"{address} answers what nobody has thought of")
        self.sweep.asked += 1
        self._told(self.sweep)

    async def _look(self, address: str) -> None:
        try:
            target = await self._probe(address)
        finally:
            self._under_way.release()
        if target is not None:
            async with self._reading:
                await self._read(target)

    async def _probe(self, address: str) -> Target | None:
        """Return by which profile a printer answers there."""
        refusal = None
        for name in self._plan.profiles:
            target = Target(address, self._profiles[name].port, name)
            got = await self._objects.get(target, _PROBE)
            if isinstance(got, NoAnswer):
                refusal = got.reason if got.refused else refusal
                continue
            if got.keys() - {oids.SYS_OBJECT_ID} or await self._is_another_device(target):
                return target
            self.sweep.others.append(address)
            return None
        if refusal is not None:
            self.sweep.refused.append(refusal)
        return None

    async def _is_another_device(self, target: Target) -> bool:
        """Say whether a printer is not the first of its agent's devices (hrDeviceIndex)."""
        found = await self._objects.walk(target, _PRINTERS, _FEW)
        return isinstance(found, Walk) and bool(found.values)

    async def _read(self, target: Target) -> None:
        look: Look = await self._source.look(target)
        if isinstance(look, NoAnswer):
            self.sweep.refused.append(look.reason)
            return
        facts = {"profile": target.profile}
        if self._whole:
            facts |= await _by_ipp(target.address)
        known_as = self._known.get(clean(look.serial)) if look.serial else None
        self.sweep.found.append(Found(target.address, look, known_as, facts))


async def _by_ipp(address: str) -> dict[str, str]:
    """Say where it prints, if it answers where IPP Everywhere has it (PWG 5100.14 §4.2)."""
    host = f"[{address}]" if ":" in address else address
    uri = f"ipp://{host}/ipp/print"
    look = await ipp_source.look(uri, seconds=4.0)
    if not isinstance(look, Reading):
        return {}
    color = None if look.can is None else look.can.color
    return {"uri": uri} | ({} if color is None else {"color": "yes" if color else "no"})


class SerialSearch:
    """Looks for printers by their serial numbers in the ranges of the settings."""

    def __init__(self, profiles: Mapping[str, SnmpProfile], settings: DeviceSettings) -> None:
        """Remember where and how.

        Raises:
            NotAnAddressError: a range of the settings is none.
        """
        self._addresses = listed(settings.search)
        # a lost printer is looked for again and again: once each, and in one go
        self._profiles = {
            name: each.model_copy(update={"retries": 0}) for name, each in profiles.items()
        }

    async def __call__(self, serials: Collection[str]) -> Mapping[str, str]:
        """Return at which address each of these was found."""
        if not self._addresses or not self._profiles:
            return {}
        wanted = plan(self._addresses, self._profiles, rate=_SEARCH_RATE)
        wanted = replace(wanted, at_once=min(wanted.at_once, 64))
        sweep = await discover(wanted, self._profiles, whole=False)
        sought = {clean(each): each for each in serials}
        found = {clean(each.reading.serial or ""): each.address for each in sweep.found}
        return {sought[serial]: address for serial, address in found.items() if serial in sought}
