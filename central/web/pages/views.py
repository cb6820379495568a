"""What pages share of what they show: frozen, ready to be written down by a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

#: The four states (UI.md): each has a colour, a shape and a word.
Tone: TypeAlias = Literal["good", "waiting", "trouble", "unknown"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, said above the page."""

    tone: Tone
    text: str
    """Translated."""
    detail: str = ""
    """What it means, and what to do."""


@dataclass(frozen=True, slots=True)
class NavItem:
    """A way to go."""

    path: str
    label: str
    icon: str
    here: bool
    phone: bool


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around a page."""

    language: str
    languages: tuple[str, ...]
    theme: Literal["", "light", "dark"]
    organisation: str
    token: str
    """For forms."""
    name: str
    """User name of whoever is signed in; empty: nobody."""
    display: str
    roles: tuple[str, ...]
    scope: tuple[str, ...]
    """Sites they are confined to; none: they are not."""
    nav: tuple[NavItem, ...]
    search: bool
    notice: Notice | None
    now: datetime
    here: str
    home: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A state in a word: shape and colour by its tone."""

    tone: Tone
    text: str
    icon: str = ""
    """Empty: that of the tone."""


@dataclass(frozen=True, slots=True)
class SiteChip:
    """A site and its link, in the strip and wherever a site is named."""

    node: str
    site: str
    state: Literal["linked", "alone", "out", "parked", "new"]
    """alone: it works without the centre; out: an agent without it; new: never heard."""
    since: datetime | None
    """Since when it is alone, in the organisation's zone."""
    waiting: int = 0
    """Events it has told of that are not committed here."""
    worst: str = ""
    """The worst case there, as money; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit, and what to hold it against."""

    label: str
    value: str
    """Written down."""
    note: str = ""
    """Its comparison: `8 % fewer than last Monday`."""
    tone: Tone | None = None
    href: str = ""
    key: str = ""
    """Of a live value; empty: it is not."""
    spark: str = ""
    """An SVG element, made by us."""


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of a time line."""

    at: datetime
    label: str
    """What happened."""
    detail: str = ""
    tone: Tone = "good"
    href: str = ""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One posting of an entry."""

    account: str
    """What people call it."""
    place: str
    """Where it sits; empty: the centre."""
    amount: str
    """Written down, with its sign."""
    negative: bool
    href: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """An entry: its postings, and that they sum to zero."""

    title: str
    at: datetime
    author: str
    note: str
    lines: tuple[LedgerLine, ...]
    sum: str
    """Zero, written down; for each unit."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an act that is hard to undo would come to, told before it is done."""

    title: str
    """As a question: `Write off what sits at South?`"""
    numbers: tuple[str, ...]
    """Each a sentence with its number."""
    verb: str
    """The button."""
    action: str
    """Where the form goes."""
    undo: str = ""
    """How it is undone; empty: it cannot be."""
    type_: str = ""
    """A word to be typed first; empty: none."""
    danger: bool = True


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands where a list has nothing: what will, why, and what makes the first one."""

    icon: str
    title: str
    text: str
    action: str = ""
    """Path of the page that makes the first one."""
    verb: str = ""
    command: str = ""
    """The same on the command line."""
