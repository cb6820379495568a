"""A copier on gpiozero's mock pins: let and stopped, its pulses counted, a heart that beats."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from broker.messages.copies import CopyCounts
from config.terminal_settings import CopierSettings
from terminal_bridge.copier import GpioCopier

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 5.0
ENABLE, COLOR, HEART, MONO, LARGE = 17, 18, 22, 27, 23
SETTINGS = {
    "enable": [
        {"pin": ENABLE},
        {"pin": COLOR, "active": "low", "kinds": ["color", "color_large"]},
    ],
    "pulses": [
        {"pin": MONO},
        {"pin": LARGE, "kind": "color_large", "active": "high", "pull": "down", "impressions": 2},
    ],
}


class Told(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that says when its level changed, by the test's clock."""

    now = 0.0

    def _call_when_changed(self) -> None:
        super(MockPin, self)._call_when_changed(Told.now, self._state)


class Machine:
    """The copier's side of the pins."""

    def __init__(self, factory: MockFactory) -> None:
        self.factory = factory

    def level(self, pin: int) -> bool:
        """Return an output's level."""
        return bool(self.factory.pin(pin).state)

    def contact(self, pin: int, *, high: bool, bounce: tuple[float, ...] = ()) -> None:
        """Change an input's level, bouncing back and forth for so long each."""
        wire = self.factory.pin(pin)
        for pause in (0.0, *bounce):
            Told.now += pause
            for level in (high, not high, high) if bounce else (high,):
                (wire.drive_high if level else wire.drive_low)()
                Told.now += 0.0005

    def pulse(self, pin: int = MONO, *, high: bool = False, lasts: float = 0.05) -> None:
        """Make one pulse of a contact that bounces at both edges."""
        self.contact(pin, high=high, bounce=(0.001, 0.002))
        Told.now += lasts
        self.contact(pin, high=not high, bounce=(0.001,))
        Told.now += 0.1


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Make pins that nothing is wired to but the test."""
    Told.now = 1000.0
    factory = MockFactory(pin_class=Told)
    yield Machine(factory)
    factory.reset()


def copier(machine: Machine, **more: object) -> GpioCopier:
    """Return a copier's control on the machine's pins."""
    settings = CopierSettings.model_validate({**SETTINGS, **more})
    return GpioCopier(settings, factory=machine.factory)


async def counted(pulses: Any) -> CopyCounts:  # noqa: ANN401  an async iterator
    """Return the next totals."""
    found: CopyCounts = await asyncio.wait_for(anext(pulses), DEADLINE)
    return found


async def test_lines_let_what_is_named_and_end_off(machine: Machine) -> None:
    """Off when opened; each line on for its kinds; off again when stopped and when closed."""
    control = copier(machine)
    async with control:
        assert (machine.level(ENABLE), machine.level(COLOR)) == (False, True)
        control.enable(frozenset({"monochrome"}))
        assert (machine.level(ENABLE), machine.level(COLOR)) == (True, True)
        control.enable(frozenset({"monochrome", "color"}))
        assert (machine.level(ENABLE), machine.level(COLOR)) == (True, False)
        control.disable()
        control.disable()
        assert (machine.level(ENABLE), machine.level(COLOR)) == (False, True)
        control.enable(frozenset({"color"}))
        wires = [machine.factory.pin(pin) for pin in (ENABLE, COLOR)]
    assert [wire.states[-1].state for wire in wires] == [False, True]


async def test_pulses_count_once_however_they_bounce(machine: Machine) -> None:
    """Each pulse is what its line stands for; bounce and spikes are nothing; totals only grow."""
    async with copier(machine) as control:
        pulses = control.pulses()
        machine.pulse()
        assert await counted(pulses) == CopyCounts(monochrome=1)
        for _ in range(5):
            machine.pulse()
        machine.pulse(LARGE, high=True)
        machine.pulse(lasts=0.002)  # shorter than the debounce time: a spike
        seen = await counted(pulses)
        assert seen == CopyCounts(monochrome=6, color_large=2)
        assert control.glitches > 0


async def test_a_pulse_that_lasts_is_counted_before_it_ends(machine: Machine) -> None:
    """Machines that stop in the middle of a pulse have made the copy."""
    async with copier(machine) as control:
        pulses = control.pulses()
        machine.contact(MONO, high=False, bounce=(0.001,))
        assert await counted(pulses) == CopyCounts(monochrome=1)
        assert await no_more(control)


async def no_more(control: GpioCopier) -> bool:
    """Tell whether the counts stay what they are over several debounce times."""
    before = control.counts()
    await asyncio.sleep(0.05)  # nothing says that nothing happens
    return control.counts() == before


async def test_pulses_count_while_stopped(machine: Machine) -> None:
    """A copier that ends its sheet after it was told to stop is counted."""
    async with copier(machine) as control:
        pulses = control.pulses()
        control.enable(frozenset({"monochrome"}))
        control.disable()
        machine.pulse()
        assert await counted(pulses) == CopyCounts(monochrome=1)


async def test_counting_ends_with_the_context(machine: Machine) -> None:
    """Who waits for pulses is let go when the copier is given back."""
    async with copier(machine) as control:
        waiting = asyncio.create_task(anext(control.pulses(), None))
        await asyncio.sleep(0)
    assert await asyncio.wait_for(waiting, DEADLINE) is None


async def test_the_heart_beats_only_while_copying_is_let(machine: Machine) -> None:
    """The heartbeat changes while a kind is let, stands still and low otherwise."""
    settings = {"heartbeat": HEART, "heartbeat_every": "10ms"}
    async with copier(machine, **settings) as control:
        wire = machine.factory.pin(HEART)
        assert len(wire.states) == 1
        control.enable(frozenset({"monochrome"}))
        async with asyncio.timeout(DEADLINE):
            while len(wire.states) < 6:  # noqa: ASYNC110  a pin tells nobody
                await asyncio.sleep(0.005)
        control.disable()
        beats = len(wire.states)
        assert not wire.state
        await asyncio.sleep(0.05)
        assert len(wire.states) == beats
        control.enable(frozenset({"monochrome"}))
    await asyncio.sleep(0)
    assert not wire.state
    assert [each.get_name() for each in asyncio.all_tasks()].count("heartbeat") == 0


async def test_a_stalled_loop_beats_no_more(machine: Machine) -> None:
    """While the loop that decides stands still, so does the heart: the relay falls."""
    settings = {"heartbeat": HEART, "heartbeat_every": "10ms"}
    async with copier(machine, **settings) as control:
        control.enable(frozenset({"monochrome"}))
        await asyncio.sleep(0)
        wire = machine.factory.pin(HEART)
        before = len(wire.states)
        await asyncio.to_thread(lambda: None)
        stalled = asyncio.get_running_loop().time() + 0.1
        while asyncio.get_running_loop().time() < stalled:
            pass
        assert len(wire.states) <= before + 1


async def test_a_pin_that_is_taken_is_said(machine: Machine) -> None:
    """Pins that cannot be claimed raise OSError, and none is kept."""
    async with copier(machine):
        with pytest.raises(OSError, match="cannot be used"):
            await copier(machine).__aenter__()
    async with copier(machine):
        pass


async def test_a_line_that_fails_lets_nothing(machine: Machine) -> None:
    """When one line cannot be set, the copier is stopped on the others and it is said."""
    async with copier(machine) as control:
        machine.factory.pin(COLOR).close()
        machine.factory.pin(COLOR).function = "input"  # it can be set no more
        with pytest.raises(OSError, match="cannot be set"):
            control.enable(frozenset({"monochrome", "color"}))
        assert not machine.level(ENABLE)
        machine.factory.pin(COLOR).function = "output"
