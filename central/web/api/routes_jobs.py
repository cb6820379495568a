"""Jobs: found among millions, one's whole life, and what is done about one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003  pydantic reads it at run time

from pydantic import AwareDatetime, Field, StringConstraints

from central.acts import jobs as acts
from central.rights import Right
from central.store import job_life, job_search
from central.store.job_search import Which
from central.store.ledger import Refused
from central.web import money
from central.web.answers import Amount, Answer, Entry, Job
from central.web.api.table import Call, Example, Route, Why, act
from central.web.jobs import JOB, known, shown
from central.web.paging import TEXT, Asked, NumberPage, Page, cursor, page_of
from central.web.problems import NotFound
from config.ids import AccountKey, NodeId  # noqa: TC001  pydantic reads it at run time
from config.policy.jobs import JobState  # noqa: TC001  the same
from config.policy.money import MICROS_BOUND, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.store.books import Transaction
    from central.store.job_life import ChargeOf, JobLife

_Word = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=TEXT)]
_Micros = Annotated[int, Field(ge=-MICROS_BOUND, le=MICROS_BOUND)]


class Search(NumberPage):
    """Which jobs; filters that are left out let all through."""

    user: _Word | None = None
    """job-originating-user-name, exactly."""
    node: NodeId | None = None
    """The edge."""
    printer: NodeId | None = None
    """Device id of the last release."""
    state: JobState | None = None
    """job-state."""
    service: Literal["print", "copy"] | None = None
    """Printed, or copied at the machine."""
    since: AwareDatetime | None = None
    """Came in not earlier."""
    until: AwareDatetime | None = None
    """Came in earlier."""
    flagged: bool = False
    """Only those that somebody should look at."""
    refused: bool = False
    """Only those that were refused, and not released since."""
    name: _Word | None = None
    """In the document's name, in any case."""
    cost_from: _Micros | None = None
    """Cost so many micros of `unit` or more, all accounts together."""
    cost_to: _Micros | None = None
    """Cost no more."""
    unit: Unit | None = None
    """Null: the currency of the books."""


class Found(Page[Job]):
    """A part of what is found, newest first."""

    whole: bool = Field(
        description="False: so many were looked at, `next` goes on; there may be few here, or none."
    )


class Step(Answer):
    """A moment of a job's life."""

    kind: str
    """received, counted, held, refused, released, printed, charged, booked, refunded, …"""
    at: AwareDatetime
    """When."""
    clock: Literal["site", "centre"]
    """Whose clock."""
    told: dict[str, Any]
    """What else there is to say."""


class Figure(Answer):
    """What one source says."""

    source: str
    """Who counted."""
    impressions: int | None
    """Sides with marks."""
    color: int | None
    """Of these, in colour."""
    sheets: int | None
    """Media sheets."""
    chosen: bool
    """It is what was billed."""


class Paid(Answer):
    """One account's part of a charge."""

    account: AccountKey
    """Which."""
    amount: Amount
    """How much."""
    covered_by: str
    """allocation, account, or uncovered: past what was at the site."""
    collected: int | None
    """Of an uncovered part, micros that have been collected since."""


class Charge(Answer):
    """One charge of the job."""

    charge: UUID
    """Names it for ever."""
    attempt: int
    """Which release."""
    printer: str
    """Device id."""
    settled_at: AwareDatetime
    """When, by the site's clock."""
    tariff_version: int
    """By which prices."""
    paid: tuple[Paid, ...]
    """By whom."""
    printed_above: int
    """Impressions beyond what was set aside: recorded, not charged."""
    alone: bool
    """The site was without the centre."""
    entry: Entry | None
    """Null: nothing was to pay."""
    refunds: tuple[Entry, ...]
    """What was given back since."""


class Because(Answer):
    """A line of why it was decided so."""

    code: str
    """What kind of line."""
    text: str
    """For people."""
    rule: str | None
    """The rule that it stands on."""


class Decision(Answer):
    """The last decision."""

    released: bool
    """False: refused, or something was to be answered first."""
    reason: str
    """Of a refusal."""
    rules_version: int
    """0: none."""
    tariff_version: int
    """0: none."""
    conversions: dict[str, str]
    """IPP attributes that rules changed."""
    because: tuple[Because, ...]
    """Why, line by line."""
    held: dict[Unit, int]
    """Micros that were set aside, by unit."""
    came_back: dict[Unit, int]
    """Of these, what was given back by itself."""


class Life(Answer):
    """Everything the books know of one job."""

    job: Job
    """As lists have it."""
    site: str
    """What people call the place."""
    printer_name: str
    """What people call the printer."""
    answer: str
    """In one word: paid, free, given-back, held, refused, printing, canceled, not-printed."""
    steps: tuple[Step, ...]
    """Oldest first."""
    figures: tuple[Figure, ...]
    """Of every source."""
    why_chosen: str
    """Why that figure was billed."""
    decision: Decision | None
    """Null: none is kept."""
    charges: tuple[Charge, ...]
    """Newest first."""


def search(tx: Transaction, call: Call[None, Search]) -> Found:
    """Find jobs, newest first.

    A search for something rare looks at so many jobs and comes back with what it has so far:
    `whole` is false then, and `next` goes on.
    """
    asked = call.asked
    nodes = call.sites
    if asked.node is not None:
        nodes = frozenset({asked.node}) if call.reaches(asked.node) else frozenset()
    which = Which(
        user=asked.user,
        nodes=nodes,
        printer=asked.printer,
        state=None if asked.state is None else asked.state.value,
        service=asked.service,
        since=asked.since,
        until=asked.until,
        flagged=asked.flagged,
        refused=asked.refused,
        name=asked.name,
        cost_from=asked.cost_from,
        cost_to=asked.cost_to,
        unit=asked.unit or "",
    )
    found = job_search.search(tx, which, before=asked.after or None, limit=asked.limit)
    page = page_of(found.jobs, asked.limit, show=shown, key=lambda row: row.n)
    return Found(items=page.items, next=cursor(found.before), whole=found.whole)


def life(tx: Transaction, call: Call[None, Asked]) -> Life:
    """Show one job's whole life: every figure, rule, price and entry."""
    id_ = known(tx, call, call.path["uuid"]).job.job
    found = job_life.job_life(tx, id_)
    if found is None:
        raise NotFound(f"There is no job {id_}.")
    return Life(
        job=shown(found.listed),
        site=found.site,
        printer_name=found.printer_name,
        answer=found.answer.kind,
        steps=tuple(
            Step(kind=each.kind, at=each.at, clock=_clock(each.clock), told=dict(each.told))
            for each in found.steps
        ),
        figures=tuple(
            Figure(
                source=each.source,
                impressions=each.impressions,
                color=each.color,
                sheets=each.sheets,
                chosen=each.chosen,
            )
            for each in found.figures
        ),
        why_chosen=found.why_chosen,
        decision=_decision(found),
        charges=tuple(map(_charge, found.charges)),
    )


def clear_flag(tx: Transaction, call: Call[Why, Asked]) -> Job | Refused:
    """Say that a flagged job has been looked at; its figures and its money stay as they are."""
    id_ = known(tx, call, call.path["uuid"]).job.job
    done = acts.clear_flag(tx, call.by, id_, reason=call.body.reason)
    return done if isinstance(done, Refused) else shown(known(tx, call, id_))


def hide_name(tx: Transaction, call: Call[Why, Asked]) -> Job | Refused:
    """Take a document's name out of its job and of the event that told it."""
    id_ = known(tx, call, call.path["uuid"]).job.job
    done = acts.hide_name(tx, call.by, id_, reason=call.body.reason)
    return done if isinstance(done, Refused) else shown(known(tx, call, id_))


def _decision(found: JobLife) -> Decision | None:
    if found.decision is None:
        return None
    decided = found.decision.decided
    return Decision(
        released=decided.released,
        reason=decided.reason,
        rules_version=decided.rules_version,
        tariff_version=decided.tariff_version,
        conversions=dict(decided.conversions),
        because=tuple(
            Because(code=each.code, text=each.text, rule=each.rule) for each in decided.because
        ),
        held=dict(found.held),
        came_back=dict(found.came_back),
    )


def _charge(row: ChargeOf) -> Charge:
    paid = tuple(
        Paid(
            account=each.account,
            amount=Amount(micros=each.micros, unit=each.unit),
            covered_by=each.covered_by,
            collected=each.collected,
        )
        for each in row.paid
    )
    return Charge(
        charge=row.charge,
        attempt=row.attempt,
        printer=row.printer,
        settled_at=row.settled_at,
        tariff_version=row.tariff_version,
        paid=paid,
        printed_above=row.printed_above,
        alone=row.alone,
        entry=None if row.entry is None else money.entry(row.entry),
        refunds=tuple(map(money.entry, row.refunds)),
    )


def _clock(name: str) -> Literal["site", "centre"]:
    return "site" if name == "site" else "centre"


_CHARGE: Final[Mapping[str, Any]] = {
    "charge": JOB["charge"],
    "attempt": 1,
    "printer": "north-1",
    "settled_at": "2026-11-22T08:00:09Z",
    "tariff_version": 3,
    "paid": [
        {
            "account": "user:ana",
            "amount": {"micros": 1_200_000, "unit": "EUR"},
            "covered_by": "allocation",
            "collected": None,
        }
    ],
    "printed_above": 0,
    "alone": False,
    "entry": money.ENTRY,
    "refunds": [],
}
_LIFE: Final = {
    "job": JOB,
    "site": "Library",
    "printer_name": "Reading room",
    "answer": "paid",
    "steps": [
        {
            "kind": "received",
            "at": "2026-11-22T08:00:00Z",
            "clock": "site",
            "told": {"queue": "pull", "name": "letter.pdf"},
        }
    ],
    "figures": [{"source": "analysis", "impressions": 3, "color": 0, "sheets": 2, "chosen": True}],
    "why_chosen": "nobody but the document itself says how many pages came out",
    "decision": None,
    "charges": [_CHARGE],
}
_ONE: Final = "/jobs/{uuid}"
_SEEN: Final = {"reason": "looked at: the meter was changed that day"}

ROUTES: Final = (
    Route(
        method="GET",
        path="/jobs/search",
        right=Right.SEE_JOBS,
        do=search,
        asks=Search,
        gives=Found,
        example=Example({"items": [JOB], "next": None, "whole": True}, asked={"flagged": "true"}),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/life",
        right=Right.SEE_JOBS,
        do=life,
        gives=Life,
        example=Example(_LIFE),
    ),
    act(
        f"{_ONE}/clear-flag",
        Right.HANDLE_JOBS,
        clear_flag,
        Example(JOB, _SEEN),
        takes=Why,
        gives=Job,
    ),
    act(
        f"{_ONE}/hide-name", Right.HANDLE_JOBS, hide_name, Example(JOB, _SEEN), takes=Why, gives=Job
    ),
)
