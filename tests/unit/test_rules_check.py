"""Rules checked on entry: unknown names, rules that can never be, rules that lead in a circle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from config.policy.rules_check import Known, KnownPrinter, check
from tests.unit.policy_cases import rule, rules

if TYPE_CHECKING:
    from config.policy.rules import Rule

KNOWN = Known(
    printers={
        "a": KnownPrinter("north", ("small",)),
        "b": KnownPrinter("north", ("copier", "big")),
        "c": KnownPrinter("north", ("copier",)),
        "far": KnownPrinter("south", ("small",)),
    },
    groups={"Staff", "students"},
    accounts={"department:physics"},
    users={"ana"},
    queues={"pull"},
    currencies={"EUR"},
)
MONO = {"monochrome": True}


def to(**where: str) -> dict[str, Any]:
    """Make the action of redirecting."""
    return {"redirect": where}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (rule("x", MONO, groups=["staff"], not_groups=["Students"], users=["Ana"]), []),
        (rule("x", {"charge": "department:physics"}, queues=["pull"], tags=["copier"]), []),
        (rule("x", MONO, balance={"unit": "page", "below": 5}), []),
        (
            rule("x", MONO, groups=["guests"]),
            ["when.groups names 'guests', which is no group here"],
        ),
        (rule("x", MONO, not_groups=["guests"]), ["when.not_groups names 'guests'"]),
        (rule("x", MONO, queues=["q"]), ["when.queues names 'q', which is no queue here"]),
        (rule("x", MONO, printers=["z"]), ["when.printers names 'z', which is no printer here"]),
        (rule("x", MONO, tags=["y"]), ["when.tags names 'y', which is no tag of a printer here"]),
        (rule("x", to(printer="z")), ["then.redirect.printer names 'z'"]),
        (rule("x", to(tag="z")), ["then.redirect.tag names 'z'"]),
        (rule("x", {"charge": "project:z"}), ["then.charge names 'project:z'"]),
        (
            rule("x", {"surcharge": {"unit": "USD", "per_job": 1}}),
            ["then.surcharge.unit names 'USD', which is no currency of a tariff here"],
        ),
        (rule("x", MONO, balance={"unit": "USD", "below": 5}), ["when.balance.unit names 'USD'"]),
        # met at no printer at all
        (rule("x", MONO, printers=["a"], tags=["copier"]), ["when can never be"]),
        # from a to a, and to another site
        (rule("x", to(printer="a"), printers=["a"]), ["then.redirect can never be"]),
        (rule("x", to(printer="far"), printers=["a"]), ["then.redirect can never be"]),
        (rule("x", to(tag="big"), tags=["big"]), ["then.redirect can never be"]),
    ],
)
def test_names_and_places(made: Rule, expected: list[str]) -> None:
    """A table of rules and what is wrong with each."""
    found = check(rules(made), KNOWN)
    assert len(expected) == len(found)
    for fault, words in zip(found, expected, strict=True):
        assert str(fault).startswith(f'rule 1 "x": {words}')
        assert fault.refuses


def test_an_unknown_person_is_only_a_warning() -> None:
    """People may come later, and a rule for them may be there before."""
    (found,) = check(rules(rule("x", MONO, users=["bob"])), KNOWN)
    assert not found.refuses
    assert "'bob', which is no user here" in str(found)


def test_what_nobody_can_tell_is_not_checked() -> None:
    """A centre that does not know the queues of its sites refuses none."""
    unknown = replace(KNOWN, queues=None, groups=None, users=None, accounts=None, currencies=None)
    made = rule("x", {"charge": "a:b"}, queues=["q"], groups=["g"], users=["u"])
    assert check(rules(made), unknown) == ()


def test_two_rules_with_one_name_are_refused() -> None:
    """A decision that names a rule has to mean one."""
    (found,) = check(rules(rule("Big", MONO), rule("big", MONO)), KNOWN)
    assert str(found) == 'rule 2 "big": name is the name of rule 1 as well'


def test_what_is_never_reached_is_refused() -> None:
    """Behind a rule that denies everything there is nothing; before it there is."""
    wall = rule("wall", {"deny": "closed"})
    assert check(rules(rule("before", MONO), wall), KNOWN) == ()
    (found,) = check(rules(wall, rule("behind", MONO)), KNOWN)
    assert str(found) == "rule 2 \"behind\": is never reached: 'wall' denies everything"
    off = wall.model_copy(update={"enabled": False})
    assert check(rules(off, rule("behind", MONO)), KNOWN) == ()
    sometimes = rule("some", {"deny": "x"}, color=True)
    assert check(rules(sometimes, rule("behind", MONO, color=True)), KNOWN) == ()


BIG, SMALL = {"pages": {"min": 50}}, {"pages": {"max": 49}}


@pytest.mark.parametrize(
    ("made", "circle"),
    [
        # a to b, and back
        (
            (
                rule("1", to(printer="b"), printers=["a"]),
                rule("2", to(printer="a"), printers=["b"]),
            ),
            1,
        ),
        # everything to b, and what is at b to a
        ((rule("1", to(printer="b")), rule("2", to(printer="a"), printers=["b"])), 1),
        # by tag and back by printer
        ((rule("1", to(tag="copier")), rule("2", to(printer="a"), tags=["copier"])), 1),
        # three in a ring
        (
            (
                rule("1", to(printer="b"), printers=["a"]),
                rule("2", to(printer="c"), printers=["b"]),
                rule("3", to(printer="a"), printers=["c"]),
            ),
            1,
        ),
        # a chain is no ring
        (
            (
                rule("1", to(printer="b"), printers=["a"]),
                rule("2", to(printer="c"), printers=["b"]),
            ),
            0,
        ),
        # big ones there, small ones back: no job is both
        ((rule("1", to(tag="copier"), **BIG), rule("2", to(printer="a"), **SMALL)), 0),
        (
            (
                rule("1", to(printer="b"), color=True),
                rule("2", to(printer="a"), color=False),
            ),
            0,
        ),
        (
            (
                rule("1", to(printer="b"), groups=["staff"]),
                rule("2", to(printer="a"), not_groups=["Staff"]),
            ),
            0,
        ),
        # people in two groups meet both
        (
            (
                rule("1", to(printer="b"), groups=["staff"]),
                rule("2", to(printer="a"), groups=["students"]),
            ),
            1,
        ),
        # two rules to one place are no ring
        ((rule("1", to(tag="copier")), rule("2", to(printer="b"), **BIG)), 0),
    ],
)
def test_redirections_in_a_circle_are_refused(made: tuple[Rule, ...], circle: int) -> None:
    """Whether one job could be sent round and round, whichever rule comes first."""
    for order in (made, tuple(reversed(made))):
        found = check(rules(*order), KNOWN)
        assert circle == len(found)
        assert all("leads in a circle" in str(each) for each in found)


def test_a_circle_names_its_rules() -> None:
    """The way round is told, so that one of them can be changed; a rule that is off breaks it."""
    there, back = rule("there", to(printer="b")), rule("back", to(printer="a"), printers=["b"])
    (found,) = check(rules(there, back), KNOWN)
    assert found.text == "leads in a circle: 'there' → 'back' → 'there'"
    assert check(rules(there, back.model_copy(update={"enabled": False})), KNOWN) == ()
