"""What is remembered of a machine between looks: nothing old passes for new, nothing is missed."""

from __future__ import annotations

import pytest

from edge.devices import oids
from edge.devices.words import Reading, Target
from tests.unit.device_lab import Printer, told
from tests.unit.test_snmp_source import HERE, VALUES, Clock, machine, source_of

LIFE = (*oids.MARKER_LIFE_COUNT, 1, 1)


async def test_only_what_was_read_now_counts_as_read_now() -> None:
    """Between two slow readings the meters are shown, and said to be remembered."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    marks = []
    for now in (0.0, 5.0, 11.0, 12.0):
        clock.now = now
        look = await source.look(HERE)
        assert isinstance(look, Reading)
        assert look.meters
        marks.append(look.metered)
    assert marks == [True, False, True, False]
    read = await source.meters(HERE)
    assert isinstance(read, Reading)
    assert read.metered


async def test_half_of_the_counters_is_no_reading() -> None:
    """The total is new and the services' counters were lost: these are not a figure of now."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    await source.look(HERE)
    clock.now = 20.0
    found.tree |= {LIFE: 110, (*VALUES, 2): 70}
    found.silent_after = len(found.gets) + len(found.walks) + 1
    half = await source.look(HERE)
    found.silent_after = 10_000
    clock.now = 40.0
    whole = await source.look(HERE)
    assert isinstance(half, Reading)
    assert isinstance(whole, Reading)
    assert (half.metered, whole.metered) == (False, True)
    assert {each.name: each.value for each in whole.meters} == {"total": 110, "copy": 70}


async def test_a_misread_figure_is_not_believed_because_it_is_remembered() -> None:
    """One wrong reply and a look that does not ask again are one reading, not two."""
    found, clock = machine(), Clock()
    source, one = source_of(found, clock), Printer()
    notes = []
    for now, total in ((0.0, 100), (60.0, 0), (63.0, 100), (75.0, 100), (90.0, 100)):
        clock.now = now
        found.tree[LIFE] = total
        result = one.look(await source.look(HERE), after=now and 15)
        assert result.broken is None
        notes += told(result)
    assert notes == []


@pytest.mark.parametrize("lost", [False, True])
async def test_a_sign_of_alerts_is_not_used_up_by_who_reads_meters(
    lost: bool,  # noqa: FBT001  a column of the table
) -> None:
    """An alert that came just before a job's meters were read, or whose rows were lost, is told."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    await source.look(HERE)
    found.tree |= {
        (*oids.ALERT_ALL_EVENTS, 1): 10,
        (*oids.ALERT_CODE, 1, 7): 1104,
        (*oids.ALERT_SEVERITY, 1, 7): 4,
    }
    if lost:
        found.silent_after = len(found.gets) + len(found.walks) + 1
        await source.look(HERE)
        found.silent_after = 10_000
    else:
        await source.meters(HERE)
    look = await source.look(HERE)
    assert isinstance(look, Reading)
    assert [each.code for each in look.alerts] == ["toner-low"]


async def test_half_a_table_is_read_again_soon() -> None:
    """One lost reply takes the supplies away for minutes, not for an hour."""
    found, clock = machine(), Clock()
    found.broken = oids.MARKER_LIFE_COUNT
    source = source_of(found, clock)
    first = await source.look(HERE)
    found.broken = None
    found.tree[*oids.SUPPLIES_DESCRIPTION, 1, 1] = b"Whole"
    clock.now = 301.0
    again = await source.look(HERE)
    assert isinstance(first, Reading)
    assert isinstance(again, Reading)
    assert first.odd
    assert again.odd == ()
    assert again.supplies[0].name == "Whole"


async def test_what_is_always_half_is_not_read_again_and_again() -> None:
    """A machine whose table always breaks off in one place is read whole as seldom as any."""
    found, clock = machine(), Clock()
    found.broken = oids.MARKER_LIFE_COUNT
    source = source_of(found, clock)
    whole = 0
    for minute in range(120):
        clock.now = 60.0 * minute
        found.walks.clear()
        await source.look(HERE)
        whole += bool(found.walks)
    assert whole <= 6


async def test_machines_of_one_start_are_not_read_whole_together() -> None:
    """Each within the last half of the hour at a time of its own; nobody later than that."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    found.silent_after = 10**9
    fleet = [Target(f"10.1.2.{number}", 161, "lab") for number in range(100)]
    for each in fleet:
        await source.look(each)
    due = []
    for minute in range(2, 62, 2):
        clock.now = 60.0 * minute
        found.walks.clear()
        for each in fleet:
            await source.look(each)
        due.append(sum(oids.COVER_STATUS in each for each in found.walks))
    assert sum(due) == len(fleet)
    assert max(due) <= len(fleet) / 5
    assert sum(due[:14]) == 0


async def test_who_is_not_asked_any_more_is_forgotten() -> None:
    """A printer that moves from address to address leaves nothing behind."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    for number in range(100):
        clock.now = 1800.0 * number
        await source.look(Target(f"10.1.2.{number}", 161, "lab"))
    assert len(source._known) <= 5
