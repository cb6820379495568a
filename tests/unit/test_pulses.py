"""Pulses of a copier: counted once each, whatever the contact does within the debounce time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from terminal_bridge.pulses import PulseCounter

DEBOUNCE = 0.010
bounces = st.lists(st.floats(0.0001, 0.0009), max_size=8)
steady = st.floats(0.012, 0.4)


@given(pulses=st.lists(st.tuples(bounces, steady, bounces, steady), max_size=20))
def test_each_pulse_counts_once(
    pulses: list[tuple[list[float], float, list[float], float]],
) -> None:
    """A contact that bounces for less than the debounce time at both edges counts one pulse."""
    line = PulseCounter(debounce=DEBOUNCE, active=False)
    now, level = 0.0, False

    def turn() -> None:
        nonlocal level
        level = not level
        line.edge(active=level, at=now)

    for before, active, after, idle in pulses:
        for bounce, lasts in ((before, active), (after, idle)):
            turn()
            for pause in bounce[: len(bounce) // 2 * 2]:  # an even number: it ends where it began
                now += pause
                turn()
            now += lasts
    line.quiet()
    assert line.pulses == len(pulses)


@given(spikes=st.lists(st.floats(0.0001, 0.0099), max_size=50))
def test_noise_is_no_copy(spikes: list[float]) -> None:
    """Spikes shorter than the debounce time, each a quiet while apart, count nothing."""
    line = PulseCounter(debounce=DEBOUNCE, active=False)
    now = 0.0
    for spike in spikes:
        line.edge(active=True, at=now)
        line.edge(active=False, at=now + spike)
        now += 1.0
    assert line.pulses == 0
    assert line.glitches == len(spikes)


def test_a_pulse_counts_when_it_has_lasted_not_when_it_ends() -> None:
    """A copier that is switched off in the middle of a pulse has made that copy."""
    line = PulseCounter(debounce=DEBOUNCE, active=False)
    assert not line.edge(active=True, at=1.0)
    assert line.quiet()
    assert not line.edge(active=False, at=1.1)
    assert not line.quiet()
    assert line.pulses == 1


def test_edges_that_are_told_late_count_by_their_own_time() -> None:
    """A busy machine tells both edges at once: what lasted counts, by when it happened."""
    line = PulseCounter(debounce=DEBOUNCE, active=False)
    line.edge(active=True, at=1.0)
    assert line.edge(active=False, at=1.05)
    assert line.pulses == 1


def test_a_pulse_under_way_at_the_start_is_none_of_ours() -> None:
    """What began before the program is not counted to the first person."""
    line = PulseCounter(debounce=DEBOUNCE, active=True)
    line.edge(active=False, at=1.0)
    line.quiet()
    assert line.pulses == 0


def test_two_edges_seen_as_one_lose_no_pulse() -> None:
    """A pulse that was active for long, then interrupted too briefly to be seen, still counts."""
    line = PulseCounter(debounce=DEBOUNCE, active=False)
    line.edge(active=True, at=1.0)
    assert line.edge(active=True, at=1.05)
    assert not line.edge(active=False, at=1.1)
    assert line.pulses == 1
