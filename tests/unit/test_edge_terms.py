"""Terms of a site: which are news, and how far past its money they let it go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import Role, SetTerms, UncoveredCap
from config.policy.money import MICROS_BOUND
from edge.terms import Terms, changes_role, is_news, leave, wished

EURO = 1_000_000
CAPS = (UncoveredCap(unit="EUR", site=20 * EURO, user=5 * EURO),)


@pytest.mark.parametrize(
    ("role", "alone", "expected"),
    [
        ("agent", True, 0),  # never, whatever its terms say
        ("agent", False, 0),
        ("tracker", True, 5 * EURO),  # at any time
        ("tracker", False, 5 * EURO),
        ("remote", True, 5 * EURO),  # its float, only while it is cut off
        ("remote", False, 0),
    ],
)
def test_the_role_says_when(role: Role, alone: bool, expected: int) -> None:  # noqa: FBT001  a table
    """Past what is here goes who the role table lets, when it lets them."""
    terms = Terms(name=role, uncovered=CAPS)
    assert leave(terms, None, "EUR", site=0, account=0, alone=alone) == expected


@pytest.mark.parametrize(
    ("cap", "site", "account", "expected"),
    [
        (UncoveredCap(unit="EUR", site=20, user=5), 17, 0, 3),  # the site's is nearly used up
        (UncoveredCap(unit="EUR", site=20, user=5), 0, 4, 1),  # the account's is
        (UncoveredCap(unit="EUR", site=20, user=5), 25, 9, 0),  # lowered since: nothing more
        (UncoveredCap(unit="EUR", site=20), 0, 19, 20),  # only the site's
        (UncoveredCap(unit="EUR", user=5), 10**9, 0, 5),  # only each account's
        (UncoveredCap(unit="EUR"), 10**9, 10**9, MICROS_BOUND),  # without limit
        (UncoveredCap(unit="page", site=20), 0, 0, 0),  # of another unit
        (UncoveredCap(unit="EUR", site=20, user=5), -3, -3, 5),  # collected too much: no gift
    ],
)
def test_caps_hold(cap: UncoveredCap, site: int, account: int, expected: int) -> None:
    """What is owed already comes off what may be owed, of the site and of the account."""
    terms = Terms(name="tracker", uncovered=(cap,))
    assert leave(terms, None, "EUR", site=site, account=account, alone=True) == expected


caps = st.tuples(st.none() | st.integers(1, 50), st.none() | st.integers(1, 50)).map(
    lambda pair: UncoveredCap(unit="EUR", site=pair[0], user=pair[1])
)
terms_of = st.builds(
    Terms,
    name=st.sampled_from(["agent", "tracker", "remote"]),
    uncovered=st.lists(caps, max_size=1).map(tuple),
)


@given(terms_of, terms_of, st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_a_wish_can_only_take_leave_away(
    taken: Terms,
    wish: Terms,
    site: int,
    account: int,
    alone: bool,  # noqa: FBT001  drawn
) -> None:
    """Until they are taken, better terms give nothing; worse ones count at once."""
    now = leave(taken, wish, "EUR", site=site, account=account, alone=alone)
    for each in (taken, wish):
        assert now <= leave(each, None, "EUR", site=site, account=account, alone=alone)


def test_repeated_and_older_terms_are_no_news() -> None:
    """The highest number that was heard holds, taken or wished for."""
    said = SetTerms(terms=3, role="agent")
    assert is_news(said, Terms(), None)
    assert is_news(said, Terms(number=2), Terms(number=1))
    assert not is_news(said, Terms(number=3), None)
    assert not is_news(said, Terms(), wished(said))
    assert not is_news(SetTerms(terms=2, role="remote"), Terms(), wished(said))


def test_caps_alone_stop_nobody() -> None:
    """Only another role asks for running jobs to end first."""
    assert not changes_role(Terms(), None)
    assert not changes_role(Terms(), Terms(number=1, uncovered=CAPS))
    assert changes_role(Terms(), Terms(number=1, name="agent"))
