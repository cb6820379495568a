"""What is to happen next to a document that waits for its site, pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

    from broker.messages import CommandState

#: A site that was told and says nothing more is told again: what it has done it does not do twice.
AGAIN: Final = timedelta(minutes=2)
#: Between two commands for one document.
PAUSE: Final = timedelta(seconds=3)
#: The site could not begin; it is asked again.
_LATER: Final = frozenset({"busy"})


@dataclass(frozen=True, slots=True)
class Tell:
    """Its site is to be told."""


@dataclass(frozen=True, slots=True)
class Again:
    """It waits once more."""


@dataclass(frozen=True, slots=True)
class Held:
    """Its site holds it."""

    job: UUID | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Its site does not take it."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Expired:
    """It has waited too long."""


Outcome: TypeAlias = Again | Held | Refused | Expired
Step: TypeAlias = Tell | Outcome


@dataclass(frozen=True, slots=True)
class Here:
    """A document that is here."""

    told: bool
    """Its site was told; else it waits for that."""
    word: str | None
    """How far the command is that told its site the last time; None: there is none."""
    asked_at: datetime | None
    """When that was."""
    ends_at: datetime
    """It is not kept beyond."""


def step(here: Here, *, linked: bool, now: datetime) -> Step | None:
    """Return what is to be done now with a document; None: nothing.

    Args:
        here: the document.
        linked: whether its site is heard and listened to.
        now: the time.
    """
    if now >= here.ends_at:
        return Expired()
    asked = here.asked_at
    if not here.told:
        rested = asked is None or not asked <= now < asked + PAUSE
        return Tell() if linked and rested else None
    lost = here.word in {None, "expired"} or not linked
    if lost or asked is None or not asked <= now < asked + AGAIN:
        return Again()
    return None


def outcome(told: CommandState) -> Held | Refused | Again | None:
    """Return what a site's word on the command comes to; None: it is under way."""
    match told.state:
        case "successful":
            return Held(_job(told.data.get("job")))
        case "failed":
            code = str(told.data.get("code", ""))[:64]
            return Again() if code in _LATER else Refused(code, told.detail)
        case "expired":
            return Again()
        case _:
            return None


def _job(said: object) -> UUID | None:
    try:
        return UUID(str(said))
    except ValueError:
        return None
