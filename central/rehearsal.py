"""What other rules would have done to jobs of the past, as far as the books know these; pure.

The books have figures, not documents: what they cannot know (copies, sides, paper, format) is
taken as one copy on both sides where the sheets say so, on paper that nobody names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from config.policy.conditions import Case
from config.policy.jobs import ColorMode, Figures, JobAttributes, Sides, Source
from config.policy.paying import price_of
from config.policy.pricing import Priced
from config.policy.rules import Place, PointOfPrint, Stopped, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from central.job_fold import JobRecord
    from config.ids import AccountKey
    from config.policy.conditions import Purse
    from config.policy.reasons import Conversion, Line
    from config.policy.rules import Ruled, RuleSet
    from config.policy.tariffs import Service, Tariff


@dataclass(frozen=True, slots=True)
class Past:
    """A job of the past, with what of today it is judged by."""

    job: JobRecord
    groups: tuple[str, ...]
    """Of its owner."""
    purse: Purse
    """What pays first for them."""


@dataclass(frozen=True, slots=True)
class World:
    """What rules may ask about beyond the job."""

    printers: Mapping[str, tuple[str, PointOfPrint]]
    """By device id: the node of its site, and what it is."""
    tariff: Tariff | None
    """In force now."""
    purse_of: Callable[[AccountKey], Purse]
    """What an account has that a rule charges."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One job that other rules would have treated otherwise."""

    job: JobRecord
    before: str
    """What the old rules do, in words."""
    after: str
    """What the new rules would do."""


@dataclass(frozen=True, slots=True)
class Described:
    """A job that somebody thinks of."""

    user: str
    groups: tuple[str, ...]
    printer: str
    """Device id."""
    pages: int
    """Of the document."""
    color_pages: int = 0
    copies: int = 1
    two_sided: bool = False
    name: str = ""
    queue: str = ""
    media: str | None = None
    """Such as `iso_a4`; None: nobody says."""
    document_format: str | None = None
    """MIME type."""
    service: Service = "print"
    at: datetime | None = None
    """When; None: at no certain time. Hours are those of its zone."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules do to a job."""

    refused: str | None
    """Why it is not printed; None: it is."""
    printer: str
    """Where, after all."""
    price: str | None
    """None: nothing says what it costs, or it is refused."""
    conversions: tuple[Conversion, ...]
    charge: AccountKey | None
    """Who pays instead of its owner."""
    questions: tuple[str, ...]
    """What the person is asked first."""
    tags: tuple[str, ...]
    lines: tuple[Line, ...]
    """Why, rule by rule."""


def try_on(
    rules: RuleSet | None, job: Described | Past, world: World, purse: Purse
) -> Trial | None:
    """Return what rules do to a job; None where nothing was counted of a past one.

    Args:
        rules: None: none at all.
        job: as described, or of the past.
        world: printers, prices, accounts.
        purse: what pays first for its owner.
    """
    case = _described(job, world, purse) if isinstance(job, Described) else _case(job, world)
    if case is None:
        return None
    if rules is None:
        price = _price(case, world)
        return Trial(None, case.printer, price, (), None, (), (), ())
    result = _applied(rules, case, world)
    if isinstance(result, Stopped):
        return Trial(result.message, case.printer, None, (), None, (), (), result.lines)
    return Trial(
        None,
        result.case.printer,
        _price(result.case, world, result),
        result.conversions,
        result.charge,
        tuple(text for _, text in result.questions),
        result.tags,
        result.lines,
    )


def _described(job: Described, world: World, purse: Purse) -> Case:
    sides = Sides.TWO_SIDED_LONG_EDGE if job.two_sided else Sides.ONE_SIDED
    impressions, color = job.pages * job.copies, min(job.color_pages, job.pages) * job.copies
    sheets = -(-job.pages // 2) * job.copies if job.two_sided else impressions
    here = world.printers.get(job.printer)
    return Case(
        user=job.user,
        groups=job.groups,
        queue=job.queue or None,
        printer=job.printer,
        tags=here[1].tags if here else (),
        service=job.service,
        attributes=JobAttributes(
            copies=job.copies,
            sides=sides,
            media=job.media,
            print_color_mode=ColorMode.AUTO,
            job_name=job.name[:255],
        ),
        figures=Figures(
            impressions=impressions,
            color_impressions=color,
            monochrome_impressions=impressions - color,
            sheets=sheets,
            media=job.media,
            sides=sides,
            source=Source.ANALYSIS,
        ),
        pages=job.pages,
        document_format=job.document_format,
        name=job.name,
        purse=purse,
        now=job.at,
        zone=UTC if job.at is None or job.at.tzinfo is None else job.at.tzinfo,
    )


def rehearse(old: RuleSet | None, new: RuleSet, past: Past, world: World) -> Difference | None:
    """Return what would have been otherwise for one job; None where nothing would."""
    case = _case(past, world)
    if case is None:
        return None
    before = _outcome(case, world) if old is None else _told(old, case, world)
    after = _told(new, case, world)
    return None if before == after else Difference(past.job, before, after)


def _case(past: Past, world: World) -> Case | None:
    """Put a job before the rules again; None where nothing was counted."""
    job = past.job
    counted = next((each for each in job.counts if each.source == Source.ANALYSIS), None)
    if counted is None or not counted.impressions:
        return None
    impressions = counted.impressions
    color = min(counted.color_impressions or 0, impressions)
    sheets = min(counted.sheets or impressions, impressions)
    two_sided = sheets < impressions and sheets >= -(-impressions // 2)
    sides = Sides.TWO_SIDED_LONG_EDGE if two_sided else Sides.ONE_SIDED
    printer = job.printer or ""
    here = world.printers.get(printer)
    return Case(
        user=job.user,
        groups=past.groups,
        queue=job.queue,
        printer=printer,
        tags=here[1].tags if here else (),
        service="print",
        attributes=JobAttributes(
            sides=sides, print_color_mode=ColorMode.AUTO, job_name=job.name[:255]
        ),
        figures=Figures(
            impressions=impressions,
            color_impressions=color,
            monochrome_impressions=impressions - color,
            sheets=sheets if two_sided else impressions,
            media=None,
            sides=sides,
            source=Source.ANALYSIS,
        ),
        pages=impressions,
        document_format=None,
        name=job.name,
        purse=past.purse,
        now=job.received_at,
        zone=UTC,
    )


def _applied(rules: RuleSet, case: Case, world: World) -> Ruled | Stopped:
    here = world.printers.get(case.printer)
    near = {
        device: point
        for device, (node, point) in world.printers.items()
        if here is not None and node == here[0]
    }
    return apply(rules, case, Place(near, world.tariff, world.purse_of))


def _price(case: Case, world: World, ruled: Ruled | None = None) -> str | None:
    if world.tariff is None:
        return None
    adjustments = ruled.adjustments if ruled else ()
    price = price_of(world.tariff, case.service, case.figures, case.printer, adjustments)
    return str(price.total) if isinstance(price, Priced) else None


def _told(rules: RuleSet, case: Case, world: World) -> str:
    result = _applied(rules, case, world)
    if isinstance(result, Stopped):
        return f"refused: {result.message}"
    return _outcome(result.case, world, result)


def _outcome(case: Case, world: World, ruled: Ruled | None = None) -> str:
    parts: list[str] = []
    if ruled is not None:
        parts += [f"at {case.printer}"] if ruled.redirected_from else []
        parts += [f"{each.attribute} {each.value}" for each in ruled.conversions]
        parts += [f"{ruled.charge} pays"] if ruled.charge else []
        parts += ["asks first"] if ruled.questions else []
        parts += [f"tagged {tag}" for tag in ruled.tags]
    if world.tariff is not None:
        adjustments = ruled.adjustments if ruled else ()
        price = price_of(world.tariff, "print", case.figures, case.printer, adjustments)
        parts.append(str(price.total) if isinstance(price, Priced) else "no price")
    return ", ".join(parts) or "as asked"
