"""What lists and answers show of a job and of a decision on it: plain values for the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from broker.messages import AccountAmount, QuoteAnswer
from config.policy.decisions import Allowed, Ask, Decision, Denied
from edge.changes import text_of
from edge.jobs import amounts_of, said

if TYPE_CHECKING:
    from config.policy.accounts import Short
    from edge.jobs import JobRecord


def job_row(record: JobRecord, outlook: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a list shows of a job; `outlook`: what it would come to if released now."""
    expected = record.expected
    return {
        "job": str(record.job),
        "user": record.user,
        "name": record.name,
        "queue": record.queue,
        "service": record.service,
        "phase": record.phase.value,
        "received_at": record.received_at.isoformat(),
        "impressions": expected.impressions if expected else None,
        "color_impressions": expected.color_impressions if expected else None,
        "sheets": expected.sheets if expected else None,
        "problem": record.problem,
        "printer": record.printer,
        "redirected_from": record.redirected_from,
        "conversions": record.conversions,
        "changed": record.changed,
        "acting": record.acting,
        "pages": record.pages,
        "attributes": asked_for(record),
        "tags": list(record.tags),
        "refusal": record.refusal,
        "held": [amount.model_dump() for amount in record.hold.amounts] if record.hold else [],
        "billed": record.billed.impressions if record.billed else None,
        "charged": [amount.model_dump() for amount in record.charged],
        "cause": record.cause,
        "rest_of": str(record.rest_of) if record.rest_of else None,
        "rest": str(record.rest_job) if record.rest_job else None,
        "outlook": outlook,
    }


def asked_for(record: JobRecord) -> dict[str, Any]:
    """Return how a job came, as far as that can be changed before it is released."""
    attributes = record.attributes
    return {
        "copies": attributes.copies,
        "sides": attributes.sides.value,
        "print_color_mode": attributes.print_color_mode.value,
        "page_ranges": text_of(attributes.page_ranges),
        "number_up": attributes.number_up,
    }


def why(decision: Decision) -> dict[str, Any]:
    """Return why a decision is what it is, for the answer to who asked."""
    found: dict[str, Any] = {
        "because": [
            {"code": each.code, "text": each.text, "rule": each.rule} for each in decision.because
        ],
        "rules_version": decision.rules_version,
    }
    if isinstance(decision, Ask):
        found |= {"question": decision.question, "choices": list(decision.choices)}
    if isinstance(decision, Denied) and decision.able:
        found |= {"able": list(decision.able)}
    return found


def outlook(decision: Decision, device: str, *, reachable: bool) -> dict[str, Any]:
    """Return what a job that waits would come to.

    Args:
        decision: what would be decided if its owner released it now.
        device: at this printer.
        reachable: the centre can be asked for money that is not here.
    """
    shown: dict[str, Any] = {"printer": device, "price": None, "question": None, "refusal": None}
    match decision:
        case Allowed(figures=figures):
            return shown | {
                "printer": decision.printer,
                "redirected_from": decision.redirected_from,
                "price": [each.model_dump() for each in amounts_of(decision.charges)],
                "conversions": {each.attribute: each.value for each in decision.conversions},
                "impressions": figures.impressions if figures else None,
            }
        case Ask(question=question):
            return shown | {"question": question}
        case Denied(short=short, detail=detail, reason=reason, able=able):
            if short is None or not reachable:
                told: dict[str, Any] = {"refusal": detail, "reason": reason.value}
                if short is not None:
                    missing = short.missing
                    told["short"] = {"unit": missing.unit, "micros": missing.micros}
                return shown | told | ({"able": list(able)} if able else {})
            # the rest is asked for when it is released; until then nobody knows
            needed = {"unit": short.needed.unit, "micros": short.needed.micros}
            return shown | {"price": [{"account": short.account, **needed}]}
    assert_never(decision)


def _missing(short: Short) -> AccountAmount:
    missing = short.missing
    return AccountAmount(account=short.account, unit=missing.unit, micros=missing.micros)


def quote(decision: Decision, *, reachable: bool) -> QuoteAnswer:
    """Return what a job would come to as an answer.

    Args:
        decision: what would be decided if it were released now.
        reachable: the centre can be asked for money that is not here.
    """
    because = said(decision.because)
    match decision:
        case Allowed(figures=figures):
            return QuoteAnswer(
                allowed=True,
                price=amounts_of(decision.charges),
                because=because,
                impressions=figures.impressions if figures else None,
                color_impressions=figures.color_impressions if figures else None,
                sheets=figures.sheets if figures else None,
                conversions={each.attribute: each.value for each in decision.conversions},
            )
        case Ask(question=question):
            return QuoteAnswer(allowed=False, question=question, because=because)
        case Denied(short=short, detail=detail, reason=reason, able=able):
            if short is None or not reachable:
                return QuoteAnswer(
                    allowed=False,
                    refusal=detail[:1000],
                    reason=reason,
                    able=able,
                    because=because,
                    short=None if short is None else _missing(short),
                )
            # the rest is asked for when it is released; until then nobody knows
            needed = AccountAmount(
                account=short.account, unit=short.needed.unit, micros=short.needed.micros
            )
            return QuoteAnswer(allowed=True, price=(needed,), because=because)
    assert_never(decision)
