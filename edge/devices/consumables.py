"""Supplies and trays of a machine out of its tables (RFC 3805 §2.2.6, §2.2.9); pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from broker.messages import Supply, Tray
from broker.messages.devices import MOST
from edge.devices import oids
from edge.devices.oids import text_of
from edge.devices.rows import number, rows, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.devices.oids import Oid, Value

SupplyState = Literal["ok", "low", "empty", "some", "unknown"]

#: prtMarkerSuppliesType as words (IANA-PRINTER-MIB).
_TYPES: Final = {
    3: "toner",
    4: "waste-toner",
    5: "ink",
    6: "ink-cartridge",
    7: "ink-ribbon",
    8: "waste-ink",
    9: "opc",
    10: "developer",
    11: "fuser-oil",
    12: "solid-wax",
    13: "ribbon-wax",
    14: "waste-wax",
    15: "fuser",
    16: "corona-wire",
    17: "fuser-oil-wick",
    18: "cleaner-unit",
    19: "fuser-cleaning-pad",
    20: "transfer-unit",
    21: "toner-cartridge",
    22: "fuser-oiler",
    23: "water",
    24: "waste-water",
    26: "waste-paper",
    27: "binding-supply",
    28: "banding-supply",
    29: "stitching-wire",
    32: "staples",
    33: "inserts",
    34: "covers",
    35: "matte-toner",
    36: "matte-ink",
}
_WASTE: Final = frozenset({4, 8, 14, 24, 26})
_CONSUMED: Final = 3
_FILLED: Final = 4
_PERCENT: Final = 19
_SOME_LEFT: Final = -3
_WHOLE: Final = 100
#: A machine that says 101 % of a full box rounds; one that says far more counts something else.
_ROUNDING: Final = 1.02
_LOW: Final = 10

# prtInputStatus (PrtSubUnitStatusTC): availability in the low three bits, then alerts
_AVAILABILITY: Final = 0b111
_GONE: Final = frozenset({1, 3})
_CRITICAL: Final = 0b10000
_WARNING: Final = 0b1000


def level_of(
    level: int, capacity: int | None, *, percent: bool
) -> tuple[int | None, SupplyState, str | None]:
    """Return what is left in percent, as a word, and what is odd about it.

    Args:
        level: prtMarkerSuppliesLevel or prtInputCurrentLevel: below 0 no figure.
        capacity: of which; None or below 1: it does not say.
        percent: the unit is percent already.
    """
    if level < 0:
        if level == _SOME_LEFT:
            return None, "some", None
        if level == -1:
            return None, "ok", None
        return None, "unknown", None if level == -2 else f"a level of {level}"  # noqa: PLR2004
    whole = _WHOLE if percent and (capacity is None or capacity <= 0) else capacity
    if whole is None or whole <= 0:
        # 0 of nothing is what machines say that cannot see it
        return None, "some" if level else "unknown", None
    if level > whole * _ROUNDING:
        return None, "unknown", f"a level of {level} out of {whole}"
    share = min(_WHOLE, round(_WHOLE * level / whole))
    return share, "ok" if level else "empty", None


def supplies(
    values: Mapping[Oid, Value], device: int
) -> tuple[tuple[Supply, ...], tuple[str, ...]]:
    """Return what the machine uses up and fills, and what was odd about its table."""
    colorants = rows(values, oids.COLORANT_VALUE, device=device)
    colors = {index: text(row[oids.COLORANT_VALUE]).lower() for index, row in colorants.items()}
    found: list[Supply] = []
    odd: list[str] = []
    table = rows(
        values,
        oids.SUPPLIES_LEVEL,
        oids.SUPPLIES_MAX_CAPACITY,
        oids.SUPPLIES_DESCRIPTION,
        oids.SUPPLIES_CLASS,
        oids.SUPPLIES_TYPE,
        oids.SUPPLIES_UNIT,
        oids.SUPPLIES_COLORANT,
        device=device,
    )
    classes = any(oids.SUPPLIES_CLASS in row for row in table.values())
    for index, row in table.items():
        key = text_of(index)
        level = number(row.get(oids.SUPPLIES_LEVEL))
        capacity = number(row.get(oids.SUPPLIES_MAX_CAPACITY))
        if level is None or capacity is None or (classes and oids.SUPPLIES_CLASS not in row):
            odd.append(f"row {key} of its supplies is half there")
            continue
        kind = number(row.get(oids.SUPPLIES_TYPE))
        sort = number(row.get(oids.SUPPLIES_CLASS))
        percent = number(row.get(oids.SUPPLIES_UNIT)) == _PERCENT
        share, state, strange = level_of(level, capacity, percent=percent)
        if strange:
            odd.append(f"supply {key} says {strange}")
        colorant = number(row.get(oids.SUPPLIES_COLORANT))
        color = colors.get((colorant,)) if colorant else None
        word = _TYPES.get(kind or 0, "other")
        found.append(
            Supply(
                key=key,
                name=text(row.get(oids.SUPPLIES_DESCRIPTION)) or f"{word} {key}",
                kind=word,
                color=None if color in {None, "", "other", "unknown", "none"} else color,
                level=share,
                state=state,
                receptacle=sort == _FILLED or (sort != _CONSUMED and kind in _WASTE),
            )
        )
    if len(found) > MOST:
        odd.append(f"{len(found)} supplies, of which {MOST} are told")
    return tuple(found[:MOST]), tuple(odd)


def trays(values: Mapping[Oid, Value], device: int) -> tuple[tuple[Tray, ...], tuple[str, ...]]:
    """Return where paper waits, and what was odd about its table."""
    found: list[Tray] = []
    odd: list[str] = []
    table = rows(
        values,
        oids.INPUT_LEVEL,
        oids.INPUT_MAX_CAPACITY,
        oids.INPUT_STATUS,
        oids.INPUT_MEDIA_NAME,
        oids.INPUT_NAME,
        oids.INPUT_DESCRIPTION,
        device=device,
    )
    for index, row in table.items():
        key = text_of(index)
        level = number(row.get(oids.INPUT_LEVEL))
        capacity = number(row.get(oids.INPUT_MAX_CAPACITY))
        if level is None or capacity is None:
            odd.append(f"row {key} of its trays is half there")
            continue
        share, state, strange = level_of(level, capacity, percent=False)
        if strange:
            odd.append(f"tray {key} says {strange}")
        name = text(row.get(oids.INPUT_NAME)) or text(row.get(oids.INPUT_DESCRIPTION))
        found.append(
            Tray(
                key=key,
                name=name or f"Tray {key}",
                media=text(row.get(oids.INPUT_MEDIA_NAME)) or None,
                level=share,
                state=tray_state(state, share, number(row.get(oids.INPUT_STATUS))),
            )
        )
    if len(found) > MOST:
        odd.append(f"{len(found)} trays, of which {MOST} are told")
    return tuple(found[:MOST]), tuple(odd)


def tray_state(
    state: SupplyState, share: int | None, status: int | None
) -> Literal["ready", "low", "empty", "missing", "unknown"]:
    """Tell whether paper comes from a tray; one that is broken or pulled out is missing."""
    if state == "empty":
        return "empty"
    if status is not None and status >= 0:
        if status & _CRITICAL:
            return "missing" if status & _AVAILABILITY in _GONE else "empty"
        if status & _WARNING:
            return "low"
    if share is not None:
        return "low" if share <= _LOW else "ready"
    return "ready" if state in {"some", "ok"} else "unknown"
