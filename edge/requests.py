"""Answers what terminals, panels and the command line ask on the site's broker."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broker.codec import Unreadable, decode
from broker.messages import (
    CancelRequest,
    JobCanceled,
    JobsRequest,
    Person,
    Problem,
    RedeemAnswer,
    RedeemRequest,
    ReleaseRequest,
    Reply,
    Request,
    StatusRequest,
    VerifyRequest,
)
from broker.topics import METHODS
from config.ids import JobId
from config.policy.decisions import Allowed, Ask, Denied, Reason
from edge.listing import job_row, outlook, why
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.prefetch import JOBS
from edge.redeeming import NotTaken
from edge.release import Phase
from edge.releasing import ANSWER_NEEDED
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
    from uuid import UUID

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
#: Questions of one node that are answered at the same time; who asks more is told so.
_AT_ONCE = 32
#: Answers kept to what changes something, so that a question that comes twice is acted on once.
_KEPT = 1000
_OPEN = (Phase.HELD, Phase.UNREADABLE, Phase.RELEASING, Phase.DISPUTED)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nothing is to be said: nobody could read it, or it is being answered."""

    reason: str
    """For the log."""


class Requests:
    """The edge's side of `req/{method}` on its own broker."""

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        releasing: Releasing,
        redeeming: Redeeming,
        prefetch: Prefetch,
        spooler: Spooler,
        operators: frozenset[str],
        status: Callable[[], dict[str, Any]],
        verify: Callable[[], Awaitable[dict[str, Any]]],
        clock: Clock,
    ) -> None:
        """Take what the answers come from.

        Args:
            books: the site's jobs and money.
            replica: who is who.
            releasing: carries releases out.
            redeeming: takes courier codes.
            prefetch: brings money ahead for who looks at their jobs.
            spooler: the print queues.
            operators: nodes that may see and cancel everybody's jobs.
            status: what `status` answers.
            verify: what `verify` answers; may take long.
            clock: the time.
        """
        self._books = books
        self._replica = replica
        self._releasing = releasing
        self._redeeming = redeeming
        self._prefetch = prefetch
        self._spooler = spooler
        self._operators = operators
        self._status = status
        self._verify = verify
        self._clock = clock
        self._answers: OrderedDict[tuple[str, UUID], Reply] = OrderedDict()
        self._under_way: set[tuple[str, UUID]] = set()
        self._verifying = False

    async def answer(self, node: str, method: str, payload: bytes) -> Reply | Unanswered:
        """Answer one question; acted on once, however often it comes."""
        model = METHODS.get(method)
        received = decode(payload, (model,) if model else ())
        if isinstance(received, Unreadable):
            return Unanswered(received.reason)
        question = received.message
        key = (node, question.corr)
        if key in self._answers:
            return self._answers[key]
        if key in self._under_way:
            return Unanswered("it came twice and is being answered")
        if question.expires_at <= self._clock():
            return _no(question, "expired", "expired", "the question came too late; ask again")
        theirs = sum(asker == node for asker, _ in self._under_way)
        if theirs >= _AT_ONCE and node not in self._operators:
            detail = f"{_AT_ONCE} questions of {node} are being answered; ask again in a moment"
            return _no(question, "failed", "busy", detail)
        self._under_way.add(key)
        try:
            reply = await self._act(node, question)
        finally:
            self._under_way.discard(key)
        changes = ReleaseRequest | CancelRequest | RedeemRequest
        if isinstance(question, changes) and reply.status != "failed":
            self._answers[key] = reply
            if len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return reply

    async def _act(self, node: str, question: Request) -> Reply:  # noqa: C901, PLR0911  one a method
        if isinstance(question, StatusRequest | VerifyRequest) and node not in self._operators:
            detail = "only the site's operator may ask this"
            return _no(question, "refused", "not-operator", detail)
        try:
            match question:
                case ReleaseRequest():
                    return await self._release(question)
                case RedeemRequest():
                    return self._redeem(question)
                case CancelRequest():
                    return await self._cancel(node, question)
                case JobsRequest():
                    return self._jobs(node, question)
                case StatusRequest():
                    return _yes(question, self._status())
                case VerifyRequest():
                    return await self._verified(question)
                case _:
                    return _no(question, "invalid", "unknown-method", "not answered here")
        except StoreUnwritableError as error:
            detail = f"the site cannot write: {error}; nothing was released or charged"
            return _no(question, "failed", "store-unwritable", detail)
        except SpoolerUnavailableError as error:
            detail = f"the print system does not answer: {error}; try again in a moment"
            return _no(question, "failed", "spooler-unavailable", detail)
        except SpoolerRefusedError as error:
            detail = f"the print system will not do it: {error}"
            return _no(question, "failed", "spooler-refused", detail)

    async def _verified(self, question: Request) -> Reply:
        """Verify the journal, which reads all of it: one at a time."""
        if self._verifying:
            return _no(question, "failed", "busy", "a verification is under way; ask again later")
        self._verifying = True
        try:
            return _yes(question, await self._verify())
        finally:
            self._verifying = False

    async def _release(self, question: ReleaseRequest) -> Reply:
        user = self._who(question.person)
        if user is None:
            detail = "nobody here is known by this card or name"
            return _no(question, "refused", Reason.NO_IDENTITY, detail)
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
                return _yes(question, {"job": row, **why(decision)})
            case Denied(reason=reason, detail=detail):
                return _no(question, "refused", reason, detail, why(decision))
            case Ask():
                return _no(question, "refused", ANSWER_NEEDED, decision.question, why(decision))

    def _redeem(self, question: RedeemRequest) -> Reply:
        name = self._who(question.person)
        person = self._replica.user(name) if name else None
        if person is None:
            detail = "nobody here is known by this card or name"
            return _no(question, "refused", Reason.NO_IDENTITY, detail)
        found = self._redeeming.redeem(question.code, person, question.account)
        if isinstance(found, NotTaken):
            return _no(question, "refused", found.code, found.detail)
        told = RedeemAnswer(
            account=found.account,
            unit=found.unit,
            micros=found.micros,
            before=found.before,
            free=found.free,
        )
        return _yes(question, told.model_dump())

    async def _cancel(self, node: str, question: CancelRequest) -> Reply:
        user = self._who(question.person) if question.person else None
        if user is None and (question.person is not None or node not in self._operators):
            detail = "say whose job it is: by card or by user name"
            return _no(question, "refused", Reason.NO_IDENTITY, detail)
        async with self._releasing.alone_with(question.job):
            record = self._books.job(question.job)
            if record is None or (user is not None and record.user.lower() != user.lower()):
                return _no(question, "refused", "not-found", "there is no such job of yours here")
            if record.phase not in {Phase.HELD, Phase.UNREADABLE}:
                detail = f"this job is {record.phase} already"
                return _no(question, "refused", "not-held", detail)
            # the spooler first: a job that is canceled here but prints there would be free
            await self._spooler.cancel(JobId(record.job))
            now = self._clock()
            after = record.with_(phase=Phase.CANCELED, ended_at=now)
            event = JobCanceled(job=record.job, by=user or node, detail="canceled on request")
            self._books.cancel(after, event, now)
            await self._spooler.forget(JobId(record.job))
        return _yes(question, {"job": job_row(after)})

    def _jobs(self, node: str, question: JobsRequest) -> Reply:
        user = self._who(question.person) if question.person else None
        if user is None and (question.person is not None or node not in self._operators):
            detail = "nobody here is known by this card or name"
            return _no(question, "refused", Reason.NO_IDENTITY, detail)
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
        return _yes(question, {"jobs": page, "more": len(records) > len(page), "user": user})

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

    def _who(self, person: Person) -> str | None:
        """Return the user name of who stands there, None if nobody is known by it."""
        if person.card is not None:
            row = self._replica.user_of_card(person.card)
            return row.name if row else None
        row = self._replica.user(person.user) if person.user else None
        return row.name if row else None


def _fitting(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield as many rows as fit one message: names and problems come from people."""
    room = _PAGE_BYTES
    for row in rows:
        room -= len(json.dumps(row, ensure_ascii=False).encode())
        if room < 0:
            return
        yield row


def _yes(question: Request, data: Mapping[str, Any]) -> Reply:
    return Reply(corr=question.corr, status="ok", data=dict(data))


def _no(
    question: Request,
    status: str,
    code: str,
    detail: str,
    data: Mapping[str, Any] | None = None,
) -> Reply:
    problem = Problem(code=code, detail=detail[:1000])
    return Reply.model_validate(
        {"corr": question.corr, "status": status, "problem": problem, "data": dict(data or {})}
    )
