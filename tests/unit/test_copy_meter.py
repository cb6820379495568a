"""What copies cost: never more than was set aside, never free, and as the slow way says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import CopyCounts
from config.policy.decisions import (
    Account,
    Adjustment,
    Allowed,
    Charge,
    Decision,
    Denied,
    Person,
    PolicyView,
    ReleaseRequest,
    decide,
)
from config.policy.money import Money
from config.policy.paying import price_of
from config.policy.pricing import Priced
from edge.copy_budget import Bounds, Budget, budget
from edge.copy_meter import (
    KINDS,
    Kind,
    Meter,
    Terms,
    attributes_of,
    cost,
    covered,
    figures_of,
    goes_on,
    left,
    made,
    of,
    pages_left,
    payable,
)
from tests.unit.copies_lab import copy_tariff
from tests.unit.edge_lab import ANA, CENT, NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CENTS = st.integers(0, 60)
_PRICES = st.fixed_dictionaries(dict.fromkeys(KINDS, _CENTS))
_SOME = st.integers(0, 30)
_COUNTS = st.builds(CopyCounts, **dict.fromkeys(KINDS, _SOME))
_BOUNDS = st.builds(Bounds, st.integers(12, 60), st.integers(0, 6))


def asking(prices: dict[Kind, int], micros: int) -> Callable[[Kind, int], Decision]:
    """Return the policy for Ana, who has so much."""
    view = PolicyView(
        person=Person("ana", (ANA,)),
        tariff=copy_tariff(prices),
        printer_known=True,
        accounts={ANA: Account("EUR")},
        available={ANA: Money(micros, "EUR")},
        now=NOW,
    )

    def asked(kind: Kind, count: int) -> Decision:
        request = ReleaseRequest(
            user="ana",
            service="copy",
            figures=figures_of(kind, count, "iso_a4"),
            printer="lib-1",
            attributes=attributes_of(kind),
        )
        return decide(request, view)

    return asked


def found(prices: dict[Kind, int], micros: int, bounds: Bounds) -> Budget | Denied:
    """Return the budget of Ana."""
    each = {kind: cents * CENT for kind, cents in prices.items()}
    answer = budget(asking(prices, micros), each, bounds, lambda _: True)
    assert isinstance(answer, Budget | Denied)
    return answer


def meter(made_of: Budget, bounds: Bounds) -> Meter:
    """Return the meter of a copy."""
    return Meter(
        terminal="t",
        unit=made_of.unit,
        terms=dict(made_of.terms),
        most=bounds.most,
        margin=bounds.margin,
    )


def slowly(prices: dict[Kind, int], counts: CopyCounts) -> int:
    """Return what counts cost by the tariff, kind by kind, one copy after another."""
    micros = 0
    for kind in KINDS:
        for _ in range(of(counts, kind)):
            priced = price_of(copy_tariff(prices), "copy", figures_of(kind, 1, "iso_a4"), "lib-1")
            assert isinstance(priced, Priced)
            micros += priced.total.micros
    return micros


def paid(charges: Sequence[Charge]) -> int:
    """Return the sum."""
    return sum(each.money.micros for each in charges)


@given(prices=_PRICES, micros=st.integers(0, 30 * 60 * CENT), bounds=_BOUNDS, counts=_COUNTS)
@settings(max_examples=80, deadline=None)
def test_never_more_than_was_set_aside_and_never_free(
    prices: dict[Kind, int], micros: int, bounds: Bounds, counts: CopyCounts
) -> None:
    """Whatever is counted costs its price up to the hold, and the hold is never more than money."""
    answer = found(prices, micros, bounds)
    if isinstance(answer, Denied):
        return
    held = paid(answer.charges)
    assert held <= micros
    gauge = meter(answer, bounds)
    spent = paid(cost(gauge, answer.charges, counts))
    assert spent <= held
    assert spent >= min(held, slowly(prices, counts))
    allowed_only = all(gauge.terms[k].allowed or not of(counts, k) for k in KINDS)
    if allowed_only:
        assert spent == min(held, slowly(prices, counts))
    assert left(gauge, answer.charges, counts) == (held - spent if answer.charges else 0)


@given(prices=_PRICES, micros=st.integers(0, 30 * 60 * CENT), bounds=_BOUNDS, counts=_COUNTS)
@settings(max_examples=80, deadline=None)
def test_pages_left_are_exactly_those_that_are_paid(
    prices: dict[Kind, int], micros: int, bounds: Bounds, counts: CopyCounts
) -> None:
    """So many more of a kind are covered, and one more is not, or is more than the most."""
    answer = found(prices, micros, bounds)
    if isinstance(answer, Denied):
        return
    gauge = meter(answer, bounds)
    if not covered(gauge, answer.charges, counts):
        return
    rest = pages_left(gauge, answer.charges, counts)
    for kind in KINDS:
        last = counts.model_copy(update={kind: of(counts, kind) + of(rest, kind)})
        more = counts.model_copy(update={kind: of(counts, kind) + of(rest, kind) + 1})
        assert covered(gauge, answer.charges, last)
        if gauge.terms[kind].allowed:
            assert not covered(gauge, answer.charges, more) or more.total > bounds.most


@given(prices=_PRICES, micros=st.integers(0, 30 * 60 * CENT), bounds=_BOUNDS, data=st.data())
@settings(max_examples=80, deadline=None)
def test_a_machine_that_stops_within_its_margin_is_paid_in_full(
    prices: dict[Kind, int], micros: int, bounds: Bounds, data: st.DataObject
) -> None:
    """Whatever kinds somebody chooses: told to go on, one more and the margin are always paid."""
    answer = found(prices, micros, bounds)
    if isinstance(answer, Denied):
        return
    gauge = meter(answer, bounds)
    allowed = [kind for kind in KINDS if gauge.terms[kind].allowed]
    counts = CopyCounts()
    assert goes_on(gauge, answer.charges, counts)
    while goes_on(gauge, answer.charges, counts):
        kind = data.draw(st.sampled_from(allowed))
        counts = counts.model_copy(update={kind: of(counts, kind) + 1})
    for _ in range(bounds.margin):
        kind = data.draw(st.sampled_from(allowed))
        counts = counts.model_copy(update={kind: of(counts, kind) + 1})
    assert covered(gauge, answer.charges, counts)
    assert counts.total <= bounds.most
    assert payable(gauge, answer.charges, counts) == counts


@given(prices=_PRICES, micros=st.integers(0, 30 * 60 * CENT), bounds=_BOUNDS, counts=_COUNTS)
@settings(max_examples=60, deadline=None)
def test_what_nobody_pays_for_is_the_fewest_that_do_not_fit(
    prices: dict[Kind, int], micros: int, bounds: Bounds, counts: CopyCounts
) -> None:
    """Impressions above the hold are counted, and figures for the books always agree."""
    answer = found(prices, micros, bounds)
    if isinstance(answer, Denied) or not answer.charges:
        return
    gauge = meter(answer, bounds)
    rest = payable(gauge, answer.charges, counts)
    assert (rest == counts) == covered(gauge, answer.charges, counts)
    assert covered(gauge, answer.charges, rest)
    assert all(0 <= of(rest, kind) <= of(counts, kind) for kind in KINDS)
    assert made(rest, "iso_a4").impressions == rest.total


def test_a_budget_is_the_most_that_the_policy_allows() -> None:
    """The binary search finds what trying one after another finds."""
    prices: dict[Kind, int] = dict(zip(KINDS, (5, 20, 10, 40), strict=True))
    for micros in range(0, 6_000_000, 370_000):
        asked = asking(prices, micros)
        answer = found(prices, micros, Bounds(most=50, margin=2))
        for kind in KINDS:
            most = max((n for n in range(1, 51) if isinstance(asked(kind, n), Allowed)), default=0)
            if isinstance(answer, Denied):
                assert most < 3
            else:
                assert answer.reach[kind] == (most if most >= 3 else 0)


def test_a_fee_for_the_job_is_paid_with_the_first_kind() -> None:
    """A rule's fee for the job is one fee, however many kinds bear it."""
    fee = (Adjustment("fee", unit="EUR", per_job=7 * CENT),)
    terms = {kind: Terms(allowed=True, each=CENT, adjustments=fee) for kind in KINDS}
    gauge = Meter(terminal="t", unit="EUR", terms=terms, most=99, margin=0)
    held = (Charge(ANA, Money(100 * CENT, "EUR")),)
    assert paid(cost(gauge, held, CopyCounts(color=1))) == 8 * CENT
    assert paid(cost(gauge, held, CopyCounts(monochrome=2, color=1, color_large=1))) == 11 * CENT
    assert paid(cost(gauge, held, CopyCounts())) == 0


def test_figures_beyond_what_a_message_can_say_are_cut() -> None:
    """A terminal that counts nonsense costs the hold and can be written down."""
    heap = CopyCounts(**dict.fromkeys(KINDS, 100_000_000))
    terms = {kind: Terms(allowed=True, each=CENT) for kind in KINDS}
    gauge = Meter(terminal="t", unit="EUR", terms=terms, most=99, margin=0)
    held = (Charge(ANA, Money(50 * CENT, "EUR")),)
    assert paid(cost(gauge, held, heap)) == 50 * CENT
    assert payable(gauge, held, heap).total == 50
    assert made(heap, "iso_a4").impressions == 100_000_000
