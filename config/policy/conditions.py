"""The conditions of a rule: when it is meant. Every one that is given has to hold.

No regular expression is evaluated here: a pattern that takes for ever would stop a site. Patterns
know `*` (any text) and `?` (any one character), and no difference between small and large letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from config.described import Described
from config.ids import NodeId
from config.policy.media import CUSTOM, SIZES
from config.policy.money import Micros, Money, Unit

if TYPE_CHECKING:
    from datetime import tzinfo

    from config.policy.jobs import Figures, JobAttributes
    from config.policy.tariffs import Service

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: A name in a rule: a user, a group, a queue, a tag.
Word = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=120)]
_Words = Annotated[tuple[Word, ...], Field(min_length=1)]
_Count = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
_Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class RulePart(Described):
    """What every part of a rule shares: frozen, and an unknown field is an error.

    Its schema is built on first use: most starts of a program need no rules.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Range(RulePart):
    """A number from `min` to `max`, both included; one of them may be open."""

    min: _Count | None = None
    """Not less."""
    max: _Count | None = None
    """Not more."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("must have min, max, or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"can never be: min {self.min} is above max {self.max}")
        return self

    def holds(self, number: int) -> bool:
        """Say whether a number lies in the range."""
        return (self.min is None or number >= self.min) and (self.max is None or number <= self.max)


class Window(RulePart):
    """A time of day on some days, by the clock on the wall of a time zone.

    From `start` on, up to but not including `end`; over midnight when `end` is the earlier one, and
    then the days are those on which it starts. The wall's clock is asked what it shows at the
    moment: an hour that is skipped never comes, one that is repeated counts both times.
    """

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    """`mon` to `sun`; left out: every day."""
    start: _Clock | None = None
    """`HH:MM`; left out: from midnight."""
    end: _Clock | None = None
    """`HH:MM`; left out: to midnight."""
    zone: Annotated[str, StringConstraints(max_length=64)] | None = None
    """An IANA time zone such as `Europe/Madrid`; left out: the site's own."""

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str | None) -> str | None:
        if zone is not None:
            _zone(zone)
        return zone

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.start is not None and self.start == self.end:
            raise ValueError(f"can never be: it ends at {self.end}, when it starts")
        return self

    def holds(self, now: datetime, zone: tzinfo) -> bool:
        """Say whether a moment lies in the window; `zone` is the site's."""
        wall = now.astimezone(_zone(self.zone) if self.zone else zone)
        clock, today = wall.time(), DAYS[wall.weekday()]
        start = time.fromisoformat(self.start or "00:00")
        end = time.fromisoformat(self.end) if self.end else None
        if end is None or start < end:
            return today in self.days and start <= clock and (end is None or clock < end)
        if clock >= start:
            return today in self.days
        yesterday = DAYS[(wall.date() - timedelta(days=1)).weekday()]
        return clock < end and yesterday in self.days


class Balance(RulePart):
    """What the accounts that pay first have together, in one unit.

    It holds only for somebody who pays in that unit. An account without limit is above everything.
    """

    unit: Unit
    """Currency code or `page`."""
    below: Micros | None = None
    """Millionths: less than this."""
    above: Micros | None = None
    """Millionths: more than this."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.below is None and self.above is None:
            raise ValueError("must have below, above, or both")
        if self.below is not None and self.above is not None and self.above >= self.below - 1:
            raise ValueError(f"can never be: above {self.above} and below {self.below}")
        return self

    def holds(self, purse: Purse) -> bool:
        """Say whether a purse is so full."""
        if purse.unit != self.unit:
            return False
        if purse.micros is None:
            return self.below is None
        return (self.below is None or purse.micros < self.below) and (
            self.above is None or purse.micros > self.above
        )


class When(RulePart):
    """The conditions of a rule; one that is left out does not matter, of several words one do."""

    users: _Words = ()
    """User names."""
    groups: _Words = ()
    """The person is in one of these."""
    not_groups: _Words = ()
    """The person is in none of these."""
    queues: _Words = ()
    """Where it was printed to."""
    printers: Annotated[tuple[NodeId, ...], Field(min_length=1)] = ()
    """Device ids of the point of print."""
    tags: _Words = ()
    """The printer has one of these."""
    services: Annotated[tuple[Literal["print", "copy"], ...], Field(min_length=1)] = ()
    """What is done."""
    color: bool | None = None
    """True: colour would come out of the printer. False: none."""
    pages: Range | None = None
    """Pages of the document."""
    impressions: Range | None = None
    """Printed sides, all copies."""
    sheets: Range | None = None
    """Sheets of media, all copies."""
    copies: Range | None = None
    """Copies."""
    sides: Literal["one-sided", "two-sided"] | None = None
    """As it would be printed; both bindings are two-sided."""
    media: _Words = ()
    """Media classes such as `iso_a3`."""
    formats: Annotated[tuple[Pattern, ...], Field(min_length=1)] = ()
    """Patterns of the document's MIME type, such as `image/*`."""
    names: Annotated[tuple[Pattern, ...], Field(min_length=1)] = ()
    """Patterns of the document's name, such as `*outlook*`."""
    time: Annotated[tuple[Window, ...], Field(min_length=1)] = ()
    """In one of these windows."""
    balance: Balance | None = None
    """What pays first."""

    @field_validator("media")
    @classmethod
    def _media_is_known(cls, media: tuple[str, ...]) -> tuple[str, ...]:
        known = (*SIZES, CUSTOM)
        for each in media:
            if each not in known:
                raise ValueError(f"{each!r} is none of {', '.join(known)}")
        return media

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        out = {each.casefold() for each in self.not_groups}
        if self.groups and all(each.casefold() in out for each in self.groups):
            raise ValueError("can never be: every one of groups is in not_groups as well")
        return self

    @property
    def always(self) -> bool:
        """There is no condition at all."""
        return not self.model_fields_set or self == When()


@dataclass(frozen=True, slots=True)
class Purse:
    """What pays first: the sum of the first list of accounts."""

    unit: Unit | None
    """None: nobody knows who pays."""
    micros: int | None
    """None: without limit."""

    def __str__(self) -> str:
        """Write the sum."""
        if self.unit is None:
            return "no account"
        return "no limit" if self.micros is None else str(Money(self.micros, self.unit))


@dataclass(frozen=True, slots=True)
class Case:
    """What the conditions of a rule look at: a job as converted so far."""

    user: str
    groups: tuple[str, ...]
    queue: str | None
    printer: str
    tags: tuple[str, ...]
    """Of the printer."""
    service: Service
    attributes: JobAttributes
    figures: Figures
    pages: int
    """Of the document."""
    document_format: str | None
    """MIME type; None when nobody knows."""
    name: str
    """Of the document."""
    purse: Purse
    now: datetime | None
    """Aware; None only where no rule asks for the time."""
    zone: tzinfo
    """The site's."""


def holds(when: When, case: Case) -> bool:
    """Say whether every condition is met.

    Raises:
        ValueError: a rule asks for the time, and nobody said what time it is.
    """
    return _who_and_where(when, case) and _what(when, case) and _by_time_and_purse(when, case)


def matches(pattern: str, text: str) -> bool:
    """Say whether a whole text fits a pattern of `*` and `?`; steps: len times len."""
    shape, line = pattern.casefold(), text.casefold()
    if any("?" not in each and each not in line for each in shape.split("*")):
        return False  # what most names end with: a search for each word is no loop of ours
    at = here = 0
    star, resume = -1, 0
    while here < len(line):
        if at < len(shape) and shape[at] == "*":
            star, resume = at, here
            at += 1
        elif at < len(shape) and shape[at] in ("?", line[here]):
            at += 1
            here += 1
        elif star >= 0:  # let the last star take one more
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return not shape[at:].strip("*")


def _who_and_where(when: When, case: Case) -> bool:
    groups = {each.casefold() for each in case.groups}
    return (
        (not when.users or case.user.casefold() in {each.casefold() for each in when.users})
        and (not when.groups or any(each.casefold() in groups for each in when.groups))
        and not any(each.casefold() in groups for each in when.not_groups)
        and (not when.queues or case.queue in when.queues)
        and (not when.printers or case.printer in when.printers)
        and (not when.tags or not set(when.tags).isdisjoint(case.tags))
    )


def _what(when: When, case: Case) -> bool:
    two_sided = case.figures.sides.two_sided
    kind = case.document_format
    return (
        (not when.services or case.service in when.services)
        and (when.color is None or when.color == bool(case.figures.color_impressions))
        and (when.pages is None or when.pages.holds(case.pages))
        and (when.impressions is None or when.impressions.holds(case.figures.impressions))
        and (when.sheets is None or when.sheets.holds(case.figures.sheets))
        and (when.copies is None or when.copies.holds(case.attributes.copies))
        and (when.sides is None or (when.sides == "two-sided") == two_sided)
        and (not when.media or case.figures.media in when.media)
        and (not when.formats or (kind is not None and _any(when.formats, kind)))
        and (not when.names or _any(when.names, case.name))
    )


def _by_time_and_purse(when: When, case: Case) -> bool:
    if when.time:
        if case.now is None:
            raise ValueError("a rule asks for the time, and none was given")
        if not any(window.holds(case.now, case.zone) for window in when.time):
            return False
    return when.balance is None or when.balance.holds(case.purse)


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return any(matches(each, text) for each in patterns)


@cache
def _zone(name: str) -> ZoneInfo:
    """Return a time zone: a table that comes with Python or the system, not a clock."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone such as Europe/Madrid") from error
