"""Rules: cards in their order, each one sentence; a draft is ordered and tried before it counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.acts import rules as acts
from central.rights import Right
from central.store import jobs
from central.store import rules as store
from central.store.ledger import Refused
from central.web.pages import rule_forms, rule_words
from central.web.pages.job_words import person_of
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice
from config.policy.rules import RuleSet
from config.policy.rules_text import read_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from starlette.responses import Response

    from central.acts.rules import Version
    from central.rehearsal import Difference
    from central.store.books import Transaction
    from central.web.pages.visit import Visit
    from config.policy.rules import Rule

#: Sets of rules that the history shows; the audit has all.
_VERSIONS: Final = 20
#: Jobs that a draft is tried on.
_JOBS: Final = 200
#: A draft is at most so long, percent signs and all.
_DRAFT: Final = 60_000
_BODY: Final = 250_000
_ENTERED: Final = mark("Version %(n)s of the rules is in force at every site that is linked.")
_SERVICES: Final = {"": mark("any"), "print": mark("prints"), "copy": mark("copies")}
_SAME: Final = mark("These rules are in force already.")
_CHANGED: Final = mark("Somebody else has changed the rules meanwhile: look at theirs first.")
_NO_DRAFT: Final = mark("These are no rules that can be read; nothing was changed.")
_UNREADABLE: Final = mark("These rules cannot be read by this version of the program.")


@dataclass(frozen=True, slots=True)
class Card:
    """A rule."""

    name: str
    enabled: bool
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A set of rules there was, with what it changed."""

    version: int
    at: datetime
    who: str
    note: str
    changed: tuple[tuple[str, str, str], ...]
    """Name, sentence before, sentence after; empty: there was or is none."""
    reordered: bool


@dataclass(frozen=True, slots=True)
class RulesPage:
    """The rules in force."""

    cards: tuple[Card, ...]
    version: int
    """0: there are none."""
    unreadable: bool
    history: tuple[Step, ...]
    may_change: bool


@dataclass(frozen=True, slots=True)
class DraftPage:
    """Rules being changed."""

    draft: str
    base: int
    cards: tuple[Card, ...]
    note: str
    faults: tuple[tuple[bool, str], ...]
    """It refuses, or only warns; and what."""
    tried: bool
    seen: str
    differences: tuple[Difference, ...]
    jobs: int
    """Past ones that it was tried on."""
    typed: Mapping[str, str]
    """Of the form for one more rule."""
    actions: tuple[Choice, ...]
    services: tuple[Choice, ...]


def _card(visit: Visit, rule: Rule) -> Card:
    return Card(rule.name, rule.enabled, rule_words.sentence(visit, rule))


def _step(visit: Visit, version: Version) -> Step:
    kept = version.kept

    def said(rule: Rule | None) -> str:
        if rule is None:
            return ""
        text = rule_words.sentence(visit, rule)
        return text if rule.enabled else f"{text} ({visit.say(_OFF)})"

    return Step(
        kept.version,
        visit.local(kept.at),
        person_of(kept.author),
        kept.note,
        tuple((each.name, said(each.before), said(each.after)) for each in version.changed),
        version.reordered,
    )


_OFF: Final = mark("switched off")


async def show(visit: Visit) -> Response:
    """Show the rules in force, and how they became so."""
    rules, history = await visit.read(lambda tx: (store.in_force(tx), acts.history(tx)))
    known = rules if isinstance(rules, RuleSet) else None
    page = RulesPage(
        tuple(_card(visit, each) for each in known.rules) if known else (),
        known.version if known else 0,
        rules is not None and known is None,
        tuple(_step(visit, each) for each in reversed(history[-_VERSIONS:])),
        visit.may(Right.CHANGE_RULES),
    )
    return visit.page("rules.html", page)


# ── a draft ─────────────────────────────────────────────────────────────────────────────────


async def change(visit: Visit) -> Response:
    """Show the rules in force as a draft."""
    rules, base = await visit.read(lambda tx: (store.in_force(tx), store.next_version(tx)))
    if rules is not None and not isinstance(rules, RuleSet):
        return visit.go("/rules", visit.told("trouble", _UNREADABLE))
    return visit.page("rules-change.html", _draft(visit, rules or RuleSet(), base))


def _draft(
    visit: Visit,
    rules: RuleSet,
    base: int,
    *,
    faults: Sequence[tuple[bool, str]] = (),
    tried: tuple[list[Difference], int] | None = None,
    typed: Mapping[str, str] | None = None,
) -> DraftPage:
    given = typed or dict.fromkeys(rule_forms.FIELDS, "")
    return DraftPage(
        rules.to_json(),
        base,
        tuple(_card(visit, each) for each in rules.rules),
        visit.form.text("note", 200),
        tuple(faults),
        tried is not None,
        _mark_of(rules) if tried is not None else "",
        tuple(tried[0]) if tried is not None else (),
        tried[1] if tried is not None else 0,
        given,
        tuple(
            Choice(key, visit.say(word), chosen=key == given["action"])
            for key, word in rule_forms.ACTIONS.items()
        ),
        tuple(
            Choice(key, visit.say(word), chosen=key == given["service"])
            for key, word in _SERVICES.items()
        ),
    )


def _mark_of(rules: RuleSet) -> str:
    """Return a name of what was tried, so that nothing else is put in force."""
    text = rules.model_copy(update={"version": 1}).to_json()
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def moved(rules: Sequence[Rule], do: str) -> tuple[Rule, ...]:
    """Return rules after one act on a draft: `up-2`, `down-0`, `switch-1`, `remove-1`.

    What names no rule of these, or leads beyond an end, changes nothing.
    """
    verb, _, place = do.partition("-")
    found = list(rules)
    if not (place.isascii() and place.isdigit() and len(place) < 4 and int(place) < len(found)):  # noqa: PLR2004  digits
        return tuple(found)
    n = int(place)
    if verb == "up" and n > 0:
        found[n - 1], found[n] = found[n], found[n - 1]
    elif verb == "down" and n < len(found) - 1:
        found[n], found[n + 1] = found[n + 1], found[n]
    elif verb == "switch":
        found[n] = found[n].model_copy(update={"enabled": not found[n].enabled})
    elif verb == "remove":
        del found[n]
    return tuple(found)


async def edit(visit: Visit) -> Response:
    """Order a draft, switch its rules on and off, try it, and put it in force once it was tried."""
    do, base = visit.form.text("do", 20), visit.form.text("base", 20)
    newest = await visit.read(store.next_version)
    draft = read_rules(visit.form.text("draft", _DRAFT), "json", version=newest)
    if not isinstance(draft, RuleSet):
        # nobody's page sent this: what is in force stands, and no empty draft comes of it
        raise HTTPException(422, _NO_DRAFT)
    if base != str(newest):
        page = _draft(visit, draft, newest, faults=[(True, visit.say(_CHANGED))])
        return visit.page("rules-change.html", page, status=422)
    if do == "add":
        return _added(visit, draft, newest)
    if do not in {"try", "enter"}:
        after = draft.model_copy(update={"rules": moved(draft.rules, do)})
        return visit.page("rules-change.html", _draft(visit, after, newest))
    return await _tried(visit, draft, newest, enter=do == "enter")


def _added(visit: Visit, draft: RuleSet, newest: int) -> Response:
    """Show a draft with the form's rule at its end, or what is wrong with that one."""
    typed = {each: visit.form.text(f"new-{each}", 200) for each in rule_forms.FIELDS}
    after = rule_forms.added(draft, typed)
    if isinstance(after, RuleSet):
        return visit.page("rules-change.html", _draft(visit, after, newest))
    faults = [(True, str(each)) for each in after]
    page = _draft(visit, draft, newest, faults=faults, typed=typed)
    return visit.page("rules-change.html", page, status=422)


async def _tried(visit: Visit, draft: RuleSet, newest: int, *, enter: bool) -> Response:
    """Try a draft on past jobs; put it in force where exactly this one was tried before."""
    checked = await visit.read(lambda tx: acts.read(tx, draft.to_json(), "json"))
    faults = [(each.refuses, str(each)) for each in checked.faults]
    if checked.rules is None:
        page = _draft(visit, draft, newest, faults=faults)
        return visit.page("rules-change.html", page, status=422)
    rules = checked.rules
    if not enter or visit.form.text("seen", 40) != _mark_of(rules):

        def look(tx: Transaction) -> tuple[list[Difference], int]:
            return acts.try_past(tx, rules, _JOBS), len(jobs.newest(tx, _JOBS))

        tried = await visit.read(look)
        page = _draft(visit, rules, newest, faults=faults, tried=tried)
        return visit.page("rules-change.html", page)
    why = visit.form.text("note", 200)
    done = await visit.write(lambda tx: acts.put_in_force(tx, visit.by, rules, why=why))
    if isinstance(done, Refused):
        page = _draft(visit, rules, newest, faults=[(True, visit.say(_CHANGED))])
        return visit.page("rules-change.html", page, status=422)
    if not done.new:
        return visit.go("/rules", visit.told("unknown", _SAME))
    return visit.go("/rules", visit.told("good", _ENTERED, n=done.rules.version))


PAGES: Final = (
    Page("/rules", show, Right.SEE_RULES, nav=Nav(mark("Rules"), "rules", 80)),
    Page("/rules/~change", change, Right.CHANGE_RULES),
    Page("/rules/~change", edit, Right.CHANGE_RULES, methods=("POST",), body_most=_BODY),
)
