"""Codes of a machine's own alerts (RFC 3805, IANA-PRINTER-MIB) as IPP keywords.

The keywords are those of printer-state-reasons (RFC 8011 §5.4.12, PWG 5100.9-2009 §5), without
their suffix.
"""

from __future__ import annotations

from typing import Final

# prtAlertGroup
_INPUT: Final = 8
_OUTPUT: Final = 9
_SUPPLIES: Final = 11

#: prtAlertCode → keyword, whatever the group.
_CODES: Final = {
    3: "cover-open",
    5: "interlock-open",
    8: "media-jam",
    10: "life-almost-over",
    11: "life-over",
    18: "cover-open",
    22: "offline",
    23: "power-saver",
    24: "warming-up",
    29: "recoverable-failure",
    30: "unrecoverable-failure",
    31: "storage-error",
    32: "storage-error",
    33: "motor-failure",
    34: "memory-exhausted",
    35: "under-temperature",
    36: "over-temperature",
    37: "timing-failure",
    38: "thermistor-failure",
    501: "door-open",
    504: "power-down",
    801: "input-tray-missing",
    807: "media-low",
    808: "media-empty",
    809: "media-needed",
    810: "input-manual-input-request",
    811: "input-tray-position-failure",
    812: "input-tray-elevation-failure",
    813: "input-cannot-feed-size-selected",
    901: "output-tray-missing",
    902: "output-area-almost-full",
    903: "output-area-full",
    904: "output-mailbox-select-failure",
    1001: "fuser-under-temp",
    1002: "fuser-over-temp",
    1003: "fuser-timing-failure",
    1004: "fuser-thermistor-failure",
    1005: "marker-adjusting-print-quality",
    1101: "toner-empty",
    1102: "marker-ink-empty",
    1103: "marker-print-ribbon-empty",
    1104: "toner-low",
    1105: "marker-ink-almost-empty",
    1106: "marker-print-ribbon-almost-empty",
    1107: "marker-waste-almost-full",
    1108: "marker-waste-almost-full",
    1109: "marker-waste-full",
    1110: "marker-waste-full",
    1111: "opc-near-eol",
    1112: "opc-life-over",
    1113: "developer-low",
    1114: "developer-empty",
    1115: "marker-toner-cartridge-missing",
    1301: "output-tray-missing",
    1302: "output-area-almost-full",
    1303: "output-area-full",
    1304: "media-path-cannot-duplex-media-selected",
    1507: "interpreter-resource-unavailable",
    1509: "interpreter-complex-page-encountered",
}
#: Generic codes mean what the part is.
_OF_GROUP: Final = {
    (_INPUT, 9): "input-tray-missing",
    (_INPUT, 12): "media-low",
    (_INPUT, 13): "media-empty",
    (_OUTPUT, 9): "output-tray-missing",
    (_OUTPUT, 14): "output-area-almost-full",
    (_OUTPUT, 15): "output-area-full",
    (_SUPPLIES, 9): "marker-supply-missing",
    (_SUPPLIES, 10): "marker-supply-low",
    (_SUPPLIES, 11): "marker-supply-empty",
    (_SUPPLIES, 12): "marker-supply-low",
    (_SUPPLIES, 13): "marker-supply-empty",
    (_SUPPLIES, 14): "marker-waste-almost-full",
    (_SUPPLIES, 15): "marker-waste-full",
}
#: Any other group of the generic ones.
_ELSEWHERE: Final = {
    9: "subunit-missing",
    12: "almost-empty",
    13: "empty",
    14: "almost-full",
    15: "full",
    16: "near-limit",
    17: "at-limit",
}
#: Events that only say that something ended or changed; nothing is wrong.
_NO_COMPLAINT: Final = frozenset(
    {4, 6, 7, 19, 20, 21, 25, 26, 27, 28, 502, 503, 505, 506, 507, 802, 803, 804, 805, 806}
    | {1501, 1502, 1503, 1504, 1505, 1506, 1801}
)
#: other, unknown, and what is newer than these tables or of a finisher: its own words say more.
_NAMELESS: Final = "other-alert"


def keyword(code: int, group: int | None) -> str | None:
    """Return an alert's keyword; None where it is no complaint.

    Args:
        code: prtAlertCode.
        group: prtAlertGroup.
    """
    if code in _NO_COMPLAINT:
        return None
    of_group = None if group is None else _OF_GROUP.get((group, code))
    return of_group or _CODES.get(code) or _ELSEWHERE.get(code) or _NAMELESS
