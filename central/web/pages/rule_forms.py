"""A new rule from a form: who and what it means, one thing that it does; pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from central.web.pages.sentences import mark
from config.policy.rules_text import Fault, read_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.policy.rules import RuleSet

#: What a rule of the form does.
ACTIONS: Final[Mapping[str, str]] = {
    "deny": mark("refuse, and say why"),
    "monochrome": mark("print in black"),
    "two_sided": mark("print on both sides"),
    "confirm": mark("ask first"),
}
#: Fields of the form.
FIELDS: Final = ("name", "group", "printer", "service", "least", "colour", "action", "words")


def added(draft: RuleSet, typed: Mapping[str, str]) -> RuleSet | tuple[Fault, ...]:
    """Return a draft with one more rule at its end, or what is wrong with that one.

    Args:
        draft: as it is.
        typed: by FIELDS; what is empty is no condition.
    """
    when: dict[str, Any] = {}
    if typed["group"]:
        when["groups"] = [typed["group"]]
    if typed["printer"]:
        when["printers"] = [typed["printer"]]
    if typed["service"]:
        when["services"] = [typed["service"]]
    if typed["least"]:
        when["pages"] = {"min": _number(typed["least"])}
    if typed["colour"]:
        when["color"] = True
    action = typed["action"] if typed["action"] in ACTIONS else "deny"
    says = action in {"deny", "confirm"}
    rule = {"name": typed["name"], "when": when, "then": {action: typed["words"] if says else True}}
    raw = json.loads(draft.to_json())
    raw["rules"] = [*raw.get("rules", ()), rule]
    return read_rules(json.dumps(raw), "json", version=draft.version)


def _number(text: str) -> int | str:
    """Return a whole number; what is none stays as it is, and is refused in words."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text  # noqa: PLR2004  digits
