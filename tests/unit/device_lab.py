"""Printers in memory for tests: what they are set up as, and what sources say of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from broker.messages import Meter, Supply
from config.settings import PrinterSettings
from config.settings_devices import DeviceSettings
from edge.devices.counters import Taken
from edge.devices.watch import Kept, Looked, Memory, Surroundings, looked
from edge.devices.words import Look, Origin, Reading

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SERIAL = "SN-1"
SNMP_TOTAL = "snmp:prtMarkerLifeCount"


def printer(**changes: object) -> PrinterSettings:
    """Return a printer of the site as it is set up."""
    fields = {
        "id": "lib-1",
        "name": "Library",
        "uri": "ipp://192.0.2.7/ipp/print",
        "queue": "q-lib-1",
        "snmp": "office",
    }
    return PrinterSettings.model_validate({**fields, **changes})


def settings(**changes: object) -> DeviceSettings:
    """Return how printers are watched."""
    return DeviceSettings.model_validate(changes)


def meter(
    value: int,
    name: str = "total",
    unit: Literal["impressions", "sheets", "other"] = "impressions",
    source: str = SNMP_TOTAL,
) -> Meter:
    """Return one counter."""
    return Meter(name=name, unit=unit, value=value, source=source)


def toner(level: int | None, key: str = "1", *, receptacle: bool = False) -> Supply:
    """Return a supply."""
    kind = "waste-toner" if receptacle else "toner"
    return Supply(key=key, name=f"Toner {key}", kind=kind, level=level, receptacle=receptacle)


def taken(*meters: Meter, minutes: float = 0, up: float | None = 1000, who: str = SERIAL) -> Taken:
    """Return a reading so many minutes after NOW; it ran on since `up` seconds at NOW."""
    at = NOW + timedelta(minutes=minutes)
    return Taken(meters, who, at, None if up is None else up + minutes * 60)


def by_snmp(*meters: Meter, serial: str | None = SERIAL, up: float = 1000) -> Reading:
    """Return what a sound printer says by SNMP."""
    return Reading(
        Origin.SNMP,
        state="idle",
        serial=serial,
        maker="Acme",
        model="Laser 1",
        meters=meters or (meter(100),),
        supplies=(toner(80),),
        up_for=up,
    )


class Printer:
    """One printer that is looked at again and again."""

    def __init__(self, *, set_up: PrinterSettings | None = None, **devices: object) -> None:
        self.set_up = set_up or printer()
        self.devices = settings(**devices)
        self.now = NOW
        self.at = 5000.0
        self.memory = Memory(Kept(), began=self.at)
        self.jobs = 0
        self.last: Looked | None = None

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds
        self.now += timedelta(seconds=seconds)

    def look(self, *looks: Look, after: float = 10.0) -> Looked:
        """Look at it, so many seconds after the last look."""
        self.wait(after)
        here = Surroundings(self.set_up, self.devices, UTC, self.now, self.at, self.jobs)
        self.last = looked(self.memory, looks, here)
        self.memory = self.last.memory
        return self.last

    def restart(self) -> None:
        """Begin anew with what is kept."""
        self.memory = Memory(self.memory.kept, began=self.at)

    def codes(self) -> set[str]:
        """Return the codes of what is raised."""
        assert self.last is not None
        return {each.code for each in self.last.state.troubles}


def told(result: Looked) -> list[tuple[str, bool]]:
    """Return the notes of a look: code and whether it is cleared."""
    return [(each.code, each.cleared) for each in result.notes]


def with_(reading: Reading, **changes: object) -> Reading:
    """Return a reading that differs."""
    return replace(reading, **changes)  # type: ignore[arg-type]
