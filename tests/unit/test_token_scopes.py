"""Promises of what a token may do: its rights, at its sites, and how fast."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.rights import EVERYWHERE, READS, SITES_RIGHTS, Right, Scope, unbounded
from central.web.api.pace import Pace
from central.web.api.table import NoRight, Route
from central.web.kinds import MEANINGS, Kind, kind_of


def nothing(tx: object, call: object) -> None:
    """Do nothing."""


def test_a_token_without_rights_named_reads_everything_and_changes_nothing() -> None:
    """What old tokens may: to see, at all sites; no right of it changes anything."""
    scope = Scope()
    for right in Right:
        sees = right in READS or right is Right.PUBLIC
        assert scope.may(right) is scope.may(right, "north") is sees
    assert all(right.value.startswith("see-") for right in READS)


def test_a_right_about_a_sites_things_counts_at_the_tokens_sites() -> None:
    """At another site it is not there; a right that is about no site's things counts for all."""
    scope = Scope(frozenset({Right.RUN_FLEET, Right.SEE_PEOPLE}), frozenset({"north"}))
    assert scope.may(Right.RUN_FLEET)
    assert scope.may(Right.RUN_FLEET, "north")
    assert not scope.may(Right.RUN_FLEET, "south")
    assert scope.sites_of(Right.RUN_FLEET) == frozenset({"north"})
    assert scope.may(Right.SEE_PEOPLE, "south")
    assert scope.sites_of(Right.SEE_PEOPLE) is None
    assert scope.sites_of(Right.SEE_JOBS) == frozenset()


def test_what_reaches_beyond_sites_is_given_at_all_sites_only() -> None:
    """However it came into a token of one site, such a right gives nothing there."""
    beyond = unbounded(Right)
    assert Right.CHANGE_STAFF in beyond
    scope = Scope(frozenset(beyond), frozenset({"north"}))
    assert not any(scope.may(right) or scope.may(right, "north") for right in beyond)
    assert not set(beyond) & SITES_RIGHTS
    assert all(Scope(frozenset(beyond), frozenset({EVERYWHERE})).may(r) for r in beyond)


def test_a_route_without_a_right_does_not_start() -> None:
    """A line of the table that names no right of a token is refused when it is made."""
    for right in (None, Right.OWN, Right.STAFF):
        with pytest.raises(NoRight):
            Route(method="GET", path="/x", right=right, do=nothing)  # type: ignore[arg-type]


def test_so_many_requests_a_minute_and_no_more() -> None:
    """At once as many as a minute's; then one whenever a minute's part of it has passed."""
    pace = Pace(60)
    assert [pace.take("a", 0.0) for _ in range(60)] == [0.0] * 60
    assert pace.take("a", 0.0) == pytest.approx(1.0)
    assert pace.take("b", 0.0) == 0.0
    assert pace.take("a", 0.5) == pytest.approx(0.5)
    assert pace.take("a", 1.0) == 0.0
    assert pace.take("a", 1.0) > 0.0
    assert [pace.take("a", 3600.0) for _ in range(60)] == [0.0] * 60


@given(st.lists(st.floats(0.0, 2.0), max_size=300))
def test_no_pattern_of_asking_gets_more(pauses: list[float]) -> None:
    """Whenever somebody asks, in no time do they get more than the burst and what came since."""
    pace, now, got = Pace(30), 0.0, 0
    for pause in pauses:
        now += pause
        wait = pace.take("a", now)
        got += wait == 0.0
        assert got <= 30 + now / 2 + 1e-6
        if wait:
            assert Pace.take(pace, "a", now + wait + 1e-6) == 0.0
            now += wait + 1e-6
            got += 1


def test_every_kind_of_problem_has_one_status_and_most_statuses_one_kind() -> None:
    """A kind's status leads back to it, but for the one kind that shares its status."""
    assert set(MEANINGS) == set(Kind)
    for kind, meaning in MEANINGS.items():
        assert (kind_of(meaning.status) is kind) is (kind is not Kind.KEY_USED)
    assert kind_of(418) is Kind.OTHER
