"""What happened to a job, in order, out of what its site and the centre wrote down of it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from central.store.tables import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from central.job_moments import Moment
    from central.store.job_life import ChargeOf, Decision
    from central.store.lists import ListedEntry, ListedJob
    from central.store.refund_requests import RefundRequest
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class Step:
    """A moment of a job's life."""

    kind: str
    """received, counted, held, refused, released, copying, printed, flagged, canceled, charged,
    booked, refunded, asked-back."""
    at: datetime
    """When."""
    clock: str
    """Whose clock: `site` or `centre`."""
    told: Mapping[str, Any]
    """What else there is to say."""


#: What a moment is called in a job's life.
_KINDS = {"settled": "printed"}
_DECIDED = frozenset({"released", "refused", "copying"})


def steps_of(
    listed: ListedJob,
    moments: tuple[Moment, ...],
    decision: Decision | None,
    charges: tuple[ChargeOf, ...],
    requests: tuple[RefundRequest, ...],
) -> list[Step]:
    """Return what happened, in order.

    Two clocks tell of it: what follows from something comes after it, whatever they say.
    """
    ordered = [(step.at, step) for step in _at_site(listed, moments, decision)]
    settled = last(moments, "settled")
    for paid in charges:
        at = max(paid.settled_at, settled or paid.settled_at)
        told = {"charge": str(paid.charge), "paid": paid.sums}
        ordered.append((at, Step("charged", paid.settled_at, "site", told)))
        if paid.entry is not None:
            at = max(at, paid.entry.at)
            entry = {"entry": paid.entry.n, "id": str(paid.entry.id)}
            ordered.append((at, Step("booked", paid.entry.at, "centre", entry)))
        ordered += [(max(at, back.at), _refunded(back)) for back in paid.refunds]
    for request in requests:
        at = max(request.asked_at, settled or request.asked_at)
        asked = {"by": request.user, "reason": request.reason, "state": request.state}
        ordered.append((at, Step("asked-back", request.asked_at, "centre", asked)))
    return [step for _, step in sorted(ordered, key=lambda each: each[0])]


def _at_site(
    listed: ListedJob, moments: tuple[Moment, ...], decision: Decision | None
) -> Iterator[Step]:
    yield from _begun(listed, moments)
    for each in moments:
        yield Step(_KINDS.get(each.kind, each.kind), moment(each.at), "site", each.told)
    if decision is not None and not any(each.kind in _DECIDED for each in moments):
        # of a job from before moments were kept
        kind = "released" if decision.decided.released else "refused"
        told = {"printer": decision.decided.printer, "reason": decision.decided.reason}
        yield Step(kind, decision.heard_at, "centre", told)


def _refunded(back: ListedEntry) -> Step:
    given_back = sums((x.unit, x.micros) for x in back.postings if x.micros > 0)
    told = {"entry": back.n, "by": back.author, "reason": back.note, "given_back": given_back}
    return Step("refunded", back.at, "centre", told)


def _begun(listed: ListedJob, moments: tuple[Moment, ...]) -> Iterator[Step]:
    job = listed.job
    if job.received_at is None or job.service == "copy":
        return
    yield Step("received", job.received_at, "site", {"queue": job.queue, "name": job.name})
    counted = next((each for each in job.counts if each.source == "analysis"), None)
    held = next((each for each in moments if each.kind == "held"), None)
    if counted is not None:
        at = job.received_at if held is None else moment(held.at)
        yield Step("counted", at, "site", counted.model_dump(mode="json"))


def last(moments: tuple[Moment, ...], kind: str) -> datetime | None:
    """Return when something of a kind happened last."""
    return next((moment(each.at) for each in reversed(moments) if each.kind == kind), None)


def sums(parts: Iterable[tuple[Unit, int]]) -> dict[Unit, int]:
    """Add up amounts by unit."""
    found: dict[Unit, int] = {}
    for unit, micros in parts:
        found[unit] = found.get(unit, 0) + micros
    return found
