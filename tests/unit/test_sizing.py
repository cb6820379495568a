"""Promises of central.sizing: everything free goes where the person is likely to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from central.sizing import (
    HALF_LIFE,
    MEAN_COST,
    MEAN_PAGES,
    PRIOR_VISITS,
    QUANTUM,
    Habits,
    Moves,
    covered,
    park,
    park_in_proportion,
    repark,
    visited,
)
from config.policy.money import UNIT_MICROS

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


@given(
    free=MICROS,
    visits=st.dictionaries(SITES, st.floats(min_value=0, max_value=1e6)),
    here=st.dictionaries(SITES, st.integers(min_value=0, max_value=10**12)),
    linked=st.frozensets(SITES),
    quantum=st.sampled_from([QUANTUM, UNIT_MICROS]),
)
def test_moving_is_exact_and_touches_linked_sites_only(
    free: int,
    visits: dict[str, float],
    here: dict[str, int],
    linked: frozenset[str],
    quantum: int,
) -> None:
    """What is free is granted to the last micro; nobody is asked for more than there is."""
    moves = repark(free, Habits(visits), here, linked, quantum)
    assert sum(moves.grants.values()) == (max(free, 0) if linked else 0)
    assert set(moves.grants) | set(moves.reclaims) <= linked
    assert not set(moves.grants) & set(moves.reclaims)
    for site, micros in moves.reclaims.items():
        assert 0 < micros <= here[site]
        assert micros % quantum == 0
    assert sum(1 for micros in moves.grants.values() if micros % quantum) <= len(linked)


def test_a_little_money_stays_together_where_the_person_comes() -> None:
    """What covers one job is not cut into parts that cover none."""
    assert park(300_000, {"north": 3.0, "south": 0.5}, {}, frozenset({"north", "south"})) == {
        "north": 300_000
    }


def test_much_money_is_shared_by_where_the_person_comes() -> None:
    """Every site covers a job, and the site that is visited most has most."""
    plan = park(20_000_000, {"north": 9.0, "south": 2.0}, {}, frozenset({"north", "south", "east"}))
    assert plan["north"] > plan["south"] > plan["east"] >= MEAN_COST


def test_home_counts_more_than_its_visits() -> None:
    """Where a person is seen most has 2.5 visits on top; elsewhere popularity counts a little."""
    habits = Habits({"north": 1.0, "south": 0.5}, {"south": 0.5})
    rates = habits.rates(frozenset({"north", "south", "east"}))
    assert rates == {"east": 0.4, "north": 3.5, "south": 0.7}


def test_dear_jobs_keep_more_money_together() -> None:
    """An account whose jobs cost ten times as much has its first site filled higher."""
    visits, sites = {"north": 3.0, "south": 1.0}, frozenset({"north", "south"})
    cheap = park(5_000_000, Habits(visits), {}, sites)
    dear = park(5_000_000, Habits(visits, mean_cost=10 * MEAN_COST), {}, sites)
    assert dear["north"] > cheap["north"]


def test_what_is_there_already_counts() -> None:
    """A site that covers every job gets nothing while another covers none."""
    plan = park(1_000_000, {}, {"north": 5_000_000}, frozenset({"north", "south"}))
    assert plan == {"south": 1_000_000}


def test_little_is_not_moved_between_sites() -> None:
    """Less than 15 % of all, or a few hundredths, stays where it is."""
    sites = frozenset({"north", "south"})
    habits = Habits({"north": 3.0, "south": 3.0})
    settled = park(10_000_000, habits, {}, sites)
    off = {"north": settled["north"] + 500_000, "south": settled["south"] - 500_000}
    assert repark(0, habits, off, sites).reclaims == {}
    assert repark(0, Habits({"south": 9.0}), {"north": 10_000}, sites).reclaims == {}


def test_money_follows_a_person_who_moved() -> None:
    """What lies where nobody comes any more is asked back, and no site gets what it lacks twice."""
    moves = repark(0, Habits({"south": 9.0}), {"north": 2_000_000}, frozenset({"north", "south"}))
    assert moves.grants == {}
    assert 1_000_000 < moves.reclaims["north"] <= 2_000_000


def test_money_at_a_cut_off_site_does_not_count() -> None:
    """Only linked sites are weighed against each other; what is cut off is left alone."""
    plan = park(1_000_000, {"east": 1000}, {"east": 10**9}, frozenset({"north"}))
    assert plan == {"north": 1_000_000}
    moves = repark(0, Habits({"north": 9.0}), {"east": 10**7}, frozenset({"north"}))
    assert moves == Moves({}, {})


def test_pages_move_whole() -> None:
    """A quota is cut at whole pages only."""
    plan = park(
        100 * UNIT_MICROS,
        Habits({"north": 2.0, "south": 1.0}, mean_cost=MEAN_PAGES),
        {},
        frozenset({"north", "south", "east"}),
        UNIT_MICROS,
    )
    assert all(micros % UNIT_MICROS == 0 for micros in plan.values())
    assert sum(plan.values()) == 100 * UNIT_MICROS


def test_the_simple_form_shares_in_proportion() -> None:
    """With nothing at the sites, grants are in proportion to visits and the prior."""
    plan = park_in_proportion(
        10_000_000, {"north": 9 - PRIOR_VISITS}, {}, frozenset({"north", "south"})
    )
    share = 10_000_000 * 9 / (9 + PRIOR_VISITS)
    assert abs(plan["north"] - share) <= QUANTUM
    assert sum(plan.values()) == 10_000_000


@given(st.integers(min_value=-5, max_value=10**8), st.integers(min_value=1, max_value=10**7))
def test_more_money_covers_no_fewer_jobs(micros: int, mean: int) -> None:
    """Coverage is a probability that grows with the money."""
    assert 0.0 <= covered(micros, mean) <= covered(micros + 10_000, mean) <= 1.0


def test_a_visit_counts_half_after_sixty_days() -> None:
    """A counter of 8 is 4 after the half-life, and one more for the visit."""
    assert visited(8.0, HALF_LIFE) == 5.0


def test_a_clock_set_back_forgets_nothing() -> None:
    """An older moment than the last one does not decay nor raise the counter."""
    assert visited(8.0, -timedelta(days=900)) == 9.0
