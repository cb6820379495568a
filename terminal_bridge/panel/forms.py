"""What people type into the panel's forms, read at the border."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from config.policy.jobs import COPIES_MAX, PAGE_MAX, Sides, ascending
from terminal_bridge.panel.sentences import mark

if TYPE_CHECKING:
    from collections.abc import Mapping

_RANGE: Final = re.compile(r"([0-9]{1,10})(?:\s*-\s*([0-9]{1,10}))?")
_RANGES_MOST: Final = 64
_NUMBER: Final = re.compile(r"[0-9]{1,9}")

_WRONG_COPIES: Final = mark("A whole number from 1 to 999.")
_WRONG_PAGES: Final = mark("Pages in their order, such as 1-3, 7.")
#: More copies of one document than anybody makes on purpose at a panel.
_COPIES_HERE: Final = min(999, COPIES_MAX)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants a job printed."""

    changes: Mapping[str, Any]
    """JobChanges, as JSON."""
    wrong: Mapping[str, str]
    """Field → why it cannot be read, in the first language."""


def wishes_of(fields: Mapping[str, str]) -> Wishes:
    """Read the fields of the page of a job; what is missing or empty is as it came."""
    changes: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    if copies := fields.get("copies"):
        if (number := number_of(copies)) and number <= _COPIES_HERE:
            changes["copies"] = number
        else:
            wrong["copies"] = _WRONG_COPIES
    if (sides := fields.get("sides")) in set(Sides):
        changes["sides"] = sides
    if fields.get("color") == "mono":
        changes["print_color_mode"] = "monochrome"
    if pages := fields.get("pages"):
        ranges = _ranges(pages)
        if ranges is None:
            wrong["pages"] = _WRONG_PAGES
        else:
            changes["page_ranges"] = ranges
    return Wishes(changes, wrong)


def mark_of(question: str) -> str:
    """Name a question that was read: a form carries this, since the words may be any number."""
    return hashlib.sha256(question.encode()).hexdigest()[:32] if question else ""


def number_of(text: str) -> int | None:
    """Return a small whole number as typed; None: it is none."""
    return int(text) if _NUMBER.fullmatch(text) else None


def _ranges(text: str) -> list[tuple[int, int]] | None:
    found = []
    for part in text.replace(";", ",").split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            return None
        low = int(match[1])
        found.append((low, int(match[2] or low)))
    fits = all(1 <= low <= high <= PAGE_MAX for low, high in found)
    return found if fits and ascending(found) and len(found) <= _RANGES_MOST else None
