"""Object identifiers that are read, by their names in the documents that define them.

Checked against the text of RFC 1213, RFC 2790, RFC 3805 (and the IANA-PRINTER-MIB it split off),
PWG 5107.1 and PWG 5106.3. What makers define themselves is in `makers/*.toml`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

#: An object identifier, as numbers.
Oid: TypeAlias = tuple[int, ...]
#: What an object holds: a number, octets, or another identifier or address as text.
Value: TypeAlias = "int | bytes | str"


def oid(text: str) -> Oid:
    """Read `1.3.6.1.2.1.1.2.0`; a leading dot is allowed.

    Raises:
        ValueError: something between the dots is no number.
    """
    return tuple(int(part) for part in text.strip().lstrip(".").split("."))


def text_of(number: Oid) -> str:
    """Write an identifier with dots."""
    return ".".join(map(str, number))


_MIB_2: Final[Oid] = (1, 3, 6, 1, 2, 1)
ENTERPRISES: Final[Oid] = (1, 3, 6, 1, 4, 1)

# RFC 1213 §6.4, now RFC 3418 §2: the system group
SYS_DESCR: Final[Oid] = (*_MIB_2, 1, 1, 0)
SYS_OBJECT_ID: Final[Oid] = (*_MIB_2, 1, 2, 0)
SYS_UP_TIME: Final[Oid] = (*_MIB_2, 1, 3, 0)
"""Hundredths of a second since the agent began; begins anew after 497 days."""

# RFC 2790 §4.2: hrDeviceTable and hrPrinterTable, both by hrDeviceIndex
_HR_DEVICE: Final[Oid] = (*_MIB_2, 25, 3, 2, 1)
HR_DEVICE_DESCR: Final[Oid] = (*_HR_DEVICE, 3)
HR_DEVICE_STATUS: Final[Oid] = (*_HR_DEVICE, 5)
"""unknown 1, running 2, warning 3, testing 4, down 5."""
_HR_PRINTER: Final[Oid] = (*_MIB_2, 25, 3, 5, 1)
HR_PRINTER_STATUS: Final[Oid] = (*_HR_PRINTER, 1)
"""other 1, unknown 2, idle 3, printing 4, warmup 5."""
HR_PRINTER_ERRORS: Final[Oid] = (*_HR_PRINTER, 2)
"""hrPrinterDetectedErrorState: bits, the first is the highest of the first octet."""

# RFC 3805: the Printer MIB, `{ mib-2 43 }`; tables by hrDeviceIndex and then the row
_PRINTER: Final[Oid] = (*_MIB_2, 43)
_GENERAL: Final[Oid] = (*_PRINTER, 5, 1, 1)
CONFIG_CHANGES: Final[Oid] = (*_GENERAL, 1)
PRINTER_NAME: Final[Oid] = (*_GENERAL, 16)
SERIAL_NUMBER: Final[Oid] = (*_GENERAL, 17)
ALERT_ALL_EVENTS: Final[Oid] = (*_GENERAL, 19)
_COVER: Final[Oid] = (*_PRINTER, 6, 1, 1)
COVER_DESCRIPTION: Final[Oid] = (*_COVER, 2)
COVER_STATUS: Final[Oid] = (*_COVER, 3)
_INPUT: Final[Oid] = (*_PRINTER, 8, 2, 1)
INPUT_MAX_CAPACITY: Final[Oid] = (*_INPUT, 9)
INPUT_LEVEL: Final[Oid] = (*_INPUT, 10)
INPUT_STATUS: Final[Oid] = (*_INPUT, 11)
INPUT_MEDIA_NAME: Final[Oid] = (*_INPUT, 12)
INPUT_NAME: Final[Oid] = (*_INPUT, 13)
INPUT_DESCRIPTION: Final[Oid] = (*_INPUT, 18)
_MARKER: Final[Oid] = (*_PRINTER, 10, 2, 1)
MARKER_COUNTER_UNIT: Final[Oid] = (*_MARKER, 3)
"""characters 5, lines 6, impressions 7, sheets 8, dotRow 9, hours 11, feet 16, meters 17."""
MARKER_LIFE_COUNT: Final[Oid] = (*_MARKER, 4)
_SUPPLIES: Final[Oid] = (*_PRINTER, 11, 1, 1)
SUPPLIES_COLORANT: Final[Oid] = (*_SUPPLIES, 3)
SUPPLIES_CLASS: Final[Oid] = (*_SUPPLIES, 4)
"""other 1, supplyThatIsConsumed 3, receptacleThatIsFilled 4."""
SUPPLIES_TYPE: Final[Oid] = (*_SUPPLIES, 5)
SUPPLIES_DESCRIPTION: Final[Oid] = (*_SUPPLIES, 6)
SUPPLIES_UNIT: Final[Oid] = (*_SUPPLIES, 7)
"""percent 19; the rest is divided by the capacity."""
SUPPLIES_MAX_CAPACITY: Final[Oid] = (*_SUPPLIES, 8)
SUPPLIES_LEVEL: Final[Oid] = (*_SUPPLIES, 9)
"""-1 no restriction, -2 unknown, -3 some left; of a receptacle the room that is left."""
_COLORANT: Final[Oid] = (*_PRINTER, 12, 1, 1)
COLORANT_VALUE: Final[Oid] = (*_COLORANT, 4)
MEDIA_PATH_TYPE: Final[Oid] = (*_PRINTER, 13, 4, 1, 9)
"""longEdgeBindingDuplex 3, shortEdgeBindingDuplex 4, simplex 5."""
_CONSOLE: Final[Oid] = (*_PRINTER, 16, 5, 1)
CONSOLE_TEXT: Final[Oid] = (*_CONSOLE, 2)
_ALERT: Final[Oid] = (*_PRINTER, 18, 1, 1)
ALERT_SEVERITY: Final[Oid] = (*_ALERT, 2)
"""other 1, critical 3, warning 4, warningBinaryChangeEvent 5."""
ALERT_GROUP: Final[Oid] = (*_ALERT, 4)
ALERT_CODE: Final[Oid] = (*_ALERT, 7)
ALERT_DESCRIPTION: Final[Oid] = (*_ALERT, 8)

# PWG 5107.1-2005: the Port Monitor MIB, by port
DEVICE_ID_1284: Final[Oid] = (*ENTERPRISES, 2699, 1, 2, 1, 2, 1, 1, 3)

# PWG 5106.3-2008: the Imaging System State and Counter MIB
_IMAGING: Final[Oid] = (*ENTERPRISES, 2699, 1, 3, 1)
IC_KEY_SERVICE_TYPE: Final[Oid] = (*_IMAGING, 2, 1, 1, 2)
"""By icKeyIndex: systemTotals 3, copy 4, faxIn 7, networkFaxIn 9, print 11, scan 12 …"""
IC_KEY_SUBUNIT_TYPE: Final[Oid] = (*_IMAGING, 2, 1, 1, 4)
"""Of a key that counts only a part of the machine; none where it counts the whole service."""
_IC_IMPRESSION: Final[Oid] = (*_IMAGING, 8, 1, 1)
"""By icKeyIndex, work type (workTotals 3) and persistence (lifetime 3)."""
IC_TOTAL: Final[Oid] = (*_IC_IMPRESSION, 4)
IC_MONO: Final[Oid] = (*_IC_IMPRESSION, 5)
IC_FULL_COLOR: Final[Oid] = (*_IC_IMPRESSION, 7)
IC_HIGHLIGHT: Final[Oid] = (*_IC_IMPRESSION, 8)
