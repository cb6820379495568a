"""Amounts in one unit, as integers of a millionth; floats never enter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from config.errors import PrintmeshError

#: An ISO 4217 currency code in capitals, or `page`.
Unit = Annotated[str, StringConstraints(pattern=r"^([A-Z]{3}|page)$")]
PAGE: Unit = "page"

#: Millionths of the unit. The bound (10¹⁵, a thousand million units) keeps every sum of a
#: ledger within 63 bits.
MICROS_BOUND = 10**15
Micros = Annotated[int, Field(strict=True, ge=-MICROS_BOUND, le=MICROS_BOUND)]
PositiveMicros = Annotated[int, Field(strict=True, gt=0, le=MICROS_BOUND)]
UNIT_MICROS = 1_000_000

_AMOUNT = re.compile(r"([+-]?)([0-9]{1,40})(?:\.([0-9]{1,40}))?")
_DECIMALS = 6
_SHOWN = 40


class MoneyError(PrintmeshError, ValueError):
    """A text that is no amount, or a sum over two units."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount: `micros` millionths of `unit`."""

    micros: int
    """Millionths of the unit; negative means owed."""
    unit: Unit
    """An ISO 4217 code, or `page`."""

    @classmethod
    def parse(cls, text: str, unit: Unit) -> Self:
        """Read a decimal such as `2.50`, `3` or `-0.1234`; at most six decimals count.

        Raises:
            MoneyError: not a decimal number, too fine, or beyond the bound.
        """
        shown = repr(text[:_SHOWN])
        match = _AMOUNT.fullmatch(text.strip())
        if match is None:
            raise MoneyError(f"{shown} is not an amount; write it like 2.50")
        sign, whole, rest = match[1], match[2], (match[3] or "").rstrip("0")
        if len(rest) > _DECIMALS:
            raise MoneyError(f"{shown} is finer than a millionth of {unit}")
        micros = int(whole) * UNIT_MICROS + int(rest.ljust(_DECIMALS, "0"))
        if micros > MICROS_BOUND:
            raise MoneyError(f"{shown} is beyond ±{MICROS_BOUND // UNIT_MICROS:,} {unit}")
        if sign == "-":
            micros = -micros
        return cls(micros, unit)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.micros + other.micros, self.unit)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.micros - other.micros, self.unit)

    def __neg__(self) -> Money:
        return Money(-self.micros, self.unit)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.micros < other.micros

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.micros <= other.micros

    def __str__(self) -> str:
        """Write at least two decimals and no more than needed: `2.50 EUR`, `0.1234 EUR`."""
        sign = "-" if self.micros < 0 else ""
        whole, rest = divmod(abs(self.micros), UNIT_MICROS)
        if self.unit == PAGE and not rest:
            return f"{sign}{whole} page{'' if whole == 1 else 's'}"
        decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
        return f"{sign}{whole}.{decimals} {self.unit}"

    def _same(self, other: Money) -> None:
        if self.unit != other.unit:
            raise MoneyError(f"{self.unit} and {other.unit} cannot be added or compared")
