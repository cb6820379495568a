"""What printed or copied figures cost under a tariff, item by item, in whole millionths.

Monochrome and colour impressions are priced by their own lines. Sheets are counted once: by the
line with the higher sheet price among those that priced impressions, so that fewer impressions of
a job never cost more than all of them. What rules change comes on top, in the order of the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.policy.money import MICROS_BOUND, Money, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

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
class Adjustment:
    """What one rule does to a price: first the factor, then the surcharges."""

    rule: str
    """The rule's name."""
    permille: int = 1000
    """Thousandths of the price so far; 0 makes it free. At least 0."""
    unit: Unit | None = None
    """The currency of the surcharges; a price in another one cannot bear them."""
    per_job: int = 0
    """Micros, at least 0, once if anything is printed."""
    per_impression: int = 0
    """Micros for each impression, at least 0."""
    per_sheet: int = 0
    """Micros for each sheet, at least 0."""

    def surcharge(self, figures: Figures) -> int:
        """Return the micros on top for such figures."""
        per_job = self.per_job if figures.impressions else 0
        each = self.per_impression * figures.impressions
        return per_job + each + self.per_sheet * figures.sheets

    def factored(self, micros: int) -> int:
        """Return an amount times the factor, to the nearest micro, a half of one up."""
        return (micros * self.permille + 500) // 1000


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What an adjustment came to."""

    adjustment: Adjustment
    by: Money
    """Added to the price; negative for a factor below 1000."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A price and its reasons."""

    total: Money
    """The sum of items and changes; never negative."""
    tariff_version: int
    """The tariff it was made under; 0: pages alone, which need none."""
    items: tuple[PriceItem, ...]
    """Impressions first, sheets last; what costs nothing is listed too, but for free sheets."""
    changes: tuple[PriceChange, ...] = ()
    """What rules did to it, in their order."""


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


def adjust(priced: Priced, figures: Figures, adjustments: Sequence[Adjustment]) -> Priced | NoPrice:
    """Return a price as rules change it, one after another.

    It never falls when figures rise, so that a part of a job never costs more than the whole.
    """
    micros, unit = priced.total.micros, priced.total.unit
    changes: list[PriceChange] = []
    for each in adjustments:
        extra = each.surcharge(figures)
        if extra and each.unit != unit:
            return NoPrice(f"rule {each.rule!r} adds {each.unit}, the price is in {unit}")
        after = each.factored(micros) + extra
        if after > MICROS_BOUND:
            return NoPrice(f"with rule {each.rule!r} it costs more than can be booked")
        changes.append(PriceChange(each, Money(after - micros, unit)))
        micros = after
    return Priced(Money(micros, unit), priced.tariff_version, priced.items, tuple(changes))
