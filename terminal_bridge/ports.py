"""What a terminal needs of its hardware: reader, copier's control, display; no driver here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from broker.messages.copies import CopyCounts, MeterReading

#: Kinds of impressions that a copier counts apart, as CopyCounts names them.
CopyKind: TypeAlias = Literal["monochrome", "color", "monochrome_large", "color_large"]
COPY_KINDS: tuple[CopyKind, ...] = ("monochrome", "color", "monochrome_large", "color_large")

#: What a buzzer says: taken, not taken, look here.
Sound: TypeAlias = Literal["good", "bad", "attention"]


@dataclass(frozen=True, slots=True)
class CardHeld:
    """A card was held against the reader; one swipe is one of these."""

    number: str = field(repr=False)
    """The card's number, transformed as the reader is set up; in no log."""


@dataclass(frozen=True, slots=True)
class CardGone:
    """The card left the reader; said only by readers that notice."""


@dataclass(frozen=True, slots=True)
class ReaderLost:
    """The reader cannot be heard; it is tried again without being asked."""

    reason: str
    """One line, for people."""


@dataclass(frozen=True, slots=True)
class ReaderBack:
    """The reader is heard (said once at the start too)."""


ReaderEvent: TypeAlias = CardHeld | CardGone | ReaderLost | ReaderBack


class Port(Protocol):
    """Something that is open while its context is."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Reader(Port, Protocol):
    """A card reader. Trouble is an event and mended inside; only wrong settings raise."""

    def events(self) -> AsyncIterator[ReaderEvent]:
        """Give what happened, in order, for one listener; ends when the context ends."""


class CopyControl(Port, Protocol):
    """A copier's foreign interface: an enable line and pulses. Opened disabled, closed disabled.

    `enable` and `disable` set lines and return at once: nothing may stand between "stop" and the
    machine. A line that cannot be set raises OSError.
    """

    def enable(self, kinds: frozenset[CopyKind]) -> None:
        """Let the machine make these kinds; one with a single line is let make all it can."""

    def disable(self) -> None:
        """Stop it; said twice is once."""

    def pulses(self) -> AsyncIterator[CopyCounts]:
        """Give the totals counted since the context was opened, whenever they grew.

        Also while disabled: a copier ends the sheet it is at. For one listener, who gets the
        newest totals and no backlog; ends when the context ends.
        """


@runtime_checkable
class Metered(Protocol):
    """A copier's control that can read the machine's own totaliser besides, while it is open."""

    def meter(self) -> MeterReading:
        """Return what the machine has made since it was built, whatever for; raises OSError."""


class Display(Port, Protocol):
    """A few lines of text and a buzzer; optional."""

    def show(self, lines: tuple[str, ...]) -> None:
        """Replace what is shown."""

    def beep(self, sound: Sound) -> None:
        """Make a sound; does not wait for its end."""
