"""Answers about copies: begin one, count, end it; who copies is not signed off meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from broker.messages import (
    CopyBeginRequest,
    CopyCountRequest,
    CopyEndRequest,
    CopyState,
    Reply,
    Request,
)
from config.policy.decisions import Reason
from edge.answers.words import no, yes
from edge.copying import NoSuchCopy, NotBegun
from edge.listing import why
from edge.wishes import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from broker.messages import Person
    from edge.answers.words import Answer, Visitors
    from edge.copying import Copying


@dataclass(frozen=True, slots=True)
class _AtWork:
    """Somebody who copies."""

    copy: UUID
    person: Person
    total: int
    """What was counted when they were last seen to."""


class CopyAnswers:
    """What a terminal beside a copier asks."""

    #: Counts are totals, so one that is said twice is kept once anyhow.
    once: frozenset[type[Request]] = frozenset({CopyBeginRequest})

    def __init__(self, *, copying: Copying, visitors: Visitors) -> None:
        """Take what the answers come from.

        Args:
            copying: carries copies out.
            visitors: who stands at the terminals.
        """
        self._copying = copying
        self._visitors = visitors
        self._at_work: dict[str, _AtWork] = {}
        """By terminal: each has one copy at a time."""
        self.answers: Mapping[type[Request], Answer] = {
            CopyBeginRequest: self._begin,
            CopyCountRequest: self._count,
            CopyEndRequest: self._end,
        }

    async def _begin(self, node: str, question: CopyBeginRequest) -> Reply:
        user = self._visitors.who(node, question.person)
        if user is None:
            detail = "nobody here is known by this card or name"
            return no(question, "refused", Reason.NO_IDENTITY, detail)
        wish = Wish(
            question.printer,
            user,
            question.confirmed,
            question.account,
            card=self._visitors.new_card(node, question.person),
        )
        found = await self._copying.begin(node, wish, question.meter)
        if isinstance(found, CopyState) and question.person.session is not None:
            at_work = _AtWork(found.copy_id, question.person, found.counts.total)
            self._at_work[node] = at_work
        return _told(question, found)

    async def _count(self, node: str, question: CopyCountRequest) -> Reply:
        found = self._copying.count(node, question.copy_id, question.counts, question.meter)
        self._stays(node, found)
        return _told(question, found)

    async def _end(self, node: str, question: CopyEndRequest) -> Reply:
        counts, because = question.counts, question.why
        found = self._copying.end(node, question.copy_id, counts, because, question.meter)
        self._stays(node, found)
        return _told(question, found)

    def _stays(self, node: str, found: CopyState | NoSuchCopy) -> None:
        """Let who copies stay signed in while more is made; a terminal that only lives is nobody.

        Counts name no session, and need none: what may be made was decided when the copy began.
        """
        at_work = self._at_work.get(node)
        if at_work is None or isinstance(found, NoSuchCopy) or found.copy_id != at_work.copy:
            return
        if found.counts.total > at_work.total:
            self._visitors.who(node, at_work.person)
            self._at_work[node] = replace(at_work, total=found.counts.total)
        if found.settled:
            del self._at_work[node]


def _told(question: Request, found: CopyState | NotBegun | NoSuchCopy) -> Reply:
    match found:
        case CopyState():
            return yes(question, found.model_dump(mode="json"))
        case NotBegun(code=code, detail=detail, decision=decision):
            return no(question, "refused", code, detail, why(decision) if decision else None)
        case NoSuchCopy():
            return no(question, "refused", "not-found", "this terminal began no such copy")
