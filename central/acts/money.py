"""Money: putting it on accounts, putting it right, giving it back, and people's requests for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.acts.by import By, signed
from central.store import accounts, audit, corrections, job_life, lists, refund_requests, schedules
from central.store.ledger import Posted, Refused
from central.store.trying import all_or_nothing
from config.policy.money import Money

if TYPE_CHECKING:
    from uuid import UUID

    from central.schedules import Plan
    from central.store.allowances import Allowance
    from central.store.books import Transaction
    from central.store.corrections import Refunded
    from central.store.job_life import JobLife
    from central.store.refund_requests import RefundRequest
    from central.store.schedules import Schedule

#: What people write of themselves.
_WORDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Moved:
    """Money was put on an account, or taken from it."""

    entry: int
    """The entry's number."""
    account: str
    amount: Money
    """Negative: taken."""
    balance: Money
    """All that the account has now, wherever that sits."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A request for money was settled."""

    request: RefundRequest
    refunds: tuple[Refunded, ...] = ()
    """What was given back; nothing when it was declined or withdrawn."""


def top_up(tx: Transaction, by: By, key: str, amount: Money, *, note: str = "") -> Moved | Refused:
    """Put money on an account; it goes on to the sites by itself."""
    found = accounts.find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}")
    if found.unit != amount.unit:
        return Refused(f"{key} is in {found.unit}, not {amount.unit}")
    tx = signed(tx, by)
    done = accounts.top_up(tx, key, amount, note=note, author=by.author)
    if isinstance(done, Refused):
        return done
    moved = _moved(tx, done, key, amount)
    detail = {"micros": amount.micros, "unit": amount.unit, "note": note, "entry": done.n}
    _note(tx, by, "topup", moved, detail)
    return moved


def correct(tx: Transaction, by: By, key: str, amount: Money, *, reason: str) -> Moved | Refused:
    """Add to an account, or take from what of it is at the centre."""
    tx = signed(tx, by)
    done = corrections.correct(tx, key, amount, reason=reason, author=by.author)
    return done if isinstance(done, Refused) else _moved(tx, done, key, amount)


def refund(
    tx: Transaction, by: By, job: UUID, amount: Money | None, *, reason: str
) -> list[Refunded] | Refused:
    """Give back what a job cost, or part of it, to those who paid, in proportion.

    Args:
        tx: a writing transaction.
        by: who does it.
        job: job-uuid, or the charge that an entry names.
        amount: of all that was paid in its unit, together; None: everything, in every unit.
        reason: kept with the entries.
    """
    mine = signed(tx, by)
    return all_or_nothing(
        tx, lambda: corrections.refund(mine, job, amount, reason=reason, author=by.author)
    )


# ── periodic grants ─────────────────────────────────────────────────────────────────────────


def add_grant(
    tx: Transaction, by: By, name: str, allowance: Allowance, plan: Plan
) -> Schedule | Refused:
    """Enter a periodic grant; it begins with the next moment, and is never posted twice."""
    if not name.strip() or not name.isprintable():
        return Refused("a grant needs a name")
    return schedules.add(signed(tx, by), name, allowance, plan, author=by.author)


def pause_grant(tx: Transaction, by: By, name: str, *, paused: bool) -> Schedule | Refused:
    """Stop a periodic grant, or let it go on; what passes meanwhile is left out."""
    return schedules.pause(signed(tx, by), name, author=by.author, paused=paused)


def remove_grant(tx: Transaction, by: By, name: str) -> Refused | None:
    """Take a periodic grant out; what it granted stays."""
    if not schedules.remove(signed(tx, by), name, author=by.author):
        return Refused(f"there is no schedule {name!r}")
    return None


# ── requests ────────────────────────────────────────────────────────────────────────────────


def ask_refund(
    tx: Transaction, by: By, job: UUID, *, user: str, reason: str
) -> RefundRequest | Refused:
    """Ask for what a job cost, as the person whose job it was."""
    words = " ".join(reason.split())
    if not 0 < len(words) <= _WORDS:
        return Refused(f"say why, in at most {_WORDS} characters")
    found = lists.job(tx, job)
    if found is None or found.job.user.lower() != user.lower():
        # whether there is such a job of somebody else is nobody's business
        return Refused(f"you have no job {job}")
    left = corrections.can_give_back(tx, job)
    if left is None:
        return Refused("nothing was charged for this job")
    if not any(left.values()):
        return Refused("all of what this job cost was given back already")
    if any(each.state == "open" for each in refund_requests.of_job(tx, job)):
        return Refused("you have asked for this job's money already; somebody will look at it")
    made = refund_requests.enter(tx, job, node=found.job.node, user=user.lower(), reason=words)
    detail = {"request": str(made.id), "reason": words}
    audit.note(signed(tx, by), author=by.author, act="refund ask", target=str(job), detail=detail)
    return made


def settle_refund(
    tx: Transaction, by: By, request: UUID, amount: Money | None = None, *, answer: str = ""
) -> Settled | Refused:
    """Give back what was asked for, or part of it; None: all that the job cost."""
    found = _open(tx, request)
    if isinstance(found, Refused):
        return found
    reason = f"asked for by {found.user}: {found.reason}"[:_WORDS]
    done = refund(tx, by, found.job, amount, reason=reason)
    if isinstance(done, Refused):
        return done
    return Settled(_settle(tx, by, found, "refunded", answer), tuple(done))


def decline_refund(tx: Transaction, by: By, request: UUID, *, answer: str) -> Settled | Refused:
    """Say no to a request, with the words the person reads."""
    found = _open(tx, request)
    if isinstance(found, Refused):
        return found
    if not answer.strip():
        return Refused("say why not: the person who asked reads it")
    return Settled(_settle(tx, by, found, "declined", answer))


def withdraw_refund(tx: Transaction, by: By, request: UUID, *, user: str) -> Settled | Refused:
    """Take one's own request back."""
    found = _open(tx, request)
    if isinstance(found, Refused):
        return found
    if found.user != user.lower():
        return Refused(f"there is no request {request}")
    return Settled(_settle(tx, by, found, "withdrawn", ""))


def evidence(tx: Transaction, request: RefundRequest) -> JobLife | None:
    """Return what the books know of the job that a request is about."""
    return job_life.job_life(tx, request.job)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _open(tx: Transaction, request: UUID) -> RefundRequest | Refused:
    found = refund_requests.find(tx, request)
    if found is None:
        return Refused(f"there is no request {request}")
    if found.state != "open":
        return Refused(f"this request was {found.state} already, by {found.settled_by}")
    return found


def _settle(
    tx: Transaction, by: By, found: RefundRequest, state: refund_requests.Settling, answer: str
) -> RefundRequest:
    words = " ".join(answer.split())[:_WORDS]
    refund_requests.settle(tx, found.id, state, by=by.author, answer=words)
    detail = {"request": str(found.id), "user": found.user, "answer": words}
    act = {"refunded": "settle", "declined": "decline", "withdrawn": "withdraw"}[state]
    audit.note(
        signed(tx, by),
        author=by.author,
        act=f"refund {act}",
        target=str(found.job),
        detail=detail,
        before="open",
        after=state,
    )
    return refund_requests.find(tx, found.id) or found


def _moved(tx: Transaction, done: Posted, key: str, amount: Money) -> Moved:
    whole = accounts.whole(tx, key, amount.unit)
    return Moved(done.n, key, amount, Money(whole, amount.unit))


def _note(tx: Transaction, by: By, act: str, moved: Moved, detail: dict[str, object]) -> None:
    unit = moved.amount.unit
    was = Money(moved.balance.micros - moved.amount.micros, unit)
    audit.note(
        tx,
        author=by.author,
        act=act,
        target=moved.account,
        detail=detail,
        before=str(was),
        after=str(moved.balance),
    )
