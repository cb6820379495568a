"""Checks rules before they are entered: names that nobody knows, and rules that cannot work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.policy.rules_text import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from config.ids import AccountKey, NodeId
    from config.policy.conditions import Range, When
    from config.policy.rules import Rule, RuleSet


@dataclass(frozen=True, slots=True)
class KnownPrinter:
    """A printer as the directory knows it."""

    node: NodeId
    """The edge whose site it stands at."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """The names there are; None for those that nobody can tell here, which are not checked."""

    printers: Mapping[str, KnownPrinter]
    """By device id; their tags are the tags there are."""
    groups: Collection[str] | None = None
    """Of all people."""
    accounts: Collection[AccountKey] | None = None
    users: Collection[str] | None = None
    """They may come later, so an unknown one is only a warning."""
    queues: Collection[str] | None = None
    currencies: Collection[str] | None = None
    """Of tariffs."""


def check(rules: RuleSet, known: Known) -> tuple[Fault, ...]:
    """Return everything wrong with rules, in their order; warnings do not refuse."""
    faults = [fault for number, rule in _numbered(rules) for fault in _names(number, rule, known)]
    faults += [*_twice(rules), *_unreachable(rules), *_loops(rules, known)]
    return tuple(sorted(faults, key=lambda each: each.number or 0))


def _numbered(rules: RuleSet) -> Iterator[tuple[int, Rule]]:
    return enumerate(rules.rules, 1).__iter__()


def _names(number: int, rule: Rule, known: Known) -> Iterator[Fault]:
    """Find names that nobody knows, and places where the rule can never be met."""
    when, then = rule.when, rule.then
    tags = {tag for each in known.printers.values() for tag in each.tags}
    groups, users = _folded(known.groups), _folded(known.users)
    redirect = then.redirect
    to_printer = (redirect.printer,) if redirect and redirect.printer else ()
    to_tag = (redirect.tag,) if redirect and redirect.tag else ()
    charge = (then.charge,) if then.charge else ()
    fees = (then.surcharge.unit,) if then.surcharge else ()
    purse = (when.balance.unit,) if when.balance and when.balance.unit != "page" else ()
    asked: tuple[tuple[str, str, Iterable[str], Collection[str] | None], ...] = (
        ("when.users", "user", (each.casefold() for each in when.users), users),
        ("when.groups", "group", (each.casefold() for each in when.groups), groups),
        ("when.not_groups", "group", (each.casefold() for each in when.not_groups), groups),
        ("when.queues", "queue", when.queues, known.queues),
        ("when.printers", "printer", when.printers, known.printers),
        ("when.tags", "tag of a printer", when.tags, tags),
        ("then.redirect.printer", "printer", to_printer, known.printers),
        ("then.redirect.tag", "tag of a printer", to_tag, tags),
        ("then.charge", "account", charge, known.accounts),
        ("then.surcharge.unit", "currency of a tariff", fees, known.currencies),
        ("when.balance.unit", "currency of a tariff", purse, known.currencies),
    )
    unknown = False
    for field, what, names, there in asked:
        for name in names:
            if there is not None and name not in there:
                text = f"names {name!r}, which is no {what} here"
                unknown = True
                yield Fault(text, number, rule.name, field, refuses=what != "user")
    if not unknown:
        yield from _nowhere(number, rule, known)


def _nowhere(number: int, rule: Rule, known: Known) -> Iterator[Fault]:
    """Find a rule that is met at no printer, or redirects from nowhere."""
    if not (rule.when.printers or rule.when.tags or rule.then.redirect):
        return
    places = [device for device in known.printers if _at(rule.when, device, known)]
    if not places and (rule.when.printers or rule.when.tags):
        text = "can never be: none of these printers has one of these tags"
        yield Fault(text, number, rule.name, "when")
    elif rule.then.redirect and not _sources(rule, known):
        text = "can never be: from every printer meant, it leads to another site or nowhere"
        yield Fault(text, number, rule.name, "then.redirect")


def _twice(rules: RuleSet) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for number, rule in _numbered(rules):
        before = first.setdefault(rule.name.casefold(), number)
        if before != number:
            yield Fault(f"is the name of rule {before} as well", number, rule.name, "name")


def _unreachable(rules: RuleSet) -> Iterator[Fault]:
    """Find rules behind one that denies everything."""
    wall: Rule | None = None
    for number, rule in _numbered(rules):
        if not rule.enabled:
            continue
        if wall is not None:
            yield Fault(f"is never reached: {wall.name!r} denies everything", number, rule.name)
        elif rule.then.deny is not None and rule.when.always:
            wall = rule


def _loops(rules: RuleSet, known: Known) -> Iterator[Fault]:
    """Find redirections of one job in a circle, whichever rule comes first.

    A job is redirected once only, so it would stop somewhere on the circle; nobody can have meant
    that. Rules that no one job can meet both, such as small and big ones, make no circle.
    """
    moving = [(number, rule) for number, rule in _numbered(rules) if rule.then.redirect]
    moving = [(number, rule) for number, rule in moving if rule.enabled]
    sources = {number: _sources(rule, known) for number, rule in moving}
    targets = {number: _targets(rule, known) for number, rule in moving}
    after = {
        number: [
            other
            for other, second in moving
            if other != number
            and not targets[number].isdisjoint(sources[other])
            and not _disjoint(rule.when, second.when)
        ]
        for number, rule in moving
    }
    names = {number: rule.name for number, rule in moving}
    said: set[int] = set()
    for number in after:
        circle = _circle(number, after)
        if circle and said.isdisjoint(circle):
            said.update(circle)
            others = " → ".join(repr(names[each]) for each in (*circle, number))
            text = f"leads in a circle: {others}"
            yield Fault(text, number, names[number], "then.redirect")


def _circle(start: int, after: Mapping[int, Collection[int]]) -> tuple[int, ...]:
    """Return the shortest way from a rule back to itself; empty when there is none."""
    ways: list[tuple[int, ...]] = [(start,)]
    seen: set[int] = set()
    for way in ways:
        for each in after[way[-1]]:
            if each == start:
                return way
            if each not in seen:
                seen.add(each)
                ways.append((*way, each))
    return ()


def _ends(rule: Rule, known: Known) -> frozenset[str]:
    """Return the printers, of all sites, that a rule redirects to."""
    redirect = rule.then.redirect
    if redirect is None:
        return frozenset()
    return frozenset(
        device
        for device, each in known.printers.items()
        if device == redirect.printer or redirect.tag in each.tags
    )


def _sources(rule: Rule, known: Known) -> frozenset[str]:
    """Return the printers whose jobs a rule may send elsewhere on the same site."""
    ends = _ends(rule, known)
    nodes = {known.printers[device].node for device in ends}
    return frozenset(
        device
        for device, each in known.printers.items()
        if device not in ends and each.node in nodes and _at(rule.when, device, known)
    )


def _targets(rule: Rule, known: Known) -> frozenset[str]:
    """Return the printers that a rule may really send something to."""
    nodes = {known.printers[device].node for device in _sources(rule, known)}
    return frozenset(
        device for device in _ends(rule, known) if known.printers[device].node in nodes
    )


def _at(when: When, device: str, known: Known) -> bool:
    """Say whether a rule may be met at a printer."""
    tags = known.printers[device].tags
    return (not when.printers or device in when.printers) and (
        not when.tags or not set(when.tags).isdisjoint(tags)
    )


def _disjoint(one: When, two: When) -> bool:
    """Say whether no job can meet both, as far as that shows without asking for time or money."""
    named = (
        (_folded(one.users), _folded(two.users)),
        (one.queues, two.queues),
        (one.services, two.services),
        (one.media, two.media),
    )
    ranges = (
        (one.pages, two.pages),
        (one.impressions, two.impressions),
        (one.sheets, two.sheets),
        (one.copies, two.copies),
    )
    return (
        any(a and b and set(a).isdisjoint(b) for a, b in named)
        or any(a is not None and b is not None and _apart(a, b) for a, b in ranges)
        or (one.color is not None and two.color is not None and one.color != two.color)
        or (one.sides is not None and two.sides is not None and one.sides != two.sides)
        or _shut_out(one, two)
        or _shut_out(two, one)
    )


def _shut_out(one: When, two: When) -> bool:
    """Say whether everybody in the one's groups is in a group that the other excludes."""
    out = _folded(two.not_groups) or set()
    return bool(one.groups) and all(each.casefold() in out for each in one.groups)


def _apart(one: Range, two: Range) -> bool:
    low = max(one.min or 0, two.min or 0)
    highs = [each.max for each in (one, two) if each.max is not None]
    return bool(highs) and low > min(highs)


def _folded(names: Iterable[str] | None) -> set[str] | None:
    return None if names is None else {each.casefold() for each in names}
