"""Accounts in words: what kind one is, how it stands, what it has and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.web.pages.sentences import mark
from central.web.pages.views import Chip, Choice
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.schedules import Plan
    from central.store.schedules import Schedule
    from central.web.pages.ledgers import Names
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

KINDS: Final = {
    "user": mark("of one person"),
    "grant": mark("granted to a person"),
    "quota": mark("pages of a person"),
    "department": mark("a department"),
    "project": mark("a project"),
    "shared": mark("shared"),
}
STATES: Final[Mapping[str, tuple[Tone, str]]] = {
    "open": ("good", mark("in use")),
    "frozen": ("waiting", mark("frozen")),
    "closed": ("unknown", mark("closed")),
    "merged": ("unknown", mark("merged")),
}
COUNTS: Final = {
    "impressions": mark("all pages"),
    "color": mark("colour pages"),
    "monochrome": mark("black pages"),
}
_EVERY: Final = {
    "daily": mark("every day"),
    "weekly": mark("every week"),
    "monthly": mark("every month"),
    "term": mark("on %(num)s days of the term"),
}


def kind_of(visit: Visit, key: str) -> str:
    """Return what kind of account it is."""
    kind = key.partition(":")[0]
    return visit.say(KINDS[kind]) if kind in KINDS else kind


def kind_choices(visit: Visit) -> tuple[Choice, ...]:
    """Return the kinds to choose from."""
    return tuple(Choice(kind, visit.say(word)) for kind, word in KINDS.items())


def state_choices(visit: Visit) -> tuple[Choice, ...]:
    """Return the states to choose from."""
    return tuple(Choice(state, visit.say(word)) for state, (_, word) in STATES.items())


def state_chip(visit: Visit, state: str) -> Chip:
    """Return an account's state in a word."""
    tone, word = STATES[state]
    return Chip(tone, visit.say(word))


def where(visit: Visit, names: Names, places: Mapping[str, int], unit: Unit) -> str:
    """Say where an account's money sits: `€1.00 at the centre, €3.20 at North`."""
    said = []
    for place, micros in sorted(places.items()):
        if not micros:
            continue
        amount = visit.words.money(Money(micros, unit))
        if place:
            site = names.place(place)
            said.append(visit.say(mark("%(sum)s at %(site)s"), sum=amount, site=site))
        else:
            said.append(visit.say(mark("%(sum)s at the centre"), sum=amount))
    return ", ".join(said)


def plan_of(visit: Visit, plan: Plan) -> str:
    """Say when a periodic grant is made."""
    if plan.every == "term":
        return visit.say(_EVERY["term"], num=visit.words.number(len(plan.days)))
    return visit.say(_EVERY[plan.every]) if plan.every in _EVERY else plan.every


def grant_of(visit: Visit, each: Schedule) -> str:
    """Say what a periodic grant gives."""
    amount = visit.words.money(Money(each.allowance.micros, each.allowance.unit))
    said = (
        visit.say(mark("sets it to %(sum)s"), sum=amount)
        if each.allowance.mode == "set"
        else visit.say(mark("adds %(sum)s"), sum=amount)
    )
    if each.allowance.cap is not None:
        most = visit.words.money(Money(each.allowance.cap, each.allowance.unit))
        said += f", {visit.say(mark('up to %(sum)s'), sum=most)}"
    return said
