"""Troubles of printers: raised at the right moment, cleared with room to spare, never a flood."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import Cover, Note, Tray
from edge.devices.alerts import Complaint, Raised, Seen, dropped, judged
from edge.devices.complaints import of_clock
from edge.devices.words import DeviceAlert, NoAnswer, Origin, Reading
from tests.unit.device_lab import NOW, Printer, by_snmp, told, toner, with_

SILENT = NoAnswer("192.0.2.7 does not answer")


def test_toner_is_low_until_it_is_well_above() -> None:
    """At ten percent it is low, and is so up to fifteen."""
    one = Printer(low=10, days_low=0)
    heard = [
        told(one.look(with_(by_snmp(), supplies=(toner(level),)), after=4000))
        for level in (50, 11, 10, 9, 12, 14, 15, 11, 10)
    ]
    low, over = [("toner-low", False)], [("toner-low", True)]
    assert heard == [[], [], low, [], [], [], over, [], low]


def test_each_further_supply_is_told_once() -> None:
    """A second colour that runs low is news; the first that is still low is none."""
    one = Printer()
    first = one.look(with_(by_snmp(), supplies=(toner(5), toner(50, "2"))))
    second = one.look(with_(by_snmp(), supplies=(toner(4), toner(9, "2"))))
    third = one.look(with_(by_snmp(), supplies=(toner(4), toner(8, "2"))))
    assert [len(each.notes) for each in (first, second, third)] == [1, 1, 0]
    assert "Toner 1: 4 %" in second.notes[0].detail
    assert "Toner 2: 9 %" in second.notes[0].detail


def test_an_empty_supply_is_louder_and_a_waste_box_is_its_own() -> None:
    """Low is a warning, empty is critical; a full box is no toner."""
    one = Printer()
    assert one.look(with_(by_snmp(), supplies=(toner(8),))).notes[0].severity == "warning"
    assert one.look(with_(by_snmp(), supplies=(toner(0),))).notes[0].severity == "critical"
    box = one.look(with_(by_snmp(), supplies=(toner(60), toner(3, "9", receptacle=True))))
    assert ("waste-full", False) in told(box)


def test_a_machine_without_levels_is_believed() -> None:
    """Where no percent is known its own word counts; where it is, ours does."""
    vague = Printer()
    vague.look(with_(by_snmp(), supplies=(toner(None),), reasons=("toner-low-warning",)))
    assert vague.codes() == {"toner-low"}
    exact = Printer()
    exact.look(with_(by_snmp(), supplies=(toner(30),), reasons=("toner-low-warning",)))
    assert exact.codes() == set()


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"reasons": ("media-jam-error",), "state": "stopped"}, "jam", "critical"),
        ({"alerts": (DeviceAlert("media-jam", "critical", "in tray 2"),)}, "jam", "critical"),
        ({"covers": (Cover(name="Front", open=True),)}, "cover-open", "critical"),
        ({"reasons": ("door-open-report",)}, "cover-open", "critical"),
        ({"reasons": ("media-needed-error",)}, "tray-empty", "critical"),
        ({"trays": (Tray(key="1", name="A", state="empty"),)}, "tray-empty", "critical"),
        (
            {
                "trays": (
                    Tray(key="1", name="A", state="empty"),
                    Tray(key="2", name="B", state="ready"),
                )
            },
            "tray-empty",
            "warning",
        ),
        ({"state": "stopped", "reasons": ("fuser-over-temp-error",)}, "attention", "critical"),
        ({"state": "stopped", "reasons": ("paused",)}, "attention", "warning"),
    ],
)
def test_what_keeps_a_printer_from_printing(
    changes: dict[str, object], code: str, severity: str
) -> None:
    """Each is raised once, in the words of the machine, and over when it is gone."""
    one = Printer()
    result = one.look(with_(by_snmp(), **changes))
    assert [(each.code, each.severity) for each in result.state.troubles] == [(code, severity)]
    assert result.state.troubles[0].since == one.now
    assert told(one.look(by_snmp())) == [(code, True)]


def test_what_the_machine_says_in_words_is_said_once() -> None:
    """Its keyword beside its own words would only puzzle; what it has no words for stays."""
    one = Printer()
    result = one.look(
        with_(
            by_snmp(),
            reasons=("media-jam-error", "cover-open-error", "interlock-open-error"),
            alerts=(
                DeviceAlert("media-jam", "critical", "Paper jam in tray 2"),
                DeviceAlert("cover-open", "critical", "Open the front door"),
            ),
        )
    )
    assert {each.code: each.detail for each in result.state.troubles} == {
        "jam": "Paper jam in tray 2",
        "cover-open": "interlock open, Open the front door",
    }


def test_offline_comes_late_and_goes_with_the_first_answer() -> None:
    """Three minutes of silence, no sooner; what else was wrong stays until it is seen again."""
    one = Printer(offline_after="3min")
    one.look(with_(by_snmp(), covers=(Cover(name="Front", open=True),)))
    assert told(one.look(SILENT, after=100)) == []
    assert told(one.look(SILENT, after=79)) == []
    assert told(one.look(SILENT, after=2)) == [("offline", False)]
    assert one.codes() == {"offline", "cover-open"}
    assert sorted(told(one.look(by_snmp()))) == [("cover-open", True), ("offline", True)]


def test_who_was_never_heard_is_offline_too() -> None:
    """A printer that is off when the edge starts is told of after the same time."""
    one = Printer()
    one.look(SILENT, after=1)
    assert told(one.look(SILENT, after=180)) == [("offline", False)]


def test_days_left_count_beside_percent() -> None:
    """At ten percent a day, forty percent are four days: low long before ten percent."""
    one = Printer(days_low=5, low=10)
    notes: list[Note] = []
    for day in range(7):
        result = one.look(with_(by_snmp(), supplies=(toner(100 - 10 * day),)), after=86_400)
        notes += result.notes
    assert [each.code for each in notes] == ["toner-low"]
    assert result.state.supplies[0].days_left == 4
    assert "for about 5 days" in notes[0].detail


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 120)), min_size=50, max_size=400),
)
def test_flapping_floods_nobody(steps: list[tuple[bool, int]]) -> None:
    """However a trouble comes and goes, it is raised nine times in an hour at most."""
    raised: dict[str, Raised] = {}
    now, moments = NOW, []
    for wrong, seconds in steps:
        now += timedelta(seconds=seconds)
        seen = Seen({"jam": Complaint("critical", "a jam")} if wrong else {})
        result = judged(raised, seen, "lib-1", now)
        raised = dict(result.raised)
        moments += [now for each in result.notes if not each.cleared]
        assert len(raised) <= 1
    for first in moments:
        hour = [each for each in moments if first <= each < first + timedelta(hours=1)]
        assert len(hour) <= 9


def test_there_and_gone_with_every_look_is_told_a_few_times() -> None:
    """After that it stands, all day: it never stays away for long enough."""
    one, count = Printer(), 0
    for number in range(8640):
        jam = ("media-jam-error",) if number % 2 else ()
        count += len(one.look(with_(by_snmp(), reasons=jam)).notes)
    assert count <= 9 + 2


def test_what_was_raised_before_a_restart_is_cleared_after_it() -> None:
    """The centre would show it for ever: what is kept knows that it was raised, and since when."""
    one = Printer()
    since = one.look(with_(by_snmp(), reasons=("media-jam-error",))).state.troubles[0].since
    one.restart()
    again = one.look(with_(by_snmp(), reasons=("media-jam-error",)))
    assert (told(again), again.state.troubles[0].since) == ([], since)
    one.restart()
    assert told(one.look(by_snmp())) == [("jam", True)]


def test_a_printer_that_is_taken_off_leaves_nothing_raised() -> None:
    """Its alerts are cleared where they were raised."""
    one = Printer()
    one.look(with_(by_snmp(), reasons=("media-jam-error",)))
    notes = dropped(one.memory.kept.raised, "lib-1")
    assert [(each.code, each.subject, each.cleared) for each in notes] == [("jam", "lib-1", True)]


def test_a_queue_that_is_paused_is_told_of_where_nobody_asks_the_machine() -> None:
    """A printer on USB has its troubles by what the print system knows."""
    one = Printer()
    result = one.look(Reading(Origin.CUPS, state="stopped", reasons=("paused",)))
    assert result.state.answers is None
    assert one.codes() == {"attention"}


def test_a_wrong_clock_is_the_edges_own() -> None:
    """A minute off is told, half a minute is not; between the two it stays as it was."""
    raised: dict[str, Raised] = {}
    heard = []
    for off in (10, 70, 45, -70, 20, 45):
        result = judged(raised, of_clock(timedelta(seconds=off), raised), "clock", NOW)
        raised = dict(result.raised)
        heard.append([(each.code, each.cleared) for each in result.notes])
    assert heard == [[], [("clock-off", False)], [], [], [("clock-off", True)], []]
