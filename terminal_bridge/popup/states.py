"""What a pop-up knows and asks, what happens to it, and what its shell has to do: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from terminal_bridge.events import Answered, Ask, EdgeBack, EdgeLost, News, NoAnswer, TimeUp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from broker.messages.terminals import (
        BalanceAnswer,
        IdentifyAnswer,
        QuoteAnswer,
        SiteState,
    )
    from terminal_bridge.popup.rows import JobRow

#: Notes that are kept; and questions that are open at once: more stay held and are said so.
NOTES: Final = 50
QUESTIONS: Final = 20


# ── what happens ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SiteSaid:
    """The edge's word on itself."""

    site: SiteState


@dataclass(frozen=True, slots=True)
class Yes:
    """The person says yes: release it."""

    job: UUID


@dataclass(frozen=True, slots=True)
class Throw:
    """The person wants the job thrown away."""

    job: UUID


@dataclass(frozen=True, slots=True)
class Later:
    """The person closes the question; the job stays held."""

    job: UUID


@dataclass(frozen=True, slots=True)
class Opened:
    """The person wants to release a job of the list."""

    job: UUID


@dataclass(frozen=True, slots=True)
class Chosen:
    """The person chooses where to print and what to charge."""

    job: UUID
    printer: str | None
    account: str | None


Wanted: TypeAlias = Yes | Throw | Later | Opened | Chosen
Event: TypeAlias = Answered | NoAnswer | EdgeBack | EdgeLost | News | TimeUp | SiteSaid | Wanted


# ── what is asked of the edge, and why ──────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Identifying:
    """Whose pop-up this is."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Which jobs wait."""

    found: tuple[JobRow, ...] = ()
    """On the pages before."""
    began: int = 0
    """Number of the first question for them."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """How much there is to spend."""


@dataclass(frozen=True, slots=True)
class Quoting:
    """What a job would come to."""

    job: UUID
    printer: str
    account: str | None


@dataclass(frozen=True, slots=True)
class Releasing:
    """Print it."""

    job: UUID
    printer: str
    account: str | None
    confirmed: bool = False
    """The yes was to a question that was read."""
    again: bool = False
    """For the second time: the session was over at the first."""


@dataclass(frozen=True, slots=True)
class Canceling:
    """Throw it away."""

    job: UUID
    again: bool = False


Purpose: TypeAlias = Identifying | Listing | Weighing | Quoting | Releasing | Canceling


# ── what it knows ───────────────────────────────────────────────────────────────────────────

Busy: TypeAlias = Literal["", "releasing", "canceling"]
NoteKind: TypeAlias = Literal[
    "held", "refused", "asks", "released", "settled", "canceled", "flagged", "card",
    "unanswered", "too-late", "no-answer", "gone", "kept",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened."""

    kind: NoteKind
    at: float
    """Seconds on the shell's clock."""
    job: UUID | None = None
    name: str = ""
    """job-name."""
    text: str = ""
    """The edge's own words."""
    code: str = ""
    """Why, or how it ended, for machines."""
    row: JobRow | None = None
    """The job as it is now."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person has to decide on one job."""

    job: UUID
    name: str
    text: str = ""
    """What a rule asks; empty: the person wants to print it."""
    asked: bool = False
    """A rule asks: it is closed when nobody answers."""
    row: JobRow | None = None
    printer: str | None = None
    """Where it would be printed; None: not known yet."""
    account: str | None = None
    """To be charged instead of the person's own."""
    moved: bool = False
    """Something else was chosen since a rule asked: it may ask something else there."""
    quote: QuoteAnswer | None = None
    """What that comes to."""
    busy: Busy = ""
    trouble: str = ""
    """Why the last answer did not do it: the edge's own words."""
    code: str = ""
    """The same for machines."""
    until: float | None = None
    """When it is closed."""
    born: int = 0
    """Number of the last question before it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One person's pop-up."""

    patience: float
    """Seconds in which a rule's question has to be answered."""
    here: bool = False
    """The edge listens."""
    who: IdentifyAnswer | None = None
    """Who is signed in, and the session."""
    barred: tuple[str, str] | None = None
    """Why nobody is: code and the edge's own words."""
    site: SiteState | None = None
    balance: BalanceAnswer | None = None
    jobs: Mapping[UUID, JobRow] = field(default_factory=lambda: MappingProxyType({}))
    """Those that wait."""
    questions: tuple[Question, ...] = ()
    """The first is shown."""
    notes: tuple[Note, ...] = ()
    """The last is the newest."""
    again: tuple[Releasing | Canceling, ...] = ()
    """To be asked once more, when somebody is signed in."""
    asks: Mapping[int, tuple[Purpose, UUID | None]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Put to the edge and not answered yet; each with the session it was put under."""
    number: int = 0
    """Of the last question."""
    identify_at: float | None = None
    jobs_at: float | None = None
    balance_at: float | None = None
    touch_at: float | None = None
    """The session would end soon after."""
    listed: float = float("-inf")
    """When jobs were asked for last."""
    weighed: float = float("-inf")
    """When the balance was."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Say it at the tray."""

    note: Note


Action: TypeAlias = Ask | Tell
