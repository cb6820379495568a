"""Who may do what at the centre: the table of roles, and what a site's role reaches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.rights import EVERYWHERE, ROLES, SITES_RIGHTS, Grant, Right, Role, may, sites_of

WHOLE = frozenset({EVERYWHERE})
NORTH = frozenset({"north"})
#: What could change anybody's money or rights.
MIGHTY = {
    Right.CHANGE_PEOPLE,
    Right.CHANGE_ACCOUNTS,
    Right.CHANGE_RULES,
    Right.CHANGE_STAFF,
    Right.CHANGE_SETTINGS,
}
grants = st.lists(
    st.builds(
        Grant,
        st.sampled_from(Role),
        st.frozensets(st.sampled_from(["north", "south", EVERYWHERE]), min_size=1),
    ),
    max_size=4,
)


def test_an_administrator_may_everything_everywhere() -> None:
    """No right is forgotten in the row of those who must be able to mend all."""
    mine = [Grant(Role.ADMINISTRATOR, WHOLE)]
    assert [right for right in Right if not may(mine, right, "north")] == []


@pytest.mark.parametrize("right", [r for r in Right if r not in {Right.PUBLIC, Right.OWN}])
def test_a_person_has_no_right_of_staff(right: Right) -> None:
    """Whoever has no role looks after their own printing only."""
    assert not may([], right)
    assert may([], Right.OWN)


@pytest.mark.parametrize("role", Role)
def test_a_role_for_one_site_reaches_no_other(role: Role) -> None:
    """What is of another site is not seen and not touched."""
    mine = [Grant(role, NORTH)]
    for right in SITES_RIGHTS & ROLES[role]:
        assert may(mine, right, "north")
        assert not may(mine, right, "south")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("right", sorted(MIGHTY))
def test_a_role_for_one_site_changes_nothing_of_the_whole(role: Role, right: Right) -> None:
    """Nobody who is confined to a site gives money, prices or roles away."""
    assert not may([Grant(role, NORTH)], right)


def test_an_auditor_changes_nothing() -> None:
    """Every right of the role is one to see."""
    assert all(right.value.startswith("see-") for right in ROLES[Role.AUDITOR] - {Right.STAFF})


@given(grants, st.sampled_from(Right), st.sampled_from(["north", "south"]))
def test_a_right_at_a_site_is_a_right_somewhere(mine: list[Grant], right: Right, site: str) -> None:
    """Whoever may touch an object is let to its page."""
    if may(mine, right, site):
        assert may(mine, right)


@given(grants, st.sampled_from(sorted(SITES_RIGHTS)), st.sampled_from(["north", "south"]))
def test_the_sites_of_a_list_are_those_of_its_objects(
    mine: list[Grant], right: Right, site: str
) -> None:
    """A list is bound by the same sites as each thing in it."""
    found = sites_of(mine, right)
    assert may(mine, right, site) == (found is None or site in found)
