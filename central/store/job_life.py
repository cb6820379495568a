"""One job's whole life as the books have it: moments, figures, rules, prices, entries, refunds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import bindparam, literal_column, select

from broker.messages import AccountAmount, Counted
from central import job_answer, job_moments
from central.explaining import Told
from central.store import directory, jobs, lists, refund_requests
from central.store import rules as rules_store
from central.store.job_steps import Step, last, steps_of, sums
from central.store.tables import charge, entry, meter_reading, node, owed
from config.policy.rules import RuleSet
from config.policy.tariffs import Tariff

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from central.job_answer import Answer, Figure
    from central.job_fold import Decided
    from central.job_moments import Moment
    from central.store.books import Transaction
    from central.store.lists import ListedEntry, ListedJob
    from central.store.refund_requests import RefundRequest
    from config.policy.money import Unit
    from config.policy.rules import Rule

#: Lines of a decision that say what the job cost.
PRICES = frozenset({"price", "factor", "surcharge"})


@dataclass(frozen=True, slots=True)
class Decision:
    """The last decision, and what decided."""

    decided: Decided
    heard_at: datetime
    rules_at: datetime | None
    """When its rules came into force, where the books have them."""
    rules_by: str
    rules: tuple[tuple[int, Rule], ...]
    """The rules that its lines stand on, with their places in the set."""


@dataclass(frozen=True, slots=True)
class Paid:
    """One account's part of a charge."""

    account: str
    unit: Unit
    micros: int
    covered_by: str
    """allocation, account (without limit), or uncovered: past what was at the site."""
    collected: int | None = None
    """Of an uncovered part, how much has been collected since."""


@dataclass(frozen=True, slots=True)
class ChargeOf:
    """One charge of the job, what it was for, and its entry."""

    charge: UUID
    attempt: int
    printer: str
    settled_at: datetime
    counted: Counted
    """What was billed."""
    tariff_version: int
    paid: tuple[Paid, ...]
    printed_above: int
    """Impressions beyond what was set aside: recorded, not charged."""
    alone: bool
    """The site was without the centre."""
    entry: ListedEntry | None
    """None when nothing was to pay."""
    refunds: tuple[ListedEntry, ...]

    @property
    def sums(self) -> dict[Unit, int]:
        """What was charged, by unit."""
        return sums((each.unit, each.micros) for each in self.paid)


@dataclass(frozen=True, slots=True)
class Meter:
    """What the machine's own counters said before, or after."""

    read_at: datetime
    why: str
    meters: tuple[Mapping[str, Any], ...]
    """{name, unit, value, source}."""


@dataclass(frozen=True, slots=True)
class JobLife:
    """Everything the books know of one job."""

    listed: ListedJob
    site: str
    """What people call the place."""
    printer_name: str
    answer: Answer
    steps: tuple[Step, ...]
    """Oldest first."""
    figures: tuple[Figure, ...]
    why_chosen: str
    decision: Decision | None
    tariff: Tariff | None
    """By which it was priced, where the books have it."""
    charges: tuple[ChargeOf, ...]
    """Newest first; more than one when it was released again."""
    held: Mapping[Unit, int]
    """What the last release set aside, by unit."""
    came_back: Mapping[Unit, int]
    """Of this, what was given back by itself since less was printed."""
    before: Meter | None
    """The machine's last reading before it was settled."""
    after: Meter | None
    """And the first one after."""
    requests: tuple[RefundRequest, ...]
    """Who asked for their money."""

    @property
    def refunded(self) -> dict[Unit, int]:
        """What refunds gave back, by unit."""
        return sums(
            (line.unit, line.micros)
            for each in self.charges
            for back in each.refunds
            for line in back.postings
            if line.micros > 0
        )

    @property
    def told(self) -> Told:
        """The same as lines of text are made of (`central.explaining`)."""
        decision = self.decision
        return Told(
            self.listed.job,
            self.listed.paid,
            None if decision is None else decision.decided,
            rules_at=None if decision is None else decision.rules_at,
            rules_by="" if decision is None else decision.rules_by,
        )


def job_life(tx: Transaction, id_: UUID) -> JobLife | None:
    """Return one job's life; None: the books have never heard of it, or it was deleted."""
    listed = lists.job(tx, id_)
    if listed is None:
        return None
    job = listed.job
    moments = job_moments.read(job.life)
    decision = _decision(tx, id_)
    charges = tuple(_charges(tx, id_))
    requests = tuple(refund_requests.of_job(tx, id_))
    billed_by = _billed_by(moments, charges)
    newest = charges[0] if charges else None
    settled_at = newest.settled_at if newest else last(moments, "settled")
    before, after = _meters(tx, job.node, job.printer, settled_at)
    paid = sums(line for each in charges for line in each.sums.items())
    back = sums(
        (line.unit, line.micros)
        for each in charges
        for entry_ in each.refunds
        for line in entry_.postings
        if line.micros > 0
    )
    held = sums((each.unit, each.micros) for each in decision.decided.held) if decision else {}
    steps = tuple(steps_of(listed, moments, decision, charges, requests))
    printer_name = _printer(tx, job.printer)
    return JobLife(
        listed=listed,
        site=_site(tx, job.node),
        printer_name=printer_name,
        answer=job_answer.answer(
            job,
            billed=None if newest is None else newest.counted,
            paid=paid,
            given_back=back,
            printer=printer_name,
            moments=moments,
            at=settled_at or (steps[-1].at if steps else None),
        ),
        steps=steps,
        figures=job_answer.figures(job, billed_by),
        why_chosen=job_answer.why_chosen(
            billed_by, job.flag, newest.printed_above if newest else 0
        ),
        decision=decision,
        tariff=_tariff(tx, newest, decision),
        charges=charges,
        held=held,
        came_back=_came_back(job.impressions, held, newest),
        before=before,
        after=after,
        requests=requests,
    )


# ── what there is ───────────────────────────────────────────────────────────────────────────


def _decision(tx: Transaction, id_: UUID) -> Decision | None:
    found = jobs.decision_of(tx, id_)
    if found is None:
        return None
    decided, heard_at = found
    kept = rules_store.kept(tx, decided.rules_version)
    if kept is None:
        return Decision(decided, heard_at, None, "", ())
    named = {line.rule for line in decided.because if line.rule}
    rules = kept.rules.rules if isinstance(kept.rules, RuleSet) else ()
    which = tuple((n, rule) for n, rule in enumerate(rules, 1) if rule.name in named)
    return Decision(decided, heard_at, kept.at, kept.author, which)


def _charges(tx: Transaction, id_: UUID) -> Iterator[ChargeOf]:
    for row in tx.sql.execute(_CHARGES, {"job": str(id_)}).all():
        numbers = tx.sql.execute(_REFUNDS, {"charge": row.charge}).scalars()
        refunds = lists.entries_numbered(tx, numbers.all())
        own = lists.entries_numbered(tx, [row.entry] if row.entry is not None else [])
        yield ChargeOf(
            charge=UUID(row.charge),
            attempt=row.attempt,
            printer=row.printer,
            settled_at=row.settled_at,
            counted=Counted(
                source=row.source,
                impressions=row.impressions,
                color_impressions=row.color_impressions,
                sheets=row.sheets,
            ),
            tariff_version=row.tariff_version,
            paid=tuple(_paid(tx, row)),
            printed_above=row.printed_above,
            alone=row.alone,
            entry=own[0] if own else None,
            refunds=tuple(refunds),
        )


# made once, here and below: a page of requests asks for each
_CHARGES: Final = (
    select(charge)
    .where(charge.c.job == bindparam("job"))
    .order_by(charge.c.settled_at.desc(), charge.c.charge)
)
_REFUNDS: Final = (
    select(entry.c.n)
    # by its own words: the index of refunds is for these alone
    .where(entry.c.kind == literal_column("'refund'"), entry.c.reference == bindparam("charge"))
    .order_by(entry.c.n)
)


def _paid(tx: Transaction, row: Row[Any]) -> Iterator[Paid]:
    parts = [AccountAmount.model_validate(each) for each in json.loads(row.paid)]
    debts: dict[tuple[str, str], int] = {}
    if any(each.covered_by == "uncovered" for each in parts):
        query = select(owed.c.account, owed.c.unit, owed.c.collected).where(
            owed.c.charge == row.charge
        )
        debts = {(each.account, each.unit): each.collected for each in tx.sql.execute(query)}
    for each in parts:
        collected = debts.get((each.account, each.unit))
        owes = each.covered_by == "uncovered"
        yield Paid(
            each.account, each.unit, each.micros, each.covered_by, collected if owes else None
        )


def _meters(
    tx: Transaction, node_id: str, printer: str | None, at: datetime | None
) -> tuple[Meter | None, Meter | None]:
    """Return the machine's readings around a moment."""
    if printer is None or at is None:
        return None, None
    of = {"node": node_id, "device": printer, "at": at}
    before, after = (tx.sql.execute(query, of).one_or_none() for query in (_BEFORE, _AFTER))
    return _meter(before), _meter(after)


_MINE: Final = select(meter_reading).where(
    meter_reading.c.node == bindparam("node"), meter_reading.c.device == bindparam("device")
)
_BEFORE: Final = (
    _MINE.where(meter_reading.c.read_at <= bindparam("at"))
    .order_by(meter_reading.c.n.desc())
    .limit(1)
)
_AFTER: Final = (
    _MINE.where(meter_reading.c.read_at > bindparam("at")).order_by(meter_reading.c.n).limit(1)
)


def _meter(row: Row[Any] | None) -> Meter | None:
    return None if row is None else Meter(row.read_at, row.why, tuple(json.loads(row.meters)))


def _tariff(tx: Transaction, newest: ChargeOf | None, decision: Decision | None) -> Tariff | None:
    version = newest.tariff_version if newest else 0
    version = version or (decision.decided.tariff_version if decision else 0)
    row = directory.get(tx, "tariff", str(version)) if version else None
    return None if row is None else Tariff.model_validate(row)


def _printer(tx: Transaction, device: str | None) -> str:
    row = None if device is None else directory.get(tx, "printer", device)
    return str(row["name"]) if row else device or ""


def _site(tx: Transaction, node_id: str) -> str:
    return tx.sql.execute(_SITE, {"id": node_id}).scalar_one_or_none() or node_id


_SITE: Final = select(node.c.site).where(node.c.id == bindparam("id"))


# ── what follows from it ────────────────────────────────────────────────────────────────────────


def _billed_by(moments: tuple[Moment, ...], charges: tuple[ChargeOf, ...]) -> str | None:
    settled = [each for each in moments if each.kind == "settled"]
    if settled:
        return str(settled[-1].told.get("source", "")) or None
    return str(charges[0].counted.source) if charges else None


def _came_back(
    impressions: int | None, held: Mapping[Unit, int], newest: ChargeOf | None
) -> dict[Unit, int]:
    if impressions is None:
        return {}
    charged = newest.sums if newest else {}
    back = {unit: micros - charged.get(unit, 0) for unit, micros in held.items()}
    return {unit: micros for unit, micros in back.items() if micros > 0}
