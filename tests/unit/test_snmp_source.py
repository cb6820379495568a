"""A printer read again and again: whole at first, then what changes, whole where it must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.devices import oids, vendors
from edge.devices.oids import oid
from edge.devices.snmp_source import SnmpSource
from edge.devices.walking import Walk
from edge.devices.words import NoAnswer, Reading, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.devices.oids import Oid, Value
    from edge.devices.walking import Bounds

HERE = Target("192.0.2.1", 161, "lab")
SILENT = NoAnswer("192.0.2.1 does not answer SNMP")
NAMES = oid("1.3.6.1.4.1.367.3.2.1.2.19.5.1.5")
VALUES = oid("1.3.6.1.4.1.367.3.2.1.2.19.5.1.9")


@dataclass
class Machine:
    """Objects of a machine, and how it misbehaves."""

    tree: dict[Oid, Value]
    silent: bool = False
    silent_after: int = 10_000
    """Answers so many questions and then no more."""
    broken: Oid | None = None
    """A column whose table breaks off."""
    gets: list[int] = field(default_factory=list)
    walks: list[tuple[Oid, ...]] = field(default_factory=list)

    @property
    def _mute(self) -> bool:
        return self.silent or len(self.gets) + len(self.walks) > self.silent_after

    async def get(self, target: Target, wanted: Iterable[Oid]) -> dict[Oid, Value] | NoAnswer:
        """Answer single objects."""
        asked = list(wanted)
        self.gets.append(len(asked))
        return SILENT if self._mute else {o: self.tree[o] for o in asked if o in self.tree}

    async def walk(
        self, target: Target, columns: Iterable[Oid], bounds: Bounds | None = None
    ) -> Walk | NoAnswer:
        """Answer columns."""
        wanted = tuple(columns)
        self.walks.append(wanted)
        if self._mute:
            return SILENT
        found = {
            each: value
            for each, value in self.tree.items()
            if any(each[: len(column)] == column for column in wanted)
        }
        return Walk(found, "it broke off" if self.broken in wanted else None)


def machine() -> Machine:
    """Return a Ricoh with one toner and a table of names."""
    return Machine(
        {
            oids.SYS_OBJECT_ID: "1.3.6.1.4.1.367.1.1",
            oids.SYS_UP_TIME: 1000,
            (*oids.HR_PRINTER_STATUS, 1): 3,
            (*oids.HR_DEVICE_STATUS, 1): 2,
            (*oids.HR_PRINTER_ERRORS, 1): b"\0",
            (*oids.SERIAL_NUMBER, 1): b"A1B2C3",
            (*oids.CONFIG_CHANGES, 1): 4,
            (*oids.ALERT_ALL_EVENTS, 1): 9,
            (*oids.MARKER_COUNTER_UNIT, 1, 1): 7,
            (*oids.MARKER_LIFE_COUNT, 1, 1): 100,
            (*oids.SUPPLIES_DESCRIPTION, 1, 1): b"Black",
            (*oids.SUPPLIES_MAX_CAPACITY, 1, 1): 100,
            (*oids.SUPPLIES_LEVEL, 1, 1): 50,
            (*NAMES, 2): b"Counter:Copy:Total",
            (*VALUES, 2): 60,
        }
    )


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def source_of(found: Machine, clock: Clock) -> SnmpSource:
    """Return a source that reads this machine."""
    return SnmpSource(found, slow=10.0, clock=clock, makers=vendors.load())  # type: ignore[arg-type]


async def test_the_second_look_asks_little_and_knows_all() -> None:
    """What never changes is remembered; what changes is read by name, in one question or two."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    first = await source.look(HERE)
    found.gets.clear()
    found.walks.clear()
    clock.now = 60.0
    quiet = await source.look(HERE)
    assert isinstance(quiet, Reading)
    assert (len(found.gets), found.walks) == (1, [])
    clock.now = 120.0
    found.tree |= {
        oids.SYS_UP_TIME: 7000,
        (*oids.HR_PRINTER_STATUS, 1): 4,
        (*oids.SUPPLIES_LEVEL, 1, 1): 49,
        (*oids.MARKER_LIFE_COUNT, 1, 1): 110,
        (*VALUES, 2): 65,
    }
    again = await source.look(HERE)
    assert isinstance(first, Reading)
    assert isinstance(again, Reading)
    assert (first.state, again.state) == ("idle", "processing")
    assert again.supplies[0].name == "Black"
    assert again.supplies[0].level == 49
    assert {each.name: each.value for each in again.meters} == {"total": 110, "copy": 65}
    assert found.walks == []
    assert len(found.gets) == 3  # how it is, and, as it has counted, its counters of services


async def test_what_changes_slowly_is_asked_seldom() -> None:
    """Between two slow readings only the state is asked."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    await source.look(HERE)
    clock.now = 5.0
    found.tree[*oids.SUPPLIES_LEVEL, 1, 1] = 49
    soon = await source.look(HERE)
    clock.now = 11.0
    later = await source.look(HERE)
    assert isinstance(soon, Reading)
    assert isinstance(later, Reading)
    assert (soon.supplies[0].level, later.supplies[0].level) == (50, 49)


async def test_everything_is_read_anew_when_the_machine_is_another() -> None:
    """A restart, a change of its set-up, another serial number, a row that is gone: read whole."""
    changes: tuple[dict[Oid, Value | None], ...] = (
        {oids.SYS_UP_TIME: 5},
        {(*oids.CONFIG_CHANGES, 1): 5},
        {(*oids.SERIAL_NUMBER, 1): b"OTHER9"},
        {(*oids.HR_PRINTER_ERRORS, 1): None},
    )
    for change in changes:
        found, clock = machine(), Clock()
        source = source_of(found, clock)
        await source.look(HERE)
        found.walks.clear()
        for each, value in change.items():
            if value is None:
                del found.tree[each]
            else:
                found.tree[each] = value
        found.tree[*oids.SUPPLIES_DESCRIPTION, 1, 1] = b"Another"
        look = await source.look(HERE)
        assert isinstance(look, Reading)
        assert look.supplies[0].name == "Another", change


async def test_everything_is_read_anew_after_an_hour() -> None:
    """A machine that does not count its changes is found out."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    await source.look(HERE)
    found.tree[*oids.SUPPLIES_DESCRIPTION, 1, 1] = b"Another"
    clock.now = 3600.0
    look = await source.look(HERE)
    assert isinstance(look, Reading)
    assert look.supplies[0].name == "Another"


async def test_alerts_come_and_go() -> None:
    """They are read while anything may be wrong, and once more when it is over."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    await source.look(HERE)
    found.tree |= {
        (*oids.HR_PRINTER_ERRORS, 1): b"\x04",
        (*oids.ALERT_CODE, 1, 7): 8,
        (*oids.ALERT_SEVERITY, 1, 7): 3,
    }
    jammed = await source.look(HERE)
    found.walks.clear()
    await source.look(HERE)
    assert found.walks == []  # nothing has changed
    clock.now = 31.0
    await source.look(HERE)
    assert len(found.walks) == 1  # but one may have gone without a sign
    del found.tree[(*oids.ALERT_CODE, 1, 7)]
    del found.tree[(*oids.ALERT_SEVERITY, 1, 7)]
    found.tree[*oids.HR_PRINTER_ERRORS, 1] = b"\0"
    cleared = await source.look(HERE)
    assert isinstance(jammed, Reading)
    assert isinstance(cleared, Reading)
    assert [each.code for each in jammed.alerts] == ["media-jam"]
    assert (cleared.alerts, cleared.reasons) == ((), ())


async def test_silence_keeps_what_is_known() -> None:
    """A look that nobody answers is said, and the next one goes on."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    await source.look(HERE)
    found.silent = True
    assert await source.look(HERE) == SILENT
    assert await source.meters(HERE) == SILENT
    found.silent = False
    found.walks.clear()
    assert isinstance(await source.look(HERE), Reading)
    assert found.walks == []


async def test_falling_silent_half_way_is_said_and_not_remembered() -> None:
    """What is whole of half a reading is told as that, and the next look reads all."""
    found, clock = machine(), Clock()
    found.silent_after = 6
    source = source_of(found, clock)
    half = await source.look(HERE)
    assert isinstance(half, Reading)
    assert half.serial == "A1B2C3"
    assert half.meters == ()
    assert "it stopped answering half way" in half.odd
    assert len(found.gets) + len(found.walks) == 7  # and is not asked on and on
    found.silent_after = 10_000
    whole = await source.look(HERE)
    assert isinstance(whole, Reading)
    assert whole.odd == ()
    assert len(whole.meters) == 2


async def test_a_named_table_that_breaks_off_gives_no_figures() -> None:
    """Its sums would be too small: the standard figures stay."""
    found, clock = machine(), Clock()
    found.broken = NAMES
    look = await source_of(found, clock).look(HERE)
    assert isinstance(look, Reading)
    assert [each.name for each in look.meters] == ["total"]
    assert look.odd == ("its counters: it broke off",)


async def test_a_machine_without_measure_is_left() -> None:
    """Tables that never end are read up to a bound, and what was read before counts."""
    found = machine()
    found.tree |= {(*oids.COVER_STATUS, 1, row): 4 for row in range(5000)}
    look = await source_of(found, Clock()).look(HERE)
    assert isinstance(look, Reading)
    assert look.odd == ("its tables are longer than 4,000 values",)
    assert len(look.covers) == 32


async def test_meters_are_read_in_one_question() -> None:
    """Who it is, how it is and what it counts; no table is walked."""
    found, clock = machine(), Clock()
    source = source_of(found, clock)
    await source.look(HERE)
    found.gets.clear()
    found.walks.clear()
    found.tree[*oids.MARKER_LIFE_COUNT, 1, 1] = 103
    look = await source.meters(HERE)
    assert isinstance(look, Reading)
    assert (look.serial, look.state, look.meters[0].value) == ("A1B2C3", "idle", 103)
    assert (len(found.gets), found.walks) == (1, [])


async def test_who_is_no_printer_is_said() -> None:
    """A switch answers SNMP too."""
    found = Machine({oids.SYS_OBJECT_ID: "1.3.6.1.4.1.9.1", oids.SYS_UP_TIME: 5})
    look = await source_of(found, Clock()).look(HERE)
    assert isinstance(look, NoAnswer)
    assert "no printer" in look.reason
