"""What the coordinator and the process of its pages tell one another: a line of JSON for each word.

Down go what the pages cannot see in the books; up goes that they are there, or why they cannot be.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from broker.exporters.figures import IngestTally
from central.web.pages.trouble_words import SILENT

#: Seconds without a word after which the coordinator is said to be silent; it says one each second.
SILENT_AFTER: Final = 10.0


class _Word(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Begin(_Word):
    """The books are open and ours alone: open them too, and serve."""

    word: Literal["begin"] = "begin"
    incarnation: UUID
    """Of the books: those that the settings name now may be others."""


class Told(_Word):
    """How the coordinator is."""

    word: Literal["told"] = "told"
    changed: bool
    """The books may have changed since the word before."""
    troubles: tuple[str, ...]
    """What keeps it from its work, a sentence each."""
    ingest: IngestTally
    """What it has counted."""


class End(_Word):
    """Finish the answers under way, and end."""

    word: Literal["end"] = "end"


class Ready(_Word):
    """Everything asked for is served."""

    word: Literal["ready"] = "ready"


class Refused(_Word):
    """The settings ask for what cannot be had: trying again changes nothing."""

    word: Literal["refused"] = "refused"
    why: str


Down: TypeAlias = Begin | Told | End
Up: TypeAlias = Ready | Refused

_DOWN: Final[TypeAdapter[Down]] = TypeAdapter(Annotated[Down, Field(discriminator="word")])
_UP: Final[TypeAdapter[Up]] = TypeAdapter(Annotated[Up, Field(discriminator="word")])


def line(word: Down | Up) -> bytes:
    """Write a word as a line."""
    return word.model_dump_json().encode() + b"\n"


def down(said: bytes) -> Down:
    """Read what the coordinator said.

    Raises:
        ValueError: it is no such word.
    """
    return _DOWN.validate_json(said)


def up(said: bytes) -> Up:
    """Read what the process of the pages said.

    Raises:
        ValueError: it is no such word.
    """
    return _UP.validate_json(said)


class Heard:
    """What the coordinator has told so far, as the pages' process shows it."""

    def __init__(self, now: float) -> None:
        """Begin.

        Args:
            now: seconds of a clock that only rises; the same clock is asked below.
        """
        self.ingest = IngestTally()
        """The newest figures, always in the same object."""
        self._troubles: tuple[str, ...] = ()
        self._at = now

    def take(self, told: Told, now: float) -> None:
        """Take in the newest word."""
        self._troubles, self._at = told.troubles, now
        for each in fields(IngestTally):
            setattr(self.ingest, each.name, getattr(told.ingest, each.name))

    def troubles(self, now: float) -> tuple[str, ...]:
        """Return what keeps the coordinator from its work; that it says nothing is a trouble."""
        if now - self._at < SILENT_AFTER:
            return self._troubles
        return (*self._troubles, SILENT)
