"""What is said of a point of print: its state for dashboards, and its meters for the books."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from broker.messages.base import Count, Line, Message, Name, Part
from config.ids import NodeId

#: 0 to 100.
Percent = Annotated[int, Field(ge=0, le=100)]
#: What a meter shows; some go round at 999,999, none at more than this.
MeterValue = Annotated[int, Field(ge=0, lt=2**63)]
Severity = Literal["info", "warning", "critical"]
#: What one machine may list of a kind; the rest is left out, so that a message stays small.
MOST = 32


class DeviceIdentity(Part):
    """Which machine it is, by its own word."""

    serial: Name | None = None
    """prtGeneralSerialNumber (RFC 3805), or the serial of its IEEE 1284 device id."""
    maker: Name | None = None
    """Manufacturer."""
    model: Name | None = None
    """As it calls itself."""
    address: Name | None = None
    """Host name or address it was read at."""


class Supply(Part):
    """Toner, ink, a drum, a box for waste: prtMarkerSuppliesTable (RFC 3805)."""

    key: Name
    """Stays the same from reading to reading: its row in the machine's table."""
    name: Name
    """As the machine calls it."""
    kind: Name = "other"
    """prtMarkerSuppliesType as a word: `toner`, `ink`, `waste-toner`, `opc`, `fuser` …"""
    color: Name | None = None
    """Colorant, such as `cyan`."""
    level: Percent | None = None
    """How much is left; of a receptacle, how much room is left. None: it does not say exactly."""
    state: Literal["ok", "low", "empty", "some", "unknown"] = "unknown"
    """`some`: something is left, it does not say how much (-3)."""
    receptacle: bool = False
    """Fills up instead of running out."""
    days_left: Annotated[int, Field(ge=0, le=3650)] | None = None
    """At the use of the last weeks, where that is known."""


class Tray(Part):
    """Where paper waits: prtInputTable (RFC 3805)."""

    key: Name
    """Its row in the machine's table."""
    name: Name
    """As the machine calls it."""
    media: Name | None = None
    """Paper it is set to, such as `iso_a4_210x297mm`."""
    level: Percent | None = None
    """How full; None: it does not say exactly."""
    state: Literal["ready", "low", "empty", "missing", "unknown"] = "unknown"
    """Whether paper comes from it."""


class Cover(Part):
    """A cover or door: prtCoverTable (RFC 3805)."""

    name: Name
    """As the machine calls it."""
    open: bool
    """Whether it stands open."""


class Meter(Part):
    """One counter of a machine, since it was made."""

    name: Name
    """`total`, `total-mono`, `total-color`, or a service: `print`, `copy-color`, `fax` …"""
    unit: Literal["impressions", "sheets", "other"] = "impressions"
    """What it counts (prtMarkerCounterUnit): never compared with another unit."""
    value: MeterValue
    """What it shows."""
    source: Name
    """Where it was read: `snmp:prtMarkerLifeCount`, `ipp:printer-impressions-completed` …"""


class DeviceTrouble(Part):
    """Something that somebody should see to."""

    code: Name
    """Stable, for machines: `toner-low`, `jam`, `cover-open`, `offline`, `tray-empty` …"""
    severity: Severity
    """How loud."""
    detail: Line
    """For people."""
    since: AwareDatetime
    """When it was first seen so."""


class Capabilities(Part):
    """What it can do, as it says itself."""

    color: bool | None = None
    """It prints colour."""
    two_sided: bool | None = None
    """It prints both sides."""
    media: Annotated[tuple[Name, ...], Field(max_length=64)] | None = None
    """Media classes, such as `iso_a4`."""
    formats: Annotated[tuple[Name, ...], Field(max_length=64)] | None = None
    """MIME types."""


class DeviceState(Message):
    """State of one printer or terminal; retained."""

    TYPE: ClassVar[str] = "printmesh.device.v1"
    device: NodeId
    """Device id."""
    name: Name
    """What people call it."""
    state: Literal["idle", "processing", "stopped", "unknown"]
    """IPP printer-state (RFC 8011 §5.4.11)."""
    reasons: Annotated[tuple[Name, ...], Field(max_length=MOST)] = ()
    """printer-state-reasons."""
    updated_at: AwareDatetime
    """When it was seen so."""
    answers: bool | None = None
    """Whether it answered when it was last asked; none: nobody asks it."""
    message: Line | None = None
    """What its console shows."""
    identity: DeviceIdentity | None = None
    """Which machine stands there."""
    supplies: Annotated[tuple[Supply, ...], Field(max_length=MOST)] = ()
    """Toner and the like."""
    trays: Annotated[tuple[Tray, ...], Field(max_length=MOST)] = ()
    """Paper."""
    covers: Annotated[tuple[Cover, ...], Field(max_length=MOST)] = ()
    """Covers and doors."""
    meters: Annotated[tuple[Meter, ...], Field(max_length=MOST)] = ()
    """Counters, as last read."""
    troubles: Annotated[tuple[DeviceTrouble, ...], Field(max_length=MOST)] = ()
    """What is raised at present, the worst first."""
    can: Capabilities | None = None
    """What it can do."""
    sources: dict[Name, Name] = Field(default_factory=dict)
    """Which source gave what: `state` → `ipp`, `supplies` → `snmp`, `identity` → `cups` …"""


class MetersRead(Message):
    """A machine's own counters, read while nothing of ours moved them, where that could be had.

    What was billed between two readings is compared with their difference; nothing is charged by it
    but copies that a device's own account pays.
    """

    TYPE: ClassVar[str] = "printmesh.meters-read.v1"
    device: NodeId
    """Device id."""
    serial: Name | None
    """Of the machine that was read."""
    why: Literal["start", "day", "reset", "replaced", "asked"]
    """`day`: a day of the site ended; `reset`, `replaced`: what came before does not go on."""
    day: date | None = None
    """For `day`: which one ended, by the site's time zone."""
    read_at: AwareDatetime
    """When, by the edge's clock."""
    meters: Annotated[tuple[Meter, ...], Field(max_length=MOST)]
    """What they showed."""
    continues: bool
    """They go on from the last reading of this device; else that stretch cannot be compared."""
    since: AwareDatetime | None = None
    """When that one was made; who has another one has missed it. None: an older edge."""
    detail: Line = ""
    """Why they do not go on, or what was odd."""
    under_way: Count = 0
    """Jobs and copies of ours that were not settled then: they may count on either side."""


class FeedDevice(Message):
    """A printer as the centre last heard of it; its whole state is at `up/{node}/dev/{device}`."""

    TYPE: ClassVar[str] = "printmesh.feed-device.v1"
    node: NodeId
    """Its edge."""
    device: NodeId
    """Device id."""
    name: Name
    """What people call it."""
    state: Literal["idle", "processing", "stopped", "unknown"]
    """IPP printer-state."""
    answers: bool | None
    """Whether it answered when it was last asked."""
    troubles: Annotated[tuple[DeviceTrouble, ...], Field(max_length=MOST)] = ()
    """What is raised at present."""
    updated_at: AwareDatetime
    """When it was seen so."""
