"""Rules: what the operator declares about who prints what, where and at whose cost; applied here.

The rules are gone through once, in their order. Each sees the job as the ones before it left it,
and one that denies ends it. A redirection begins anew with the first rule, for the new printer and
the job as it was asked for; it happens once, so no two rules can send a job to and fro.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from config.policy.actions import Then
from config.policy.conditions import Case, RulePart, When, holds
from config.policy.jobs import ColorMode, JobAttributes, Sides, converted
from config.policy.pricing import Adjustment, Priced, price
from config.policy.reasons import Conversion, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from config.ids import AccountKey
    from config.policy.actions import Redirect
    from config.policy.conditions import Purse
    from config.policy.jobs import Figures
    from config.policy.tariffs import Tariff

RULES_MAX = 200
#: Of a set as JSON, so that it fits a message to a site.
RULES_BYTES = 48 << 10


class Rule(RulePart):
    """One rule."""

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=80, pattern=r"^\S([^\x00-\x1f\x7f]*\S)?$")
    ]
    """What people call it; every decision that rests on it says so."""
    enabled: bool = True
    """False: as if it were not there."""
    when: When = Field(default_factory=When)
    """Conditions, all of which have to hold; none: always."""
    then: Then
    """What it does."""


class RuleSet(RulePart):
    """The rules in force, in the order in which they are applied."""

    version: Annotated[int, Field(strict=True, ge=1, lt=2**63)] = 1
    """Ascends; every decision says by which version it was made."""
    rules: Annotated[tuple[Rule, ...], Field(max_length=RULES_MAX)] = ()

    @property
    def enabled(self) -> tuple[Rule, ...]:
        """Those that count."""
        return tuple(rule for rule in self.rules if rule.enabled)

    @property
    def accounts(self) -> tuple[AccountKey, ...]:
        """Every account that a rule may charge: a decision has to know what they hold."""
        return tuple(dict.fromkeys(r.then.charge for r in self.enabled if r.then.charge))

    def to_json(self) -> str:
        """Write it as short as it can be read again."""
        return self.model_dump_json(exclude_defaults=True)


@dataclass(frozen=True, slots=True)
class UnreadableRules:
    """There are rules, and this version of the program cannot read them: silence denies."""

    detail: str
    """For people."""


@dataclass(frozen=True, slots=True)
class PointOfPrint:
    """A printer of the site, as far as rules need to know it."""

    tags: tuple[str, ...] = ()
    """`copier`, `library` …"""
    color: bool = True
    """It can print colour."""
    two_sided: bool = True
    """It can print both sides of a sheet."""
    media: frozenset[str] | None = None
    """Media classes it takes; None: not known, so any."""
    name: str = ""
    """What people call it; empty: its device id."""

    def able(self, figures: Figures) -> bool:
        """Say whether it can print this as it is."""
        return not self.lacks(figures)

    def lacks(self, figures: Figures) -> tuple[str, ...]:
        """Say for people what keeps it from printing this as it is; nothing when it can."""
        found = []
        if figures.color_impressions and not self.color:
            found.append("prints no colour")
        if figures.sides.two_sided and not self.two_sided:
            found.append("prints on one side only")
        if self.media is not None and figures.media is not None and figures.media not in self.media:
            found.append(f"has no {figures.media}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Place:
    """What rules may ask about beyond the job itself."""

    printers: Mapping[str, PointOfPrint]
    """The site's, by device id."""
    tariff: Tariff | None
    """The tariff in force, to find the cheapest printer by."""
    purse_of: Callable[[AccountKey], Purse]
    """What an account has that a rule charges."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """The job as the rules left it."""

    case: Case
    """With its printer, attributes and figures."""
    conversions: tuple[Conversion, ...] = ()
    """Changed IPP attributes, each once, with their last value."""
    adjustments: tuple[Adjustment, ...] = ()
    """What happens to the price, in order."""
    charge: AccountKey | None = None
    """Pays instead of the first list."""
    charged_by: str | None = None
    """The rule that said so."""
    questions: tuple[tuple[str, str], ...] = ()
    """Rule and question that the person has to say yes to."""
    tags: tuple[str, ...] = ()
    """Of the job, each once."""
    redirected_from: str | None = None
    """The printer that was asked for."""
    lines: tuple[Line, ...] = ()
    """What happened, in order."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A rule denies it."""

    rule: str
    message: str
    """As the operator wrote it."""
    lines: tuple[Line, ...] = ()
    """What happened before."""


def apply(rules: RuleSet, case: Case, place: Place) -> Ruled | Stopped:
    """Apply all rules to a job.

    Raises:
        ValueError: a rule asks for the time, and the case does not know it.
    """
    first = _Pass(case, place)
    result = first.run(rules)
    if first.elsewhere is None:
        return result
    device, line = first.elsewhere
    again = replace(case, printer=device, tags=place.printers[device].tags)
    return _Pass(again, place, redirected_from=case.printer, lines=[line]).run(rules)


@dataclass(slots=True)
class _Pass:
    """One way through the rules."""

    case: Case
    place: Place
    redirected_from: str | None = None
    lines: list[Line] = field(default_factory=list)
    elsewhere: tuple[str, Line] | None = None
    conversions: dict[str, str] = field(default_factory=dict)
    adjustments: list[Adjustment] = field(default_factory=list)
    charge: AccountKey | None = None
    charged_by: str | None = None
    questions: list[tuple[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def run(self, rules: RuleSet) -> Ruled | Stopped:
        """Go through them until one denies or redirects."""
        for rule in rules.enabled:
            if not holds(rule.when, self.case):
                continue
            if rule.then.deny is not None:
                return Stopped(rule.name, rule.then.deny, tuple(self.lines))
            if rule.then.redirect and self._redirects(rule.name, rule.then.redirect):
                break
            self._convert(rule.name, rule.then)
            self._price(rule.name, rule.then)
            self._mark(rule.name, rule.then)
        return Ruled(
            case=self.case,
            conversions=tuple(Conversion(*each) for each in self.conversions.items()),
            adjustments=tuple(self.adjustments),
            charge=self.charge,
            charged_by=self.charged_by,
            questions=tuple(self.questions),
            tags=tuple(dict.fromkeys(self.tags)),
            redirected_from=self.redirected_from,
            lines=tuple(self.lines),
        )

    def _say(self, code: str, text: str, rule: str) -> None:
        self.lines.append(Line(code, text, rule))

    def _redirects(self, rule: str, redirect: Redirect) -> bool:
        """Choose where it goes; False when it stays."""
        target = self._target(redirect)
        wanted = redirect.printer or f"a printer tagged {redirect.tag!r}"
        if target == self.case.printer:
            return False
        if target is None:
            self._say("note", f"not redirected: {wanted} is not here, or cannot print it", rule)
            return False
        if self.redirected_from is not None:
            self._say("note", f"not redirected to {target}: redirected once already", rule)
            return False
        text = f"redirected from {self.case.printer} to {target}"
        self.elsewhere = target, Line("redirect", text, rule)
        return True

    def _target(self, redirect: Redirect) -> str | None:
        """Return the printer meant: the present one if it fits, else the cheapest able one."""
        printers, figures = self.place.printers, self.case.figures
        if redirect.printer is not None:
            if redirect.printer == self.case.printer:
                return redirect.printer
            found = printers.get(redirect.printer)
            return redirect.printer if found and found.able(figures) else None
        if redirect.tag in self.case.tags:
            return self.case.printer
        fitting = (
            device
            for device, each in printers.items()
            if redirect.tag in each.tags and each.able(figures)
        )
        return min(fitting, key=lambda device: (*self._cost(device), device), default=None)

    def _cost(self, device: str) -> tuple[bool, int]:
        """Return what the tariff says it costs there; no price is dearer than any."""
        if self.place.tariff is None:
            return True, 0
        priced = price(self.place.tariff, self.case.service, self.case.figures, device)
        return (False, priced.total.micros) if isinstance(priced, Priced) else (True, 0)

    def _convert(self, rule: str, then: Then) -> None:
        before = self.case.attributes
        for attribute, after, text in _conversions(then, self.case):
            if attribute == "sides" and not self._here.two_sided:
                self._say("note", f"stays one-sided: {self.case.printer} cannot do both", rule)
                continue
            self._say("conversion", text, rule)
            figures = converted(self.case.figures, before, after)
            self.case = replace(self.case, attributes=after, figures=figures)
            self.conversions[attribute] = str(getattr(after, attribute.replace("-", "_")))
            before = after

    @property
    def _here(self) -> PointOfPrint:
        return self.place.printers.get(self.case.printer, PointOfPrint())

    def _price(self, rule: str, then: Then) -> None:
        if then.factor is None and then.surcharge is None:
            return
        fee = then.surcharge
        self.adjustments.append(
            Adjustment(
                rule=rule,
                permille=1000 if then.factor is None else then.factor,
                unit=fee.unit if fee else None,
                per_job=fee.per_job if fee else 0,
                per_impression=fee.per_impression if fee else 0,
                per_sheet=fee.per_sheet if fee else 0,
            )
        )

    def _mark(self, rule: str, then: Then) -> None:
        if then.charge is not None:
            self._say("account", f"{then.charge} pays", rule)
            self.charge, self.charged_by = then.charge, rule
            self.case = replace(self.case, purse=self.place.purse_of(then.charge))
        if then.tags:
            self._say("tag", f"tagged {', '.join(then.tags)}", rule)
            self.tags += then.tags
        if then.confirm is not None:
            self._say("confirm", f"asks: {then.confirm}", rule)
            self.questions.append((rule, then.confirm))


def _conversions(then: Then, case: Case) -> Iterator[tuple[str, JobAttributes, str]]:
    """Yield attribute, all attributes after it, and a sentence, for each change there is to make.

    What is as the rule wants it already is left alone, so a rule that is applied twice changes
    nothing the second time.
    """
    attributes = case.attributes
    if then.monochrome and attributes.print_color_mode is not ColorMode.MONOCHROME:
        attributes = attributes.model_copy(update={"print_color_mode": ColorMode.MONOCHROME})
        count = case.figures.color_impressions
        yield "print-color-mode", attributes, f"monochrome instead of {count} color impressions"
    several = case.figures.impressions > attributes.copies
    if then.two_sided and several and not attributes.sides.two_sided:
        attributes = attributes.model_copy(update={"sides": Sides.TWO_SIDED_LONG_EDGE})
        yield "sides", attributes, "on both sides of the sheets"
    if then.copies_max is not None and attributes.copies > then.copies_max:
        text = f"{then.copies_max} copies instead of {attributes.copies}"
        attributes = attributes.model_copy(update={"copies": then.copies_max})
        yield "copies", attributes, text
