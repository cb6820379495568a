"""Decisions on a release: what is known allows, silence denies, each refusal has its reason."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy.accounts import Short
from config.policy.decisions import (
    Account,
    Allowed,
    Charge,
    Denied,
    Person,
    PolicyView,
    Reason,
    ReleaseRequest,
    Uncounted,
    UnreadableRules,
    decide,
)
from config.policy.jobs import JobAttributes, figures
from config.policy.money import Money
from config.policy.tariffs import Tariff, TariffLine

TARIFF = Tariff(
    version=2,
    unit="EUR",
    effective_from=datetime(2026, 1, 1, tzinfo=UTC),
    lines=(TariffLine(color="monochrome", per_impression=200_000),),
)
ASKED = ReleaseRequest("ana", "print", figures(3, (), JobAttributes()), "p1")
BOTH = ("user:ana", "project:apollo")
SEEN = PolicyView(
    person=Person("ana", BOTH),
    tariff=TARIFF,
    printer_known=True,
    accounts={key: Account("EUR") for key in BOTH},
    available={key: Money(600_000, "EUR") for key in BOTH},
)


def test_what_is_known_and_covered_is_allowed() -> None:
    """At the tariff's price, each of the person's accounts paying the whole of it."""
    decision = decide(ASKED, SEEN)
    assert isinstance(decision, Allowed)
    assert Money(600_000, "EUR") == decision.price.total
    each = Money(600_000, "EUR")
    assert (Charge(BOTH[0], each), Charge(BOTH[1], each, demand=1)) == decision.charges
    assert decision.conversions == ()


@pytest.mark.parametrize(
    ("view", "reason", "words"),
    [
        (replace(SEEN, person=None), Reason.NO_IDENTITY, "'ana' is not known here"),
        (
            replace(SEEN, person=Person("ana", BOTH, enabled=False)),
            Reason.ACCOUNT_AUTHORIZATION_FAILED,
            "'ana' may not print",
        ),
        (replace(SEEN, printer_known=False), Reason.PRINTER_UNKNOWN, "'p1'"),
        (replace(SEEN, tariff=None), Reason.NO_PRICE, "no tariff is in force"),
        (
            replace(SEEN, tariff=TARIFF.model_copy(update={"lines": ()})),
            Reason.NO_PRICE,
            "tariff 2 has no price for print, monochrome",
        ),
        (replace(SEEN, person=Person("ana", ())), Reason.ACCOUNT_INFO_NEEDED, "no account"),
        (replace(SEEN, accounts={}), Reason.ACCOUNT_INFO_NEEDED, "user:ana is not known"),
        (
            replace(SEEN, accounts={**SEEN.accounts, BOTH[1]: Account("EUR", enabled=False)}),
            Reason.ACCOUNT_CLOSED,
            "project:apollo is closed",
        ),
        (
            replace(SEEN, accounts={**SEEN.accounts, BOTH[1]: Account("GBP")}),
            Reason.NO_PRICE,
            "in GBP, the tariff in EUR",
        ),
        (replace(SEEN, available={}), Reason.ACCOUNT_LIMIT_REACHED, "here are 0.00 EUR"),
    ],
)
def test_what_is_missing_denies(view: PolicyView, reason: Reason, words: str) -> None:
    """Each thing that is not known, or says no, has its own reason and sentence."""
    decision = decide(ASKED, view)
    assert isinstance(decision, Denied)
    assert reason == decision.reason
    assert words in decision.detail


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (replace(ASKED, user=None), Reason.NO_IDENTITY),
        (
            replace(ASKED, figures=figures(3, (), JobAttributes(page_ranges=((7, 9),)))),
            Reason.NOTHING_TO_PRINT,
        ),
        (replace(ASKED, figures=Uncounted(Reason.UNREADABLE, "encrypted")), Reason.UNREADABLE),
        (
            replace(ASKED, figures=Uncounted(Reason.NOT_SUPPORTED, "copies is 0")),
            Reason.NOT_SUPPORTED,
        ),
        (replace(ASKED, figures=figures(1, {1}, JobAttributes())), Reason.NO_PRICE),  # colour
    ],
)
def test_what_cannot_be_priced_is_denied(request_: ReleaseRequest, reason: Reason) -> None:
    """A job without owner, pages, figures or price stays held."""
    decision = decide(request_, SEEN)
    assert isinstance(decision, Denied)
    assert reason == decision.reason


def test_a_short_account_is_told_with_figures() -> None:
    """What it costs, what is here and of which account; and as a value, so it may be fetched."""
    view = replace(SEEN, available={**SEEN.available, BOTH[1]: Money(300_000, "EUR")})
    decision = decide(ASKED, view)
    assert isinstance(decision, Denied)
    assert decision.reason is Reason.ACCOUNT_LIMIT_REACHED
    assert decision.detail == "costs 0.60 EUR, here are 0.30 EUR of the account project:apollo"
    needed, here = Money(600_000, "EUR"), Money(300_000, "EUR")
    assert Short(BOTH[1], needed, here, (BOTH[1],), demand=1) == decision.short


def test_an_account_listed_twice_pays_once() -> None:
    """A directory row that repeats an account does not double the price."""
    view = replace(SEEN, person=Person("ana", (BOTH[0], BOTH[0])))
    decision = decide(ASKED, view)
    assert isinstance(decision, Allowed)
    assert (Charge(BOTH[0], Money(600_000, "EUR")),) == decision.charges


def test_a_free_job_needs_a_person_all_the_same() -> None:
    """A price of nothing is covered by nothing, but silence still denies."""
    free = replace(SEEN, tariff=TARIFF.model_copy(update={"lines": (TariffLine(),)}), available={})
    assert isinstance(decide(ASKED, free), Allowed)
    assert isinstance(decide(replace(ASKED, user=None), free), Denied)


#: What says nothing, of what has to be known.
NOTHING: dict[str, object] = {
    "person": None,
    "tariff": None,
    "printer_known": False,
    "accounts": {},
    "available": {},
    "rules": UnreadableRules("of a later version"),
}
#: What only gives leave, or only matters to rules that ask for it.
OPTIONAL = {"past", "balances", "printers", "now", "zone"}


@given(st.sets(st.sampled_from(sorted(NOTHING)), min_size=1))
def test_silence_denies(unknown: set[str]) -> None:
    """With any part of the view missing, in any combination, nothing is printed."""
    nothing = NOTHING
    assert nothing.keys() | OPTIONAL == {each.name for each in fields(PolicyView)}
    view = replace(SEEN, **{name: nothing[name] for name in unknown})  # type: ignore[arg-type]
    assert isinstance(decide(ASKED, view), Denied)
