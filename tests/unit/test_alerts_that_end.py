"""Alerts that end: no clock, no missing table and no stranger's word keeps one up for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.devices.alerts import Complaint, Raised, Seen, judged
from edge.devices.words import NoAnswer, Origin, Reading
from tests.unit.device_lab import NOW, Printer, by_snmp, meter, printer, told, toner, with_

SILENT = NoAnswer("192.0.2.7 does not answer")


@pytest.mark.parametrize("origin", [Origin.CUPS, Origin.IPP])
def test_what_a_machine_without_levels_complained_of_is_over_when_it_stops(
    origin: Origin,
) -> None:
    """Its word raised it, and its word ends it: there are no levels to wait for."""
    one = Printer(set_up=printer(snmp=None))
    empty = Reading(origin, state="idle", reasons=("toner-empty-error", "marker-waste-full-error"))
    one.look(empty)
    assert one.codes() == {"toner-low", "waste-full"}
    over = one.look(Reading(origin, state="idle"))
    assert sorted(told(over)) == [("toner-low", True), ("waste-full", True)]


def test_what_a_level_showed_stays_until_a_level_is_seen() -> None:
    """A look without supplies, as after a start with SNMP silent, ends nothing."""
    one = Printer(days_low=0)
    one.look(with_(by_snmp(), supplies=(toner(5),)))
    one.restart()
    by_ipp = Reading(Origin.IPP, state="idle", serial="SN-1")
    assert told(one.look(SILENT, by_ipp)) == []
    assert one.codes() == {"toner-low"}
    assert told(one.look(with_(by_snmp(), supplies=(toner(90),)), by_ipp)) == [("toner-low", True)]


def test_a_strangers_words_are_not_believed_for_an_hour() -> None:
    """One stray reply by SNMP, then silence there: its supplies and meters are nobody's."""
    one = Printer(days_low=0)
    by_ipp = Reading(Origin.IPP, state="idle", serial="SN-1")
    one.look(by_snmp(meter(500)), by_ipp)
    stray = with_(by_snmp(meter(7), serial="SN-2"), supplies=(toner(1),))
    one.look(stray)
    for _ in range(3):
        result = one.look(SILENT, by_ipp)
        assert one.codes() == set()
        assert [each.level for each in result.state.supplies] == [80]
        assert [each.value for each in result.state.meters] == [500]


def test_a_stray_reply_beside_one_of_its_own_counts_for_nothing() -> None:
    """One source says another serial number than it ever did: believed at the second look."""
    one = Printer()
    by_ipp = Reading(Origin.IPP, state="idle", serial="CN-1")
    one.look(by_snmp(meter(500)), by_ipp)
    stray = by_snmp(meter(507), serial="SN-2")
    result = one.look(stray, by_ipp)
    assert (result.state.meters[0].value, result.memory.taken, one.memory.serial) == (
        500,
        None,
        "SN-1",
    )
    one.look(by_snmp(meter(501)), by_ipp)
    assert one.memory.serial == "SN-1"
    for _ in range(2):
        result = one.look(by_snmp(meter(502), serial="SN-0001"), by_ipp)
    assert (result.broken, told(result), one.memory.serial) == (None, [], "SN-0001")


def test_a_clock_that_is_set_back_keeps_nothing_up_for_longer() -> None:
    """What lasts a day ends a day after the clock was set, not when the old date comes again."""
    lasts = timedelta(hours=24)
    seen = Seen({"counter-went-back": Complaint("warning", "it did", lasts=lasts)})
    raised: dict[str, Raised] = dict(judged({}, seen, "lib-1", NOW).raised)
    now = NOW - timedelta(days=400)
    ends = []
    for hour in range(60):
        result = judged(raised, Seen(), "lib-1", now + timedelta(hours=hour))
        raised = dict(result.raised)
        ends += [hour for each in result.notes if each.cleared]
    assert ends == [24]
