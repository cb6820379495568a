"""Rules as people read them: one sentence each, conditions first, then what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.web.pages.sentences import mark
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from central.web.pages.visit import Visit
    from config.policy.actions import Then
    from config.policy.conditions import Balance, Range, When
    from config.policy.rules import Rule

#: Conditions that list names, each with what is said of them.
_LISTS: Final[Mapping[str, str]] = {
    "users": mark("of %(names)s"),
    "groups": mark("of the group %(names)s"),
    "not_groups": mark("not of the group %(names)s"),
    "queues": mark("sent to %(names)s"),
    "printers": mark("at %(names)s"),
    "tags": mark("at a printer tagged %(names)s"),
    "media": mark("on %(names)s"),
    "formats": mark("of the format %(names)s"),
    "names": mark("called %(names)s"),
}
_RANGES: Final[Mapping[str, str]] = {
    "pages": mark("pages"),
    "impressions": mark("printed sides"),
    "sheets": mark("sheets"),
    "copies": mark("copies"),
}
_SERVICES: Final = {"print": mark("prints"), "copy": mark("copies")}
_PERMILLE: Final = 1000


def sentence(visit: Visit, rule: Rule) -> str:
    """Return a rule in one sentence."""
    found = list(conditions(visit, rule.when))
    met = ", ".join(found) if found else visit.say(mark("Every job"))
    done = ", ".join(actions(visit, rule))
    return f"{met[:1].upper()}{met[1:]} \N{RIGHTWARDS ARROW} {done}"


def conditions(visit: Visit, when: When) -> Iterator[str]:
    """Yield each condition."""
    either = visit.say(mark("or"))
    if when.services:
        yield f" {either} ".join(visit.say(_SERVICES[each]) for each in when.services)
    for name, said in _LISTS.items():
        if names := getattr(when, name):
            yield visit.say(said, names=f" {either} ".join(names))
    if when.color is not None:
        yield visit.say(mark("with colour") if when.color else mark("without colour"))
    for name, said in _RANGES.items():
        if (found := getattr(when, name)) is not None:
            yield _range(visit, found, visit.say(said))
    if when.sides is not None:
        one = when.sides == "one-sided"
        yield visit.say(mark("one-sided") if one else mark("two-sided"))
    for window in when.time:
        days = " ".join(window.days)
        hours = f"{window.start or '00:00'}\N{EN DASH}{window.end or '24:00'}"
        yield f"{days} {hours} {window.zone or ''}".strip()
    if when.balance is not None:
        yield _balance(visit, when.balance)


def _range(visit: Visit, found: Range, what: str) -> str:
    least, most, number = found.min, found.max, visit.words.number
    if least is not None and most is not None:
        filled = {"least": number(least), "most": number(most), "what": what}
        return visit.say(mark("%(least)s to %(most)s %(what)s"), **filled)
    if least is not None:
        return visit.say(mark("%(num)s %(what)s or more"), num=number(least), what=what)
    return visit.say(mark("%(num)s %(what)s at most"), num=number(most or 0), what=what)


def _balance(visit: Visit, balance: Balance) -> str:
    parts = []
    if balance.above is not None:
        sum_ = visit.words.money(Money(balance.above, balance.unit))
        parts.append(visit.say(mark("with more than %(sum)s left"), sum=sum_))
    if balance.below is not None:
        sum_ = visit.words.money(Money(balance.below, balance.unit))
        parts.append(visit.say(mark("with less than %(sum)s left"), sum=sum_))
    return ", ".join(parts)


def actions(visit: Visit, rule: Rule) -> Iterator[str]:
    """Yield what a rule does."""
    then, say = rule.then, visit.say
    if then.deny is not None:
        yield say(mark("refuse: “%(words)s”"), words=then.deny)
    yield from _on_paper(visit, then)
    yield from _paid(visit, then)
    if then.tags:
        yield say(mark("tag it %(names)s"), names=", ".join(then.tags))
    if then.confirm is not None:
        yield say(mark("ask first: “%(words)s”"), words=then.confirm)


def _on_paper(visit: Visit, then: Then) -> Iterator[str]:
    say = visit.say
    if then.redirect is not None:
        if then.redirect.printer is not None:
            yield say(mark("print at %(name)s instead"), name=then.redirect.printer)
        else:
            yield say(mark("print at the cheapest one tagged %(name)s"), name=then.redirect.tag)
    if then.monochrome:
        yield say(mark("print in black"))
    if then.two_sided:
        yield say(mark("print on both sides"))
    if then.copies_max is not None:
        yield visit.say_of("at most %(num)s copy", "at most %(num)s copies", then.copies_max)


def _paid(visit: Visit, then: Then) -> Iterator[str]:
    if then.factor is not None:
        yield _factor(visit, then.factor)
    if then.surcharge is not None:
        fee = then.surcharge
        for micros, said in (
            (fee.per_job, mark("%(sum)s more for each job")),
            (fee.per_impression, mark("%(sum)s more for each page")),
            (fee.per_sheet, mark("%(sum)s more for each sheet")),
        ):
            if micros:
                yield visit.say(said, sum=visit.words.money(Money(micros, fee.unit)))
    if then.charge is not None:
        yield visit.say(mark("%(name)s pays"), name=then.charge)


def _factor(visit: Visit, permille: int) -> str:
    if not permille:
        return visit.say(mark("free"))
    much = visit.words.percent(permille / _PERMILLE, 1)
    return visit.say(mark("at %(much)s of the price"), much=much)
