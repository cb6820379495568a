"""The gate: whether the coordinator listens."""

from __future__ import annotations

from uuid import UUID

from broker.messages import CoordinatorStatus
from broker.stream_gate import (
    SILENCE,
    Gate,
    GateClosed,
    GateOpened,
    OldCoordinator,
    Unchanged,
)

ONE, TWO = UUID(int=1), UUID(int=2)


def status(session: UUID, *, online: bool = True, epoch: int = 1) -> CoordinatorStatus:
    """Return what the coordinator says."""
    return CoordinatorStatus(online=online, session=session, epoch=epoch)


def test_gate_is_closed_until_the_coordinator_says_online() -> None:
    """Silence and `offline` keep it closed; `online` opens it once a session."""
    gate = Gate()
    assert gate.session is None
    assert gate.says(status(ONE, online=False), 0.0) == Unchanged()
    assert gate.says(status(ONE), 1.0) == GateOpened(ONE, 1)
    assert gate.says(status(ONE), 31.0) == Unchanged()
    assert gate.says(status(TWO), 40.0) == GateOpened(TWO, 1), "births again"
    assert gate.session == TWO


def test_gate_ignores_the_will_of_a_session_that_is_over() -> None:
    """A late `offline` of an older session closes nothing; that of the present one does."""
    gate = Gate()
    gate.says(status(TWO), 0.0)
    assert gate.says(status(ONE, online=False), 1.0) == Unchanged()
    assert gate.session == TWO
    assert isinstance(gate.says(status(TWO, online=False), 2.0), GateClosed)
    assert gate.session is None


def test_gate_refuses_an_old_coordinator() -> None:
    """A lower epoch is fenced off, whatever it says; a higher one is remembered."""
    gate = Gate(epoch=1)
    assert gate.says(status(ONE, epoch=0), 0.0) == OldCoordinator(0)
    assert gate.says(status(TWO, epoch=3), 0.0) == GateOpened(TWO, 3)
    assert gate.says(status(ONE, epoch=2), 0.0) == OldCoordinator(2)
    assert gate.says(status(TWO, epoch=2, online=False), 0.0) == OldCoordinator(2)
    assert (gate.session, gate.epoch) == (TWO, 3)


def test_gate_closes_after_long_silence_or_with_the_link() -> None:
    """Liveness is the last message: anything heard keeps it open, silence closes it."""
    gate = Gate()
    gate.says(status(ONE), 0.0)
    assert gate.tick(SILENCE) == Unchanged()
    gate.heard(SILENCE)
    assert gate.tick(2 * SILENCE) == Unchanged()
    assert isinstance(gate.tick(2 * SILENCE + 1), GateClosed)
    assert gate.tick(3 * SILENCE) == Unchanged(), "said once"
    assert gate.says(status(ONE), 500.0) == GateOpened(ONE, 1), "it was only slow"
    assert isinstance(gate.link_down(), GateClosed)
    assert gate.link_down() == Unchanged()
