"""What a person at a terminal is told unasked: of their jobs, money and cards; pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from broker.messages import (
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    PersonNews,
)
from config.policy.money import Money
from edge.listing import job_row
from edge.releasing import ANSWER_NEEDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from broker.messages import AccountAmount, Message
    from config.policy.money import Unit
    from edge.jobs import JobRecord

What: TypeAlias = Literal[
    "held", "refused", "asks", "released", "settled", "canceled", "flagged",
    "money", "card", "signed-off",
]  # fmt: skip

_LINE: Final = 1000
_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news, whoever hears it."""

    what: What
    job: UUID | None = None
    name: str = ""
    text: str = ""
    choices: tuple[str, ...] = ()
    data: Mapping[str, Any] | None = None

    def to(self, session: UUID) -> PersonNews:
        """Say it to a session."""
        return PersonNews(
            session=session,
            what=self.what,
            job=self.job,
            name=self.name[:_NAME],
            text=self.text[:_LINE],
            choices=self.choices,
            data=dict(self.data or {}),
        )


def of_job(record: JobRecord, event: Message) -> Told | None:
    """Return what its people are told of a job; None: nothing, or the terminal is told otherwise.

    Args:
        record: the job as it is after the event.
        event: what happened to it.
    """
    if record.service == "copy":
        return None  # the terminal counts with the edge and has the answers
    told: tuple[What, str, dict[str, Any]]
    match event:
        case JobHeld(problem=problem) if record.problem:
            told = "refused", problem or record.problem, {"reason": "unreadable"}
        case JobHeld(problem=problem):  # one of a good document is the site's: not now
            told = "held", problem or "waits here to be released", {}
        case JobRefused(reason=reason, detail=detail):
            told = "asks" if reason == ANSWER_NEEDED else "refused", detail, {"reason": reason}
        case JobReleased():
            told = "released", "", {}
        case JobSettled(disposition=disposition, flag=flag):
            text = f"{_ENDS[disposition]}: {_paid(record.charged)}"
            told = "settled", text, {"disposition": disposition, "flag": flag}
        case JobCanceled(by=by, detail=detail):
            told = "canceled", detail or "canceled", {"by": by}
        case JobFlagged(cause=cause, detail=detail):
            told = "flagged", detail, {"cause": cause}
        case _:
            return None
    what, text, more = told
    text = f"{record.name or 'your document'}: {text}" if text else ""
    choices = ("yes", "no") if what == "asks" else ()
    return Told(what, record.job, record.name, text, choices, {**job_row(record), **more})


def hearers(record: JobRecord, event: Message) -> tuple[str, ...]:
    """Return the user names of who is told: whose job it is, and who released it just then."""
    other = None
    match event:
        case JobReleased(user=user) | JobRefused(user=user):
            other = user
        case JobSettled():
            other = record.released_by
        case _:
            pass
    return tuple({name.lower(): name for name in (record.user, other) if name}.values())


_ENDS: Final = {
    "completed": "printed",
    "stopped": "stopped before its end",
    "aborted": "failed at the printer",
    "canceled": "canceled while it printed",
    "unknown": "nobody can say whether it was printed",
}


def _paid(amounts: tuple[AccountAmount, ...]) -> str:
    return ", ".join(str(Money(each.micros, each.unit)) for each in amounts) or "nothing is charged"


# ── what concerns who stands there, and no job ──────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Account:
    """An account as far as its owner sees it change."""

    account: str
    unit: Unit
    here: int
    """Micros that may be spent here."""
    enabled: bool


@dataclass(frozen=True, slots=True)
class Affairs:
    """How things stand for somebody who is signed in."""

    accounts: tuple[Account, ...]
    cards: frozenset[str]
    """Keys of their cards that wait for the centre."""
    waits: bool
    """They came by one of these."""


@dataclass(frozen=True, slots=True)
class Over:
    """Nobody is signed in by this session any more."""

    code: str
    detail: str


def changes(before: Affairs | None, now: Affairs | Over) -> Iterator[Told]:
    """Yield what has changed for somebody since they were looked at last; None: never yet."""
    if isinstance(now, Over):
        yield Told("signed-off", text=now.detail, data={"reason": now.code})
        return
    if before is None:
        return
    if before.waits and not now.waits:
        yield Told("card", text="the centre has confirmed your card", data={"confirmed": True})
    if now.cards - before.cards:
        yield Told("card", text="a new card was entered for you", data={"entered": True})
    if changed := [each for each in now.accounts if each not in before.accounts]:
        yield Told("money", data={"accounts": [asdict(each) for each in changed]})
