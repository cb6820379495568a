"""A charge over several lists of accounts: each list covers it, or nobody pays."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy.accounts import (
    Charge,
    Counts,
    Covered,
    Demand,
    Short,
    Wallet,
    charge_less,
    cover,
)
from config.policy.money import Money, MoneyError


def eur(micros: int) -> Money:
    """Make an amount in euros."""
    return Money(micros, "EUR")


def pages(micros: int) -> Money:
    """Make an amount in pages."""
    return Money(micros, "page")


def line(*accounts: str) -> tuple[Wallet, ...]:
    """Put accounts in line."""
    return tuple(map(Wallet, accounts))


def test_all_lists_must_cover_it() -> None:
    """One short list refuses for all, and is named with what it needs and has."""
    demands = [Demand(line("user:ana"), eur(60)), Demand(line("project:apollo"), eur(60))]
    here = {"user:ana": eur(60), "project:apollo": eur(59)}
    answer = cover(demands, here)
    assert Short("project:apollo", eur(60), eur(59), ("project:apollo",), demand=1) == answer
    assert eur(1) == answer.missing
    paid = (Charge("user:ana", eur(60)), Charge("project:apollo", eur(60), demand=1))
    assert Covered(paid) == cover(demands, here | {"project:apollo": eur(60)})


def test_the_first_account_is_spent_first() -> None:
    """A charge is split where an account runs dry, and one that is not reached pays nothing."""
    demand = [Demand(line("grant:ana", "user:ana", "user:spare"), eur(60))]
    here = {"grant:ana": eur(45), "user:ana": eur(100), "user:spare": eur(100)}
    split = (Charge("grant:ana", eur(45)), Charge("user:ana", eur(15)))
    assert Covered(split) == cover(demand, here)
    whole = (Charge("grant:ana", eur(60)),)
    assert Covered(whole) == cover(demand, here | {"grant:ana": eur(60)})


def test_a_list_that_is_short_together_says_so_together() -> None:
    """What is here is the sum over the list, and all who could pay are named."""
    demand = [Demand(line("grant:ana", "user:ana"), eur(60))]
    names = ("grant:ana", "user:ana")
    short = Short("grant:ana", eur(60), eur(50), names)
    assert short == cover(demand, {"grant:ana": eur(20), "user:ana": eur(30)})


@pytest.mark.parametrize(
    "here",
    [
        {},  # not known here
        {"user:ana": pages(100)},  # another unit
        {"user:ana": eur(-5)},  # owes
    ],
)
def test_what_is_not_here_is_nothing(here: dict[str, Money]) -> None:
    """Silence, another unit and debt all count as nothing in the unit that is needed."""
    short = Short("user:ana", eur(1), eur(0), ("user:ana",))
    assert short == cover([Demand(line("user:ana"), eur(1))], here)


def test_an_account_in_two_lists_pays_twice() -> None:
    """Two lists cannot both spend the same money."""
    demands = [Demand(line("user:ana"), eur(6)), Demand(line("user:ana"), eur(5))]
    short = Short("user:ana", eur(5), eur(4), ("user:ana",), demand=1)
    assert short == cover(demands, {"user:ana": eur(10)})
    paid = (Charge("user:ana", eur(6)), Charge("user:ana", eur(5), demand=1))
    assert Covered(paid) == cover(demands, {"user:ana": eur(11)})


def test_a_charge_of_nothing_is_covered_by_nothing() -> None:
    """A free job needs no balance and leaves no line."""
    assert Covered(()) == cover([Demand(line("user:ana"), eur(0))], {})
    assert Covered(()) == cover([], {})


def test_an_account_without_limit_always_covers() -> None:
    """It is counted only: no money that is here is touched, and nothing goes past it."""
    demand = [Demand((Wallet("user:ana"), Wallet("department:x", unlimited=True)), eur(60))]
    paid = (Charge("user:ana", eur(20)), Charge("department:x", eur(40), "account"))
    past = {"department:x": eur(100)}
    assert Covered(paid) == cover(demand, {"user:ana": eur(20), "department:x": eur(1)}, past)


def test_past_the_allocation_comes_last_and_only_by_leave() -> None:
    """What is here is spent first; the rest goes past the last account, as far as it may."""
    demand = [Demand(line("grant:ana", "user:ana"), eur(60))]
    here = {"grant:ana": eur(20), "user:ana": eur(30)}
    paid = (
        Charge("grant:ana", eur(20)),
        Charge("user:ana", eur(30)),
        Charge("user:ana", eur(10), "uncovered"),
    )
    assert Covered(paid) == cover(demand, here, {"user:ana": eur(10)})
    assert isinstance(cover(demand, here, {"user:ana": eur(9)}), Short)
    assert isinstance(cover(demand, here, {"grant:ana": eur(99)}), Short)  # not the last
    assert isinstance(cover(demand, here, {"user:ana": pages(99)}), Short)  # another unit


def test_leave_to_go_past_is_given_once() -> None:
    """Two lists that end in one account share its leave."""
    demands = [Demand(line("user:ana"), eur(6)), Demand(line("user:ana"), eur(5))]
    assert isinstance(cover(demands, {}, {"user:ana": eur(10)}), Short)
    assert isinstance(cover(demands, {}, {"user:ana": eur(11)}), Covered)


GREY = Wallet("quota:grey", "monochrome")
BRIGHT = Wallet("quota:color", "color")
BOTH = Wallet("quota:all")


@pytest.mark.parametrize(
    ("wallets", "here", "expected"),
    [
        # each pays its own share, whatever the order
        ((GREY, BRIGHT), (4, 4, 0), {"quota:grey": 4, "quota:color": 4}),
        ((BRIGHT, GREY), (4, 4, 0), {"quota:grey": 4, "quota:color": 4}),
        # one share short: the other cannot help
        ((GREY, BRIGHT), (9, 3, 0), None),
        ((GREY, BRIGHT), (3, 9, 0), None),
        # the general one first, but it leaves to those after it what only they can pay
        ((BOTH, BRIGHT), (0, 3, 5), {"quota:all": 5, "quota:color": 3}),
        ((BOTH, GREY), (3, 0, 5), {"quota:all": 5, "quota:grey": 3}),
        ((BOTH, BRIGHT), (0, 9, 3), None),  # one monochrome page is nobody's
        # the general one last fills up
        ((GREY, BRIGHT, BOTH), (1, 2, 5), {"quota:grey": 1, "quota:color": 2, "quota:all": 5}),
    ],
)
def test_quotas_of_one_colour(
    wallets: tuple[Wallet, ...], here: tuple[int, int, int], expected: dict[str, int] | None
) -> None:
    """Four monochrome and four colour pages, paid by quotas that count one colour or both."""
    grey, color, both = map(pages, here)
    available = {"quota:grey": grey, "quota:color": color, "quota:all": both}
    answer = cover([Demand(wallets, pages(8), color=4)], available)
    if expected is None:
        assert isinstance(answer, Short)
    else:
        assert isinstance(answer, Covered)
        assert expected == {each.account: each.money.micros for each in answer.charges}


def test_short_of_one_colour_says_which() -> None:
    """The figures are those of the colour that is short, and only who counts it is named."""
    demand = [Demand((GREY, BRIGHT), pages(8), color=4)]
    answer = cover(demand, {"quota:grey": pages(9), "quota:color": pages(3)})
    assert Short("quota:color", pages(4), pages(3), ("quota:color",), "color") == answer


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        (Demand(line("user:ana"), eur(-10_000)), r"cannot be charged -0\.01 EUR"),
        (Demand(line("user:ana", "user:ana"), eur(1)), "twice in one list"),
        (Demand((), eur(1)), "nobody stands in the list"),
        (Demand(line("user:ana"), pages(1), color=2), "cannot be of colour"),
    ],
)
def test_a_demand_that_makes_no_sense_is_a_fault(demand: Demand, words: str) -> None:
    """A charge never gives money, and is asked of somebody, of each once."""
    with pytest.raises(ValueError, match=words):
        cover([demand], {})


def test_one_account_in_two_units_is_a_fault() -> None:
    """An account has one unit."""
    with pytest.raises(MoneyError):
        cover([Demand(line("user:ana"), eur(1)), Demand(line("user:ana"), pages(1))], {})


keys = st.sampled_from(["user:a", "department:b", "project:c", "quota:d"])
lists = st.lists(keys, min_size=1, max_size=4, unique=True)
amounts = st.integers(0, 30)
sums = st.dictionaries(keys, st.integers(-3, 30).map(pages))


@st.composite
def wallet_lists(draw: st.DrawFn) -> list[Demand]:
    """Draw up to three lists; every account counts the same wherever it stands."""
    counts: dict[str, Counts] = {
        key: draw(st.sampled_from(["impressions", "monochrome", "color"]))
        for key in ("user:a", "department:b", "project:c", "quota:d")
    }
    endless = draw(st.sets(keys, max_size=1))
    found = []
    for names in draw(st.lists(lists, max_size=3)):
        wallets = tuple(Wallet(name, counts[name], name in endless) for name in names)
        total = draw(amounts)
        found.append(Demand(wallets, pages(total), draw(st.integers(0, total))))
    return found


@given(wallet_lists(), sums, sums)
def test_charges_sum_to_each_demand_and_overdraw_nothing(
    demands: list[Demand], here: dict[str, Money], past: dict[str, Money]
) -> None:
    """Covered: each list sums exactly, nothing is charged that is not there, no line is empty."""
    answer = cover(demands, here, past)
    if isinstance(answer, Short):
        assert answer.here < answer.needed
        assert answer.here.micros >= 0
        return
    for number, demand in enumerate(demands):
        mine = [each.money.micros for each in answer.charges if each.demand == number]
        assert sum(mine) == demand.amount.micros
        assert all(micros > 0 for micros in mine)
    for ground, limits in (("allocation", here), ("uncovered", past)):
        for key, limit in limits.items():
            taken = sum(
                each.money.micros
                for each in answer.charges
                if each.account == key and each.covered_by == ground
            )
            assert taken <= max(limit.micros, 0)


@given(wallet_lists().filter(lambda demands: len(demands) == 1), sums)
def test_a_list_covers_whenever_any_split_would(
    demands: list[Demand], here: dict[str, Money]
) -> None:
    """Against a slow oracle: every way to share out what may pay either colour."""
    demand = demands[0]
    have = {
        each.account: 99 if each.unlimited else max(here.get(each.account, pages(0)).micros, 0)
        for each in demand.wallets
    }
    able = {each.account: each.counts for each in demand.wallets}
    black = demand.amount.micros - demand.color
    general = [key for key in have if able[key] == "impressions"]
    fits = any(
        sum(have[key] for key in have if able[key] == "monochrome") + sum(share) >= black
        and sum(have[key] for key in have if able[key] == "color")
        + sum(have[key] for key in general)
        - sum(share)
        >= demand.color
        for share in product(*(range(have[key] + 1) for key in general))
    )
    assert fits == isinstance(cover(demands, here), Covered)


@given(wallet_lists(), sums, sums, st.data())
def test_less_is_charged_of_the_same_accounts(
    demands: list[Demand], here: dict[str, Money], past: dict[str, Money], data: st.DataObject
) -> None:
    """Of a hold, a part that is due is charged exactly, and no account pays more than it held."""
    answer = cover(demands, here, past)
    if isinstance(answer, Short):
        return
    due = {}
    for number, demand in enumerate(demands):
        color = data.draw(st.integers(0, demand.color))
        black = data.draw(st.integers(0, demand.amount.micros - demand.color))
        due[number] = pages(black + color), color
    less = charge_less(answer.charges, due)
    for number, (amount, _) in due.items():
        assert sum(each.money.micros for each in less if each.demand == number) == amount.micros
    held = {(each.account, each.covered_by, each.demand): each.money for each in answer.charges}
    assert all(each.money <= held[each.account, each.covered_by, each.demand] for each in less)


def test_less_than_held_gives_back_the_last_account_first() -> None:
    """What is not used goes back to the account that would have been spent last."""
    held = (Charge("grant:ana", eur(45)), Charge("user:ana", eur(15)))
    less = (Charge("grant:ana", eur(45)), Charge("user:ana", eur(5)))
    assert less == charge_less(held, {0: (eur(50), 0)})
    assert less[:1] == charge_less(held, {0: (eur(45), 0)})
    assert held == charge_less(held, {0: (eur(99), 0)})  # never above the hold
    assert charge_less(held, {0: (eur(0), 0)}) == ()
