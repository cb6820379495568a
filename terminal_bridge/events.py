"""What happens to a terminal, and what its session has the shell do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from broker.messages import Reply
    from broker.messages.copies import CopyCounts, CopyState
    from broker.messages.terminals import (
        PersonNews,
    )
    from terminal_bridge.phases import OpenCopy, Release, Who
    from terminal_bridge.ports import CopyKind, Sound


# ── what happens ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card was held against the reader."""

    number: str = field(repr=False)
    mark: bytes = field(repr=False)
    """The same for the same card, and good for nothing else."""


@dataclass(frozen=True, slots=True)
class CardRemoved:
    """It is gone."""


@dataclass(frozen=True, slots=True)
class PinTyped:
    """User name and PIN were typed."""

    user: str
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordTyped:
    """User name and password were typed."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PinBeside:
    """The PIN beside the card that was shown was typed, all of it."""

    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Digit:
    """A digit on a key pad."""

    digit: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionShown:
    """Somebody who is signed in elsewhere, such as on their phone, goes on here."""

    session: UUID


@dataclass(frozen=True, slots=True)
class Key:
    """A key, or a button on a screen."""

    name: Literal["sign-off", "stop", "release-all", "touch", "enter", "clear"]
    """`touch`: anything else that shows somebody is there."""


@dataclass(frozen=True, slots=True)
class CopyWanted:
    """Somebody wants to copy."""

    confirmed: bool = False
    """They have said yes to what a rule asks."""
    account: str | None = None
    """To be charged instead."""


@dataclass(frozen=True, slots=True)
class ReleaseWanted:
    """Jobs were chosen on a screen."""

    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class EnrolWanted:
    """The next card is a new one of whoever is signed in."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The edge answered."""

    ask: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """It did not, in time; it may have acted all the same."""

    ask: int


@dataclass(frozen=True, slots=True)
class EdgeLost:
    """The edge cannot be asked."""


@dataclass(frozen=True, slots=True)
class EdgeBack:
    """It can."""


@dataclass(frozen=True, slots=True)
class TimeUp:
    """What `wake_at` waited for; one too many does nothing."""


@dataclass(frozen=True, slots=True)
class PrinterTrouble:
    """The machine or the wires to it fail; an empty text: no more."""

    text: str


@dataclass(frozen=True, slots=True)
class Pulses:
    """The machine's totals since it was opened."""

    totals: CopyCounts


@dataclass(frozen=True, slots=True)
class PowerBack:
    """The program starts; these copies were open when it ended."""

    copies: tuple[OpenCopy, ...]


@dataclass(frozen=True, slots=True)
class News:
    """The edge tells of somebody's job."""

    news: PersonNews


Event: TypeAlias = (
    CardSeen
    | CardRemoved
    | PinTyped
    | PasswordTyped
    | PinBeside
    | Digit
    | SessionShown
    | Key
    | CopyWanted
    | ReleaseWanted
    | EnrolWanted
    | Answered
    | NoAnswer
    | EdgeLost
    | EdgeBack
    | TimeUp
    | PrinterTrouble
    | Pulses
    | PowerBack
    | News
)


# ── what the shell has to do, in this order ─────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question to the edge; its end is always one Answered or NoAnswer."""

    number: int
    method: str
    fields: Mapping[str, Any] = field(repr=False)
    """Of the question, without `corr` and `expires_at`."""


@dataclass(frozen=True, slots=True)
class Enable:
    """Let the machine copy."""

    kinds: frozenset[CopyKind]


@dataclass(frozen=True, slots=True)
class Disable:
    """Stop it, before anything else."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Make durable before going on."""

    copy: OpenCopy


@dataclass(frozen=True, slots=True)
class Forget:
    """The edge has it."""

    copy_id: UUID


Screen: TypeAlias = Literal[
    "ready", "no-edge", "looking", "refused", "hello", "jobs", "released", "beginning", "copying",
    "stopping", "settled", "kept", "trouble", "news", "goodbye", "new-card", "enrolled",
    "pin",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Show:
    """Say it on the display, in the person's language."""

    screen: Screen
    text: str = ""
    """A sentence of the edge's, or what is wrong."""
    who: Who | None = None
    copy: CopyState | None = None
    """As it is durable at the edge."""
    number: int = 0
    """Of jobs."""
    news: PersonNews | None = None
    """What is told."""
    code: str = ""
    """Why it is refused, for machines."""


@dataclass(frozen=True, slots=True)
class Beep:
    """Make a sound."""

    sound: Sound


@dataclass(frozen=True, slots=True)
class Log:
    """Write down what should not have been."""

    action: str
    text: str


Action: TypeAlias = Ask | Enable | Disable | Keep | Forget | Show | Beep | Log
