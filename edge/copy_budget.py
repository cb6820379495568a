"""How much may be copied, pure: what the policy allows of each kind, and what to set aside for it.

The policy is asked of each kind how many it allows; what any of them needs is set aside. Rules that
look at numbers are asked for one impression: where they would say something else for more, the
budget ends, and a new copy begins another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from broker.messages import CopyCounts
from config.policy.decisions import Allowed, Ask, Charge, Decision, Denied, Line, Reason
from config.policy.money import PAGE, Unit
from edge.copy_meter import COLORED, KINDS, NO_LIMIT, Kind, Meter, Terms, of, pages_left

if TYPE_CHECKING:
    from collections.abc import Sequence

#: For people.
SPOKEN: Mapping[Kind, str] = {
    "monochrome": "black and white",
    "color": "colour",
    "monochrome_large": "black and white on large paper",
    "color_large": "colour on large paper",
}
#: Why not, when it is the money alone.
_DEAR = Reason.ACCOUNT_LIMIT_REACHED
#: What is decided on so many copies of a kind.
Asked: TypeAlias = Callable[[Kind, int], Decision]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the site says of every copy."""

    most: int
    """Impressions at most."""
    margin: int
    """Impressions that a machine may still make when it is told to stop."""
    least: int = 20
    """Where money of every kind here pays fewer, the centre is asked for more."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be copied, and what has to be set aside for it."""

    decision: Allowed
    """On the first kind that is allowed: tariff, rules, reasons."""
    charges: tuple[Charge, ...]
    """To be held: enough for the dearest that is allowed; none for free copies."""
    unit: Unit
    terms: Mapping[Kind, Terms]
    reach: Mapping[Kind, int]
    """How many of each kind alone; 0 where it is not allowed."""
    refused: Mapping[Kind, str]
    """Why not, for people."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far one kind goes."""

    count: int
    first: Allowed
    """The decision on one."""
    last: Allowed
    """The decision on `count`."""
    ruled: bool
    """More would not be too dear: rules say something else."""


def budget(
    asked: Asked,
    prices: Mapping[Kind, int],
    bounds: Bounds,
    fits: Callable[[Sequence[Charge]], bool],
) -> Budget | Denied | Ask:
    """Find how much may be copied, or say why nothing may.

    Args:
        asked: decides on so many of a kind, as things are at this moment.
        prices: micros of the tariff for one of each kind, where it says.
        bounds: what the site says.
        fits: whether such charges can be held together.
    """
    answers = {kind: _reach(asked, kind, bounds) for kind in KINDS}
    able = {kind: each for kind, each in answers.items() if isinstance(each, _Reach)}
    if not able:
        # people copy in black and white first of all: what stands in its way is what they hear
        refusal = answers[KINDS[0]]
        if isinstance(refusal, _Reach):
            raise RuntimeError("what can be reached is able")
        return refusal
    refused = {k: _told(each) for k, each in answers.items() if not isinstance(each, _Reach)}
    primary = next(iter(able.values()))
    for kind, each in list(able.items()):
        if _payers(each.first) != _payers(primary.first):
            del able[kind]
            refused[kind] = "somebody else pays for these; they cannot be mixed with others"
    charges = _joined([each.last.charges for each in able.values()])
    alone = len(able) > 1 and not fits(charges)
    if alone:
        # an account stands in several lists: what the dearest needs is all that is set aside
        dearest = max(able, key=lambda kind: sum(c.money.micros for c in able[kind].last.charges))
        charges = able[dearest].last.charges
    currency = (each.money.unit for each in charges if each.money.unit != PAGE)
    found = Budget(
        decision=primary.first,
        charges=charges,
        unit=next(currency, PAGE),
        terms=_terms(able, answers, prices),
        reach={kind: able[kind].count if kind in able else 0 for kind in KINDS},
        refused=refused,
    )
    return _within(found, bounds) if alone else found


def _within(found: Budget, bounds: Bounds) -> Budget:
    """Leave out the kinds that a hold for another one does not pay."""
    meter = Meter(terminal="", unit=found.unit, terms=dict(found.terms), most=bounds.most, margin=0)
    rest = pages_left(meter, found.charges, CopyCounts())
    terms, refused = dict(found.terms), dict(found.refused)
    for kind, known in found.terms.items():
        if known.allowed and of(rest, kind) <= bounds.margin:
            terms[kind] = known.model_copy(update={"allowed": False})
            refused[kind] = "what pays for these pays for others too"
    reach = {kind: of(rest, kind) if terms[kind].allowed else 0 for kind in KINDS}
    return replace(found, terms=terms, refused=refused, reach=reach)


def _reach(asked: Asked, kind: Kind, bounds: Bounds) -> _Reach | Denied | Ask:
    """Find the most that is allowed on the same terms as one, or what stands in the way."""
    first = asked(kind, 1)
    if not isinstance(first, Allowed):
        return first
    if first.redirected_from is not None:
        detail = f"a rule sends this to {first.printer}, and copies cannot be sent"
        return Denied(Reason.DENIED_BY_RULE, detail, because=first.because)
    if any(each.attribute == "print-color-mode" for each in first.conversions):
        detail = "a rule allows no colour here"
        return Denied(Reason.DENIED_BY_RULE, detail, because=first.because)
    least = bounds.margin + 1
    last = asked(kind, least)
    if not isinstance(last, Allowed) or not _same(first, last):
        return _too_little(last, least)
    low, high, ruled = least, bounds.most, False
    probe = high  # most people have enough
    while low < high:
        answer = asked(kind, probe)
        if isinstance(answer, Allowed) and _same(first, answer):
            # a guess by the money is mostly right: one more shows it
            guessed, low, last = probe > low + 1, probe, answer
            probe = low + 1 if guessed else (low + high + 1) // 2
            continue
        high = probe - 1
        ruled = not (isinstance(answer, Denied) and answer.reason is _DEAR)
        probe = max(low + 1, min(high, _guess(answer, probe) or (low + high + 1) // 2))
    return _Reach(low, first, last, ruled)


def _guess(answer: Decision, count: int) -> int:
    """Reckon how many can be paid where so many were too dear; 0 when nobody knows."""
    short = answer.short if isinstance(answer, Denied) else None
    if short is None or not short.needed.micros:
        return 0
    return short.here.micros * count // short.needed.micros


def _too_little(answer: Decision, least: int) -> Denied | Ask:
    """Say why not even the fewest copies that a machine can be enabled for are allowed."""
    match answer:
        case Denied():
            return replace(answer, detail=f"{least} copies are the least here: {answer.detail}")
        case Ask():
            return answer
        case Allowed():
            detail = f"rules differ for fewer than {least} copies, the least a machine is let make"
            return Denied(Reason.DENIED_BY_RULE, detail, because=answer.because)


def _same(first: Allowed, other: Allowed) -> bool:
    """Say whether the same rules did the same: then only numbers differ."""
    return _ruled(first) == _ruled(other)


def _ruled(decision: Allowed) -> tuple[object, ...]:
    lines = [(e.code, e.rule) for e in decision.because if e.rule and e.code != "note"]
    return lines, decision.adjustments, decision.tags, decision.redirected_from


def _payers(decision: Allowed) -> list[str]:
    return [each.text for each in decision.because if each.rule and each.code == "account"]


def _told(answer: Denied | Ask) -> str:
    return answer.detail if isinstance(answer, Denied) else answer.question


def _joined(several: Sequence[Sequence[Charge]]) -> tuple[Charge, ...]:
    """Return what covers any of several holds: of each account the most that one of them needs."""
    ordered = sorted(several, key=lambda c: (-len(c), -sum(e.money.micros for e in c)))
    most: dict[tuple[object, ...], Charge] = {}
    for each in (charge for charges in ordered for charge in charges):
        key = (each.demand, each.account, each.covered_by, each.counts)
        if key not in most or each.money.micros > most[key].money.micros:
            most[key] = each
    return tuple(sorted(most.values(), key=lambda charge: charge.demand))


def _terms(
    able: Mapping[Kind, _Reach],
    answers: Mapping[Kind, _Reach | Denied | Ask],
    prices: Mapping[Kind, int],
) -> dict[Kind, Terms]:
    """Return what each kind costs; one that is not allowed no less than the dearest that is."""
    dearest = max(able, key=lambda kind: (prices.get(kind, 0), KINDS.index(kind)))
    terms: dict[Kind, Terms] = {}
    for kind in KINDS:
        if kind in able:
            each = able[kind]
            terms[kind] = Terms(
                allowed=True,
                each=prices.get(kind, 0),
                color=kind in COLORED,
                adjustments=each.first.adjustments,
                most=each.count if each.ruled else NO_LIMIT,
            )
            continue
        answer = answers[kind]
        by = answer.first if isinstance(answer, _Reach) else able[dearest].first
        terms[kind] = Terms(
            allowed=False,
            each=max(prices.get(kind, 0), prices.get(dearest, 0)),
            color=dearest in COLORED,
            adjustments=by.adjustments,
        )
    return terms


def refusals(found: Budget) -> str:
    """Say in a sentence what may not be copied, and why; empty when everything may."""
    by_why: dict[str, list[str]] = {}
    for kind, why in found.refused.items():
        by_why.setdefault(why, []).append(SPOKEN[kind])
    return "; ".join(f"no {', '.join(names)}: {why}" for why, names in by_why.items())[:1000]


def spoken_reach(found: Budget) -> tuple[Line, ...]:
    """Say what a budget is for, as lines of its decision."""
    many = ", ".join(f"{count} in {SPOKEN[kind]}" for kind, count in found.reach.items() if count)
    lines = [Line("note", f"set aside for as many copies as {many}")]
    lines += [
        Line("note", f"no copies in {SPOKEN[kind]}: {why}") for kind, why in found.refused.items()
    ]
    return tuple(lines)
