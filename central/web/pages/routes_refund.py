"""Giving back what a job cost, or part of it: from the job's page, with the consequence first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from central.acts import money as acts
from central.rights import Right
from central.store.corrections import can_give_back
from central.store.ledger import Refused
from central.web.pages import job_words, routes_job
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Notice
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.corrections import Refunded
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

NO_AMOUNT: Final = mark("This is no amount; write it like %(example)s.")
SAY_WHY: Final = mark("Say why; it is kept with the entry.")
CHANGED: Final = mark("Somebody else gave some of it back meanwhile. Look again before you go on.")
GAVE_BACK: Final = mark("%(sum)s went back to %(who)s.")


@dataclass(frozen=True, slots=True)
class RefundPage:
    """The page."""

    job: str
    name: str
    answer: str
    who: str
    left: tuple[Money, ...]
    """What can still be given back."""
    mark: str
    """The same, for seeing whether it changed."""
    units: tuple[Choice, ...]
    """To choose from; one alone is not asked for."""
    amount: str = ""
    reason: str = ""
    wrong: Wrong = field(default_factory=dict)


def mark_of(left: dict[Unit, int]) -> str:
    """Return what a form carries, to see whether anything was given back since it was shown."""
    return " ".join(f"{unit}:{micros}" for unit, micros in sorted(left.items()))


def amount_of(visit: Visit, left: dict[Unit, int], wrong: Wrong) -> Money | None:
    """Return how much a form wants to give back; None: all, or it is wrong."""
    if not visit.form.text("amount", 40):
        return None
    asked = visit.form.text("unit", 8)
    unit = asked if asked in left else next(iter(sorted(left)), "")
    found = visit.form.money("amount", unit, visit.words)
    if found is None or found.micros <= 0:
        example = visit.words.money_parts(Money(500_000, unit)).number
        wrong["amount"] = visit.say(NO_AMOUNT, example=example)
        return None
    return found


def gave_back(visit: Visit, done: Sequence[Refunded]) -> Notice:
    """Say who got how much."""
    sums: dict[str, dict[Unit, int]] = {}
    for each in done:
        for key, money in each.parts:
            mine = sums.setdefault(key, {})
            mine[money.unit] = mine.get(money.unit, 0) + money.micros
    said = [
        visit.say(GAVE_BACK, sum=job_words.sums(visit, by), who=key) for key, by in sums.items()
    ]
    return Notice("good", " ".join(said))


async def ask(visit: Visit) -> Response:
    """Show what can be given back."""
    return await _shown(visit, {}, 200)


async def _shown(visit: Visit, wrong: Wrong, status: int) -> Response:
    id_ = visit.uuid("job")
    found = await visit.read(lambda tx: routes_job.look(tx, id_))
    visit.check(Right.SETTLE_REFUNDS, found.life.listed.job.node)
    left = {unit: micros for unit, micros in found.left.items() if micros}
    chosen = visit.form.text("unit", 8)
    view = RefundPage(
        job=str(id_),
        name=found.life.listed.job.name,
        answer=job_words.answer(
            visit, found.life.answer, found.display or visit.say(mark("somebody unknown"))
        ),
        who=found.display,
        left=tuple(Money(micros, unit) for unit, micros in sorted(left.items())),
        mark=mark_of(left),
        units=tuple(Choice(unit, unit, chosen=unit == chosen) for unit in sorted(left)),
        amount=visit.form.text("amount", 40),
        reason=visit.form.text("reason", 500),
        wrong=wrong,
    )
    return visit.page("money-refund.html", view, status=status)


async def give_back(visit: Visit) -> Response:
    """Give it back."""
    id_, form = visit.uuid("job"), visit.form
    found = await visit.read(lambda tx: routes_job.look(tx, id_))
    visit.check(Right.SETTLE_REFUNDS, found.life.listed.job.node)
    wrong: Wrong = {}
    left = {unit: micros for unit, micros in found.left.items() if micros}
    amount = amount_of(visit, left, wrong)
    reason = form.text("reason", 500)
    if not reason:
        wrong["reason"] = visit.say(SAY_WHY)
    if wrong:
        return await _shown(visit, wrong, 422)
    shown = form.text("left", 200)

    def act(tx: Transaction) -> list[Refunded] | Refused:
        now = {unit: micros for unit, micros in (can_give_back(tx, id_) or {}).items() if micros}
        if mark_of(now) != shown:
            return Refused(visit.say(CHANGED))
        return acts.refund(tx, visit.by, id_, amount, reason=reason)

    done = await visit.write(act)
    if isinstance(done, Refused):
        return await _shown(visit, {"amount": done.reason}, 422)
    return visit.go(f"/jobs/{id_}", gave_back(visit, done))


PAGES: Final = (
    Page("/jobs/{job}/refund", ask, Right.SETTLE_REFUNDS),
    Page("/jobs/{job}/refund", give_back, Right.SETTLE_REFUNDS, methods=("POST",)),
)
