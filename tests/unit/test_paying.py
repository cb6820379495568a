"""Settling a hold: what came out is charged, by the same rules, to the same accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from config.policy.accounts import Account, Charge
from config.policy.decisions import Allowed, Person, ReleaseRequest, decide
from config.policy.jobs import Source, came_out
from config.policy.money import Money
from config.policy.paying import charged, price_of, purse_of
from config.policy.pricing import Adjustment, NoPrice, Priced, adjust
from tests.unit.policy_cases import (
    CENT,
    EUR,
    PRINTERS,
    TARIFF,
    asked,
    attributes,
    rule,
    rule_sets,
    rules,
    seen,
)

if TYPE_CHECKING:
    from config.policy.rules import RuleSet

LISTS = (("grant:ana", "user:ana"), ("quota:grey", "quota:ana.color", "quota:ana"))
VIEW = seen()
MANY = replace(
    VIEW,
    person=Person("ana", (), wallets=LISTS, groups=("students",)),
    accounts={**VIEW.accounts, "quota:grey": Account("page", counts="monochrome")},
    available={**VIEW.available, "quota:grey": Money(7_000_000, "page")},
)


def settled(decision: Allowed, count: int, color: int | None = None) -> tuple[Charge, ...]:
    """Charge what came out of an allowed job."""
    assert decision.figures is not None
    billed = came_out(decision.figures, count, Source.DEVICE_JOB, color)
    priced = price_of(TARIFF, "print", billed, decision.printer, decision.adjustments)
    assert isinstance(priced, Priced)
    return charged(decision.charges, billed, priced, decision.adjustments)


def test_a_part_is_charged_like_a_whole() -> None:
    """Half of a job at half the price with a fee: the grant first, own money gets its rest back."""
    by = rules(
        rule("x", {"factor": 500, "surcharge": {"unit": "EUR", "per_job": 10 * CENT}}),
    )
    decision = decide(asked(100), seen(by))
    assert isinstance(decision, Allowed)
    grant, own = (each.money.micros for each in decision.charges)
    assert (grant, own) == (200 * CENT, 60 * CENT)
    (only,) = settled(decision, 50)
    assert Charge("grant:ana", Money(135 * CENT, "EUR")) == only
    assert settled(decision, 100) == decision.charges


def test_nothing_printed_costs_nothing() -> None:
    """Also with a surcharge for each job."""
    by = rules(rule("x", {"surcharge": {"unit": "EUR", "per_job": 10 * CENT}}))
    decision = decide(asked(10), replace(MANY, rules=by))
    assert isinstance(decision, Allowed)
    assert settled(decision, 0) == ()


@given(
    rule_sets(),
    st.builds(
        lambda pages, colour, wanted: asked(pages, colour, attributes=wanted, confirmed=True),
        st.integers(1, 30),
        st.integers(0, 30),
        attributes,
    ),
    st.integers(0, 200),
    st.none() | st.integers(0, 200),
)
def test_a_settlement_never_exceeds_its_hold(
    by: RuleSet, request_: ReleaseRequest, count: int, color: int | None
) -> None:
    """Whatever came out: each account at most its hold; all of it: exactly the hold."""
    decision = decide(request_, replace(MANY, rules=by, printers=PRINTERS))
    if not isinstance(decision, Allowed) or decision.figures is None:
        return
    held = {(each.account, each.covered_by, each.demand): each.money for each in decision.charges}
    for each in settled(decision, count, color):
        assert each.money <= held[each.account, each.covered_by, each.demand]
        assert each.money.micros > 0
    assert settled(decision, decision.figures.impressions) == decision.charges
    if color is None:  # then the figures fall in each colour, and each list pays all of it
        billed = came_out(decision.figures, count, Source.DEVICE_JOB)
        priced = price_of(TARIFF, "print", billed, decision.printer, decision.adjustments)
        assert isinstance(priced, Priced)
        paid = [each.money.micros for each in settled(decision, count) if each.demand == 0]
        assert sum(paid) == priced.total.micros


@given(
    st.lists(
        st.builds(
            Adjustment,
            rule=st.just("x"),
            permille=st.integers(0, 3000),
            unit=st.just("EUR"),
            per_job=st.integers(0, 50),
            per_impression=st.integers(0, 50),
            per_sheet=st.integers(0, 50),
        ),
        max_size=4,
    ),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_less_never_costs_more(adjustments: list[Adjustment], one: int, two: int) -> None:
    """However rules change a price, fewer impressions cost no more; and what changed adds up."""
    request = asked(20, 7)
    prices = []
    for count in sorted((one, two)):
        billed = came_out(request.figures, count, Source.DEVICE_JOB)  # type: ignore[arg-type]
        priced = price_of(TARIFF, "print", billed, "desk", adjustments)
        assert isinstance(priced, Priced)
        base = sum(each.total.micros for each in priced.items)
        assert priced.total.micros == base + sum(each.by.micros for each in priced.changes)
        prices.append(priced.total.micros)
    assert 0 <= prices[0] <= prices[1]


def test_a_price_that_is_not_known_stays_so() -> None:
    """Rules change no price that there is not."""
    empty = TARIFF.model_copy(update={"lines": ()})
    figures = asked(2).figures
    assert isinstance(price_of(empty, "print", figures, "desk"), NoPrice)  # type: ignore[arg-type]
    free = Priced(Money(0, "EUR"), 1, ())
    assert adjust(free, figures, []) == free  # type: ignore[arg-type]


def test_a_purse_counts_what_is_open() -> None:
    """Debt lowers it, closed accounts do not count, and one without limit has no end."""
    accounts = {
        "a": Account("EUR"),
        "b": Account("EUR"),
        "c": Account("EUR", enabled=False),
        "d": Account("EUR", unlimited=True),
    }
    sums = {"a": Money(3 * EUR, "EUR"), "b": Money(-EUR, "EUR"), "c": Money(9 * EUR, "EUR")}
    assert str(purse_of(("a", "b", "c"), accounts, sums)) == "2.00 EUR"
    assert str(purse_of(("a", "d"), accounts, sums)) == "no limit"
    assert str(purse_of(("c", "x"), accounts, sums)) == "no account"
    assert str(purse_of(("a",), accounts, {"a": Money(1, "EUR")}, sums)) == "0.000001 EUR"
