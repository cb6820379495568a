"""What a printer says of itself over IPP, as one reading; pure.

Out-of-band values (unknown, no-value, unsupported: RFC 8010 §3.5.2) stay None, never 0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from broker.messages import Capabilities, Meter, Supply, Tray
from broker.messages.devices import MOST
from config.policy.media import media_class
from edge.devices import texts
from edge.devices.consumables import level_of, tray_state
from edge.devices.words import DeviceAlert, Origin, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal

    from edge.devices.words import PrinterState

#: What is asked (RFC 8011 §5.4, PWG 5100.7-2023, PWG 5100.9-2009, PWG 5100.13-2023).
WANTED: Final = (
    "printer-state",
    "printer-state-reasons",
    "printer-state-message",
    "marker-names",
    "marker-types",
    "marker-colors",
    "marker-levels",
    "marker-low-levels",
    "printer-supply",
    "printer-supply-description",
    "printer-input-tray",
    "printer-device-id",
    "printer-make-and-model",
    "printer-serial-number",
    "printer-impressions-completed",
    "printer-impressions-completed-col",
    "printer-media-sheets-completed",
    "printer-up-time",
    "color-supported",
    "sides-supported",
    "media-supported",
    "document-format-supported",
)
_STATES: Final[Mapping[int, PrinterState]] = {3: "idle", 4: "processing", 5: "stopped"}
_SEVERITIES: Final[Mapping[str, Literal["info", "warning", "critical"]]] = {
    "report": "info",
    "warning": "warning",
    "error": "critical",
}
#: marker-colors as sRGB → colorant.
_COLORS: Final = {
    "#000000": "black",
    "#00ffff": "cyan",
    "#ff00ff": "magenta",
    "#ffff00": "yellow",
}
_FILLED: Final = "receptacleThatIsFilled"
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FORMATS: Final = 64
#: What a kind of supply is called is shorter; machines may say anything.
_WORD: Final = 64
_MOST: Final = 2**63
#: Members of printer-impressions-completed-col (PWG 5100.7-2023 §6.3).
_MONO: Final = ("monochrome", "monochrome-two-sided")
_COLOR: Final = (
    "full-color",
    "full-color-two-sided",
    "highlight-color",
    "highlight-color-two-sided",
)


def reading(attributes: Mapping[str, Sequence[object]]) -> Reading:
    """Return what the attributes of a printer say.

    Args:
        attributes: name → values, as `edge.printing.ipp` reads them: None is out-of-band, octets
            are bytes, collections are mappings.
    """
    odd: list[str] = []
    reasons = tuple(each for each in _keywords(attributes, "printer-state-reasons", MOST))
    named = texts.device_id(_text(attributes, "printer-device-id") or "")
    serial = _text(attributes, "printer-serial-number") or named.get("SN", "")
    model = named.get("MDL") or _text(attributes, "printer-make-and-model")
    message = texts.line(_text(attributes, "printer-state-message") or "")
    up = _number(attributes, "printer-up-time")
    return Reading(
        origin=Origin.IPP,
        state=_STATES.get(_number(attributes, "printer-state") or 0),
        reasons=tuple(each for each in reasons if each != "none"),
        alerts=tuple(_alert(each) for each in reasons if each != "none"),
        message=message or None,
        serial=texts.serial_number(serial),
        maker=named.get("MFG"),
        model=texts.name(model) if model else None,
        supplies=_supplies(attributes, odd) or _markers(attributes, odd),
        trays=_trays(attributes, odd),
        meters=_meters(attributes, odd),
        up_for=None if up is None or up < 0 else float(up),
        can=_can(attributes),
        odd=tuple(odd),
    )


def _alert(reason: str) -> DeviceAlert:
    code, _, suffix = reason.rpartition("-")
    if code and suffix in _SEVERITIES:
        return DeviceAlert(code, _SEVERITIES[suffix])
    return DeviceAlert(reason, "warning")


def _supplies(attributes: Mapping[str, Sequence[object]], odd: list[str]) -> tuple[Supply, ...]:
    """Return printer-supply (PWG 5100.13 §6.6), which says what is used up and what fills."""
    names = attributes.get("printer-supply-description", ())
    found: list[Supply] = []
    for place, value in enumerate(attributes.get("printer-supply", ())):
        if value is None:
            continue
        said = _pairs(value)
        level, capacity = _whole(said.get("level")), _whole(said.get("maxcapacity"))
        if level is None:
            odd.append(f"supply {place + 1} is half there")
            continue
        percent = said.get("unit") == "percent"
        share, state, strange = level_of(level, capacity, percent=percent)
        if strange:
            odd.append(f"supply {place + 1} says {strange}")
        kind = texts.name(_CAMEL.sub("-", said.get("type", "other")[:_WORD])).lower()
        name = texts.name(names[place]) if place < len(names) and names[place] else ""
        color = said.get("colorantname", "").lower()
        found.append(
            Supply(
                key=texts.name(said.get("index", str(place + 1))),
                name=name or f"{kind} {place + 1}",
                kind=kind,
                color=None if color in {"", "other", "unknown", "none"} else texts.name(color),
                level=share,
                state=state,
                receptacle=said.get("class") == _FILLED,
            )
        )
    return tuple(found[:MOST])


def _markers(attributes: Mapping[str, Sequence[object]], odd: list[str]) -> tuple[Supply, ...]:
    """Return marker-levels and their like, as CUPS defined them: lists of one length."""
    names = attributes.get("marker-names", ())
    levels = attributes.get("marker-levels", ())
    types, colors = attributes.get("marker-types", ()), attributes.get("marker-colors", ())
    if not levels or None in levels:
        return ()
    if len(names) != len(levels):
        odd.append(f"{len(names)} marker-names and {len(levels)} marker-levels")
        return ()
    found = []
    for place, (name, level) in enumerate(zip(names, levels, strict=True)):
        kind = texts.name(types[place])[:_WORD] if len(types) == len(levels) else "other"
        color = str(colors[place]).lower() if len(colors) == len(levels) else ""
        waste = kind.startswith("waste")
        share, state, strange = level_of(level if isinstance(level, int) else -2, 100, percent=True)
        if strange:
            odd.append(f"supply {place + 1} says {strange}")
        found.append(
            Supply(
                key=str(place + 1),
                name=texts.name(name) or f"{kind} {place + 1}",
                kind=kind,
                color=_COLORS.get(color),
                # of a box for waste, makers disagree whether this is what is in or what fits
                level=None if waste else share,
                state="unknown" if waste else state,
                receptacle=waste,
            )
        )
    return tuple(found[:MOST])


def _trays(attributes: Mapping[str, Sequence[object]], odd: list[str]) -> tuple[Tray, ...]:
    """Return printer-input-tray (PWG 5100.13 §6.5)."""
    found = []
    for place, value in enumerate(attributes.get("printer-input-tray", ())):
        if value is None:
            continue
        said = _pairs(value)
        level, capacity = _whole(said.get("level")), _whole(said.get("maxcapacity"))
        if level is None:
            odd.append(f"tray {place + 1} is half there")
            continue
        share, state, strange = level_of(level, capacity, percent=False)
        if strange:
            odd.append(f"tray {place + 1} says {strange}")
        found.append(
            Tray(
                key=str(place + 1),
                name=texts.name(said.get("name", "")) or f"Tray {place + 1}",
                level=share,
                state=tray_state(state, share, _whole(said.get("status"))),
            )
        )
    return tuple(found[:MOST])


def _meters(attributes: Mapping[str, Sequence[object]], odd: list[str]) -> tuple[Meter, ...]:
    figures: list[tuple[str, Literal["impressions", "sheets"], int | None, str]] = []
    name = "printer-impressions-completed"
    figures.append(("total", "impressions", _number(attributes, name), name))
    split = next(iter(attributes.get(f"{name}-col", ())), None)
    if isinstance(split, dict):
        for figure, members in (("total-mono", _MONO), ("total-color", _COLOR)):
            counts = [each for member in members for each in split.get(member, ())]
            known = [each for each in counts if isinstance(each, int)]
            figures.append((figure, "impressions", sum(known) if known else None, f"{name}-col"))
    name = "printer-media-sheets-completed"
    figures.append(("sheets", "sheets", _number(attributes, name), name))
    found = []
    for figure, unit, value, source in figures:
        if value is None:
            continue
        if not 0 <= value < _MOST:
            odd.append(f"{source} is {value}")
            continue
        found.append(Meter(name=figure, unit=unit, value=value, source=f"ipp:{source}"))
    return tuple(found)


def _can(attributes: Mapping[str, Sequence[object]]) -> Capabilities | None:
    color = next(iter(attributes.get("color-supported", ())), None)
    sides = list(_keywords(attributes, "sides-supported", _FORMATS))
    media: dict[str, None] = {}
    for each in _keywords(attributes, "media-supported", 1000):
        size = media_class(each)
        if size is not None and size != "custom":
            media[size] = None
    formats = tuple(_keywords(attributes, "document-format-supported", _FORMATS))
    can = Capabilities(
        color=color if isinstance(color, bool) else None,
        two_sided=any(each.startswith("two-sided") for each in sides) if sides else None,
        media=tuple(media)[:_FORMATS] or None,
        formats=formats or None,
    )
    return None if can == Capabilities() else can


def _keywords(attributes: Mapping[str, Sequence[object]], name: str, most: int) -> Iterable[str]:
    for value in list(attributes.get(name, ()))[:most]:
        if isinstance(value, str) and (text := texts.name(value)):
            yield text


def _number(attributes: Mapping[str, Sequence[object]], name: str) -> int | None:
    value = next(iter(attributes.get(name, ())), None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(attributes: Mapping[str, Sequence[object]], name: str) -> str | None:
    value = next(iter(attributes.get(name, ())), None)
    return texts.decoded(value) if isinstance(value, str | bytes) else None


def _pairs(value: object) -> dict[str, str]:
    """Read `index=1;class=supplyThatIsConsumed;…`."""
    text = texts.decoded(value) if isinstance(value, bytes | str) else ""
    found = (part.partition("=") for part in text.split(";"))
    return {key.strip(): said.strip() for key, equals, said in found if equals}


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,10}", text) else None
