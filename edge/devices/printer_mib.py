"""What the Printer MIB (RFC 3805) and the Host Resources MIB (RFC 2790) say, as one reading; pure.

Objects come as they were read, by identifier. A row that lacks what its meaning needs is left out
and said, never completed: half a table is not a smaller table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from broker.messages import Capabilities, Cover, Meter
from broker.messages.devices import MOST
from edge.devices import oids, texts
from edge.devices.alert_codes import keyword
from edge.devices.consumables import supplies, trays
from edge.devices.oids import text_of
from edge.devices.rows import number, rows, text
from edge.devices.vendors import MOST_SHOWN, Unit, Vendor, service_meters
from edge.devices.words import DeviceAlert, Origin, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from broker.messages import Supply
    from edge.devices.oids import Oid, Value
    from edge.devices.words import PrinterState

Severity = Literal["info", "warning", "critical"]

# hrDeviceStatus, hrPrinterStatus (RFC 2790 §4.2)
_RUNNING: Final = 2
_DOWN: Final = 5
_OTHER: Final = 1
_STATES: Final[Mapping[int, PrinterState]] = {3: "idle", 4: "processing", 5: "idle"}
#: hrPrinterDetectedErrorState → keyword and how bad it is, the first bit the highest of the first
#: octet (RFC 2790 §4.2; keywords as alert_codes has them).
_ERRORS: Final[tuple[tuple[str, Severity], ...]] = (
    ("media-low", "info"),
    ("media-empty", "warning"),
    ("toner-low", "warning"),
    ("toner-empty", "critical"),
    ("cover-open", "critical"),
    ("media-jam", "critical"),
    ("offline", "critical"),
    ("service-needed", "warning"),
    ("input-tray-missing", "warning"),
    ("output-tray-missing", "warning"),
    ("marker-supply-missing", "critical"),
    ("output-area-almost-full", "info"),
    ("output-area-full", "warning"),
    ("media-empty", "info"),
    ("service-needed", "info"),
)
_SUFFIXES: Final[Mapping[Severity, str]] = {
    "info": "report",
    "warning": "warning",
    "critical": "error",
}
_SEVERITIES: Final[Mapping[int, Severity]] = {3: "critical", 4: "warning", 5: "warning"}
_POWER_SAVER: Final = "power-saver"
#: More alerts than this are a log, not a state.
_ALERTS: Final = 64

_OPEN: Final = frozenset({3, 5})
_CLOSED: Final = frozenset({4, 6})

#: prtMarkerCounterUnit → the wire's word (RFC 3805, PrtMarkerCounterUnitTC).
_UNITS: Final[Mapping[int, Unit]] = {7: "impressions", 8: "sheets"}
_HUNDREDTHS: Final = 100
_COLORS: Final = frozenset({"cyan", "magenta", "yellow"})
_TWO_SIDED: Final = frozenset({3, 4})

#: Columns that are read whole at first and now and then, those of one table together.
TABLES: Final[tuple[tuple[Oid, ...], ...]] = (
    (oids.HR_PRINTER_STATUS, oids.HR_PRINTER_ERRORS),
    (oids.HR_DEVICE_DESCR, oids.HR_DEVICE_STATUS),
    (
        oids.CONFIG_CHANGES,
        oids.PRINTER_NAME,
        oids.SERIAL_NUMBER,
        oids.ALERT_ALL_EVENTS,
    ),
    (oids.COVER_DESCRIPTION, oids.COVER_STATUS),
    (
        oids.INPUT_MAX_CAPACITY,
        oids.INPUT_LEVEL,
        oids.INPUT_STATUS,
        oids.INPUT_MEDIA_NAME,
        oids.INPUT_NAME,
        oids.INPUT_DESCRIPTION,
    ),
    (oids.MARKER_COUNTER_UNIT, oids.MARKER_LIFE_COUNT),
    (
        oids.SUPPLIES_COLORANT,
        oids.SUPPLIES_CLASS,
        oids.SUPPLIES_TYPE,
        oids.SUPPLIES_DESCRIPTION,
        oids.SUPPLIES_UNIT,
        oids.SUPPLIES_MAX_CAPACITY,
        oids.SUPPLIES_LEVEL,
    ),
    (oids.COLORANT_VALUE,),
    (oids.MEDIA_PATH_TYPE,),
    (oids.CONSOLE_TEXT,),
    (oids.DEVICE_ID_1284,),
)
#: Read whole whenever something may be wrong: rows come and go.
ALERTS: Final[tuple[Oid, ...]] = (
    oids.ALERT_SEVERITY,
    oids.ALERT_GROUP,
    oids.ALERT_CODE,
    oids.ALERT_DESCRIPTION,
)
#: The PWG's counters, where a machine has them.
IMAGING: Final[tuple[tuple[Oid, ...], ...]] = (
    (oids.IC_KEY_SERVICE_TYPE, oids.IC_KEY_SUBUNIT_TYPE),
    (oids.IC_TOTAL, oids.IC_MONO, oids.IC_FULL_COLOR, oids.IC_HIGHLIGHT),
)
SCALARS: Final[tuple[Oid, ...]] = (oids.SYS_UP_TIME, oids.SYS_OBJECT_ID, oids.SYS_DESCR)
#: Of what changes from look to look: read at every look, row by row.
STATE: Final[tuple[Oid, ...]] = (
    oids.HR_PRINTER_STATUS,
    oids.HR_PRINTER_ERRORS,
    oids.HR_DEVICE_STATUS,
    oids.CONFIG_CHANGES,
    oids.SERIAL_NUMBER,
    oids.ALERT_ALL_EVENTS,
    oids.COVER_STATUS,
    oids.CONSOLE_TEXT,
)
#: Of these a change may be an alert that came or went.
TROUBLE: Final[tuple[Oid, ...]] = (oids.HR_PRINTER_ERRORS, oids.HR_DEVICE_STATUS)
#: The counter of all; its unit is asked before it, in the same question.
LIFE: Final[tuple[Oid, ...]] = (oids.MARKER_COUNTER_UNIT, oids.MARKER_LIFE_COUNT)
#: Counters of services: they move only when that one does.
SERVICES: Final[tuple[Oid, ...]] = (
    oids.IC_TOTAL,
    oids.IC_MONO,
    oids.IC_FULL_COLOR,
    oids.IC_HIGHLIGHT,
)
#: Of what changes slowly.
SLOW: Final[tuple[Oid, ...]] = (
    oids.INPUT_LEVEL,
    oids.INPUT_STATUS,
    oids.SUPPLIES_LEVEL,
    *LIFE,
)


def device_of(values: Mapping[Oid, Value]) -> int:
    """Return the hrDeviceIndex of the (first) printer of an agent."""
    for column in (oids.HR_PRINTER_STATUS, oids.SERIAL_NUMBER, oids.CONFIG_CHANGES):
        if found := rows(values, column):
            return next(iter(found))[0]
    marked = rows(values, oids.MARKER_LIFE_COUNT)
    return next(iter(marked))[0] if marked else 1


def is_printer(values: Mapping[Oid, Value]) -> bool:
    """Tell whether an agent speaks of a printer at all."""
    wanted = (oids.HR_PRINTER_STATUS, oids.SERIAL_NUMBER, oids.CONFIG_CHANGES)
    return bool(rows(values, *wanted, oids.MARKER_LIFE_COUNT))


def reading(
    values: Mapping[Oid, Value], maker: Vendor | None = None, odd: Iterable[str] = ()
) -> Reading:
    """Return what a machine said of itself.

    Args:
        values: objects as read, by identifier.
        maker: its data file, where there is one.
        odd: what was odd about the reading itself, such as tables that were not all there.
    """
    device = device_of(values)
    alerts = _alerts(values, device)
    status = number(values.get((*oids.HR_PRINTER_STATUS, device)))
    down = number(values.get((*oids.HR_DEVICE_STATUS, device)))
    complaints = [*_errors(values.get((*oids.HR_PRINTER_ERRORS, device)))]
    complaints += [(each.code, each.severity) for each in alerts]
    state, asleep = _state(status, down)
    if any(each.code == _POWER_SAVER for each in alerts):
        asleep = True
    supply_rows, odd_supplies = supplies(values, device)
    tray_rows, odd_trays = trays(values, device)
    meters, odd_meters = _meters(values, device, maker)
    named = texts.device_id(next(iter(_column(values, oids.DEVICE_ID_1284)), b""))
    serial = texts.serial_number(_first(values, oids.SERIAL_NUMBER, device))
    up = number(values.get(oids.SYS_UP_TIME))
    return Reading(
        origin=Origin.SNMP,
        state=state,
        asleep=asleep,
        reasons=_reasons(complaints),
        alerts=alerts,
        message=_console(values, device),
        serial=serial or texts.serial_number(named.get("SN", "")),
        maker=named.get("MFG") or (maker.maker if maker else None),
        model=_model(values, device, named),
        supplies=supply_rows,
        trays=tray_rows,
        covers=_covers(values, device),
        meters=meters,
        up_for=None if up is None else up / _HUNDREDTHS,
        can=_can(values, device, supply_rows),
        odd=(*odd, *odd_supplies, *odd_trays, *odd_meters),
    )


def _state(status: int | None, device: int | None) -> tuple[PrinterState | None, bool | None]:
    """Return printer-state and whether it sleeps, by the table of RFC 2790 §4.2."""
    if device == _DOWN:
        return "stopped", False
    if status is not None and status in _STATES:
        return _STATES[status], False
    if status == _OTHER and device == _RUNNING:
        return "idle", True  # standby
    return None, None


def _errors(value: Value | None) -> Iterable[tuple[str, Severity]]:
    """Yield what the bits of hrPrinterDetectedErrorState say."""
    if isinstance(value, int):
        octets = bytes([value]) if 0 <= value <= 0xFF else b""  # noqa: PLR2004  some agents do
    else:
        octets = value if isinstance(value, bytes) else b""
    for place, complaint in enumerate(_ERRORS):
        octet, bit = divmod(place, 8)
        if octet < len(octets) and octets[octet] & (0x80 >> bit):
            yield complaint


def _reasons(complaints: Iterable[tuple[str, Severity]]) -> tuple[str, ...]:
    """Return printer-state-reasons, each once, by the worst that was said of it."""
    order: tuple[Severity, ...] = ("info", "warning", "critical")
    worst: dict[str, Severity] = {}
    for code, severity in complaints:
        known = worst.get(code)
        if known is None or order.index(severity) > order.index(known):
            worst[code] = severity
    found = [f"{code}-{_SUFFIXES[severity]}" for code, severity in worst.items()]
    return tuple(found[:MOST])


def _alerts(values: Mapping[Oid, Value], device: int) -> tuple[DeviceAlert, ...]:
    found = []
    for row in rows(values, *ALERTS, device=device).values():
        code = number(row.get(oids.ALERT_CODE))
        if code is None:
            continue
        word = keyword(code, number(row.get(oids.ALERT_GROUP)))
        if word is None:
            continue
        severity = _SEVERITIES.get(number(row.get(oids.ALERT_SEVERITY)) or 0, "info")
        found.append(DeviceAlert(word, severity, text(row.get(oids.ALERT_DESCRIPTION))))
    return tuple(found[:_ALERTS])


def _covers(values: Mapping[Oid, Value], device: int) -> tuple[Cover, ...]:
    found = []
    table = rows(values, oids.COVER_STATUS, oids.COVER_DESCRIPTION, device=device)
    for index, row in table.items():
        status = number(row.get(oids.COVER_STATUS))
        if status in _OPEN or status in _CLOSED:
            name = text(row.get(oids.COVER_DESCRIPTION)) or f"Cover {text_of(index)}"
            found.append(Cover(name=name, open=status in _OPEN))
    return tuple(found[:MOST])


def _meters(
    values: Mapping[Oid, Value], device: int, maker: Vendor | None
) -> tuple[tuple[Meter, ...], tuple[str, ...]]:
    found: dict[str, Meter] = {}
    odd: list[str] = []
    table = rows(values, oids.MARKER_COUNTER_UNIT, oids.MARKER_LIFE_COUNT, device=device)
    for place, (index, row) in enumerate(table.items()):
        unit = number(row.get(oids.MARKER_COUNTER_UNIT))
        count = number(row.get(oids.MARKER_LIFE_COUNT))
        if unit is None or count is None:
            odd.append(f"row {text_of(index)} of its markers is half there")
        elif not 0 <= count < MOST_SHOWN:
            odd.append(f"its life count is {count}")
        else:
            name = "total" if place == 0 else f"marker-{text_of(index)}"
            source = "snmp:prtMarkerLifeCount"
            word = _UNITS.get(unit, "other")
            found[name] = Meter(name=name, unit=word, value=count, source=source)
    more, odd_more = service_meters(values, maker)
    for each in more:
        found.setdefault(each.name, each)
    return tuple(found.values())[:MOST], (*odd, *odd_more)


def _console(values: Mapping[Oid, Value], device: int) -> str | None:
    lines = rows(values, oids.CONSOLE_TEXT, device=device).values()
    shown = (text(row[oids.CONSOLE_TEXT]) for row in lines)
    return texts.line(" ".join(each for each in shown if each)) or None


def _model(values: Mapping[Oid, Value], device: int, named: Mapping[str, str]) -> str | None:
    described = text(values.get((*oids.HR_DEVICE_DESCR, device)))
    return described or named.get("MDL") or text(values.get(oids.SYS_DESCR)) or None


def _can(
    values: Mapping[Oid, Value], device: int, found: tuple[Supply, ...]
) -> Capabilities | None:
    """Say what it surely can; what its tables do not show it may still be able to."""
    paths = rows(values, oids.MEDIA_PATH_TYPE, device=device).values()
    colors = {each.color for each in found} >= _COLORS
    two_sided = any(number(row[oids.MEDIA_PATH_TYPE]) in _TWO_SIDED for row in paths)
    if not colors and not two_sided:
        return None
    return Capabilities(color=colors or None, two_sided=two_sided or None)


def _column(values: Mapping[Oid, Value], column: Oid) -> Iterable[Value]:
    return (row[column] for row in rows(values, column).values())


def _first(values: Mapping[Oid, Value], column: Oid, device: int) -> Value:
    """Return the first row's value of a machine, wherever it stands."""
    found = rows(values, column)
    return next((row[column] for index, row in found.items() if index[0] == device), b"")
