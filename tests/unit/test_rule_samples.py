"""The sample rules do what their names say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config.policy.decisions import Allowed, Ask, Denied, Person, PolicyView, Reason, decide
from config.policy.jobs import JobAttributes, Sides
from config.policy.money import Money
from config.policy.rules import PointOfPrint, RuleSet
from config.policy.rules_check import Known, KnownPrinter, check
from config.policy.rules_text import read_rules
from tests.unit.policy_cases import EUR, asked, seen

TEXT = (Path(__file__).parents[2] / "config/samples/rules.toml").read_text(encoding="utf-8")
SITE = {
    "desk": PointOfPrint(),
    "shelf": PointOfPrint(tags=("library",)),
    "copier": PointOfPrint(tags=("copier",)),
    "old": PointOfPrint(tags=("copier",)),
}


def sample() -> RuleSet:
    """Read the file as an operator would enter it."""
    found = read_rules(TEXT)
    assert isinstance(found, RuleSet), found
    return found


def view(*groups: str, euros: int = 100) -> PolicyView:
    """See somebody of these groups with so much money, on a site with a copier and a library."""
    person = Person("ana", ("user:ana",), groups=groups)
    money = {"user:ana": Money(euros * EUR, "EUR")}
    return replace(seen(sample()), person=person, available=money, printers=SITE)


def converted(pages: int, colour: int, seen_as: PolicyView, name: str = "x") -> dict[str, str]:
    """Return what the rules change of a job."""
    decision = decide(asked(pages, colour, attributes=JobAttributes(job_name=name)), seen_as)
    assert isinstance(decision, Allowed), decision
    return {each.attribute: each.value for each in decision.conversions}


def test_the_file_can_be_entered() -> None:
    """On an installation that has the names it uses, nothing is wrong with it."""
    known = Known(
        {device: KnownPrinter("north", each.tags) for device, each in SITE.items()},
        groups={"students", "staff"},
        queues={"internal", "pull"},
        currencies={"EUR"},
    )
    assert check(sample(), known) == ()


def test_no_books_at_the_library() -> None:
    """500 pages are refused there with a sentence, 499 are not, and elsewhere there is no limit."""
    by = view()
    decision = decide(asked(500, printer="shelf"), by)
    assert isinstance(decision, Denied)
    assert decision.reason is Reason.DENIED_BY_RULE
    assert "too long for the library" in decision.detail
    assert isinstance(decide(asked(499, printer="shelf", confirmed=True), by), Allowed)
    assert isinstance(decide(asked(500, confirmed=True), by), Allowed)


@pytest.mark.parametrize(("euros", "grey"), [(1, True), (2, False)])
def test_no_colour_after_budget(euros: int, grey: bool) -> None:  # noqa: FBT001
    """Below two euros a colour job is made monochrome; a monochrome one is left alone."""
    assert grey == ("print-color-mode" in converted(2, 1, view(euros=euros)))
    assert converted(2, 0, view(euros=euros)) == {}


@pytest.mark.parametrize(
    ("groups", "pages", "grey"),
    [(("students",), 21, True), (("students",), 20, False), (("staff",), 21, False)],
)
def test_students_print_long_documents_in_monochrome(
    groups: tuple[str, ...],
    pages: int,
    grey: bool,  # noqa: FBT001
) -> None:
    """More than 20 pages, students only."""
    assert grey == ("print-color-mode" in converted(pages, 1, view(*groups)))


@pytest.mark.parametrize(
    ("name", "both"),
    [
        ("Microsoft Outlook - Memo", True),
        ("RE: lunch", True),
        ("Thesis.pdf", False),
    ],
)
def test_mail_goes_on_both_sides(name: str, both: bool) -> None:  # noqa: FBT001
    """By the name that mail programs give; one page stays as it is."""
    expected = {"sides": Sides.TWO_SIDED_LONG_EDGE.value} if both else {}
    assert expected == converted(2, 0, view(), name)
    assert converted(1, 0, view(), name) == {}


def test_big_jobs_go_to_the_cheapest_copier() -> None:
    """From 100 impressions on; the one named `copier` has the lower price."""
    decision = decide(asked(100), view())
    assert isinstance(decision, Allowed)
    assert (decision.printer, decision.redirected_from) == ("copier", "desk")
    assert decision.price.total == Money(2 * EUR, "EUR")
    small = decide(asked(99), view())
    assert isinstance(small, Allowed)
    assert small.printer == "desk"


def test_a_heap_of_paper_is_asked_about() -> None:
    """From 250 sheets on, at the copier's price; after a yes it is printed and marked."""
    decision = decide(asked(250), view())
    assert isinstance(decision, Ask)
    assert "half-pack" in decision.question
    sure = decide(asked(250, confirmed=True), view())
    assert isinstance(sure, Allowed)
    assert sure.tags == ("heap",)


def test_free_internal_mono() -> None:
    """Staff at the internal queue in monochrome: no charge, yet marked; all else is paid."""
    free = decide(asked(5, queue="internal"), view("staff"))
    assert isinstance(free, Allowed)
    assert (free.charges, free.tags) == ((), ("internal",))
    for request, groups in (
        (asked(5, queue="pull"), ("staff",)),
        (asked(5, 1, queue="internal"), ("staff",)),
        (asked(5, queue="internal"), ("students",)),
    ):
        paid = decide(request, view(*groups))
        assert isinstance(paid, Allowed)
        assert paid.charges
