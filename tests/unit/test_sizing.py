"""Promises of central.sizing: everything free goes where the person is likely to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from central.sizing import HALF_LIFE, PRIOR_VISITS, QUANTUM, park, visited

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITES = st.sampled_from(["north", "south", "east", "west"])
MICROS = st.integers(min_value=-(10**9), max_value=10**12)


@given(
    free=MICROS,
    visits=st.dictionaries(SITES, st.floats(min_value=0, max_value=1e6)),
    here=st.dictionaries(SITES, st.integers(min_value=0, max_value=10**12)),
    linked=st.frozensets(SITES),
)
def test_parking_leaves_nothing_idle_and_gives_nothing_away(
    free: int, visits: dict[str, float], here: dict[str, int], linked: frozenset[str]
) -> None:
    """Grants are positive, go to linked sites only, and sum to exactly what is free."""
    plan = park(free, visits, here, linked)
    assert all(micros > 0 for micros in plan.values())
    assert set(plan) <= linked
    assert sum(plan.values()) == (max(free, 0) if linked else 0)
    assert plan == park(free, dict(reversed(visits.items())), here, frozenset(sorted(linked)))
    assert sum(1 for micros in plan.values() if micros % QUANTUM) <= 1


def test_money_follows_visits() -> None:
    """With nothing at the sites, grants are in proportion to visits and the prior."""
    plan = park(10_000_000, {"north": 9 - PRIOR_VISITS}, {}, frozenset({"north", "south"}))
    share = 10_000_000 * 9 / (9 + PRIOR_VISITS)
    assert abs(plan["north"] - share) <= QUANTUM
    assert plan["south"] > 0


def test_what_is_there_already_counts() -> None:
    """A site that has its share gets nothing more."""
    plan = park(1_000_000, {}, {"north": 1_000_000}, frozenset({"north", "south"}))
    assert plan == {"south": 1_000_000}


def test_money_at_a_cut_off_site_does_not_count() -> None:
    """Only linked sites are weighed against each other."""
    plan = park(1_000_000, {"east": 1000}, {"east": 10**9}, frozenset({"north"}))
    assert plan == {"north": 1_000_000}


def test_a_visit_counts_half_after_sixty_days() -> None:
    """A counter of 8 is 4 after the half-life, and one more for the visit."""
    assert visited(8.0, HALF_LIFE) == 5.0


def test_a_clock_set_back_forgets_nothing() -> None:
    """An older moment than the last one does not decay nor raise the counter."""
    assert visited(8.0, -timedelta(days=900)) == 9.0
