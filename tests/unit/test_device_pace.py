"""When printers are looked at: often, seldom, and never all at once; and when it is told."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge.devices.merge import View
from edge.devices.pace import (
    AtOnce,
    Later,
    NoNews,
    Pace,
    caught_up,
    every,
    first_look,
    next_look,
    pace_of,
    share,
    when_told,
)
from tests.unit.device_lab import NOW, Printer, by_snmp, meter, settings, toner, with_

FLEET = [f"printer-{number}" for number in range(600)]


def most_in(moments: list[float], seconds: float) -> int:
    """Return how many of these fall into the busiest stretch of so many seconds."""
    return max(Counter(int(each / seconds) for each in moments).values())


def test_a_start_wakes_printers_one_after_another() -> None:
    """The first look at 600 printers is spread over half a minute."""
    moments = [first_look(each, 0.0, settings(), len(FLEET)) for each in FLEET]
    assert most_in(moments, 1.0) <= 40
    assert max(moments) <= 30.0


@given(beat=st.floats(0.1, 900), now=st.floats(0, 1e6), stop=st.floats(0, 1e5))
def test_nothing_makes_them_fall_into_step(beat: float, now: float, stop: float) -> None:
    """After a stop of any length the looks lie as far apart as before."""
    planned = [next_look(each, now, now, beat) for each in FLEET[:200]]
    late = max(planned) + stop
    moments = [
        caught_up(each, at, late, beat) for each, at in zip(FLEET[:200], planned, strict=True)
    ]
    after = [max(each, late) - late for each in moments]
    if stop > 2 * beat:
        assert most_in(after, beat / 20) <= 40


@given(beat=st.floats(0.1, 900), now=st.floats(0, 1e6), took=st.floats(0, 100))
def test_a_printer_keeps_its_beat(beat: float, now: float, took: float) -> None:
    """The next look is in the future, at most one beat and a quarter after the last began."""
    at = next_look("lib-1", now, now + took, beat)
    assert at >= now + took - 1e-6
    assert at <= max(now + 1.25 * beat, now + took + beat) + 1e-6
    again = next_look("lib-1", at, at, beat)
    assert abs(again - at - beat) < beat * 1e-6 + 1e-6


def test_a_place_among_all_never_changes() -> None:
    """It is made of the id alone, so a restart moves nobody."""
    assert share("lib-1") == share("lib-1")
    assert 0 <= min(map(share, FLEET)) <= max(map(share, FLEET)) < 1


def test_who_works_or_is_in_trouble_is_looked_at_often() -> None:
    """Busy, troubled for less than an hour, at work for us: often; asleep: seldom."""
    idle = View(answers=True, state="idle")
    assert pace_of(idle, troubles={}, jobs=0) is Pace.IDLE
    assert pace_of(idle, troubles={}, jobs=1) is Pace.BUSY
    assert pace_of(View(answers=True, state="processing"), troubles={}, jobs=0) is Pace.BUSY
    assert pace_of(idle, troubles={"jam": 60.0}, jobs=0) is Pace.BUSY
    assert pace_of(idle, troubles={"jam": 7200.0}, jobs=0) is Pace.IDLE
    assert pace_of(idle, troubles={"toner-low": 60.0}, jobs=0) is Pace.IDLE
    assert pace_of(View(answers=True, asleep=True), troubles={}, jobs=0) is Pace.ASLEEP
    assert pace_of(View(answers=False, state="processing"), troubles={}, jobs=1) is Pace.SILENT


def test_silence_is_asked_less_and_less() -> None:
    """Each look in vain doubles the pause, up to the longest; the first comes soon."""
    ways = settings(busy="10s", silent="15min")
    pauses = [every(Pace.SILENT, ways, unanswered=number) for number in range(1, 12)]
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]
    assert every(Pace.SILENT, ways, unanswered=10_000) == 900


def test_changes_are_told_at_once_and_levels_now_and_then() -> None:
    """A state is told when it changes; a level and a meter at most every ten seconds."""
    one = Printer()
    before = one.look(by_snmp()).state
    same = one.look(by_snmp()).state
    lower = one.look(with_(by_snmp(meter(120)), supplies=(toner(70),))).state
    jam = one.look(with_(by_snmp(meter(120)), state="stopped", reasons=("media-jam-error",))).state

    def when(first: object, second: object, passed: float) -> object:
        return when_told(first, second, said=100.0, now=100.0 + passed, snapshot=10.0)  # type: ignore[arg-type]

    assert when(None, before, 0) == AtOnce()
    assert when(before, same, 5) == NoNews()
    assert when(before, same, 601) == AtOnce()  # so that nobody takes it for yesterday's
    assert when(before, lower, 4) == Later(110.0)
    assert when(before, lower, 10) == AtOnce()
    assert when(lower, jam, 0.1) == AtOnce()
    assert jam.updated_at > NOW + timedelta(seconds=30)
