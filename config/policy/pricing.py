"""What printed or copied figures cost under a tariff, item by item, in whole millionths.

Monochrome and colour impressions are priced by their own lines. Sheets are counted once: by the
line with the higher sheet price among those that priced impressions, so that fewer impressions of
a job never cost more than all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.policy.money import MICROS_BOUND, Money

if TYPE_CHECKING:
    from config.policy.jobs import Figures
    from config.policy.tariffs import Color, Service, Tariff, TariffLine


@dataclass(frozen=True, slots=True)
class PriceItem:
    """One term of a price, so that a person sees why it is what it is."""

    what: str
    """`monochrome impression`, `color impression` or `sheet`."""
    count: int
    """How many, at least 1."""
    each: Money
    """The price of one."""
    line: TariffLine
    """The line of the tariff it stands on."""

    @property
    def total(self) -> Money:
        """The price of all."""
        return Money(self.count * self.each.micros, self.each.unit)

    def __str__(self) -> str:
        """Write `3 color impressions at 0.25 EUR`."""
        return f"{self.count} {self.what}{'' if self.count == 1 else 's'} at {self.each}"


@dataclass(frozen=True, slots=True)
class Priced:
    """A price and its reasons."""

    total: Money
    """The sum of the items; never negative."""
    tariff_version: int
    """The tariff it was made under."""
    items: tuple[PriceItem, ...]
    """Impressions first, sheets last; what costs nothing is listed too, but for free sheets."""


@dataclass(frozen=True, slots=True)
class NoPrice:
    """The tariff does not say what this costs."""

    detail: str
    """For people."""


def price(tariff: Tariff, service: Service, figures: Figures, printer: str) -> Priced | NoPrice:
    """Return what these figures cost at this printer, or why that is not known."""
    counts: tuple[tuple[Color, int], ...] = (
        ("monochrome", figures.monochrome_impressions),
        ("color", figures.color_impressions),
    )
    items: list[PriceItem] = []
    for color, count in counts:
        if not count:
            continue
        line = tariff.line_for(
            service=service,
            color=color,
            media=figures.media,
            sides=figures.sides,
            printer=printer,
        )
        if line is None:
            media = figures.media or "an unknown medium"
            return NoPrice(
                f"tariff {tariff.version} has no price for {service}, {color}, {media}, "
                f"{figures.sides} at {printer}"
            )
        each = Money(line.per_impression, tariff.unit)
        items.append(PriceItem(f"{color} impression", count, each, line))
    if items:
        dearest = max((item.line for item in items), key=lambda line: line.per_sheet)
        if dearest.per_sheet:
            each = Money(dearest.per_sheet, tariff.unit)
            items.append(PriceItem("sheet", figures.sheets, each, dearest))
    micros = sum(item.total.micros for item in items)
    if micros > MICROS_BOUND:
        return NoPrice(f"{figures.impressions} impressions cost more than can be booked")
    return Priced(Money(micros, tariff.unit), tariff.version, tuple(items))
