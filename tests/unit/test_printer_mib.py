"""What a printer's tables mean: levels, boxes for waste, counters, states, half of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.devices import oids, printer_mib, texts
from edge.devices.consumables import level_of
from edge.devices.words import Origin, Reading

if TYPE_CHECKING:
    from edge.devices.oids import Oid, Value

#: Every column and object that a reading is made of.
COLUMNS = sorted(
    {each for table in (*printer_mib.TABLES, *printer_mib.IMAGING) for each in table}
    | set(printer_mib.ALERTS)
)


def table(column_rows: dict[Oid, dict[tuple[int, ...], Value]]) -> dict[Oid, Value]:
    """Put objects together: column → row → value."""
    return {
        (*column, *row): value
        for column, rows in column_rows.items()
        for row, value in rows.items()
    }


def toner(level: int, capacity: int = 100, *, sort: int = 3, unit: int = 19) -> dict[Oid, Value]:
    """Return one supply, by class `sort`."""
    return table(
        {
            oids.SERIAL_NUMBER: {(1,): b"A1B2C3"},
            oids.SUPPLIES_CLASS: {(1, 1): sort},
            oids.SUPPLIES_TYPE: {(1, 1): 3 if sort == 3 else 4},
            oids.SUPPLIES_UNIT: {(1, 1): unit},
            oids.SUPPLIES_MAX_CAPACITY: {(1, 1): capacity},
            oids.SUPPLIES_LEVEL: {(1, 1): level},
        }
    )


@pytest.mark.parametrize(
    ("level", "capacity", "percent", "expected"),
    [
        (40, 100, True, (40, "ok")),
        (40, 100, False, (40, "ok")),
        (6000, 12000, False, (50, "ok")),
        (0, 12000, False, (0, "empty")),
        (-3, 100, True, (None, "some")),  # something is left, it does not say how much
        (-2, 100, True, (None, "unknown")),
        (-1, 100, True, (None, "ok")),  # no restriction
        (55, -2, True, (55, "ok")),  # percent of a capacity that it does not know
        (55, -2, False, (None, "some")),
        (0, 0, False, (None, "unknown")),  # a machine that cannot see it
        (101, 100, True, (100, "ok")),  # rounding
        (150, 100, True, (None, "unknown")),  # no share of that
        (-7, 100, True, (None, "unknown")),  # no such code
    ],
)
def test_levels_mean_what_the_mib_says(
    level: int,
    capacity: int,
    percent: bool,  # noqa: FBT001  a case of the table
    expected: tuple[int | None, str],
) -> None:
    """A level is a share, or one of three codes, and never a share made up."""
    share, state, _ = level_of(level, capacity, percent=percent)
    assert (share, state) == expected


def test_what_cannot_be_a_level_is_said() -> None:
    """150 of 100 is told as odd, and the supply is kept without a figure."""
    reading = printer_mib.reading(toner(150))
    assert reading.supplies[0].level is None
    assert reading.odd == ("supply 1 says a level of 150 out of 100",)


def test_a_box_for_waste_tells_the_room_left() -> None:
    """Class 4 is a receptacle whose level is free space."""
    (box,) = printer_mib.reading(toner(25, sort=4)).supplies
    assert (box.receptacle, box.level, box.kind) == (True, 25, "waste-toner")


def test_color_is_joined_by_the_colorant_table() -> None:
    """A supply has the colour that its colorant row names."""
    values = toner(40) | table(
        {oids.SUPPLIES_COLORANT: {(1, 1): 7}, oids.COLORANT_VALUE: {(1, 7): b"Cyan"}}
    )
    assert printer_mib.reading(values).supplies[0].color == "cyan"


def test_half_a_row_is_left_out_and_said() -> None:
    """A supply whose level was not read is no supply at zero."""
    values = toner(40)
    values |= table({oids.SUPPLIES_MAX_CAPACITY: {(1, 2): 100}, oids.SUPPLIES_CLASS: {(1, 2): 3}})
    reading = printer_mib.reading(values)
    assert [each.key for each in reading.supplies] == ["1"]
    assert reading.odd == ("row 2 of its supplies is half there",)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [(7, "impressions"), (8, "sheets"), (11, "other"), (16, "other"), (99, "other")],
)
def test_a_counter_has_its_unit(unit: int, expected: str) -> None:
    """The life count is told in what it counts, never in impressions by default."""
    values = table(
        {oids.MARKER_COUNTER_UNIT: {(1, 1): unit}, oids.MARKER_LIFE_COUNT: {(1, 1): 4711}}
    )
    (meter,) = printer_mib.reading(values).meters
    assert (meter.name, meter.unit, meter.value) == ("total", expected, 4711)


@pytest.mark.parametrize(
    "values",
    [
        table({oids.MARKER_LIFE_COUNT: {(1, 1): 4711}}),
        table({oids.MARKER_COUNTER_UNIT: {(1, 1): 7}}),
        table({oids.MARKER_COUNTER_UNIT: {(1, 1): 7}, oids.MARKER_LIFE_COUNT: {(1, 1): -5}}),
        table({oids.MARKER_COUNTER_UNIT: {(1, 1): 7}, oids.MARKER_LIFE_COUNT: {(1, 1): b"12"}}),
    ],
)
def test_a_counter_that_is_not_whole_is_no_meter(values: dict[Oid, Value]) -> None:
    """Without its unit, below zero or as text there is no figure, and it is said."""
    reading = printer_mib.reading(values)
    assert reading.meters == ()
    assert len(reading.odd) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"A1B2C3", "A1B2C3"),
        (b"  A1B2C3\0\0\xff", "A1B2C3"),
        (b"", None),
        (b"XXXXXXXXXX", None),
        (b"0000000000", None),
        (b"- - - -", None),
        (b"x", None),
        (b"Unknown", None),
        (b"N/A", None),
    ],
)
def test_a_serial_number_is_one_or_none(text: bytes, expected: str | None) -> None:
    """What was never written is no identity: two such machines would be one."""
    assert texts.serial_number(text) == expected


def test_the_serial_of_the_device_id_is_next() -> None:
    """Where prtGeneralSerialNumber is empty, the IEEE 1284 id is asked."""
    values = table(
        {
            oids.SERIAL_NUMBER: {(1,): b""},
            oids.DEVICE_ID_1284: {(1,): b"MANUFACTURER:Maker;MODEL:M 100;SERN:QX77;CLS:PRINTER;"},
        }
    )
    reading = printer_mib.reading(values)
    assert (reading.serial, reading.maker, reading.model) == ("QX77", "Maker", "M 100")


@pytest.mark.parametrize(
    ("status", "device", "expected"),
    [
        (3, 2, ("idle", False)),
        (4, 2, ("processing", False)),
        (4, 3, ("processing", False)),  # with a warning
        (5, 2, ("idle", False)),  # warming up
        (1, 2, ("idle", True)),  # standby
        (1, 5, ("stopped", False)),
        (3, 5, ("stopped", False)),
        (1, 3, (None, None)),
        (2, 1, (None, None)),
        (77, 77, (None, None)),
        (None, None, (None, None)),
    ],
)
def test_states_follow_the_table_of_rfc_2790(
    status: int | None, device: int | None, expected: tuple[str | None, bool | None]
) -> None:
    """Two columns together say whether it prints, waits, sleeps or stands."""
    values: dict[Oid, Value] = {}
    if status is not None and device is not None:
        values = table(
            {oids.HR_PRINTER_STATUS: {(1,): status}, oids.HR_DEVICE_STATUS: {(1,): device}}
        )
    reading = printer_mib.reading(values)
    assert (reading.state, reading.asleep) == expected


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (b"\x00", ()),
        (b"", ()),
        (b"\x80", ("media-low-report",)),
        (b"\x04", ("media-jam-error",)),
        (b"\x0c\x00", ("cover-open-error", "media-jam-error")),
        (b"\x02", ("offline-error",)),
        (b"\x00\x80", ("input-tray-missing-warning",)),
        (b"\x40\x04", ("media-empty-warning",)),  # twice the same, the worse one counts
        (b"\xff\xff\xff\xff", None),  # more bits than there are
    ],
)
def test_error_bits_are_read_from_the_left(bits: bytes, expected: tuple[str, ...] | None) -> None:
    """BITS begin with the highest bit of the first octet (RFC 2578 §7.1.4)."""
    reasons = printer_mib.reading(table({oids.HR_PRINTER_ERRORS: {(1,): bits}})).reasons
    assert reasons == expected if expected is not None else len(reasons) == 13


@pytest.mark.parametrize(
    ("group", "code", "expected"),
    [
        (8, 808, "media-empty"),
        (8, 13, "media-empty"),  # generic: what it means is the part's
        (11, 13, "marker-supply-empty"),
        (9, 15, "output-area-full"),
        (6, 3, "cover-open"),
        (13, 8, "media-jam"),
        (11, 1104, "toner-low"),
        (30, 30206, "other-alert"),
        (1, 1, "other-alert"),
    ],
)
def test_alerts_become_keywords(group: int, code: int, expected: str) -> None:
    """A row of the alert table is told by its IPP keyword and in its own words."""
    values = table(
        {
            oids.ALERT_SEVERITY: {(1, 1): 3},
            oids.ALERT_GROUP: {(1, 1): group},
            oids.ALERT_CODE: {(1, 1): code},
            oids.ALERT_DESCRIPTION: {(1, 1): "Fach öffnen".encode("latin-1")},
        }
    )
    (alert,) = printer_mib.reading(values).alerts
    assert (alert.code, alert.severity, alert.detail) == (expected, "critical", "Fach öffnen")


def test_what_is_over_is_no_alert() -> None:
    """A door that was closed is an event, and nothing that somebody should see to."""
    values = table({oids.ALERT_CODE: {(1, 1): 4, (1, 2): 1801}})
    assert printer_mib.reading(values).alerts == ()


def test_the_console_is_one_line() -> None:
    """Rows of the display are joined; control characters never reach a screen."""
    values = table(
        {oids.CONSOLE_TEXT: {(1, 1): b"Paper\x1b[31m jam", (1, 2): b" ", (1, 3): b"Tray 2"}}
    )
    assert printer_mib.reading(values).message == "Paper [31m jam Tray 2"


def test_another_device_of_the_agent_is_another_machine() -> None:
    """Of two printers behind one agent the first is read, not a mixture."""
    values = table(
        {
            oids.HR_PRINTER_STATUS: {(3,): 3, (4,): 4},
            oids.MARKER_COUNTER_UNIT: {(3, 1): 7, (4, 1): 7},
            oids.MARKER_LIFE_COUNT: {(3, 1): 10, (4, 1): 20},
        }
    )
    assert [each.value for each in printer_mib.reading(values).meters] == [10]


#: Indices as they may come: none, too short, too long, negative never (BER has none).
INDEX = st.lists(st.integers(min_value=0, max_value=5), max_size=4).map(tuple)
VALUE = st.one_of(
    st.integers(min_value=-(2**63), max_value=2**64),
    st.binary(max_size=40),
    st.text(max_size=40),
)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([*COLUMNS, *printer_mib.SCALARS]), INDEX).map(
            lambda pair: (*pair[0], *pair[1])
        ),
        VALUE,
        max_size=60,
    )
)
def test_whatever_is_answered_is_read(values: dict[Oid, Value]) -> None:
    """No object of any type or value stops a reading; figures are never negative."""
    reading = printer_mib.reading(values)
    assert isinstance(reading, Reading)
    assert reading.origin is Origin.SNMP
    assert all(each.value >= 0 for each in reading.meters)
    assert all(each.level is None or 0 <= each.level <= 100 for each in reading.supplies)
    assert len({each.name for each in reading.meters}) == len(reading.meters)
