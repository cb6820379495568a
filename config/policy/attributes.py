"""Reads a spooler's raw job attributes into `JobAttributes`; what it cannot honour it refuses.

A refusal is a value with the attribute, what was given and what would do. Attributes that change
what comes out of the printer and that nobody here counts (booklets, banners, posters, odd pages
only) are refused too: what is not counted is not printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from config.policy.jobs import (
    COPIES_MAX,
    NAME_OCTETS,
    NUMBER_UP,
    ORIENTATIONS,
    PAGE_MAX,
    ColorMode,
    JobAttributes,
    Orientation,
    Sides,
    ascending,
)
from config.policy.media import media_class

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One attribute that cannot be honoured."""

    attribute: str
    """The IPP (or driver's) name, such as `number-up`."""
    given: str
    """What was given, shortened."""
    expected: str
    """What would do, in words."""

    def __str__(self) -> str:
        """Write a sentence for people."""
        return f"{self.attribute} is {self.given}, expected {self.expected}"


@dataclass(frozen=True, slots=True)
class AttributesRefused:
    """Every refusal of one job, in the order of their names."""

    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class _Read(Generic[Value]):
    value: Value


#: what one reader answers: a value, or what it had expected
_Answer = _Read[Value] | str

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_RANGE = re.compile(r"(\d{0,10})(-?)(\d{0,10})")
_SHOWN = 60
_NO_ORIENTATION = 7

#: names for `sides` and `print-color-mode` that drivers' dialogs send → IPP's value
_DRIVER_SIDES = {
    "none": "one-sided",
    "duplexnotumble": "two-sided-long-edge",
    "duplextumble": "two-sided-short-edge",
}
_DRIVER_COLORS = {"gray": "monochrome", "grayscale": "monochrome", "black": "monochrome"}

_NO = frozenset({"off", "false", "no", "none", "0"})
_YES = frozenset({"on", "true", "yes", "1"})
#: attributes that change what is printed → the values under which they change nothing
_INERT: Mapping[str, frozenset[str]] = {
    "booklet": _NO,
    "columns": frozenset({"1"}),  # of text
    "cpi": frozenset({"10"}),  # of text
    "fit-to-page": _YES,  # an image that is not fitted goes over several sheets
    "fitplot": _YES,
    "imposition-template": frozenset({"none"}),
    "insert-sheet": frozenset(),
    "job-sheets": frozenset({"none", "none,none", "none none"}),
    "lpi": frozenset({"6"}),  # of text
    "natural-scaling": frozenset(),  # an image at its own size is a poster of several sheets
    "overrides": frozenset(),
    "page-bottom": frozenset(),  # margins of text
    "page-left": frozenset(),
    "page-right": frozenset(),
    "page-set": frozenset({"all"}),
    "page-top": frozenset(),
    "ppi": frozenset(),  # of an image: the fewer, the more sheets
    "prettyprint": _NO,  # of text
    "scaling": frozenset({"100"}),  # of an image
    "separator-sheets": frozenset(),
    "wrap": _YES,  # of text
}

#: every attribute that is looked at; a spooler has to be asked for all of them
NAMES_READ: tuple[str, ...] = (
    "ColorModel",
    "Duplex",
    "copies",
    "document-format",
    "job-name",
    "job-originating-user-name",
    "landscape",
    "media",
    "number-up",
    "orientation-requested",
    "page-ranges",
    "print-color-mode",
    "sides",
    *_INERT,
)


def read_attributes(raw: Mapping[str, object]) -> JobAttributes | AttributesRefused:
    """Read attributes as pycups (or ipptool) gives them; names that are not known are ignored.

    A value may be a number or its text, and a list of one. Absent attributes take IPP's default.
    Not to be fed with a held job's `print-color-mode` unless the client is known to have sent it:
    CUPS fills it in by itself.
    """
    refusals: list[Refusal] = []

    def one(name: str, reader: Callable[[object], _Answer[Value]], default: Value) -> Value:
        value = _single(raw.get(name))
        if value is None:
            return default
        match reader(value):
            case _Read(value=found):
                return found
            case expected:
                refusals.append(Refusal(name, _shown(value), str(expected)))
                return default

    sides = one("sides", _sides, Sides.ONE_SIDED)
    mode = one("print-color-mode", _color_mode, ColorMode.AUTO)
    landscape = one("landscape", _landscape, None)
    driver_sides = one("Duplex", _driver_sides, None)
    driver_mode = one("ColorModel", _driver_mode, None)
    if "sides" in raw and driver_sides not in {None, sides}:
        refusals.append(Refusal("Duplex", _shown(raw["Duplex"]), f"what sides says: {sides}"))
    if "print-color-mode" in raw and driver_mode not in {None, mode}:
        shown = _shown(raw["ColorModel"])
        refusals.append(Refusal("ColorModel", shown, f"what print-color-mode says: {mode}"))
    for name, inert in _INERT.items():
        value = _single(raw.get(name))
        if value is not None and _shown(value).lower() not in inert:
            expected = f"none: Printmesh does not count {name}"
            refusals.append(Refusal(name, _shown(value), expected))
    attributes = JobAttributes(
        copies=one("copies", _copies, 1),
        sides=sides if "sides" in raw else driver_sides or sides,
        number_up=one("number-up", _number_up, 1),
        orientation_requested=one("orientation-requested", _orientation, landscape),
        page_ranges=_ranges(raw.get("page-ranges"), refusals),
        media=one("media", _media, None),
        print_color_mode=mode if "print-color-mode" in raw else driver_mode or mode,
        job_name=one("job-name", _job_name, ""),
        user=one("job-originating-user-name", _user, None),
        document_format=one("document-format", _format, None),
    )
    if refusals:
        return AttributesRefused(tuple(sorted(refusals, key=lambda each: each.attribute)))
    return attributes


def clean_name(text: str) -> str:
    """Clean and cut a job's name to one line of 255 octets: it is for people, and stops no job."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line.encode(errors="replace")[:NAME_OCTETS].decode(errors="ignore")


def is_user_name(text: str) -> bool:
    """Say whether a user's name can be taken as it is: a cleaned one could be somebody else's."""
    if text != text.strip() or _CONTROL.search(text):
        return False
    try:
        return 0 < len(text.encode()) <= NAME_OCTETS
    except UnicodeEncodeError:
        return False


def _single(value: object) -> object:
    """Unwrap a list of one, as many IPP libraries give single values."""
    if isinstance(value, list | tuple) and len(value) == 1:
        return value[0]
    return value


def _shown(value: object) -> str:
    """Return a value as one short line."""
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    text = _CONTROL.sub(" ", str(value)).strip()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _integer(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,10}\s*", value):
        return int(value)
    return None


def _copies(value: object) -> _Answer[int]:
    number = _integer(value)
    if number is None or not 1 <= number <= COPIES_MAX:
        return f"a number from 1 to {COPIES_MAX}"
    return _Read(number)


def _number_up(value: object) -> _Answer[int]:
    number = _integer(value)
    if number not in NUMBER_UP:
        return "one of " + ", ".join(map(str, NUMBER_UP))
    return _Read(number)


def _sides(value: object) -> _Answer[Sides]:
    if isinstance(value, str) and value in set(Sides):
        return _Read(Sides(value))
    return "one of " + ", ".join(Sides)


def _color_mode(value: object) -> _Answer[ColorMode]:
    if isinstance(value, str) and value in set(ColorMode):
        return _Read(ColorMode(value))
    return "one of " + ", ".join(ColorMode)


def _driver_sides(value: object) -> _Answer[Sides | None]:
    known = _DRIVER_SIDES.get(str(value).lower())
    return _Read(Sides(known)) if known else "None, DuplexNoTumble or DuplexTumble"


def _driver_mode(value: object) -> _Answer[ColorMode | None]:
    """Every colour model that is not grey prints the document as it is."""
    return _Read(ColorMode(_DRIVER_COLORS.get(str(value).lower(), "auto")))


def _orientation(value: object) -> _Answer[Orientation | None]:
    """Read RFC 8011's 3 to 6; PWG 5100.13's 7 is none."""
    number = _integer(value)
    for known in ORIENTATIONS:
        if number == known:
            return _Read(known)
    return _Read(None) if number == _NO_ORIENTATION else "a number from 3 to 7"


def _landscape(value: object) -> _Answer[Orientation | None]:
    """CUPS's older word for an orientation of 4."""
    word = str(value).lower()
    return _Read(4) if word in {"on", "true", "yes", "1"} else _Read(None)


def _media(value: object) -> _Answer[str | None]:
    found = media_class(value) if isinstance(value, str) else None
    return _Read(found) if found else "a media name such as iso_a4_210x297mm or A4"


def _job_name(value: object) -> _Answer[str]:
    return _Read(clean_name(str(value)))


def _user(value: object) -> _Answer[str | None]:
    if isinstance(value, str) and is_user_name(value):
        return _Read(value)
    return f"a name of at most {NAME_OCTETS} octets without control characters"


def _format(value: object) -> _Answer[str | None]:
    if isinstance(value, str) and re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,60}", value, re.ASCII):
        return _Read(value.lower())
    return "a MIME type such as application/pdf"


def _ranges(value: object, refusals: list[Refusal]) -> tuple[tuple[int, int], ...]:
    """Read `(2, 3)`, `[(2, 3), (5, 5)]`, `2-3,5`, `5-` or a list of such texts."""
    if value is None or value in ([], (), ""):
        return ()
    items: list[object] = []
    if isinstance(value, tuple) and all(isinstance(end, int) for end in value):
        items = [value]
    elif isinstance(value, list | tuple):
        items = list(value)
    else:
        items = [value]
    parts = [
        part for item in items for part in (item.split(",") if isinstance(item, str) else (item,))
    ]
    found = tuple(_range(part) for part in parts)
    whole = tuple(each for each in found if each is not None)
    if len(whole) < len(found) or not ascending(whole):
        expected = "ranges of pages from 1 that ascend and do not overlap, such as 1-3,7"
        refusals.append(Refusal("page-ranges", _shown(value), expected))
        return ()
    return whole


def _range(part: object) -> tuple[int, int] | None:
    if isinstance(part, int) and not isinstance(part, bool):
        part = str(part)
    if isinstance(part, str) and (match := _RANGE.fullmatch(part.strip())):
        low, dash, high = match.groups()
        if not (low or high) or (high and not dash):
            return None
        lower = int(low or 1)
        part = (lower, int(high or PAGE_MAX) if dash else lower)
    match part:
        case (bool(), _) | (_, bool()):
            return None
        case (int(lower), int(upper)) if 1 <= lower <= upper <= PAGE_MAX:
            return lower, upper
    return None
