"""Rules read from files: what is wrong is said in words, with rule, field and line."""

from __future__ import annotations

import json

import pytest

from config.policy.rules import RULES_BYTES, RULES_MAX, RuleSet, UnreadableRules
from config.policy.rules_text import Fault, load_rules, read_rules, with_lines
from tests.unit.policy_cases import rule, rules


def faults(text: str) -> list[str]:
    """Read what is wrong with a file."""
    found = read_rules(text)
    assert not isinstance(found, RuleSet)
    return [str(each) for each in found]


def one(when: str = "", then: str = "monochrome = true", name: str = "big jobs") -> str:
    """Write a file whose third rule is this one, on lines 7 to 10."""
    fine = '[[rules]]\nname = "{}"\nthen = {{ two_sided = true }}\n'
    return (
        fine.format("a")
        + fine.format("b")
        + f"[[rules]]\nname = {json.dumps(name)}\nwhen = {{ {when} }}\nthen = {{ {then} }}\n"
    )


def test_a_file_is_read_in_its_order_under_the_version_given() -> None:
    """TOML and JSON say the same; the centre numbers the version, not the file."""
    found = read_rules("version = 3\n" + one("pages = { min = 5 }"), version=9)
    assert isinstance(found, RuleSet)
    assert [each.name for each in found.rules] == ["a", "b", "big jobs"]
    assert found.version == 9
    assert found == read_rules(found.to_json(), "json", version=9)
    plain = json.loads(found.to_json())["rules"]
    assert found == read_rules(json.dumps(plain), "json", version=9)


@pytest.mark.parametrize(
    ("when", "then", "expected"),
    [
        # line 9 holds the conditions, line 10 the actions
        ("pages = { min = -1 }", "", "when.pages.min must be at least 0, not -1"),
        ("pages = { min = 1.5 }", "", "when.pages.min must be a whole number, not 1.5"),
        ('pages = { min = "many" }', "", 'when.pages.min must be a whole number, not "many"'),
        ("pages = 5", "", "when.pages must be a table, not 5"),
        ("pages = { min = 5, max = 2 }", "", "when.pages can never be: min 5 is above max 2"),
        ("groups = []", "", "when.groups must have at least 1 entry, or be left out"),
        ('groups = "staff"', "", 'when.groups must be a list, not "staff"'),
        ("groups = [3]", "", "when.groups.1 must be text, not 3"),
        ("colour = true", "", "when.colour is not known here; did you mean color?"),
        ('sides = "both"', "", "when.sides must be 'one-sided' or 'two-sided', not \"both\""),
        (
            'time = [{ start = "8" }]',
            "",
            'when.time.1.start must be a time such as 08:00, not "8"',
        ),
        (
            'time = [{ zone = "Mars/X" }]',
            "",
            "when.time.1.zone 'Mars/X' is no time zone such as Europe/Madrid",
        ),
        ("", "copies_max = 0", "then.copies_max must be at least 1, not 0"),
        ("", "factor = 1000001", "then.factor must be at most 100000, not 1000001"),
        ("", "factor = -5", "then.factor must be at least 0, not -5"),
        (
            "",
            'monochrome = "yes please"',
            'then.monochrome must be true or false, not "yes please"',
        ),
        (
            "",
            'charge = "ana"',
            'then.charge must be an account such as department:physics, not "ana"',
        ),
        ("", "redirect = {}", "then.redirect must name either a printer or a tag"),
        (
            "",
            'surcharge = { unit = "page", per_job = 1 }',
            "then.surcharge.unit must be a currency such as EUR (or page, in a balance)",
        ),
        ("", 'surcharge = { unit = "EUR" }', "then.surcharge must have per_job, per_impression"),
        ("", 'deny = ""', 'then.deny must not be empty, not ""'),
        ("", 'deny = "x", two_sided = true', "then denies, so no other action can follow"),
        ("", "monochrome = false", "then must have at least one action"),
    ],
)
def test_each_mistake_is_named_with_rule_field_and_line(
    when: str, then: str, expected: str
) -> None:
    """A table of what people write and what they are told."""
    told = faults(one(when, then or "monochrome = true"))
    assert len(told) == 1
    assert told[0].startswith(f'line {10 if then else 9}: rule 3 "big jobs": {expected}')


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody has to enter a file five times to learn of five mistakes."""
    told = faults(one('pages = { min = -1 }, media = ["a9"]', "copies_max = 0"))
    assert len(told) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[rules]\n", "this is not TOML: "),
        ("rules = 3", "rules must be a list, not 3"),
        ("rules = [3]", "rule 1: must be a table, not 3"),
        ("[[rules]]\n", "line 1: rule 1: name is missing"),
        ("rule = []", "rule is not known here; did you mean rules?"),
    ],
)
def test_what_is_no_list_of_rules_is_told(text: str, words: str) -> None:
    """Files that are not even rules."""
    assert faults(text)[0].startswith(words)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "3", '"x"', "null"])
def test_json_that_is_no_rules_is_told(text: str) -> None:
    """Whatever is given, the answer is a fault and no exception."""
    found = read_rules(text, "json")
    assert not isinstance(found, RuleSet)
    assert found


def test_too_many_or_too_long_rules_are_refused() -> None:
    """They have to fit a message to every site."""
    fine = [{"name": f"r{each}", "then": {"monochrome": True}} for each in range(RULES_MAX + 1)]
    assert isinstance(read_rules(json.dumps(fine[:-1]), "json"), RuleSet)
    found = read_rules(json.dumps(fine), "json")
    assert [str(each) for each in found] == ["rules must have at most 200 entries, not 201"]
    long = [{**each, "then": {"deny": f"{number:0199}"}} for number, each in enumerate(fine[:-1])]
    long = [{**each, "when": {"names": ["x" * 119]}} for each in long]
    found = read_rules(json.dumps(long), "json")
    assert isinstance(found, tuple)
    assert f"{RULES_BYTES} fit" in str(found[0])


def test_a_later_versions_rules_are_not_half_read() -> None:
    """A field this program does not know could be the one that restricts: silence denies."""
    mine = rules(rule("x", {"monochrome": True}, pages={"min": 3}))
    assert mine == load_rules(mine.to_json())
    later = json.loads(mine.to_json())
    later["rules"][0]["when"]["moon"] = "full"
    found = load_rules(json.dumps(later))
    assert isinstance(found, UnreadableRules)
    assert 'rule 1 "x": when.moon is not known here' in found.detail
    assert isinstance(load_rules("not json"), UnreadableRules)


def test_a_name_that_is_faulted_is_found_in_its_rule() -> None:
    """The line is that of the name within the rule's own block, else that of the rule."""
    text = '[[rules]]\nname = "a"\n[rules.when]\ngroups = [\n  "staff",\n  "guests",\n]\n'
    found = with_lines(
        (
            Fault("names 'guests', which is no group here", 1, "a", "when.groups"),
            Fault("leads in a circle", 1, "a", "then.redirect"),
            Fault("too many"),
        ),
        text,
    )
    assert [each.line for each in found] == [6, 1, None]
