"""Reads rules from TOML or JSON, and says in words what is wrong with them, and in which line."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, ValidationError

from config.policy.rules import RULES_BYTES, RuleSet, UnreadableRules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: One of pydantic's errors: a dictionary with `type`, `loc`, `msg`, `input` and perhaps `ctx`.
_Detail: TypeAlias = Any

_SHOWN = 60
_HEADER = re.compile(r"\s*\[\[\s*rules\s*\]\]")
#: pydantic's name of an error → what has to be; the rest of its words come from its context
_WORDS: Mapping[str, str] = {
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a table",
    "finite_number": "must be a whole number",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_attributes_type": "must be a table",
    "model_type": "must be a table",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "too_long": "must have at most {max_length} entries, not {actual_length}",
    "too_short": "must have at least {min_length} entry, or be left out",
    "tuple_type": "must be a list",
}
#: a pattern means nothing to people: field → what it stands for
_PATTERNS: Mapping[str, str] = {
    "charge": "must be an account such as department:physics",
    "end": "must be a time such as 18:00",
    "name": "must be one line that neither starts nor ends with a blank",
    "printer": "must be a printer's id of a-z, 0-9 and -",
    "printers": "must be printers' ids of a-z, 0-9 and -",
    "start": "must be a time such as 08:00",
    "unit": "must be a currency such as EUR (or page, in a balance)",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with one rule, or with all of them."""

    text: str
    """What, in words; begins with a verb when a field is named."""
    number: int | None = None
    """The rule's place, from 1; None: the set as a whole."""
    name: str | None = None
    """The rule's name, if it has one."""
    field: str | None = None
    """Dotted, such as `when.pages.min`."""
    line: int | None = None
    """Of the file, from 1."""
    refuses: bool = True
    """False: only a warning."""

    def __str__(self) -> str:
        """Write `line 7: rule 3 "big jobs": when.pages.min must be at least 0, not -1`."""
        line = f"line {self.line}: " if self.line else ""
        name = f' "{self.name}"' if self.name else ""
        rule = f"rule {self.number}{name}: " if self.number else ""
        return f"{line}{rule}{self.field + ' ' if self.field else ''}{self.text}"


def read_rules(
    text: str, form: Literal["toml", "json"] = "toml", *, version: int = 1
) -> RuleSet | tuple[Fault, ...]:
    """Read a file of rules; what is wrong comes back all at once.

    Args:
        text: `[[rules]]` tables in TOML, or an object with a list `rules` in JSON.
        form: of the text.
        version: of the set; a version in the file does not count.
    """
    try:
        raw = tomllib.loads(text) if form == "toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        return (Fault(f"this is not {form.upper()}: {error}"),)
    if isinstance(raw, list):
        raw = {"rules": raw}
    if not isinstance(raw, dict):
        return (Fault(f"must be a table with rules, not {_shown(raw)}"),)
    rules = _validated({**raw, "version": version})
    if isinstance(rules, RuleSet):
        size = len(rules.to_json().encode())
        if size <= RULES_BYTES:
            return rules
        rules = (Fault(f"the rules have {size} bytes as JSON, {RULES_BYTES} fit"),)
    return with_lines(rules, text) if form == "toml" else rules


def load_rules(text: str) -> RuleSet | UnreadableRules:
    """Read what `RuleSet.to_json` wrote, maybe by another version of the program.

    Unlike a message's, an unknown field is an error: it could be the one that restricts a rule.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return UnreadableRules("they are not JSON")
    rules = _validated(raw)
    return rules if isinstance(rules, RuleSet) else UnreadableRules(str(rules[0]))


def with_lines(faults: Iterable[Fault], text: str) -> tuple[Fault, ...]:
    """Add the lines of a TOML file: where the field stands, or else where the rule begins."""
    lines = text.splitlines()
    begins = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    return tuple(
        replace(each, line=_line(each, lines, begins))
        if each.number and each.number <= len(begins)
        else each
        for each in faults
    )


def _line(fault: Fault, lines: Sequence[str], begins: Sequence[int]) -> int:
    number = fault.number or 1
    first = begins[number - 1]
    end = begins[number] if number < len(begins) else len(lines)
    block = range(first, end)
    quoted = re.findall(r"'([^']*)'", fault.text)
    keys = [key for key in (fault.field or "").split(".") if key and not key.isdigit()]
    wanted = [rf"['\"]{re.escape(quoted[0])}['\"]"] if quoted else []
    wanted += [rf"(?:^|[\s.{{,\[]){re.escape(key)}\s*(?:=|\]|\.)" for key in reversed(keys)]
    for pattern in wanted:
        for place in block:
            if re.search(pattern, lines[place]):
                return place + 1
    return first + 1


def _validated(raw: object) -> RuleSet | tuple[Fault, ...]:
    try:
        return RuleSet.model_validate(raw)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # a list whose entries are wrong is called too short as well: said once is enough
        inner = {each["loc"][:-1] for each in errors} | {each["loc"][:-2] for each in errors}
        told = [e for e in errors if e["type"] != "too_short" or e["loc"] not in inner]
        return tuple(_fault(raw, each) for each in told)


def _fault(raw: object, detail: _Detail) -> Fault:
    number: int | None = None
    name: str | None = None
    rest: Sequence[int | str] = detail["loc"]
    match rest:
        case ("rules", int(place), *after) if isinstance(raw, dict):
            number, rest = place + 1, after
            rule = raw["rules"][place]
            said = rule.get("name") if isinstance(rule, dict) else None
            name = said if isinstance(said, str) else None
    field = ".".join(str(each + 1) if isinstance(each, int) else each for each in rest)
    return Fault(_words(detail), number, name, field or None)


def _words(detail: _Detail) -> str:
    """Put one of pydantic's errors in our words."""
    kind, context = detail["type"], detail.get("ctx", {})
    names = [each for each in detail["loc"] if isinstance(each, str)]
    if kind == "extra_forbidden":
        known = _fields(RuleSet, names[:-1])
        near = get_close_matches(names[-1], known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        return f"is not known here; {hint}"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    if kind == "string_pattern_mismatch":
        words = _PATTERNS.get(names[-1] if names else "", f"must fit {context.get('pattern')}")
    else:
        words = _WORDS.get(kind, "is not right: {msg}").format(msg=detail["msg"], **context)
    given = detail["input"]
    plain = isinstance(given, str | int | float | bool) and kind != "missing"
    return f"{words}, not {_shown(given)}" if plain else words


def _fields(model: type[BaseModel], names: Iterable[str]) -> list[str]:
    """Return the fields of the table that a dotted name leads to."""
    for name in names:
        model = next(iter(_inside(model.model_fields[name].annotation)), model)
    return sorted(model.model_fields)


def _inside(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401  a type is anything
    """Return the models within a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    parts = getattr(annotation, "__args__", ())
    return [model for part in parts for model in _inside(part)]


def _shown(given: object) -> str:
    text = json.dumps(given, default=str, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
