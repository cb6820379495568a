"""A status told to people: the lines about terms, debts and time without the centre."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.policy.money import Money
from edge.standing import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def status_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield what people read of the terms in a status."""
    terms, wish = data["terms"], data["terms_wished"]
    for cap in terms["uncovered"]:
        owed = Money(data["owed"].get(cap["unit"], 0), cap["unit"])
        most = "without limit" if cap["site"] is None else f"of at most {_sum(cap, 'site')}"
        each = "" if cap["user"] is None else f", {_sum(cap, 'user')} an account"
        yield f"{owed} charged past what is here and not collected, {most}{each}"
    named = {cap["unit"] for cap in terms["uncovered"]}
    for unit, micros in data["owed"].items():
        if unit not in named:
            yield f"{Money(micros, unit)} charged past what is here and not collected"
    if terms["offline_seconds"] is not None:
        longest = timedelta(seconds=terms["offline_seconds"])
        unheard = timedelta(seconds=data["unheard_seconds"])
        yield f"may work alone for {spoken(longest)}; the centre was heard {spoken(unheard)} ago"
    if data.get("retiring"):
        yield "its books are being closed and begun anew: nothing is released until that is done"
    for each in data.get("rejected", ()):
        yield f"the centre put {each['stream']} event {each['seq']} aside: {each['reason']}"
    for each in data.get("quarantined", ()):
        yield f"event {each['seq']} of the centre could not be carried out: {each['reason']}"
    if wish is not None:
        yield f"is being changed to the terms {wish['number']} as {wish['role']}: running jobs end"


def _sum(cap: Mapping[str, Any], key: str) -> str:
    return str(Money(cap[key], cap["unit"]))
