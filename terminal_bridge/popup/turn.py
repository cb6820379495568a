"""One event's turn at a pop-up: what it changes, what it asks the edge, what it tells; pure."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from terminal_bridge.events import Ask
from terminal_bridge.popup.states import NOTES, Note, Question, Tell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from broker.messages import Reply
    from broker.messages.terminals import (
        PersonNews,
    )
    from terminal_bridge.popup.rows import JobRow
    from terminal_bridge.popup.states import Action, Desk, NoteKind, Purpose

M = TypeVar("M", bound=BaseModel)

#: Seconds after news until lists are asked for, and between two at least: news come in crowds.
_SOON: Final = 0.3
_APART: Final = 2.0
#: Of the time after which a session ends: then it is shown that somebody is here.
_PROOF: Final = 0.5
#: Notes that stay in the window.
_QUIET: Final = frozenset({"released", "kept"})


class Turn:
    """Collects; holds nothing afterwards."""

    def __init__(self, desk: Desk, now: float) -> None:
        self.desk = desk
        """As it is so far."""
        self.actions: list[Action] = []
        """What is to be done, in this order."""
        self.now = now

    def set(self, **changes: Any) -> None:  # noqa: ANN401  any field
        """Change the desk."""
        self.desk = replace(self.desk, **changes)

    def refresh(self, *, jobs: bool = True) -> None:
        """Ask for lists soon, and not much oftener than people read."""
        desk = self.desk
        if jobs:
            self.set(jobs_at=_sooner(desk.jobs_at, max(self.now + _SOON, desk.listed + _APART)))
        due = max(self.now + _SOON, desk.weighed + _APART)
        self.set(balance_at=_sooner(desk.balance_at, due))

    # ── the edge ────────────────────────────────────────────────────────────────────────────

    def ask(self, purpose: Purpose, method: str, fields: Mapping[str, Any]) -> None:
        """Put a question to the edge."""
        number, who = self.desk.number + 1, self.desk.who
        asks = {**self.desk.asks, number: (purpose, who.session if who else None)}
        self.set(number=number, asks=MappingProxyType(asks))
        if who is not None:
            self.set(touch_at=self.now + who.idle_seconds * _PROOF)
        self.actions.append(Ask(number, method, fields))

    def person(self) -> dict[str, str]:
        """Return who asks."""
        return {"session": str(self.desk.who.session)} if self.desk.who else {}

    # ── questions and notes ─────────────────────────────────────────────────────────────────

    def question(self, job: UUID) -> Question | None:
        """Return what is open about a job."""
        return next((each for each in self.desk.questions if each.job == job), None)

    def put(self, question: Question) -> None:
        """Change an open question."""
        after = (question if each.job == question.job else each for each in self.desk.questions)
        self.set(questions=tuple(after))

    def drop(self, job: UUID) -> None:
        """Close a question, if it is open."""
        self.set(questions=tuple(each for each in self.desk.questions if each.job != job))

    def name(self, job: UUID) -> str:
        """Return what a job is called, as far as it is known."""
        question, row = self.question(job), self.desk.jobs.get(job)
        return question.name if question else row.name if row else ""

    def note(
        self,
        kind: NoteKind,
        job: UUID | None,
        name: str = "",
        text: str = "",
        code: str = "",
        row: JobRow | None = None,
    ) -> None:
        """Note what happened, and tell it, unless it only repeats what was said last of the job."""
        notes = self.desk.notes
        last = next((each for each in reversed(notes) if each.job == job), None)
        note = Note(kind, self.now, job, name, text, code, row)
        if job is not None and last is not None and last.kind == kind:
            # the answer to what was asked, and the news of the same: the later words stand
            kept = tuple(each for each in notes if each is not last)
            self.set(notes=(*kept, replace(note, at=last.at)))
            return
        self.set(notes=(*notes, note)[-NOTES:])
        if kind not in _QUIET:
            self.actions.append(Tell(note))


def own_words(news: PersonNews) -> str:
    """Return what the edge says of a job, without its name: that is shown beside."""
    return news.text.removeprefix(f"{news.name or 'your document'}: ")


def refusal(reply: Reply | None) -> tuple[str, str]:
    """Return code and words of a no; nothing of anything else."""
    problem = reply.problem if reply is not None else None
    return (problem.code, problem.detail) if problem is not None else ("", "")


def read(model: type[M], reply: Reply | None) -> M | None:
    """Read what a yes brings; None: it is none, or cannot be read."""
    if reply is None or reply.status != "ok":
        return None
    try:
        return model.model_validate(reply.data)
    except ValidationError:
        return None


def _sooner(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)
