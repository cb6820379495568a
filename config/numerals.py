"""How a language writes numbers and times, learnt once from examples: it is asked for cell by cell.

What a general library does for each number anew costs a page of a long list most of its time.
Nothing here knows a language: `words` shows examples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from typing import Self

#: What shows how a kind of number is written: signs, groups of three digits, decimals.
_ONE: Final = Decimal(1)
_LARGE: Final = Decimal(1_234_567)
#: More decimals than anything here has: a millionth of a currency is the least there is.
_FINE: Final = Decimal("0.0123456789")
_NUMBER: Final = re.compile(r"(\D*)(\d.*\d|\d)(\D*)")
_GROUPS: Final = re.compile(r"1(\D*)234(?:\1)567")


@dataclass(frozen=True, slots=True)
class Numerals:
    """How one kind of number is written."""

    before: tuple[str, str]
    """In front of a number: of one that is not negative, of a negative one."""
    after: tuple[str, str]
    """Behind it, the same."""
    group: str
    """Between groups of three digits."""
    point: str
    """Before decimals."""
    least: int
    """Decimals that are always there."""
    most: int
    """Decimals at most; what is finer is rounded, half to even."""

    @classmethod
    def learnt(cls, write: Callable[[Decimal], str], point: str) -> Self:
        """Return how somebody writes.

        Args:
            write: writes a number.
            point: what they write before decimals.

        Raises:
            ValueError: they write otherwise than in groups of three digits.
        """
        shown, negative = _parts(write(_ONE)), _parts(write(-_ONE))
        large = _GROUPS.search(write(_LARGE))
        if large is None:
            raise ValueError(write(_LARGE))
        return cls(
            (shown[0], negative[0]),
            (shown[2], negative[2]),
            large[1],
            point,
            len(shown[1].partition(point)[2]),
            len(_parts(write(_FINE))[1].partition(point)[2]),
        )

    def write(self, value: Decimal) -> str:
        """Write a number."""
        sign = value.is_signed()
        whole, _, part = f"{abs(value):,.{self.most}f}".partition(".")
        part = part.rstrip("0").ljust(self.least, "0")
        whole = whole.replace(",", self.group)
        return f"{self.before[sign]}{whole}{self.point if part else ''}{part}{self.after[sign]}"

    def whole(self, value: int) -> str:
        """Write a whole number, of a kind that shows no decimals then."""
        sign = value < 0
        return self.before[sign] + f"{abs(value):,}".replace(",", self.group) + self.after[sign]


def _parts(text: str) -> tuple[str, str, str]:
    """Return what is before a number, the number, and what is behind it."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return found[1], found[2], found[3]


_HOLES: Final = re.compile(r"%\((\w+)\)s")
#: Fields of a pattern (Unicode TR35), but for names of months; a day has none of a clock's.
_FIELDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "y": lambda moment: str(moment.year),
    "d": lambda moment: str(moment.day),
    "dd": lambda moment: f"{moment.day:02}",
    "MM": lambda moment: f"{moment.month:02}",
    "H": lambda moment: str(moment.hour),
    "HH": lambda moment: f"{moment.hour:02}",
    "mm": lambda moment: f"{moment.minute:02}",
    "ss": lambda moment: f"{moment.second:02}",
}


@dataclass(frozen=True, slots=True)
class Moments:
    """How one kind of time is written."""

    text: str
    """With a hole for each field."""
    fields: tuple[Callable[[Any], str], ...]

    @classmethod
    def learnt(cls, pattern: str, months: Mapping[int, str]) -> Self:
        """Return how a time is written.

        Args:
            pattern: `%(d)s %(MMM)s %(y)s`.
            months: their short names, by number from 1.

        Raises:
            KeyError: a field is none of those known here.
        """
        known = {**_FIELDS, "MMM": lambda moment: months[moment.month]}
        return cls(
            _HOLES.sub("%s", pattern), tuple(known[each] for each in _HOLES.findall(pattern))
        )

    def write(self, moment: date) -> str:
        """Write a moment, in the zone it is in; or a day, where no field is of a clock."""
        return self.text % tuple(field(moment) for field in self.fields)
