"""Tariffs: what the operator declares a printed side and a sheet to cost, and which line applies.

Every line names what it is for; `*` leaves a field open. Of the lines that apply, the one that
names most fields wins; between two that name as many, the one listed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator

from config.described import Described
from config.ids import NODE_ID_PATTERN
from config.policy.media import CUSTOM, SIZES
from config.policy.money import MICROS_BOUND, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from config.policy.jobs import Sides

Service = Literal["print", "copy"]
Color = Literal["monochrome", "color"]
ANY = "*"

PriceMicros = Annotated[int, Field(strict=True, ge=0, le=MICROS_BOUND)]
_MEDIA = (*SIZES, CUSTOM, ANY)
_LINES_MAX = 1000


class TariffLine(Described):
    """One line of a price list."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    service: Literal["print", "copy", "*"] = "*"
    """What is done."""
    color: Literal["monochrome", "color", "*"] = "*"
    """Of what impressions this is the price."""
    media: str = ANY
    """A media class such as `iso_a4`, or `*`."""
    sides: Literal["one-sided", "two-sided", "*"] = "*"
    """How the sheets are printed on; both bindings are two-sided."""
    printer: Annotated[str, StringConstraints(pattern=rf"({NODE_ID_PATTERN})|^\*$")] = ANY
    """A printer's device id, or `*`."""
    per_impression: PriceMicros = 0
    """Millionths of the tariff's unit for each printed side."""
    per_sheet: PriceMicros = 0
    """Millionths of the tariff's unit for each sheet of media."""

    @model_validator(mode="after")
    def _media_is_known(self) -> Self:
        if self.media not in _MEDIA:
            raise ValueError(f"media {self.media!r} is none of {', '.join(_MEDIA)}")
        return self

    @property
    def fields(self) -> tuple[str, str, str, str, str]:
        """What the line is for, in the order in which people write it."""
        return self.service, self.color, self.media, self.sides, self.printer

    @property
    def named(self) -> int:
        """How many fields it names, 0 to 5."""
        return sum(each != ANY for each in self.fields)

    def applies(self, wanted: tuple[str, str, str | None, str, str]) -> bool:
        """Say whether every field is open or as wanted; an unknown medium fits `*` only."""
        return all(own in (ANY, other) for own, other in zip(self.fields, wanted, strict=True))


class Tariff(Described):
    """A price list in one unit, in force from a moment on until the next one is."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    version: Annotated[int, Field(strict=True, ge=1, lt=2**63)]
    """Ascends; every charge says under which version it was priced."""
    unit: Unit
    """What the prices are in: a currency, or `page`."""
    effective_from: AwareDatetime
    """The first moment it is in force."""
    lines: Annotated[tuple[TariffLine, ...], Field(max_length=_LINES_MAX)]
    """In the order that decides between equals."""

    @model_validator(mode="after")
    def _no_line_twice(self) -> Self:
        seen: dict[tuple[str, ...], int] = {}
        for number, line in enumerate(self.lines, 1):
            first = seen.setdefault(line.fields, number)
            if first != number:
                raise ValueError(
                    f"lines {first} and {number} are for the same: {' '.join(line.fields)}"
                )
        return self

    def line_for(
        self, *, service: Service, color: Color, media: str | None, sides: Sides, printer: str
    ) -> TariffLine | None:
        """Return the line that prices such impressions; None when none applies."""
        wanted = (service, color, media, "two-sided" if sides.two_sided else "one-sided", printer)
        found = [line for line in self.lines if line.applies(wanted)]
        # max keeps the first of equals, which is the one listed first
        return max(found, key=lambda line: line.named, default=None)


def in_force(tariffs: Iterable[Tariff], at: AwareDatetime) -> Tariff | None:
    """Return the tariff of a moment: the last to have come into force, the newest among equals."""
    begun = [tariff for tariff in tariffs if tariff.effective_from <= at]
    return max(begun, key=lambda tariff: (tariff.effective_from, tariff.version), default=None)
