"""The record of a copy in the books, pure: as it begins, is counted, settled, and heard of late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.messages import Charged, CopyBegan, Counted, JobFlagged, JobSettled
from config.policy.jobs import Source
from config.policy.reasons import bounded
from edge.copy_budget import spoken_reach
from edge.copy_difference import (
    Doubted,
    NoMore,
    Uncounted,
    difference,
    read,
    settled_by,
    told_late,
    totalised,
)
from edge.copy_meter import Meter, cost, made, payable
from edge.jobs import Hold, JobRecord, Part, amounts_of, counted, said
from edge.release import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from broker.messages import CopyCounts, MeterReading
    from config.policy.jobs import Figures
    from config.policy.roles import RoleName
    from edge.copy_budget import Bounds, Budget
    from edge.wishes import Wish

#: What a copy is called in lists.
NAME = "Copies"


def meter_of(record: JobRecord) -> Meter:
    """Return a copy's meter."""
    if record.meter is None:
        raise RuntimeError(f"{record.job} is no copy")
    return record.meter


def fresh(job: UUID, wish: Wish, *, role: RoleName, now: datetime) -> JobRecord:
    """Return the record of a copy that nothing is set aside for yet."""
    return JobRecord(
        job=job,
        service="copy",
        queue="",
        user=wish.user or "",
        name=NAME,
        received_at=now,
        phase=Phase.RELEASING,
        role=role,
        attempt=1,
        printer=wish.device,
        released_by=wish.user,
        released_at=now,
        card=wish.card,
    )


def begun(
    record: JobRecord,
    found: Budget,
    bounds: Bounds,
    wish: Wish,
    *,
    node: str,
    alone: bool,
    reading: MeterReading | None = None,
) -> tuple[JobRecord, CopyBegan]:
    """Return a copy as it begins, and the event.

    Args:
        record: the fresh one.
        found: what may be copied.
        bounds: what the site says.
        wish: what was decided on.
        node: the terminal that counts.
        alone: the centre cannot be reached.
        reading: what the machine's own meters say.
    """
    decision = found.decision
    hold = Hold(
        amounts=amounts_of(found.charges),
        parts=tuple(Part(demand=each.demand, counts=each.counts) for each in found.charges),
        tariff_version=decision.price.tariff_version,
        adjustments=decision.adjustments,
    )
    meter = Meter(
        terminal=node,
        unit=found.unit,
        terms=dict(found.terms),
        most=bounds.most,
        margin=bounds.margin,
        account=wish.account,
    )
    meter = read(meter, reading, meter.counts)
    because = said(bounded((*decision.because, *spoken_reach(found))))
    after = record.with_(
        hold=hold,
        meter=meter,
        alone=alone,
        tags=decision.tags,
        rules_version=decision.rules_version,
        because=because,
    )
    event = CopyBegan(
        job=after.job,
        user=after.user,
        printer=wish.device,
        held=hold.amounts,
        alone=alone,
        began_at=after.received_at,
        tariff_version=hold.tariff_version,
        rules_version=after.rules_version,
        because=because,
    )
    return after, event


def alike(record: JobRecord, wish: Wish) -> bool:
    """Say whether an open copy is what is wished for, and nobody has copied yet."""
    meter = meter_of(record)
    return (
        not meter.counts.total
        and isinstance(difference(meter, others=None), NoMore)
        and record.printer == wish.device
        and record.user.lower() == (wish.user or "").lower()
        and record.card == wish.card
        and meter.account == wish.account
    )


def after_count(
    record: JobRecord, counts: CopyCounts, reading: MeterReading | None = None
) -> tuple[JobRecord, JobFlagged | None]:
    """Return an open copy with what was counted; flagged for each cause once.

    Args:
        record: as it was.
        counts: totals; where one fell, the one before stays.
        reading: what the machine's own meters say.
    """
    meter = meter_of(record)
    kept = meter.kept(counts)
    forbidden = meter.forbidden(kept)
    alarms = {
        "copy-kind": f"copied though it is not allowed in this copy: {', '.join(forbidden)}"
        if forbidden
        else None,
        "copy-count-fell": f"{meter.terminal} counted {counts.total} after {meter.counts.total}"
        if meter.fell(counts)
        else None,
    }
    fresh_ones = [(c, t) for c, t in alarms.items() if t is not None and c not in meter.alarms]
    known = (*meter.alarms, *(cause for cause, _ in fresh_ones))
    after = meter.model_copy(update={"counts": kept, "alarms": known})
    after = read(after, reading, kept)
    if after == meter:
        return record, None
    if not fresh_ones:
        return record.with_(meter=after), None
    cause = fresh_ones[0][0]
    # one event names one cause; the others stand in its text
    detail = "; ".join(t if c == cause else f"{c}: {t}" for c, t in fresh_ones)
    event = JobFlagged(job=record.job, cause=cause, detail=detail)
    return record.with_(meter=after, cause=record.cause or cause), event


def after_end(record: JobRecord, counts: CopyCounts) -> tuple[JobRecord, JobFlagged | None]:
    """Return a copy of which more was counted when it was settled; nobody pays that any more."""
    late, more = told_late(meter_of(record), counts)
    if late == record.meter:
        return record, None
    if not more:
        return record.with_(meter=late), None
    detail = f"{more} impressions more were copied after it was settled; charged to nobody"
    event = JobFlagged(job=record.job, cause="copy-late", detail=detail)
    return record.with_(meter=late, cause=record.cause or event.cause), event


def settled(
    record: JobRecord,
    flag: str | None,
    *,
    others: int | None,
    mint: Callable[[], UUID],
    paper: str,
    now: datetime,
) -> tuple[JobRecord, JobSettled, Charged | None]:
    """Return a copy as it ends: what the counts cost, never more than was set aside.

    Args:
        record: an open one.
        flag: why a person should look at it.
        others: impressions that other jobs may have put out there meanwhile; None: there was none.
        mint: makes the charge's id.
        paper: the small paper of the place.
        now: the moment of the end; aware.
    """
    meter, hold = meter_of(record), record.hold
    if hold is None:
        raise RuntimeError(f"{record.job} has ended")
    flags = [flag] if flag else []
    match difference(meter, others=others):
        case Uncounted(more=uncounted, detail=detail):
            meter = settled_by(meter, uncounted)
            flags.append(f"copy-meter: {detail}")
        case Doubted(detail=detail):
            flags.append(f"copy-meter: {detail}")
        case NoMore():
            pass
    counts = meter.made
    amounts = amounts_of(cost(meter, hold.charges, counts))
    paid = payable(meter, hold.charges, counts)
    beyond = counts.total - paid.total
    if beyond:
        flags.append(f"printed-above-hold: {beyond} impressions more than was set aside for")
    everything, billed = made(counts, paper), made(paid, paper)
    charge = mint() if amounts else None
    told = "; ".join(flags)[:1000] or None
    after = record.with_(
        phase=Phase.SETTLED,
        meter=meter,
        billed=billed,
        charged=amounts,
        hold=None,
        because=(),  # from here on the event has it
        cause=told or record.cause,
        ended_at=now,
    )
    event = JobSettled(
        job=record.job,
        attempt=record.attempt,
        printer=record.printer or "",
        disposition="completed" if counts.total else "canceled",
        counts=_figures(meter, everything, paper, alone=others is None),
        billed=counted(billed),
        charge=charge,
        flag=told,
        large=paid.monochrome_large + paid.color_large,
    )
    if charge is None:
        return after, event, None
    return (
        after,
        event,
        Charged(
            charge=charge,
            job=record.job,
            attempt=record.attempt,
            user=record.user,
            printer=record.printer or "",
            service="copy",
            tariff_version=hold.tariff_version,
            rules_version=record.rules_version,
            counted=counted(billed),
            postings=amounts,
            printed_above=everything.impressions - billed.impressions,
            alone=record.alone,
            settled_at=now,
        ),
    )


def _figures(meter: Meter, everything: Figures, paper: str, *, alone: bool) -> tuple[Counted, ...]:
    """Return what its terminal counted, and beside it what the machine's own meters say of it.

    Args:
        meter: as it is settled.
        everything: what it is settled by.
        paper: the small paper of the place.
        alone: others did not move them by more than was counted.
    """
    by_terminal = counted(made(meter.counts, paper)).model_copy(update={"by": "terminal"})
    if meter.uncounted.total:
        return by_terminal, counted(everything).model_copy(update={"by": "totaliser"})
    said_so = totalised(meter) if alone else None
    if said_so is None or said_so > everything.impressions:
        return (by_terminal,)
    return by_terminal, Counted(source=Source.DEVICE_METER, impressions=said_so, by="totaliser")
