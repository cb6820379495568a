"""Rules applied to a job: in order, each seeing what the ones before it left, and repeatable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy.conditions import Case, Purse
from config.policy.jobs import ColorMode, JobAttributes, Sides
from config.policy.reasons import Conversion
from config.policy.rules import (
    Place,
    PointOfPrint,
    Ruled,
    RuleSet,
    Stopped,
    UnreadableRules,
    apply,
)
from config.policy.rules_text import load_rules
from tests.unit.policy_cases import (
    PLACE,
    PRINTERS,
    attributes,
    case,
    on_paper,
    rule,
    rule_sets,
    rules,
)


def ruled(by: RuleSet, of: Case | None = None, place: Place = PLACE) -> Ruled:
    """Apply rules that do not deny."""
    result = apply(by, of or case(), place)
    assert isinstance(result, Ruled)
    return result


def test_each_rule_sees_what_the_ones_before_it_left() -> None:
    """A cap on copies makes a job small enough to escape the rule for big ones behind it."""
    cap = rule("cap", {"copies_max": 2})
    big = rule("big", {"tags": ["big"]}, impressions={"min": 50})
    job = case(10, attributes=JobAttributes(copies=9))
    assert ruled(rules(cap, big), job).tags == ()
    assert ruled(rules(big, cap), job).tags == ("big",)


def test_a_rule_that_denies_ends_it() -> None:
    """What comes before it is told, what comes behind it is not done."""
    result = apply(
        rules(
            rule("grey", {"monochrome": True}),
            rule("no", {"deny": "not today"}, pages={"min": 5}),
            rule("behind", {"tags": ["x"]}),
        ),
        case(colour=1),
        PLACE,
    )
    assert isinstance(result, Stopped)
    assert (result.rule, result.message) == ("no", "not today")
    assert [each.rule for each in result.lines] == ["grey"]


def test_a_rule_that_is_off_is_not_there() -> None:
    """Disabled rules neither convert nor deny."""
    off = rule("no", {"deny": "never"}).model_copy(update={"enabled": False})
    assert ruled(rules(off)) == Ruled(case())


def test_conversions_change_attributes_and_figures() -> None:
    """Monochrome, both sides and fewer copies, each told with the rule's name."""
    job = case(5, 2, attributes=JobAttributes(copies=4))
    everything = rule("save", {"monochrome": True, "two_sided": True, "copies_max": 3})
    result = ruled(rules(everything), job)
    made = JobAttributes(
        copies=3, sides=Sides.TWO_SIDED_LONG_EDGE, print_color_mode=ColorMode.MONOCHROME
    )
    assert made == result.case.attributes
    assert on_paper(5, 2, made) == result.case.figures
    assert result.conversions == (
        Conversion("print-color-mode", "monochrome"),
        Conversion("sides", "two-sided-long-edge"),
        Conversion("copies", "3"),
    )
    assert {each.rule for each in result.lines} == {"save"}


@pytest.mark.parametrize(
    ("then", "attributes", "pages"),
    [
        ({"two_sided": True}, JobAttributes(copies=5), 1),  # a sheet has one side to print
        ({"two_sided": True}, JobAttributes(sides=Sides.TWO_SIDED_SHORT_EDGE), 9),  # it is so
        ({"monochrome": True}, JobAttributes(print_color_mode=ColorMode.MONOCHROME), 9),
        ({"copies_max": 5}, JobAttributes(copies=5), 9),
    ],
)
def test_what_is_so_already_is_left_alone(
    then: dict[str, Any], attributes: JobAttributes, pages: int
) -> None:
    """Nothing is converted, and nothing said, where there is nothing to change."""
    job = case(pages, attributes=attributes)
    assert Ruled(job) == ruled(rules(rule("x", then)), job)


def test_a_printer_that_cannot_is_not_asked_to() -> None:
    """A job stays one-sided, and it is said, where the printer has no duplexer."""
    place = replace(PLACE, printers={"desk": PointOfPrint(two_sided=False)})
    result = ruled(rules(rule("save", {"two_sided": True})), place=place)
    assert result.conversions == ()
    assert "stays one-sided" in result.lines[0].text


# ── redirection ─────────────────────────────────────────────────────────────────────────────


def to(**where: str) -> dict[str, Any]:
    """Make the action of redirecting."""
    return {"redirect": where}


def test_a_redirection_begins_anew_at_the_new_printer() -> None:
    """Rules for the old printer no longer count, those for the new one do, also earlier ones."""
    by = rules(
        rule("desk only", {"tags": ["desk"]}, printers=["desk"]),
        rule("copier only", {"two_sided": True}, printers=["copier"]),
        rule("big", to(tag="copier"), impressions={"min": 10}),
    )
    result = ruled(by)
    assert (result.case.printer, result.redirected_from) == ("copier", "desk")
    assert result.case.tags == ("copier", "hall")
    assert result.tags == ()
    assert [each.rule for each in result.lines] == ["big", "copier only"]


def test_a_job_is_redirected_once() -> None:
    """To and fro ends at the first target, and the second wish is told."""
    by = rules(
        rule("there", to(printer="copier"), printers=["desk"]),
        rule("back", to(printer="desk"), printers=["copier"]),
    )
    result = ruled(by)
    assert (result.case.printer, result.redirected_from) == ("copier", "desk")
    assert "redirected once already" in result.lines[-1].text
    assert result.lines[-1].rule == "back"


def test_a_job_that_is_there_already_stays() -> None:
    """A printer that is named, or has the tag, is not left for a cheaper one."""
    here = case(printer="copier", tags=("copier",))
    more = PRINTERS | {"cheap": PointOfPrint(tags=("copier",))}
    for target in (to(printer="copier"), to(tag="copier")):
        assert Ruled(here) == ruled(rules(rule("x", target)), here, replace(PLACE, printers=more))


GREY = PointOfPrint(("copier",), color=False)


@pytest.mark.parametrize(
    ("others", "colour", "chosen"),
    [
        # the tariff says 0.02 at the copier, 0.05 elsewhere
        ({"a": PointOfPrint(("copier",))}, 0, "copier"),
        # equally cheap: by name, so that it is always the same one
        ({"a": PointOfPrint(("x",)), "b": PointOfPrint(("x",))}, 0, "a"),
        # able before cheap
        (
            {"copier": PointOfPrint(("copier",), color=False), "z": PointOfPrint(("copier",))},
            1,
            "z",
        ),
        ({"copier": PointOfPrint(("copier",), media=frozenset({"iso_a3"}))}, 0, None),
        ({"copier": GREY}, 1, None),
        ({"copier": GREY}, 0, "copier"),
    ],
)
def test_the_cheapest_able_printer_with_the_tag_is_chosen(
    others: dict[str, PointOfPrint], colour: int, chosen: str | None
) -> None:
    """By the tariff's price of the job as converted so far; where none is able, it stays."""
    tag = "x" if "b" in others else "copier"
    place = replace(PLACE, printers=PRINTERS | others)
    result = ruled(rules(rule("x", to(tag=tag))), case(4, colour), place)
    assert (chosen or "desk") == result.case.printer
    assert (chosen is None) == ("not redirected" in result.lines[0].text)


def test_a_printer_of_another_site_is_no_target() -> None:
    """A rule for all sites does nothing where its printer does not stand, and says so."""
    result = ruled(rules(rule("x", to(printer="elsewhere"))))
    assert result.case.printer == "desk"
    assert "elsewhere is not here" in result.lines[0].text


def test_without_prices_a_redirection_still_finds_a_printer() -> None:
    """A site that counts pages only has no tariff; the first by name is as good as any."""
    result = ruled(rules(rule("x", to(tag="hall"))), place=replace(PLACE, tariff=None))
    assert result.case.printer == "copier"


# ── accounts, marks, prices ─────────────────────────────────────────────────────────────────


def test_who_pays_by_rule_is_looked_at_by_the_rules_behind() -> None:
    """The balance is that of the account that pays by then; the last rule that says so wins."""
    by = rules(
        rule("first", {"charge": "project:a"}),
        rule("physics", {"charge": "department:physics"}),
        rule("poor", {"tags": ["poor"]}, balance={"unit": "EUR", "below": 1}),
    )
    assert by.accounts == ("project:a", "department:physics")
    full, empty = Purse("EUR", 9), Purse("EUR", 0)
    place = replace(PLACE, purse_of=lambda key: empty if key == "department:physics" else full)
    result = ruled(by, place=place)
    assert (result.charge, result.charged_by) == ("department:physics", "physics")
    assert result.tags == ("poor",)


def test_marks_are_each_kept_once() -> None:
    """Tags and questions come in the order of the rules."""
    by = rules(
        rule("a", {"tags": ["x", "y"], "confirm": "Sure?"}),
        rule("b", {"tags": ["y", "z"], "confirm": "Really?"}),
    )
    result = ruled(by)
    assert result.tags == ("x", "y", "z")
    assert result.questions == (("a", "Sure?"), ("b", "Really?"))


# ── properties ──────────────────────────────────────────────────────────────────────────────

jobs = st.builds(
    lambda pages, colour, asked: case(pages, colour, attributes=asked),
    st.integers(1, 30),
    st.integers(0, 30),
    attributes,
)


@given(rule_sets(), jobs)
def test_the_same_rules_say_the_same_again(by: RuleSet, of: Case) -> None:
    """Nothing but rules and case decides; a set that was written and read again decides alike."""
    again = load_rules(by.to_json())
    assert not isinstance(again, UnreadableRules)
    assert again == by
    assert apply(by, of, PLACE) == apply(again, of, PLACE)


@given(rule_sets(), st.integers(1, 30), st.integers(0, 30), attributes)
def test_converted_figures_are_those_of_the_converted_job(
    by: RuleSet, pages: int, colour: int, before: JobAttributes
) -> None:
    """Against counting the document anew; the conversions are all that changed."""
    result = apply(by, case(pages, colour, attributes=before), PLACE)
    if isinstance(result, Stopped):
        return
    after = result.case.attributes
    assert on_paper(pages, colour, after) == result.case.figures
    said = {each.attribute.replace("-", "_"): each.value for each in result.conversions}
    changed = {name: str(value) for name, value in after if value != getattr(before, name)}
    assert changed == said


@given(rule_sets(), jobs)
def test_conversions_are_idempotent(by: RuleSet, of: Case) -> None:
    """The job as converted, decided again where it went, is not converted any further."""
    unconditional = rules(*(r.model_copy(update={"when": type(r.when)()}) for r in by.rules))
    result = apply(unconditional, of, PLACE)
    if isinstance(result, Stopped):
        return
    again = apply(unconditional, result.case, PLACE)
    assert isinstance(again, Ruled)
    assert again.conversions == ()
    assert again.case.figures == result.case.figures


@given(rule_sets(), jobs)
def test_every_line_names_its_rule(by: RuleSet, of: Case) -> None:
    """Whatever rules did can be traced to one of them, and each attribute is converted once."""
    result = apply(by, of, PLACE)
    assert {each.rule for each in result.lines} <= {each.name for each in by.rules}
    if isinstance(result, Ruled):
        assert result.case.printer in PRINTERS
        assert len(result.conversions) == len({each.attribute for each in result.conversions})
