"""Answers about jobs: lists, quotes, releases, cancellations; and courier codes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from broker.messages import (
    CancelRequest,
    JobsRequest,
    QuoteRequest,
    RedeemAnswer,
    RedeemRequest,
    ReleaseRequest,
    Reply,
    Request,
)
from config.policy.decisions import Allowed, Ask, Denied
from edge.answers.rights import EVERYBODY, NOBODY, Refusal
from edge.answers.words import no, yes
from edge.listing import job_row, outlook, quote, why
from edge.open_jobs import OPEN, WAITING
from edge.prefetch import JOBS
from edge.redeeming import NotTaken
from edge.release import Phase
from edge.releasing import ANSWER_NEEDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from uuid import UUID

    from edge.answers.rights import Rights
    from edge.answers.words import Answer
    from edge.deciding import Moment
    from edge.discarding import Discarding
    from edge.jobs import JobRecord
    from edge.open_jobs import OpenJobs
    from edge.prefetch import Prefetch
    from edge.redeeming import Redeeming
    from edge.releasing import Releasing
    from edge.store.books import Books
    from edge.store.replica import Replica

#: Jobs in one answer, so that it fits one message.
_PAGE = 50
_PAGE_BYTES = 40 * 1024


class JobAnswers:
    """What may be asked about jobs, and by whom."""

    once: frozenset[type[Request]] = frozenset({ReleaseRequest, CancelRequest, RedeemRequest})

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        rights: Rights,
        open_jobs: OpenJobs,
        releasing: Releasing,
        redeeming: Redeeming,
        prefetch: Prefetch,
        discarding: Discarding,
    ) -> None:
        """Take what the answers come from.

        Args:
            books: the site's jobs and money.
            replica: who is who.
            rights: who may act on whose jobs.
            open_jobs: whose jobs are open.
            releasing: carries releases out.
            redeeming: takes courier codes.
            prefetch: brings money ahead for who looks at their jobs.
            discarding: throws jobs away.
        """
        self._books = books
        self._replica = replica
        self._rights = rights
        self._open_jobs = open_jobs
        self._releasing = releasing
        self._redeeming = redeeming
        self._prefetch = prefetch
        self._discarding = discarding
        self.answers: Mapping[type[Request], Answer] = {
            ReleaseRequest: self._release,
            RedeemRequest: self._redeem,
            CancelRequest: self._cancel,
            JobsRequest: self._jobs,
            QuoteRequest: self._quote,
        }

    async def _release(self, node: str, question: ReleaseRequest) -> Reply:
        found = self._rights.job(node, question.person, question.job)
        if isinstance(found, Refusal):
            return no(question, "refused", found.code, found.detail)
        decision = await self._releasing.release(
            question.job,
            question.printer,
            found.by,
            confirmed=question.confirmed,
            account=question.account,
            changes=question.changes,
            acting=found.acting,
            card=self._rights.new_card(node, question.person),
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

    async def _quote(self, node: str, question: QuoteRequest) -> Reply:
        found = self._rights.job(node, question.person, question.job)
        if isinstance(found, Refusal):
            return no(question, "refused", found.code, found.detail)
        if found.record.phase not in WAITING:
            detail = f"this job is {found.record.phase} already"
            return no(question, "refused", "not-held", detail)
        decision = self._releasing.preview(
            found.record,
            question.printer,
            question.changes,
            question.account,
            confirmed=question.confirmed,
        )
        told = quote(decision, reachable=self._releasing.reachable)
        return yes(question, told.model_dump(mode="json"))

    async def _redeem(self, node: str, question: RedeemRequest) -> Reply:
        name = self._rights.who(node, question.person)
        person = self._replica.user(name) if name else None
        if person is None:
            return no(question, "refused", NOBODY.code, NOBODY.detail)
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
        async with self._releasing.alone_with(question.job):
            found = self._rights.job(node, question.person, question.job)
            if isinstance(found, Refusal):
                return no(question, "refused", found.code, found.detail)
            under_way = found.record.phase is Phase.RELEASING and found.record.service == "print"
            if question.printing and under_way:
                stopped = await self._releasing.stop(found.record, found.by)
                return yes(question, {"job": job_row(stopped)})
            if found.record.phase not in WAITING:
                detail = f"this job is {found.record.phase} already"
                return no(question, "refused", "not-held", detail)
            whose = f" by a {found.acting}" if found.acting == "delegate" else ""
            whose = " by an operator" if found.acting == "operator" else whose
            detail = f"canceled on request{whose}"
            after = await self._discarding.discard(found.record, found.by, detail)
        return yes(question, {"job": job_row(after)})

    async def _jobs(self, node: str, question: JobsRequest) -> Reply:
        owner = self._rights.owner(node, question.person, question.of)
        if isinstance(owner, Refusal):
            return no(question, "refused", owner.code, owner.detail)
        records, left = self._of(owner, question)
        if owner != EVERYBODY:
            self._fetch_ahead(owner, records, question.printer)
        at = self._releasing.moment()
        rows = (job_row(each, self._outlook(each, question.printer, at)) for each in records)
        page = list(_fitting(rows))
        user = None if owner == EVERYBODY else owner
        return yes(question, {"jobs": page, "more": left > len(page), "user": user})

    def _of(self, owner: str, question: JobsRequest) -> tuple[list[JobRecord], int]:
        """Return a page of somebody's jobs, oldest first, and how many there are from it on.

        Of those that are open the others are not read, nor those of further pages.
        """
        if question.held_only and owner != EVERYBODY:
            ids = _from(self._open_jobs.of(owner), question.after)
            found = map(self._books.job, ids[:_PAGE])
            return [record for record in found if record is not None], len(ids)
        if owner != EVERYBODY:
            records = self._books.jobs(of=owner)
        else:
            records = self._books.jobs(*(OPEN if question.held_only else ()))
        left = len(_from([record.job for record in records], question.after))
        return records[len(records) - left :][:_PAGE], left

    def _fetch_ahead(self, user: str, records: Iterable[JobRecord], at: str | None) -> None:
        """Ask for what the jobs of a person who is here are short of; nobody waits for it."""
        if not self._prefetch.due(user, asyncio.get_running_loop().time()):
            return
        waiting = [each for each in records if each.phase is Phase.HELD][:JOBS]
        places = [(each, at or self._releasing.likely(each)) for each in waiting]
        now, preview = self._releasing.moment(), self._releasing.preview
        decisions = [preview(each, device, at=now) for each, device in places if device]
        self._prefetch.begin(decisions, self._books.free)

    def _outlook(self, record: JobRecord, where: str | None, at: Moment) -> dict[str, Any] | None:
        """Return what a job that waits would come to now, at a printer or the likely one."""
        device = where or self._releasing.likely(record)
        if device is None or record.phase is not Phase.HELD:
            return None
        reachable, preview = self._releasing.reachable, self._releasing.preview
        decision = preview(record, device, at=at)
        shown = outlook(decision, device, reachable=reachable)
        if isinstance(decision, Ask):
            # a question is answered by who knows what a yes costs
            yes_costs = preview(record, device, confirmed=True, at=at)
            if isinstance(yes_costs, Allowed):
                priced = outlook(yes_costs, device, reachable=reachable)
                return priced | {"question": shown["question"]}
        return shown


def _from(ids: list[UUID], after: UUID | None) -> list[UUID]:
    """Return what comes after a job; all where it is not among them any more."""
    return ids[ids.index(after) + 1 :] if after in ids else ids


def _fitting(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield as many rows as fit one message: names and problems come from people."""
    room = _PAGE_BYTES
    for row in rows:
        room -= len(json.dumps(row, ensure_ascii=False).encode())
        if room < 0:
            return
        yield row
