"""What copies cost, pure: the price of counts, what is left of the hold, when to stop.

Copies are counted by kind: in monochrome or colour, on small or large paper. Each kind is priced as
it was decided when the copy began, and together never above what was set aside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from broker.messages import CopyCounts, MeterReading
from config.policy.accounts import charge_less
from config.policy.jobs import ColorMode, Figures, JobAttributes, Sides, Source
from config.policy.money import PAGE, UNIT_MICROS, Money, Unit
from config.policy.pricing import Adjustment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from config.policy.accounts import Charge

Kind: TypeAlias = Literal["monochrome", "color", "monochrome_large", "color_large"]
KINDS: tuple[Kind, ...] = ("monochrome", "color", "monochrome_large", "color_large")
#: Of impressions: none is named.
NO_LIMIT = 2**31
#: The small paper of a place and what counts as large beside it.
LARGE: Mapping[str, str] = {"iso_a4": "iso_a3", "na_letter": "na_ledger"}
#: As many as a message can say.
_MOST_SAID = 100_000_000
COLORED = frozenset[Kind]({"color", "color_large"})


class Terms(BaseModel):
    """What one kind of copy costs, as it was decided when the copy began."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    allowed: bool
    """It may be made; one that is counted all the same is charged as far as the hold goes."""
    each: Annotated[int, Field(ge=0)] = 0
    """Micros of the tariff for one, before rules."""
    color: bool = False
    """Which pages it takes of accounts in `page`."""
    adjustments: tuple[Adjustment, ...] = ()
    """What rules do to its price."""
    most: int = NO_LIMIT
    """With any of this kind, so many impressions of all kinds: for more, rules say something else.
    """


class Meter(BaseModel):
    """A copy's terms and what was counted; kept with its job."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    terminal: str
    """The node that counts."""
    unit: Unit
    """Of the price; `page` where nobody pays money."""
    terms: dict[Kind, Terms]
    """Of every kind."""
    most: int
    """Impressions at most, whatever they cost."""
    margin: int
    """Impressions that the machine may still make when it is told to stop."""
    counts: CopyCounts = CopyCounts()
    """The last durable ones."""
    alarms: tuple[str, ...] = ()
    """Causes for which it was flagged already."""
    account: str | None = None
    """What the person wished to be charged."""
    first: MeterReading | None = None
    """What the machine's own meters said first."""
    first_at: CopyCounts = CopyCounts()
    """What was counted then."""
    last: MeterReading | None = None
    """What they said last."""
    uncounted: CopyCounts = CopyCounts()
    """Of a settled one: what they said beyond what was counted."""

    @property
    def made(self) -> CopyCounts:
        """What it is settled by: what was counted, and what the machine's meters say beyond."""
        return plus(self.counts, self.uncounted)

    def kept(self, counts: CopyCounts) -> CopyCounts:
        """Return counts with what came before: a figure never falls."""
        return CopyCounts(**{kind: max(of(counts, kind), of(self.counts, kind)) for kind in KINDS})

    def fell(self, counts: CopyCounts) -> bool:
        """Say whether some figure is smaller than what is known."""
        return any(of(counts, kind) < of(self.counts, kind) for kind in KINDS)

    def forbidden(self, counts: CopyCounts) -> tuple[Kind, ...]:
        """Return the kinds that were counted and are not allowed."""
        return tuple(
            kind
            for kind in KINDS
            if of(counts, kind)
            and not (self.terms[kind].allowed and counts.total <= self.terms[kind].most)
        )

    def room(self, counts: CopyCounts, kind: Kind | None = None) -> int:
        """Return how many impressions more there may be, whatever they cost.

        Args:
            counts: so far.
            kind: if they are of this one; none: of those that were counted.
        """
        with_any = [terms.most for k, terms in self.terms.items() if k == kind or of(counts, k)]
        return max(0, min([self.most, *with_any]) - counts.total)


def of(counts: CopyCounts, kind: Kind) -> int:
    """Return the figure of a kind."""
    return int(getattr(counts, kind))


def plus(counts: CopyCounts, others: CopyCounts) -> CopyCounts:
    """Return both together; what a message cannot say is cut."""
    sums = {kind: min(of(counts, kind) + of(others, kind), _MOST_SAID) for kind in KINDS}
    return CopyCounts(**sums)


def more(counts: CopyCounts, kind: Kind, by: int) -> CopyCounts:
    """Return counts with so many more of a kind."""
    return counts.model_copy(update={kind: of(counts, kind) + by})


def figures_of(kind: Kind, count: int, paper: str) -> Figures:
    """Return so many copies of a kind as they come on paper: a machine counts sides, not sheets.

    Args:
        kind: which.
        count: impressions.
        paper: the small paper of the place.
    """
    color = count if kind in COLORED else 0
    return Figures(
        impressions=count,
        color_impressions=color,
        monochrome_impressions=count - color,
        sheets=count,
        media=LARGE[paper] if kind.endswith("_large") else paper,
        sides=Sides.ONE_SIDED,
        source=Source.DEVICE_METER,
    )


def attributes_of(kind: Kind) -> JobAttributes:
    """Return what somebody asks for who makes such copies."""
    mode = ColorMode.COLOR if kind in COLORED else ColorMode.MONOCHROME
    return JobAttributes(print_color_mode=mode)


def cost(meter: Meter, held: Sequence[Charge], counts: CopyCounts) -> tuple[Charge, ...]:
    """Return what counts cost, on each account: never more than is held."""
    return charge_less(held, _dues(meter, held, counts))


def covered(meter: Meter, held: Sequence[Charge], counts: CopyCounts) -> bool:
    """Say whether the hold pays for all of these."""
    dues = _dues(meter, held, counts)
    paid: dict[int, int] = {}
    for each in charge_less(held, dues):
        paid[each.demand] = paid.get(each.demand, 0) + each.money.micros
    return all(money.micros <= paid.get(demand, 0) for demand, (money, _) in dues.items())


def left(meter: Meter, held: Sequence[Charge], counts: CopyCounts) -> int:
    """Return micros of the budget that are left, in the unit of the price."""
    number = next((each.demand for each in held if each.money.unit == meter.unit), None)
    if number is None:
        return 0
    whole = sum(each.money.micros for each in held if each.demand == number)
    spent = cost(meter, held, counts)
    return whole - sum(each.money.micros for each in spent if each.demand == number)


def pages_left(meter: Meter, held: Sequence[Charge], counts: CopyCounts) -> CopyCounts:
    """Return how many more of each kind alone may be made; 0 where it is not allowed."""
    found = {}
    budget = left(meter, held, counts)
    for kind in KINDS:
        low, high = 0, meter.room(counts, kind) if meter.terms[kind].allowed else 0
        probe = min(high, max(1, _guess(meter, counts, kind, budget, high)))
        while low < high:
            if covered(meter, held, more(counts, kind, probe)):
                # a guess by the price is mostly right: one more shows it
                guessed, low = probe > low + 1, probe
                probe = low + 1 if guessed else (low + high + 1) // 2
            else:
                high = probe - 1
                probe = (low + high + 1) // 2
        found[kind] = low
    return CopyCounts(**found)


def _guess(meter: Meter, counts: CopyCounts, kind: Kind, budget: int, room: int) -> int:
    """Reckon how many more are paid, by what one more costs."""
    before, after = _priced(meter, counts), _priced(meter, more(counts, kind, 1))
    one = after[0] - before[0] if meter.unit != PAGE else sum(after[1:]) - sum(before[1:])
    return budget // one if one else room


def goes_on(meter: Meter, held: Sequence[Charge], counts: CopyCounts) -> bool:
    """Say whether the machine may make one more, and what it then makes until it has stopped."""
    due = meter.margin + 1
    if meter.forbidden(counts) or meter.room(counts) < due:
        return False
    allowed = [kind for kind in KINDS if meter.terms[kind].allowed]
    return all(covered(meter, held, more(counts, kind, due)) for kind in allowed)


def payable(meter: Meter, held: Sequence[Charge], counts: CopyCounts) -> CopyCounts:
    """Return counts without the fewest that have to be left out so that the hold pays the rest."""
    if not held:
        return _without(meter, counts, max(0, counts.total - meter.most))
    if covered(meter, held, counts):
        return counts
    low, high = 1, counts.total
    while low < high:
        middle = (low + high) // 2
        if covered(meter, held, _without(meter, counts, middle)):
            high = middle
        else:
            low = middle + 1
    return _without(meter, counts, low)


def made(counts: CopyCounts, paper: str) -> Figures:
    """Return counts as figures, for the books."""
    total = min(counts.total, _MOST_SAID)
    color = min(counts.color + counts.color_large, total)
    large = counts.monochrome_large + counts.color_large
    small = counts.monochrome + counts.color
    media = None if small and large else LARGE[paper] if large else paper
    return Figures(
        impressions=total,
        color_impressions=color,
        monochrome_impressions=total - color,
        sheets=total,
        media=media,
        sides=Sides.ONE_SIDED,
        source=Source.DEVICE_METER,
    )


def dearness(meter: Meter, kind: Kind) -> tuple[int, int]:
    """Return what orders kinds by what one costs, in money and then in pages."""
    money, monochrome, color = _priced(meter, more(CopyCounts(), kind, 1))
    return money, monochrome + color


def _dues(meter: Meter, held: Sequence[Charge], counts: CopyCounts) -> dict[int, tuple[Money, int]]:
    """Return for each demand what is due of it, and how many micros of that stand for colour."""
    money, monochrome, color = _priced(meter, counts)
    dues: dict[int, tuple[Money, int]] = {}
    for number in sorted({each.demand for each in held}):
        unit = next(each.money.unit for each in held if each.demand == number)
        if unit != PAGE:
            dues[number] = Money(money, unit), 0
            continue
        paid = {each.counts for each in held if each.demand == number}
        own = color if paid & {"color", "impressions"} else 0
        other = monochrome if paid & {"monochrome", "impressions"} else 0
        dues[number] = Money(own + other, PAGE), own
    return dues


def _priced(meter: Meter, counts: CopyCounts) -> tuple[int, int, int]:
    """Return micros of money, of monochrome pages and of colour pages that counts come to."""
    money, pages = 0, {False: 0, True: 0}
    once: set[str] = set()  # a rule's fee for the job is taken with the first kind that bears it
    for kind, count in _each(counts):
        terms = meter.terms[kind]
        micros, own = count * terms.each, count * UNIT_MICROS
        for rule in terms.adjustments:
            fee = 0 if rule.rule in once else rule.per_job
            micros = rule.factored(micros) + fee + (rule.per_impression + rule.per_sheet) * count
            own = rule.factored(own)
            once.add(rule.rule)
        money += micros
        pages[terms.color] += own
    return money, pages[False], pages[True]


def _each(counts: CopyCounts) -> Iterator[tuple[Kind, int]]:
    yield from ((kind, of(counts, kind)) for kind in KINDS if of(counts, kind))


def _without(meter: Meter, counts: CopyCounts, number: int) -> CopyCounts:
    """Leave so many out: first what is not allowed, then the dearest."""
    rest, found = number, dict(_each(counts))
    for kind in sorted(found, key=lambda k: (meter.terms[k].allowed, -meter.terms[k].each)):
        taken = min(rest, found[kind])
        found[kind] -= taken
        rest -= taken
    return CopyCounts(**found)
