"""Why a job cost what it cost or was refused, line by line, from what its edge recorded; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from broker.messages import Counted
    from central.job_fold import Decided, JobRecord


@dataclass(frozen=True, slots=True)
class Told:
    """Everything the books know of one job."""

    job: JobRecord
    paid: Sequence[Mapping[str, Any]]
    """{account, unit, micros} of each account that was charged."""
    decided: Decided | None
    """The last decision; None where the edge recorded none with reasons."""
    rules_at: datetime | None = None
    """When the rules it was decided by came into force, where the books have them."""
    rules_by: str = ""
    """And who set them."""


def explain(told: Told) -> list[str]:
    """Return sentences for people, one a line; those that begin with a blank belong together."""
    return [*_what_came(told.job), *_decision(told), *_end(told)]


def explained(told: Told) -> dict[str, Any]:
    """Return the same for machines."""
    job, decided = told.job, told.decided
    return {
        "job": str(job.job),
        "node": job.node,
        "user": job.user,
        "name": job.name,
        "queue": job.queue,
        "service": job.service,
        "state": job.state,
        "impressions": job.impressions,
        "counts": [each.model_dump(mode="json") for each in job.counts],
        "charge": str(job.charge) if job.charge else None,
        "paid": [dict(each) for each in told.paid],
        "detail": job.detail,
        "flag": job.flag,
        "decision": None
        if decided is None
        else {
            "released": decided.released,
            "reason": decided.reason or None,
            "printer": decided.printer,
            "redirected_from": decided.redirected_from,
            "attempt": decided.attempt,
            "rules_version": decided.rules_version or None,
            "rules_at": told.rules_at.isoformat() if told.rules_at else None,
            "tariff_version": decided.tariff_version or None,
            "conversions": dict(decided.conversions),
            "because": [
                {"code": each.code, "text": each.text, "rule": each.rule}
                for each in decided.because
            ],
            "held": [each.model_dump() for each in decided.held],
        },
        "lines": explain(told),
    }


def _what_came(job: JobRecord) -> Iterator[str]:
    if job.service == "copy":
        yield f"{job.job}: copies of {job.user or 'nobody who is known'} at {job.node}"
        return
    name = f"{job.name!r}" if job.name else "a document without a name"
    whose = job.user or "nobody who is known"
    yield f"{job.job}: {name} of {whose}, printed to {job.queue or 'a queue'} at {job.node}"
    yield from (f"  {_count(each)}" for each in job.counts if each.source == "analysis")


def _decision(told: Told) -> Iterator[str]:
    decided, job = told.decided, told.job
    if decided is None:
        if job.attempt:
            yield f"released at {job.printer}; its edge recorded no reasons: an older version ran"
        elif job.detail:
            yield f"held, {job.detail}; its edge recorded no more than this"
        else:
            yield "held; nobody has tried to release it"
        return
    versions = [f"rules {decided.rules_version}"] if decided.rules_version else ["no rules"]
    versions += [f"tariff {decided.tariff_version}"] if decided.tariff_version else []
    by = " and ".join(versions)
    if decided.released:
        asked = f", asked for at {decided.redirected_from}" if decided.redirected_from else ""
        began = "copying began" if job.service == "copy" else "released"
        yield f"{began} at {decided.printer}{asked}, by {by}:"
    else:
        at = f" at {decided.printer}" if decided.printer else ""
        yield f"refused{at} ({decided.reason}), by {by}:"
    for each in decided.because:
        rule = f' (rule "{each.rule}")' if each.rule else ""
        yield f"  {each.code}: {each.text}{rule}"
    if told.rules_at is not None:
        at = f"{told.rules_at:%F %T %Z}"
        yield f"  rules {decided.rules_version} came into force at {at}, set by {told.rules_by}"


def _end(told: Told) -> Iterator[str]:
    job = told.job
    if job.attempt and job.impressions is not None:
        yield f"{job.state}, billed for {_impressions(job.impressions)}:"
        for each in job.counts:
            if each.source != "analysis":
                yield f"  {_count(each)}"
        for paid in told.paid:
            past = " past what was at the site" if paid.get("covered_by") == "uncovered" else ""
            yield f"  {Money(paid['micros'], paid['unit'])} of {paid['account']}{past}"
        if not told.paid and job.charge is not None:
            yield "  the charge is not booked yet"
        elif not told.paid:
            yield "  nothing was charged"
    elif job.attempt:
        yield f"{job.state}: not settled yet"
    elif job.state == "canceled":
        yield f"canceled: {job.detail}" if job.detail else "canceled"
    if job.flag:
        yield f"flagged: {job.flag}"


def _count(count: Counted) -> str:
    """Write `analysis: 10 impressions, 2 in color, 5 sheets`."""
    who = f"{count.source} ({count.by})" if count.by else f"{count.source}"
    if count.impressions is None:
        return f"{who}: does not say"
    parts = [_impressions(count.impressions)]
    if count.color_impressions is not None:
        parts.append(f"{count.color_impressions} in color")
    if count.sheets is not None:
        parts.append(f"{count.sheets} sheet{'' if count.sheets == 1 else 's'}")
    return f"{who}: {', '.join(parts)}"


def _impressions(number: int) -> str:
    return f"{number} impression{'' if number == 1 else 's'}"
