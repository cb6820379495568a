"""Carries a release out: decide, write the intent, take the steps until the job has ended.

What is decided is decided by `config.policy` and `edge.release`; what is written is written by the
books. Between a decision and its record nothing is awaited.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, assert_never

from broker.messages import JobFlagged, JobRefused
from config.ids import JobId
from config.logs import logger
from config.policy.decisions import (
    Allowed,
    Ask,
    Decision,
    Denied,
    Line,
    Reason,
)
from config.policy.jobs import JobState
from config.policy.reasons import bounded
from edge.changes import Changed
from edge.deciding import Deciding
from edge.intent import as_allowed, intended, released
from edge.jobs import said
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.release import (
    Gather,
    Hold,
    Move,
    Phase,
    Resume,
    Spooled,
    Stop,
    Stray,
    Watch,
    Withdraw,
    next_step,
)
from edge.settling import Settling, unmetered
from edge.turns import Turns
from edge.wishes import Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo
    from uuid import UUID

    from broker.messages import JobChanges
    from config.ids import AccountKey
    from config.policy.decisions import Short
    from edge.acting import Acting
    from edge.deciding import Moment, Standing
    from edge.jobs import JobRecord
    from edge.ports import Clock, Funds, SpooledJob, Spooler
    from edge.printers import Printer
    from edge.settling import Metered, Ways
    from edge.store.books import Books
    from edge.store.replica import Replica

_log = logger("edge.releasing")

#: Why a job stays held that a rule wants to be confirmed.
ANSWER_NEEDED = "answer-needed"
#: More steps than this for one look means the spooler does not do what it says.
_STEPS_MAX = 6


class Releasing:
    """Releases and settles the jobs of one site."""

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        spooler: Spooler,
        printers: Mapping[str, Printer],
        funds: Funds,
        mint: Callable[[], UUID],
        ways: Ways,
        clock: Clock,
        standing: Standing,
        direct: Mapping[str, str] | None = None,
        zone: tzinfo = UTC,
        metered: Metered = unmetered,
    ) -> None:
        """Take what releases rest on.

        Args:
            books: money and jobs.
            replica: who is who, prices, rules.
            spooler: the print queues.
            printers: the site's points of print, by device id.
            funds: the way to money elsewhere.
            mint: makes ids of charges.
            ways: how disputes end.
            clock: the time.
            standing: what this edge may do now.
            direct: for each direct queue its device id.
            zone: the site's, for rules that name hours.
            metered: says how far a printer's meters went on for a job.
        """
        self._books = books
        self._replica = replica
        self._spooler = spooler
        self._settling = Settling(
            books=books,
            replica=replica,
            spooler=spooler,
            mint=mint,
            ways=ways,
            clock=clock,
            metered=metered,
        )
        self.standing = standing
        """What this edge may do now."""
        self._deciding = Deciding(
            replica=replica,
            standing=self.standing,
            printers={device: each.point for device, each in printers.items()},
            clock=clock,
            zone=zone,
        )
        self.printer_can = self._deciding.printer_can
        self._printers = printers
        self._direct = direct or {}
        self._funds = funds
        self._clock = clock
        self._turns = Turns()
        self.alone_with = self._turns.alone_with
        """Lets only one task at a time act on a job."""
        self.busy = self._turns.busy
        """Whether some task acts on a job, or is about to."""

    # ── release ─────────────────────────────────────────────────────────────────────────────

    async def release(
        self,
        job: UUID,
        device: str,
        user: str,
        *,
        confirmed: bool = False,
        account: AccountKey | None = None,
        changes: JobChanges | None = None,
        acting: Acting | None = None,
        card: str | None = None,
    ) -> Decision:
        """Release a held job at a printer for a person; a refusal leaves it held.

        A job that is under way already is answered as allowed: the same wish said twice.

        Args:
            job: its job-uuid.
            device: the printer it is wanted at; rules may choose another.
            user: who stands there.
            confirmed: they have said yes to what rules ask.
            account: what is to be charged instead of the first of the owner's lists.
            changes: how it is to be printed, where that differs from how it came.
            acting: as what they release a job that is not theirs; its owner pays.
            card: key of the card they came by, where the centre has not confirmed it.
        """
        async with self.alone_with(job):
            record = self._books.job(job)
            if record is None or (acting is None and record.user.lower() != user.lower()):
                return Denied(Reason.UNREADABLE, "there is no such job of yours here")
            owner = record.user if acting else user
            wish = Wish(
                device, owner, confirmed, account, changes, by=user, acting=acting, card=card
            )
            if record.phase is Phase.RELEASING and self._same(record, wish):
                return as_allowed(record)
            if record.phase not in {Phase.HELD, Phase.UNREADABLE}:
                return Denied(Reason.NOTHING_TO_PRINT, f"this job is {record.phase} already")
            return await self.release_here(record, wish)

    def _same(self, record: JobRecord, wish: Wish) -> bool:
        """Say whether a job under way is what is wished for: by the same person, like that."""
        asked_for = record.redirected_from or record.printer
        as_wished = self._deciding.changed(record, wish)
        return (
            asked_for == wish.device
            and (record.released_by or "").lower() == (wish.by or "").lower()
            and isinstance(as_wished, Changed)
            and as_wished.told == record.changed
        )

    @property
    def reachable(self) -> bool:
        """Whether the centre can be asked for money."""
        return self._funds.reachable

    def likely(self, record: JobRecord) -> str | None:
        """Return the printer a job that waits would likely be released at: its queue's, or one."""
        return self._direct.get(record.queue) or next(iter(self._printers), None)

    def preview(
        self,
        record: JobRecord,
        device: str,
        changes: JobChanges | None = None,
        account: AccountKey | None = None,
        *,
        confirmed: bool = False,
        at: Moment | None = None,
    ) -> Decision:
        """Say what would be decided if it were released there `at` this moment; nothing is done."""
        wish = Wish(device, record.user or None, confirmed, account, changes)
        return self._deciding.decide(record, wish, at=at)

    def moment(self) -> Moment:
        """Look at what many decisions have in common: good until anything else runs."""
        return self._deciding.moment()

    async def release_here(self, record: JobRecord, wish: Wish) -> Decision:
        """Decide on a held job, alone with it, and carry the decision out.

        Raises:
            SpoolerUnavailableError: nothing was decided.
        """
        seen = await self._spooler.job(JobId(record.job))
        denied = _unprintable(record, seen)
        if denied is not None:
            self._refuse(record, wish, denied)
            return denied
        # while the centre can be asked, nothing goes past what is here before it was
        decision = self._decide(record, wish, past=not self._funds.reachable)
        fetched: set[tuple[int, str]] = set()
        while isinstance(decision, Denied) and decision.short and self._funds.reachable:
            short = decision.short
            # what could be had of an account for a list is here once it was asked for
            payers = _payers(short)
            account = next((each for each in payers if (short.demand, each) not in fetched), None)
            if account is None:
                break
            fetched.add((short.demand, account))
            partly = len(payers) > 1
            await self._funds.fetch(account, short.missing, record.job, partly=partly)
            decision = self._decide(record, wish, past=False)
        if isinstance(decision, Denied) and decision.short:
            decision = self._decide(record, wish, past=True)
        match decision:
            case Allowed():
                after = self._books.job(record.job)
                if after is None:
                    raise RuntimeError("a released job is in the books")
                # what the centre was asked for took its time: that look is an old one
                await self._begin(after, None if fetched else seen)
            case Denied():
                decision = self._explained(decision)
                self._refuse(record, wish, decision)
            case Ask():
                self._ask(record, wish, decision)
            case _:
                assert_never(decision)
        return decision

    def _decide(self, record: JobRecord, wish: Wish, *, past: bool) -> Decision:
        """Decide, and when it is allowed write hold and intent at once."""
        now = self._clock()
        decision = self._deciding.decide(record, wish, past=past)
        if isinstance(decision, Allowed):
            alone = not self._funds.reachable
            wanted = self._deciding.changed(record, wish)
            told = wanted.told if isinstance(wanted, Changed) else {}
            after = intended(record, decision, wish, told=told, alone=alone, now=now)
            self._books.release(after, released(after), now)
        return decision

    def _explained(self, denied: Denied) -> Denied:
        """Add where the rest of the money sits, as far as is known here."""
        if denied.short is None:
            return denied
        where = self._funds.whereabouts(denied.short.account, denied.short.needed.unit)
        return replace(denied, detail="; ".join(filter(None, (denied.detail, where))))

    def _refuse(self, record: JobRecord, wish: Wish, denied: Denied) -> None:
        self._turn_down(record, wish, denied, denied.reason, denied.detail)

    def _ask(self, record: JobRecord, wish: Wish, ask: Ask) -> None:
        """Keep the question where nobody is there to hear it; nothing is spent, nothing moves."""
        if record.direct and record.refusal != ask.question:
            self._turn_down(record, wish, ask, ANSWER_NEEDED, ask.question)

    def _turn_down(
        self, record: JobRecord, wish: Wish, decision: Denied | Ask, reason: str, detail: str
    ) -> None:
        # what refuses before the policy is asked has no lines of its own
        lines = decision.because or bounded([Line("refused", detail)])
        after = record.with_(
            answered=True,
            refused=reason,
            refusal=detail[:1000],
            because=said(lines),
            rules_version=decision.rules_version,
        )
        event = JobRefused(
            job=record.job,
            user=wish.by or wish.user or "",
            printer=wish.device if wish.device in self._printers else None,
            reason=reason,
            detail=detail[:1000],
            alone=not self._funds.reachable,
            rules_version=decision.rules_version,
            because=after.because,
        )
        self._books.refuse(after, event, self._clock())

    # ── steps ───────────────────────────────────────────────────────────────────────────────

    async def _begin(self, record: JobRecord, seen: SpooledJob | None) -> None:
        """Take the steps of a fresh intent without asking between them; repair if one fails."""
        queue, job = self._printers[record.printer or ""].queue, JobId(record.job)
        try:
            if (there := seen or await self._spooler.job(job)) is not None:
                await self._spooler.release(there, queue, record.changes)
        except (SpoolerRefusedError, SpoolerUnavailableError) as error:
            # the intent is durable: the next look, or the sweep, goes on from what CUPS says
            _log.warning("not moved yet", action="job-waits", job=str(record.job), why=str(error))

    async def advance(self, record: JobRecord) -> None:
        """Go on with a job whose intent is durable, from wherever it is; alone with it."""
        printer = self._printers.get(record.printer or "")
        queue = printer.queue if printer else None
        for _ in range(_STEPS_MAX):
            seen = await self._spooler.job(JobId(record.job))
            spooled = Spooled(seen.queue, seen.state) if seen else None
            stopped = record.stopped_by is not None
            step = next_step(record.queue, queue, spooled, stopped=stopped)
            match step:
                case Move():
                    await self._spooler.move(JobId(record.job), queue or "")
                case Resume():
                    await self._spooler.resume(JobId(record.job), record.changes)
                case Hold():
                    await self._spooler.hold(JobId(record.job))
                case Gather():
                    await self._settling.settle(record)
                    return
                case Stray(queue=elsewhere):
                    self._flag_once(record, "moved-elsewhere", f"found on {elsewhere}, not moved")
                    return
                case Withdraw():
                    detail = f"{record.printer} is not at this site any more; print it again"
                    record = self._flag_once(record, "printer-gone", detail)
                    await self._spooler.cancel(JobId(record.job))
                case Stop():
                    # its end is told by events: a printer may take its time
                    await self._spooler.cancel(JobId(record.job))
                    return
                case Watch():
                    return
                case _:
                    assert_never(step)

    async def stop(self, record: JobRecord, by: str) -> JobRecord:
        """Take a job off its printer for somebody, alone with it; what has not come out waits."""
        seen = await self._spooler.job(JobId(record.job))
        if seen is None or seen.state.terminal:
            return record  # it has ended by itself
        early = seen.state in {JobState.PENDING, JobState.PENDING_HELD}
        after = record.with_(stopped_by=record.stopped_by or by, stopped_early=early)
        self._books.keep(after)
        await self.advance(after)
        return after

    async def end_disputes(self) -> int:
        """Settle by policy the disputes whose time is up; return how many there were."""
        return await self._settling.end_disputes()

    def _flag_once(self, record: JobRecord, cause: str, detail: str) -> JobRecord:
        if record.cause == cause:
            return record
        after = record.with_(cause=cause)
        event = JobFlagged(job=record.job, cause=cause, detail=detail)
        self._books.flag(after, event, self._clock())
        return after


def _unprintable(record: JobRecord, seen: SpooledJob | None) -> Denied | None:
    """Say why the spooler has nothing to print of a job that waits here; None when it has."""
    if seen is None or seen.state.terminal:
        # with an intent it would be one whose outcome nobody knows, its money held for a day
        return Denied(Reason.NOTHING_TO_PRINT, "this job is no longer in its queue; print it again")
    if seen.documents > 1 and record.planned is not None:
        # a second Send-Document after the first was counted: nobody knows what would come out
        detail = f"this job has {seen.documents} documents now; print each alone"
        return Denied(Reason.UNREADABLE, detail)
    return None


def _payers(short: Short) -> tuple[AccountKey, ...]:
    """Return who could pay what is missing, the first to be spent first."""
    return short.accounts or (short.account,)
