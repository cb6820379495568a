"""What a terminal may be in and what it knows; the counts of a copy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from broker.messages.copies import CopyCounts
from terminal_bridge.ports import COPY_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from broker.messages.copies import CopyState
    from broker.messages.terminals import (
        IdentifyAnswer,
    )
    from terminal_bridge.ports import CopyKind

#: No page.
NOTHING: Final = CopyCounts()


@dataclass(frozen=True, slots=True)
class Habits:
    """How one terminal behaves. Durations in seconds."""

    printer: str
    """Device id of the machine beside it."""
    tied: bool = False
    """It is that machine's own: the edge is told, and lets it have no other one print."""
    at_card: Literal["copy", "release", "choose"] = "copy"
    """What signing in begins: a copy, the release of all held jobs, or nothing yet."""
    second_card: Literal["replace", "refuse"] = "replace"
    """What another card does while somebody is signed in."""
    card_stays: bool = False
    """The card lies in the reader while its person is signed in; taken away, they are gone."""
    kinds: frozenset[CopyKind] = frozenset({"monochrome", "monochrome_large"})
    """What the copier can make and count apart."""
    idle: float = 60.0
    """Signed off after so long without a touch, and a copy ended after so long without a page; the
    edge's own time counts too, if it is less."""
    run_out: float = 2.0
    """A stopped machine is still for so long before its copy is settled."""
    run_out_most: float = 30.0
    """It is settled after this in any case."""
    pin: float = 20.0
    """How long the next key of a PIN is waited for."""
    enrol: float = 30.0
    """How long a new card is waited for."""
    shown: float = 4.0
    """How long a result stays on the display."""
    count_every: float = 0.1
    """Counts go to the edge at most so often."""
    again: float = 5.0
    """How long to wait before the edge is told again of what it has not answered."""


# ── what is known ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who is signed in."""

    answer: IdentifyAnswer
    """As the edge named them."""
    mark: bytes = field(default=b"", repr=False)
    """Of their card, to know it again; empty: they came without one."""

    @property
    def person(self) -> dict[str, str]:
        """Name them in a question."""
        return {"session": str(self.answer.session)}


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """A copy that the edge has not settled as far as is known here; this is what is durable."""

    copy_id: UUID
    """As the edge named it."""
    counts: CopyCounts = NOTHING
    """Counted here."""
    why: str = ""
    """Why it ended, for the record; empty: it has not."""
    late: bool = False
    """It is settled; these counts came after."""


@dataclass(frozen=True, slots=True)
class Release:
    """A job that somebody wants printed."""

    job: UUID
    """job-uuid."""
    printer: str
    """Device id."""
    changes: Mapping[str, Any] | None = None
    """JobChanges, as JSON."""
    confirmed: bool = False
    """The person has said yes to what a rule asks."""
    account: str | None = None
    """To be charged instead."""


@dataclass(frozen=True, slots=True)
class SignOff:
    """Then nobody stands there."""


@dataclass(frozen=True, slots=True)
class Next:
    """Then somebody else is signed in, who has shown a card or typed already."""

    fields: Mapping[str, str] = field(repr=False)
    """Of the IdentifyRequest."""
    mark: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Stay:
    """Then the same person goes on."""


Then: TypeAlias = SignOff | Next | Stay


# ── phases ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Idle:
    """Nobody stands there."""


@dataclass(frozen=True, slots=True)
class Identifying:
    """The edge is asked who it is."""

    ask: int
    mark: bytes = field(default=b"", repr=False)
    then: Then | None = None
    """They have left already, or another card came; none: nothing of that kind."""
    card: str = field(default="", repr=False)
    """Whose PIN may be needed."""
    pin: bool = False
    """It was typed."""


@dataclass(frozen=True, slots=True)
class PinNeeded:
    """The card is known; nobody is signed in by it before the PIN is typed."""

    card: str = field(repr=False)
    mark: bytes = field(repr=False)
    until: float
    """Forgotten then."""
    typed: str = field(default="", repr=False)
    """So far."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Somebody is signed in; nothing goes on."""

    who: Who
    until: float
    """Signed off then."""


@dataclass(frozen=True, slots=True)
class Enrolling:
    """The next card is entered for who is signed in."""

    who: Who
    until: float
    """Not waited for any longer."""
    ask: int | None = None
    """The edge is asked to enter one."""
    then: Then | None = None
    """What was wanted meanwhile."""


@dataclass(frozen=True, slots=True)
class Choosing:
    """Their held jobs are asked for, to release all of them."""

    who: Who
    ask: int
    then: Then | None = None
    """What was wanted meanwhile: nothing more is released; none: as usual."""
    found: tuple[Release, ...] = ()
    """On the pages of the list before."""


@dataclass(frozen=True, slots=True)
class Releasing:
    """Jobs go to the printer, one after the other."""

    who: Who
    ask: int
    left: tuple[Release, ...]
    """After the one that is asked for."""
    then: Then | None = None
    """As with Choosing."""
    done: int = 0
    """Released."""
    refused: tuple[str, ...] = ()
    """Why others were not, in sentences."""
    code: str = ""
    """Why the first of these was not, for machines."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The edge is asked to set money aside for a copy."""

    who: Who
    ask: int
    then: Then | None = None
    """What was wanted meanwhile: what is begun is ended at once; none: copy."""


@dataclass(frozen=True, slots=True)
class Copying:
    """Money is set aside; the machine copies as far as it reaches."""

    who: Who
    base: CopyCounts
    """The machine's totals when it began."""
    counts: CopyCounts
    """Counted since."""
    state: CopyState
    """The edge's last word."""
    enabled: bool
    """The machine is let."""
    until: float
    """Ended then, if nothing is copied."""
    ask: int | None = None
    """A count that is not answered."""
    asked: CopyCounts = NOTHING
    """The last one told."""
    asked_at: float = 0.0
    """When."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The machine is stopped; what it still makes is counted, then the edge is told."""

    who: Who
    base: CopyCounts
    copy: OpenCopy
    then: Then
    quiet_at: float
    """Still until then: settle."""
    latest: float
    """Settle then in any case."""
    ask: int | None = None
    """The edge is asked to settle."""
    asked: CopyCounts = NOTHING
    """With these counts."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of it is shown."""

    until: float
    who: Who | None = None
    """Who goes on afterwards; none: they are signed off."""


Phase: TypeAlias = (
    Idle
    | Identifying
    | PinNeeded
    | Identified
    | Enrolling
    | Choosing
    | Releasing
    | Beginning
    | Copying
    | Ending
    | Settled
)


@dataclass(frozen=True, slots=True)
class Terminal:
    """All that one terminal knows."""

    phase: Phase = Idle()
    edge: bool = False
    """The edge can be asked."""
    trouble: str = ""
    """What is wrong with the machine; empty: nothing."""
    asks: int = 0
    """Questions so far: the number of the last."""
    totals: CopyCounts = NOTHING
    """Counted by the machine since it was opened."""
    owed: tuple[OpenCopy, ...] = ()
    """Copies over here that the edge does not know to be."""
    owed_ask: int | None = None
    """The first of them is being told."""
    owed_at: float | None = None
    """Tell it again then."""


def outside(terminal: Terminal) -> tuple[object, ...]:
    """Return what others may see of a terminal: nothing of who stands there."""
    return type(terminal.phase), terminal.edge, terminal.trouble, terminal.owed


# ── counts ──────────────────────────────────────────────────────────────────────────────────


def counted(totals: CopyCounts, base: CopyCounts) -> CopyCounts:
    """Return what was counted since `base`, kind by kind; never less than nothing."""
    return CopyCounts(
        **{kind: max(0, getattr(totals, kind) - getattr(base, kind)) for kind in COPY_KINDS}
    )


def summed(one: CopyCounts, other: CopyCounts) -> CopyCounts:
    """Return both together, kind by kind."""
    return CopyCounts(**{kind: getattr(one, kind) + getattr(other, kind) for kind in COPY_KINDS})


def most(one: CopyCounts, other: CopyCounts) -> CopyCounts:
    """Return the greater count of each kind."""
    return CopyCounts(
        **{kind: max(getattr(one, kind), getattr(other, kind)) for kind in COPY_KINDS}
    )


def within(unsaid: CopyCounts, left: CopyCounts) -> bool:
    """Say whether a next page is covered still: what is unsaid is less than what was left.

    `left` is how many more of each kind alone; kinds share what is left in proportion.
    """
    share, whole = 0, 1
    for kind in COPY_KINDS:
        made, room = getattr(unsaid, kind), getattr(left, kind)
        if made:
            if not room:
                return False
            share, whole = share * room + made * whole, whole * room
    return share < whole
