"""The intent of a release, pure: what is written down of a decision before the first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.messages import JobReleased
from config.policy.decisions import Allowed, Conversion
from config.policy.money import Money
from config.policy.pricing import Priced
from edge.jobs import Hold, Part, amounts_of, said
from edge.release import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from edge.jobs import JobRecord
    from edge.wishes import Wish


def intended(
    record: JobRecord,
    allowed: Allowed,
    wish: Wish,
    *,
    told: Mapping[str, str] | None = None,
    alone: bool,
    now: datetime,
) -> JobRecord:
    """Return the record of a job that goes to the printer as it was decided.

    Args:
        record: the job that waits.
        allowed: the decision.
        wish: what was decided on.
        told: IPP attributes that the wish changes, with their new values.
        alone: the centre cannot be reached.
        now: the moment of the decision; aware.
    """
    hold = Hold(
        amounts=amounts_of(allowed.charges),
        parts=tuple(Part(demand=each.demand, counts=each.counts) for each in allowed.charges),
        tariff_version=allowed.price.tariff_version,
        adjustments=allowed.adjustments,
    )
    conversions = {each.attribute: each.value for each in allowed.conversions}
    changed = dict(told or {})
    if wish.unattended:  # no person's choice: what the printer cannot do
        conversions, changed = {**changed, **conversions}, {}
    return record.with_(
        phase=Phase.RELEASING,
        attempt=record.attempt + 1,
        printer=allowed.printer,
        redirected_from=allowed.redirected_from,
        released_by=wish.by or wish.user,
        acting=wish.acting,
        card=wish.card,
        released_at=now,
        alone=alone,
        converted=allowed.figures if conversions or changed else None,
        conversions=conversions,
        changed=changed,
        changes={**_paper(record), **_ipp({**changed, **conversions})},
        tags=allowed.tags,
        rules_version=allowed.rules_version,
        because=said(allowed.because),
        refusal=None,
        hold=hold,
    )


def released(record: JobRecord) -> JobReleased:
    """Return the event of an intent."""
    hold = record.hold
    return JobReleased(
        job=record.job,
        attempt=record.attempt,
        user=record.released_by or "",
        printer=record.printer or "",
        held=hold.amounts if hold else (),
        alone=record.alone,
        tariff_version=hold.tariff_version if hold else 0,
        rules_version=record.rules_version,
        because=record.because,
        conversions=record.conversions,
        redirected_from=record.redirected_from,
        acting=record.acting,
        changed=record.changed,
    )


def as_allowed(record: JobRecord) -> Allowed:
    """Say again what was decided for a job under way."""
    hold = record.hold
    charges = hold.charges if hold else ()
    of_one_list = [each.money for each in charges if each.demand == charges[0].demand]
    money = sum(of_one_list[1:], of_one_list[0]) if of_one_list else Money(0, "page")
    return Allowed(
        price=Priced(money, hold.tariff_version if hold else 0, ()),
        charges=charges,
        conversions=tuple(Conversion(*each) for each in record.conversions.items()),
        printer=record.printer or "",
        redirected_from=record.redirected_from,
        figures=record.expected,
        tags=record.tags,
        rules_version=record.rules_version,
    )


def _paper(record: JobRecord) -> dict[str, str]:
    """Name the paper that the price is for, where the job names none: else the printer chooses."""
    media = record.planned.media if record.planned else None
    return {"media": media} if media and record.attributes.media is None else {}


def _ipp(conversions: Mapping[str, str]) -> dict[str, str | int]:
    """Return attributes with IPP's types: numbers are numbers there."""
    return {name: int(value) if name == "copies" else value for name, value in conversions.items()}
