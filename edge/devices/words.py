"""What one look at a printer by one source found; pure, and the same for every source.

What a source does not say is None or empty, never 0: nobody may take silence for a figure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.messages import Capabilities, Cover, Meter, Supply, Tray

PrinterState: TypeAlias = Literal["idle", "processing", "stopped"]


class Origin(StrEnum):
    """Who said it; also the words of `DeviceState.sources`."""

    SNMP = "snmp"
    IPP = "ipp"
    CUPS = "cups"


@dataclass(frozen=True, slots=True)
class DeviceAlert:
    """One row of the machine's own alerts (prtAlertTable, RFC 3805 §2.2.13), or a reason of IPP."""

    code: str
    """IPP printer-state-reason keyword without its suffix where there is one: `media-jam`."""
    severity: Literal["info", "warning", "critical"]
    """As the machine rates it."""
    detail: str = ""
    """Its own words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source said at one look."""

    origin: Origin
    """Who."""
    state: PrinterState | None = None
    """printer-state (RFC 8011 §5.4.11)."""
    asleep: bool | None = None
    """It saves power; a look may wake it."""
    reasons: tuple[str, ...] = ()
    """printer-state-reasons, with their suffixes."""
    alerts: tuple[DeviceAlert, ...] = ()
    """What the machine itself complains of."""
    message: str | None = None
    """Console text, one line."""
    serial: str | None = None
    """Serial number; None where it is empty or made of one character repeated."""
    maker: str | None = None
    """Manufacturer."""
    model: str | None = None
    """As it calls itself."""
    supplies: tuple[Supply, ...] = ()
    """As the wire has them, `days_left` open."""
    trays: tuple[Tray, ...] = ()
    """As the wire has them."""
    covers: tuple[Cover, ...] = ()
    """As the wire has them."""
    meters: tuple[Meter, ...] = ()
    """As the wire has them, each with its own source; one figure never from two sources."""
    metered: bool = True
    """Meters were read at this look; else they are remembered from an earlier one."""
    up_for: float | None = None
    """Seconds since it was switched on, by its own clock (sysUpTime, printer-up-time)."""
    can: Capabilities | None = None
    """What it can do."""
    odd: tuple[str, ...] = ()
    """What was said and cannot be so, a sentence each: half tables, negative counters …"""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came back, or nothing that can be used; expected, so a value."""

    reason: str
    """For people: who was asked, and what became of it; never a secret."""
    refused: bool = False
    """It answered, and will not speak with us: a wrong community, user or key."""


#: One look by one source.
Look: TypeAlias = Reading | NoAnswer


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how a printer is asked by SNMP."""

    address: str
    """Host name or address."""
    port: int
    """UDP."""
    profile: str
    """Name of the profile in the settings."""


@dataclass(frozen=True, slots=True)
class Found:
    """A printer that discovery came across."""

    address: str
    """Where it answered."""
    reading: Reading
    """What it said of itself."""
    known_as: str | None = None
    """Device id of this site with that serial number."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Further plain facts for people, such as its IEEE 1284 device id."""
