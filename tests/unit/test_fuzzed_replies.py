"""Whatever a machine answers, it becomes a reading that can be told and counted, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import DeviceState
from config.settings import PrinterSettings
from config.settings_devices import DeviceSettings
from edge.devices import printer_mib, vendors
from edge.devices.oids import (
    COVER_STATUS,
    INPUT_LEVEL,
    INPUT_MAX_CAPACITY,
    MARKER_COUNTER_UNIT,
    MARKER_LIFE_COUNT,
    SUPPLIES_LEVEL,
    SUPPLIES_MAX_CAPACITY,
    SYS_OBJECT_ID,
    Oid,
    Value,
)
from edge.devices.watch import Kept, Memory, Surroundings, looked
from tests.integration.snmp_lab import recording, recordings

MAKERS: Final = vendors.load()
RECORDED: Final = {name: recording(name) for name in recordings()}
PRINTER: Final = PrinterSettings(
    id="north-1", name="North 1", uri="ipp://10.1.2.3/ipp/print", queue="p-north-1", snmp="office"
)
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
#: What a datagram can hold: numbers of every size that SNMP has, any octets, identifiers.
VALUES: Final = st.one_of(
    st.integers(-(2**31), 2**64 - 1),
    st.sampled_from([-3, -2, -1, 0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]),
    st.binary(max_size=300),
    st.text(max_size=40).map(lambda words: words.encode("utf-8", "replace")),
    st.sampled_from(["0.0", "1.3.6.1.4.1.367.1.1", ""]),
)


@st.composite
def replies(draw: st.DrawFn) -> dict[Oid, Value]:
    """Take a recording, leave some of it out, and say something else in other places."""
    name = draw(st.sampled_from(sorted(RECORDED)))
    found = dict(RECORDED[name])
    places = st.sampled_from(sorted(found))
    for place in draw(st.lists(places, max_size=30)):
        found.pop(place, None)
    found |= draw(st.dictionaries(places, VALUES, max_size=40))
    # rows that no table has, deeper and shallower than they should be
    for place, value in draw(st.dictionaries(places, VALUES, max_size=5)).items():
        tail = draw(st.lists(st.integers(0, 2**32 - 1), max_size=60))
        found[(*place[: draw(st.integers(1, len(place)))], *tail)] = value
    return found


def told(memory: Memory, found: dict[Oid, Value], minutes: int) -> tuple[Memory, DeviceState]:
    """Read a reply, and judge it as a look of the edge."""
    maker = vendors.of(MAKERS, found.get(SYS_OBJECT_ID))
    reading = printer_mib.reading(found, maker)
    names = [each.name for each in reading.meters]
    assert len(names) == len(set(names))  # one figure, one source
    assert all(0 <= each.value < 2**63 for each in reading.meters)
    assert all(each.level is None or 0 <= each.level <= 100 for each in reading.supplies)
    assert reading.serial is None or len(set(reading.serial)) > 1
    here = Surroundings(
        PRINTER,
        DeviceSettings(),
        ZoneInfo("Europe/Madrid"),
        NOON + timedelta(minutes=minutes),
        minutes * 60.0,
    )
    result = looked(memory, (reading,), here)
    return result.memory, result.state


@settings(max_examples=150)
@given(st.lists(replies(), min_size=1, max_size=4))
def test_any_reply_can_be_told(several: list[dict[Oid, Value]]) -> None:
    """No value a device can send raises, makes two figures of one name, or outgrows a message."""
    memory = Memory(Kept(), 0.0)
    for minutes, found in enumerate(several):
        memory, state = told(memory, found, minutes)
        again = DeviceState.model_validate_json(state.model_dump_json())
        assert again == state
        assert len(state.model_dump_json()) < 60_000


def test_a_counter_beyond_all_bounds_is_odd() -> None:
    """A life count of 2^63 or more, which only a Counter64 can hold, is no figure."""
    found = RECORDED["hp-mono"] | {(*MARKER_LIFE_COUNT, 1, 1): 2**63}
    reading = printer_mib.reading(found)
    assert reading.meters == ()
    assert reading.odd == ("its life count is 9223372036854775808",)


def test_an_index_without_measure_is_no_row() -> None:
    """An object may have 128 parts (RFC 2578 §3.5): such a row is passed over, the others stay."""
    found = RECORDED["ricoh-mfp"]
    columns = (
        *(SUPPLIES_LEVEL, SUPPLIES_MAX_CAPACITY, INPUT_LEVEL, INPUT_MAX_CAPACITY),
        *(COVER_STATUS, MARKER_LIFE_COUNT, MARKER_COUNTER_UNIT),
    )
    endless = {(*column, 1, *[2**32 - 1] * 100): 1 for column in columns}
    assert printer_mib.reading(found | endless) == printer_mib.reading(found)


@given(st.dictionaries(st.lists(st.integers(0, 2**32 - 1), max_size=12).map(tuple), VALUES))
def test_objects_of_nobody_are_passed_over(found: dict[Oid, Value]) -> None:
    """Objects that no standard and no maker has come to an empty reading."""
    reading = printer_mib.reading(found)
    assert (reading.supplies, reading.trays, reading.meters) == ((), (), ())


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_the_largest_recording_is_a_small_message(name: str) -> None:
    """What the edge tells of each recorded device is far below what a message may hold."""
    _, state = told(Memory(Kept(), 0.0), RECORDED[name], 0)
    assert len(state.model_dump_json()) < 12_000
