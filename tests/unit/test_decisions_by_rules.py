"""Decisions by rules and wallets: priced as converted, charged to whom it should, explained."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy.accounts import Account, Charge
from config.policy.decisions import (
    Allowed,
    Ask,
    Denied,
    Document,
    Line,
    Person,
    PolicyView,
    Reason,
    ReleaseRequest,
    UnreadableRules,
    decide,
    explain,
)
from config.policy.jobs import JobAttributes
from config.policy.money import Money
from config.policy.reasons import LINE_LENGTH, LINES_MAX
from tests.unit.policy_cases import (
    CENT,
    EUR,
    TARIFF,
    asked,
    attributes,
    on_paper,
    rule,
    rule_sets,
    rules,
    seen,
)

if TYPE_CHECKING:
    from config.policy.rules import RuleSet


def eur(micros: int) -> Money:
    """Make an amount in euros."""
    return Money(micros, "EUR")


def pages(count: int) -> Money:
    """Make an amount in whole pages."""
    return Money(count * 1_000_000, "page")


def allowed(request: ReleaseRequest, view: PolicyView) -> Allowed:
    """Decide what has to be allowed."""
    decision = decide(request, view)
    assert isinstance(decision, Allowed), decision
    return decision


def denied(request: ReleaseRequest, view: PolicyView) -> Denied:
    """Decide what has to be denied."""
    decision = decide(request, view)
    assert isinstance(decision, Denied), decision
    return decision


# ── who pays ────────────────────────────────────────────────────────────────────────────────


def paid_by(*lists: tuple[str, ...], **changes: Any) -> PolicyView:  # noqa: ANN401  any field
    """Make a view of somebody with these lists."""
    person = Person("ana", (), wallets=lists, choices=("department:physics",))
    return seen(person=person, **changes)


def test_the_grant_is_spent_before_own_money() -> None:
    """One price, split where the first wallet runs dry."""
    assert allowed(asked(50), seen()).charges == (
        Charge("grant:ana", eur(2 * EUR)),
        Charge("user:ana", eur(EUR // 2)),
    )


def test_money_and_pages_pay_side_by_side() -> None:
    """A list in pages pays impressions, whatever the tariff says; one in a currency the price."""
    view = paid_by(("user:ana",), ("quota:ana",))
    assert allowed(asked(4, 1), view).charges == (
        Charge("user:ana", eur(35 * CENT)),
        Charge("quota:ana", pages(4), demand=1),
    )


def test_pages_need_no_tariff() -> None:
    """Who pays in pages only prints where no price is known, and the price is in pages."""
    decision = allowed(asked(4), paid_by(("quota:ana",), tariff=None))
    assert pages(4) == decision.price.total
    assert decision.price.tariff_version == 0


def test_a_quota_of_colour_limits_colour_and_nothing_else() -> None:
    """Beside money, a list that counts only colour pays only the colour impressions."""
    view = paid_by(("user:ana",), ("quota:ana.color",))
    assert Charge("quota:ana.color", pages(2), demand=1, counts="color") in (
        allowed(asked(9, 2), view).charges
    )
    assert len(allowed(asked(9), view).charges) == 1
    decision = denied(asked(9, 6), view)
    assert decision.reason is Reason.ACCOUNT_LIMIT_REACHED
    assert decision.detail == "costs 6 pages, here are 5 pages of the account quota:ana.color"


def test_what_no_account_counts_is_not_free() -> None:
    """With nothing but a quota for colour, monochrome is refused: silence denies."""
    decision = denied(asked(9, 2), paid_by(("quota:ana.color",)))
    assert decision.reason is Reason.ACCOUNT_INFO_NEEDED
    assert decision.detail == "no account pays for monochrome impressions"


def test_a_closed_account_is_passed_over_and_told() -> None:
    """Another account of the list pays; when none is open, the closed one is the reason."""
    view = seen()
    shut = {**view.accounts, "grant:ana": Account("EUR", enabled=False)}
    decision = allowed(asked(2), replace(view, accounts=shut))
    assert decision.charges == (Charge("user:ana", eur(10 * CENT)),)
    assert Line("note", "the account grant:ana is closed: passed over") in decision.because
    shut["user:ana"] = Account("EUR", enabled=False)
    assert denied(asked(2), replace(view, accounts=shut)).reason is Reason.ACCOUNT_CLOSED


def test_a_closed_quota_does_not_make_its_colour_free() -> None:
    """Closing the only account that counts monochrome stops monochrome, not its count."""
    accounts = {
        "quota:grey": Account("page", enabled=False, counts="monochrome"),
        "quota:ana.color": Account("page", counts="color"),
    }
    view = paid_by(("quota:grey", "quota:ana.color"), accounts=accounts)
    decision = denied(asked(4, 1), view)
    assert (
        decision.reason,
        decision.detail,
    ) == (Reason.ACCOUNT_CLOSED, "the account quota:grey is closed")


def test_a_list_has_one_unit() -> None:
    """Pages and money cannot fill up one another; the accounts are named."""
    decision = denied(asked(2), paid_by(("user:ana", "quota:ana")))
    assert decision.reason is Reason.ACCOUNT_INFO_NEEDED
    assert "user:ana in EUR and quota:ana in page" in decision.detail


def test_an_account_without_limit_pays_nothing_here() -> None:
    """It is charged as counted only, and the line says so."""
    accounts = {"department:physics": Account("EUR", unlimited=True)}
    view = paid_by(("department:physics",), accounts=accounts, available={})
    decision = allowed(asked(2), view)
    assert decision.charges == (Charge("department:physics", eur(10 * CENT), "account"),)
    assert decision.because[-1].text.endswith("counted only")


def test_past_the_allocation_is_told() -> None:
    """By leave of the site's terms; who reads the lines sees what was not here."""
    view = seen(past={"user:ana": eur(EUR)})
    decision = allowed(asked(110), view)
    assert decision.charges[-1] == Charge("user:ana", eur(EUR // 2), "uncovered")
    assert (
        str(decision.because[-1]) == "account: 0.50 EUR of the account user:ana, past what is here"
    )
    assert isinstance(decide(asked(121), view), Denied)


def test_a_person_may_choose_who_pays() -> None:
    """A choice replaces the first list only; anybody else's account is refused."""
    view = seen()
    two = replace(
        view, person=replace(view.person or Person("", ()), wallets=(("user:ana",), ("quota:ana",)))
    )
    request = asked(2, account="department:physics")
    assert allowed(request, two).charges == (
        Charge("department:physics", eur(10 * CENT)),
        Charge("quota:ana", pages(2), demand=1),
    )
    # own money although there is a grant
    own = allowed(asked(2, account="user:ana"), view)
    assert own.charges == (Charge("user:ana", eur(10 * CENT)),)
    # an account that pays anyhow does not pay twice
    anyhow = paid_by(("user:ana",), ("department:physics",))
    assert allowed(request, anyhow).charges == (Charge("department:physics", eur(10 * CENT)),)
    decision = denied(asked(2, account="project:apollo"), view)
    assert decision.reason is Reason.ACCOUNT_AUTHORIZATION_FAILED
    assert "may not charge the account project:apollo" in decision.detail


def test_a_rule_says_who_pays_whatever_was_chosen() -> None:
    """The rule's account stands above the person's choice; one that is not known stops the job."""
    by = rules(rule("house", {"charge": "project:apollo"}))
    view = seen(by, available={"project:apollo": eur(EUR)})
    decision = allowed(asked(2, account="department:physics"), view)
    assert decision.charges == (Charge("project:apollo", eur(10 * CENT)),)
    assert Line("account", "project:apollo pays", "house") in decision.because
    gone = replace(view, accounts={})
    assert "project:apollo is not known" in denied(asked(2), gone).detail


# ── rules ───────────────────────────────────────────────────────────────────────────────────


def test_the_price_is_that_of_what_is_printed() -> None:
    """Converted, redirected, then priced: two monochrome copies at the copier's price."""
    by = rules(
        rule("grey", {"monochrome": True}),
        rule("few", {"copies_max": 2}),
        rule("cheap", {"redirect": {"tag": "copier"}, "tags": ["x"]}),
    )
    job = asked(10, 10, attributes=JobAttributes(copies=5))
    decision = allowed(job, seen(by))
    assert eur(20 * 2 * CENT) == decision.price.total
    assert (decision.printer, decision.redirected_from) == ("copier", "desk")
    assert on_paper(10, 0, JobAttributes(copies=2)) == decision.figures
    assert {each.attribute: each.value for each in decision.conversions} == {
        "print-color-mode": "monochrome",
        "copies": "2",
    }
    assert decision.tags == ("x",)
    assert decision.rules_version == 7


@pytest.mark.parametrize(
    ("then", "micros"),
    [
        ({"factor": 0}, 0),
        ({"factor": 500}, 250_000),
        ({"factor": 1500}, 750_000),
        # 500,000.5 thousandths of a thousandth: half of a micro goes up
        ({"surcharge": {"unit": "EUR", "per_job": 7}}, 500_007),
        ({"surcharge": {"unit": "EUR", "per_impression": 1_000}}, 510_000),
        ({"surcharge": {"unit": "EUR", "per_sheet": 2_000}}, 520_000),
        # the factor first, then the surcharge
        ({"factor": 100, "surcharge": {"unit": "EUR", "per_job": 3}}, 50_003),
    ],
)
def test_factors_and_surcharges(then: dict[str, Any], micros: int) -> None:
    """Ten monochrome pages at 0.05, and what rules make of that."""
    decision = allowed(asked(10), seen(rules(rule("x", then))))
    assert eur(micros) == decision.price.total
    assert sum(each.money.micros for each in decision.charges) == micros


def test_halves_of_a_millionth_go_up() -> None:
    """0.000001 at 1500 thousandths is 0.000002; at 1499 it is 0.000001."""
    penny = TARIFF.model_copy(
        update={"lines": (TARIFF.lines[0].model_copy(update={"per_impression": 1}),)}
    )
    for factor, expected in ((1500, 2), (1499, 1), (500, 1), (499, 0)):
        view = seen(rules(rule("x", {"factor": factor})), tariff=penny)
        assert eur(expected) == allowed(asked(1), view).price.total


def test_a_factor_holds_for_pages_and_a_surcharge_does_not() -> None:
    """Half the pages; a surcharge in money is told not to be charged."""
    by = rules(rule("x", {"factor": 500, "surcharge": {"unit": "EUR", "per_job": 9}}))
    decision = allowed(asked(5), paid_by(("quota:ana",), rules=by))
    assert decision.charges == (Charge("quota:ana", Money(2_500_000, "page")),)
    assert Line("factor", "50 % of the pages", "x") in decision.because
    assert Line("note", "no surcharge: nobody pays money for this", "x") in decision.because


def test_a_surcharge_in_another_currency_is_no_price() -> None:
    """A rule that the tariff has left behind stops the job instead of charging nonsense."""
    by = rules(rule("x", {"surcharge": {"unit": "GBP", "per_job": 9}}))
    decision = denied(asked(5), seen(by))
    assert decision.reason is Reason.NO_PRICE
    assert "rule 'x' adds GBP, the price is in EUR" in decision.detail


def test_a_price_beyond_what_can_be_booked_is_no_price() -> None:
    """The bound of a ledger is kept for factors too, in money and in pages."""
    by = rules(*(rule(f"x{each}", {"factor": 100_000}) for each in range(5)))
    assert denied(asked(5), seen(by)).reason is Reason.NO_PRICE
    assert denied(asked(5), paid_by(("quota:ana",), rules=by)).reason is Reason.NO_PRICE


def test_a_rule_that_denies_tells_its_own_words() -> None:
    """The operator's sentence, the rule's name, and what happened before."""
    by = rules(rule("grey", {"monochrome": True}), rule("no", {"deny": "Use the copier."}))
    decision = denied(asked(2, 1), seen(by))
    assert (decision.reason, decision.detail) == (Reason.DENIED_BY_RULE, "Use the copier.")
    assert [each.rule for each in decision.because] == ["grey", "no"]
    assert decision.because[-1].code == "refused"
    assert decision.rules_version == 7


def test_the_person_is_asked_only_when_it_would_be_allowed() -> None:
    """Nothing is asked that would be refused anyway; after a yes it is printed."""
    by = rules(rule("a", {"confirm": "Sure?"}), rule("b", {"confirm": "Really?"}))
    decision = decide(asked(2), seen(by))
    assert isinstance(decision, Ask)
    assert (decision.question, decision.choices) == ("Sure? Really?", ("yes", "no"))
    assert any("0.10 EUR in all" in each.text for each in decision.because)
    assert isinstance(decide(asked(2), seen(by, available={})), Denied)
    assert isinstance(decide(asked(2, confirmed=True), seen(by)), Allowed)


def test_rules_that_cannot_be_read_deny() -> None:
    """Better no print than one that a rule would have stopped."""
    decision = denied(asked(2), replace(seen(), rules=UnreadableRules("of a later version")))
    assert decision.reason is Reason.RULES_UNREADABLE
    assert "of a later version" in decision.detail


def test_a_balance_is_that_of_the_first_list() -> None:
    """The sum of its accounts here, or all there is of them where that is known."""
    by = rules(rule("poor", {"monochrome": True}, balance={"unit": "EUR", "below": 5 * EUR}))
    assert not allowed(asked(2, 1), seen(by)).conversions
    less = {"user:ana": eur(2_999_999), "grant:ana": eur(2 * EUR)}
    assert allowed(asked(2, 1), seen(by, available=less)).conversions
    known = seen(by, available=less, balances={"user:ana": eur(3 * EUR)})
    assert not allowed(asked(2, 1), known).conversions
    assert not allowed(
        asked(2, 1), replace(known, balances={"grant:ana": eur(9 * EUR)})
    ).conversions


def test_without_its_document_a_jobs_pages_are_reckoned() -> None:
    """Records of before keep figures only: two-up pages count as full, so a limit still holds."""
    by = rules(rule("long", {"deny": "too long"}, pages={"min": 20}))
    job = asked(20, attributes=JobAttributes(number_up=2, copies=3))
    assert isinstance(decide(replace(job, document=None), seen(by)), Denied)
    assert isinstance(decide(replace(job, document=Document(19)), seen(by)), Allowed)


def test_an_explanation_reads_like_a_bill() -> None:
    """Line by line: what was changed, what it costs, who pays, and by which rule."""
    by = rules(
        rule("few", {"copies_max": 2}),
        rule("fee", {"surcharge": {"unit": "EUR", "per_job": 100_000}}),
    )
    job = asked(30, attributes=JobAttributes(copies=9))
    assert explain(decide(job, seen(by))) == [
        "allowed at desk, 3.10 EUR (rules 7)",
        'conversion: 2 copies instead of 9 (rule "few")',
        "price: 60 monochrome impressions at 0.05 EUR, 3.00 EUR (tariff 2)",
        'surcharge: +0.10 EUR on the price so far (rule "fee")',
        "price: 3.10 EUR in all",
        "account: 2.00 EUR of the account grant:ana",
        "account: 1.10 EUR of the account user:ana",
    ]
    assert explain(decide(job, seen(by, available={})))[-1] == (
        "refused: costs 3.10 EUR, here are 0.00 EUR of the accounts grant:ana and user:ana"
    )
    asking = rules(rule("ask", {"confirm": "Sure?"}))
    assert explain(decide(job, seen(asking, past={"user:ana": eur(99 * EUR)})))[0] == (
        "asks first: Sure? (yes or no) (rules 7)"
    )


def test_lines_fit_a_message() -> None:
    """Two hundred rules leave at most 40 lines; the last are kept and the gap is told."""
    by = rules(*(rule(f"r{each}", {"tags": ["x" * 255]}) for each in range(200)))
    because = allowed(asked(2), seen(by)).because
    assert len(because) == LINES_MAX
    assert max(len(each.text) for each in because) <= LINE_LENGTH
    assert any("lines are left out" in each.text for each in because)
    assert because[-1].code == "account"


# ── properties ──────────────────────────────────────────────────────────────────────────────

requests = st.builds(
    lambda pages, colour, wanted, sure: asked(pages, colour, attributes=wanted, confirmed=sure),
    st.integers(1, 30),
    st.integers(0, 30),
    attributes,
    st.booleans(),
)


@given(rule_sets(), requests)
def test_the_price_equals_a_slow_reckoning(by: RuleSet, request_: ReleaseRequest) -> None:
    """Side by side: what comes out, at the printer it comes out of, times the factors."""
    decision = decide(request_, seen(by, past={"user:ana": eur(10**12)}))
    if not isinstance(decision, Allowed) or decision.figures is None:
        return
    mono, color = (2, 10) if decision.printer == "copier" else (5, 20)
    figures = decision.figures
    micros = (figures.monochrome_impressions * mono + figures.color_impressions * color) * CENT
    for each in decision.adjustments:
        micros, rest = divmod(micros * each.permille, 1000)
        micros += rest >= 500
    assert eur(micros) == decision.price.total


@given(rule_sets(), requests, st.sampled_from([("user:ana",), ("quota:ana",), ("grant:ana",)]))
def test_each_list_pays_exactly_its_demand(
    by: RuleSet, request_: ReleaseRequest, second: tuple[str, ...]
) -> None:
    """Allowed: every list sums to the price, or to its pages. Otherwise: nothing is charged."""
    view = paid_by(("grant:ana", "user:ana"), second, rules=by)
    decision = decide(request_, view)
    if not isinstance(decision, Allowed):
        assert not hasattr(decision, "charges")
        return
    for number in {each.demand for each in decision.charges}:
        mine = [each.money for each in decision.charges if each.demand == number]
        if mine[0].unit == "EUR":
            assert sum(each.micros for each in mine) == decision.price.total.micros
    for key, limit in view.available.items():
        spent = sum(each.money.micros for each in decision.charges if each.account == key)
        assert spent <= limit.micros


@given(rule_sets(), requests)
def test_a_decision_is_the_same_twice(by: RuleSet, request_: ReleaseRequest) -> None:
    """Nothing but what is asked and seen decides."""
    assert decide(request_, seen(by)) == decide(request_, seen(by))
