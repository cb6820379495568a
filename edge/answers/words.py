"""How questions are answered: yes with what was asked for, or no with a reason; and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from broker.messages import Problem, Reply, Request

if TYPE_CHECKING:
    from broker.messages import Person

#: Answers one kind of question; given the asking node.
Answer: TypeAlias = Callable[[str, Any], Awaitable[Reply]]


class Answers(Protocol):
    """One subject's answers."""

    @property
    def answers(self) -> Mapping[type[Request], Answer]:
        """Which questions are answered, and how."""

    @property
    def once(self) -> frozenset[type[Request]]:
        """Those of them that change something: asked again with the same id, nothing is done."""


class Visitors(Protocol):
    """Who stands at the terminals."""

    def who(self, node: str, person: Person) -> str | None:
        """Return the user name of who a node says stands there, None if nobody is known by it."""

    def new_card(self, node: str, person: Person) -> str | None:
        """Return the key of the card they came by where the centre has not confirmed it."""


def yes(question: Request, data: Mapping[str, Any]) -> Reply:
    """Answer with what was asked for."""
    return Reply(corr=question.corr, status="ok", data=dict(data))


def no(
    question: Request,
    status: str,
    code: str,
    detail: str,
    data: Mapping[str, Any] | None = None,
) -> Reply:
    """Answer that it was not done, and why: a code for machines, a sentence for people."""
    problem = Problem(code=code, detail=detail[:1000])
    return Reply.model_validate(
        {"corr": question.corr, "status": status, "problem": problem, "data": dict(data or {})}
    )
