"""Answers about jobs: lists of them, releases, cancellations; and courier codes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from broker.messages import (
    CancelRequest,
    JobCanceled,
    JobsRequest,
    RedeemAnswer,
    RedeemRequest,
    ReleaseRequest,
    Reply,
    Request,
)
from config.ids import JobId
from config.policy.decisions import Allowed, Ask, Denied, Reason
from edge.answers.words import no, yes
from edge.listing import job_row, outlook, why
from edge.prefetch import JOBS
from edge.redeeming import NotTaken
from edge.release import Phase
from edge.releasing import ANSWER_NEEDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edge.answers.words import Answer, Visitors
    from edge.jobs import JobRecord
    from edge.ports import Clock, Spooler
    from edge.prefetch import Prefetch
    from edge.redeeming import Redeeming
    from edge.releasing import Releasing
    from edge.store.books import Books
    from edge.store.replica import Replica

#: Jobs in one answer, so that it fits one message.
_PAGE = 50
_PAGE_BYTES = 40 * 1024
_OPEN = (Phase.HELD, Phase.UNREADABLE, Phase.RELEASING, Phase.DISPUTED)


class JobAnswers:
    """What may be asked about jobs, and by whom."""

    once: frozenset[type[Request]] = frozenset({ReleaseRequest, CancelRequest, RedeemRequest})

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        visitors: Visitors,
        releasing: Releasing,
        redeeming: Redeeming,
        prefetch: Prefetch,
        spooler: Spooler,
        operators: frozenset[str],
        clock: Clock,
    ) -> None:
        """Take what the answers come from.

        Args:
            books: the site's jobs and money.
            replica: who is who.
            visitors: who stands at the terminals.
            releasing: carries releases out.
            redeeming: takes courier codes.
            prefetch: brings money ahead for who looks at their jobs.
            spooler: the print queues.
            operators: nodes that may see and cancel everybody's jobs.
            clock: the time.
        """
        self._books = books
        self._replica = replica
        self._visitors = visitors
        self._releasing = releasing
        self._redeeming = redeeming
        self._prefetch = prefetch
        self._spooler = spooler
        self._operators = operators
        self._clock = clock
        self.answers: Mapping[type[Request], Answer] = {
            ReleaseRequest: self._release,
            RedeemRequest: self._redeem,
            CancelRequest: self._cancel,
            JobsRequest: self._jobs,
        }

    async def _release(self, node: str, question: ReleaseRequest) -> Reply:
        user = self._visitors.who(node, question.person)
        if user is None:
            detail = "nobody here is known by this card or name"
            return no(question, "refused", Reason.NO_IDENTITY, detail)
        decision = await self._releasing.release(
            question.job,
            question.printer,
            user,
            confirmed=question.confirmed,
            account=question.account,
        )
        match decision:
            case Allowed():
                record = self._books.job(question.job)
                row = job_row(record) if record else None
                return yes(question, {"job": row, **why(decision)})
            case Denied(reason=reason, detail=detail):
                return no(question, "refused", reason, detail, why(decision))
            case Ask():
                return no(question, "refused", ANSWER_NEEDED, decision.question, why(decision))

    async def _redeem(self, node: str, question: RedeemRequest) -> Reply:
        name = self._visitors.who(node, question.person)
        person = self._replica.user(name) if name else None
        if person is None:
            detail = "nobody here is known by this card or name"
            return no(question, "refused", Reason.NO_IDENTITY, detail)
        found = self._redeeming.redeem(question.code, person, question.account)
        if isinstance(found, NotTaken):
            return no(question, "refused", found.code, found.detail)
        told = RedeemAnswer(
            account=found.account,
            unit=found.unit,
            micros=found.micros,
            before=found.before,
            free=found.free,
        )
        return yes(question, told.model_dump())

    async def _cancel(self, node: str, question: CancelRequest) -> Reply:
        user = self._visitors.who(node, question.person) if question.person else None
        if user is None and (question.person is not None or node not in self._operators):
            detail = "say whose job it is: by card or by user name"
            return no(question, "refused", Reason.NO_IDENTITY, detail)
        async with self._releasing.alone_with(question.job):
            record = self._books.job(question.job)
            if record is None or (user is not None and record.user.lower() != user.lower()):
                return no(question, "refused", "not-found", "there is no such job of yours here")
            if record.phase not in {Phase.HELD, Phase.UNREADABLE}:
                detail = f"this job is {record.phase} already"
                return no(question, "refused", "not-held", detail)
            # the spooler first: a job that is canceled here but prints there would be free
            await self._spooler.cancel(JobId(record.job))
            now = self._clock()
            after = record.with_(phase=Phase.CANCELED, ended_at=now)
            event = JobCanceled(job=record.job, by=user or node, detail="canceled on request")
            self._books.cancel(after, event, now)
            await self._spooler.forget(JobId(record.job))
        return yes(question, {"job": job_row(after)})

    async def _jobs(self, node: str, question: JobsRequest) -> Reply:
        user = self._visitors.who(node, question.person) if question.person else None
        if user is None and (question.person is not None or node not in self._operators):
            detail = "nobody here is known by this card or name"
            return no(question, "refused", Reason.NO_IDENTITY, detail)
        phases = _OPEN if question.held_only else ()
        records = [
            record
            for record in self._books.jobs(*phases)
            if user is None or record.user.lower() == user.lower()
        ]
        if question.after is not None:
            ids = [record.job for record in records]
            first = ids.index(question.after) + 1 if question.after in ids else 0
            records = records[first:]
        if user is not None:
            self._fetch_ahead(user, records)
        page = list(_fitting(job_row(each, self._outlook(each)) for each in records[:_PAGE]))
        return yes(question, {"jobs": page, "more": len(records) > len(page), "user": user})

    def _fetch_ahead(self, user: str, records: Iterable[JobRecord]) -> None:
        """Ask for what the jobs of a person who is here are short of; nobody waits for it."""
        if not self._prefetch.due(user, asyncio.get_running_loop().time()):
            return
        waiting = [each for each in records if each.phase is Phase.HELD][:JOBS]
        places = [(each, self._releasing.likely(each)) for each in waiting]
        decisions = [self._releasing.preview(each, device) for each, device in places if device]
        self._prefetch.begin(decisions, self._books.free)

    def _outlook(self, record: JobRecord) -> dict[str, Any] | None:
        """Return what a job that waits would come to now."""
        device = self._releasing.likely(record) if record.phase is Phase.HELD else None
        if device is None:
            return None
        decision = self._releasing.preview(record, device)
        return outlook(decision, device, reachable=self._releasing.reachable)


def _fitting(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield as many rows as fit one message: names and problems come from people."""
    room = _PAGE_BYTES
    for row in rows:
        room -= len(json.dumps(row, ensure_ascii=False).encode())
        if room < 0:
            return
        yield row
