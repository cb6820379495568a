"""What is told of each thing that happened: made of what the books hold, small, and pure.

Names of people stay out unless somebody asked for them with the subscription; names of documents
stay out always. Whoever is told asks the interface for the rest, with a token of their own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from broker.messages import (
    CopyBegan,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)
from central.job_fold import feed_state
from central.webhooks.kinds import JOB, MONEY
from config.policy.money import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from broker.messages import Counted
    from central.job_fold import JobEvent

#: Octets of a message; receivers count on less than 20,000 (Standard Webhooks, payload size).
MOST: Final = 16_384
_TEXT: Final = 1000
_SHORT: Final = 200
_LINES: Final = 50
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing that happened, to be told."""

    reference: str
    """Names it for ever among all things told; a message's id is made of it."""
    kind: str
    """Of `kinds.KINDS`."""
    at: datetime
    """When it happened."""
    data: Mapping[str, Any]
    """What anybody may be told."""
    people: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """What names people, besides or instead."""
    micros: int | None = None
    """How much money it is about, where it is about some."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one account of an entry got or gave, wherever it sat."""

    account: str
    unit: str
    micros: int


def message_id(subscription: UUID, telling: Telling) -> str:
    """Return a message's id: the same whenever it is made anew of the same books."""
    return str(uuid5(subscription, telling.reference))


def body(telling: Telling, *, people: bool) -> str:
    """Return what is sent: one JSON object, of at most `MOST` octets."""
    data = dict(telling.data) | (dict(telling.people) if people else {})
    text = _json(telling, data)
    if len(text) > MOST:
        kept = {k: v for k, v in data.items() if not isinstance(v, list | dict)}
        text = _json(telling, kept | {"shortened": True}, _SHORT)
    return text


def of_job(event: JobEvent, *, reference: str, node: str, at: datetime) -> Telling:
    """Return what is told of an event of a job's or a copy's life.

    Args:
        event: as its edge told it.
        reference: of the event among all.
        node: the edge.
        at: when it happened there.
    """
    data: dict[str, Any] = {"job": str(event.job), "node": node}
    people: dict[str, Any] = {}
    match event:
        case JobHeld():
            data |= {"queue": event.queue, "counted": _counted(event.counted)}
            people = {"user": event.user}
        case JobRefused():
            data |= {"printer": event.printer, "reason": event.reason}
            people = {"user": event.user, "detail": event.detail}
        case JobReleased():
            data |= {"printer": event.printer, "attempt": event.attempt, "service": "print"}
            people = {"user": event.user}
        case CopyBegan():
            data |= {"printer": event.printer, "attempt": 1, "service": "copy"}
            people = {"user": event.user}
        case JobSettled():
            data |= {
                "printer": event.printer,
                "attempt": event.attempt,
                "disposition": event.disposition,
                "billed": _counted(event.billed),
                "charge": str(event.charge) if event.charge else None,
                "flag": event.flag,
            }
        case JobCanceled():
            people = {"by": event.by, "detail": event.detail}
        case JobFlagged():
            data |= {"cause": event.cause, "detail": event.detail}
    return Telling(reference, JOB + feed_state(event), at, data, people)


def of_entry(
    n: int, id_: str, kind: str, at: datetime, reference: str, author: str, lines: Iterable[Moved]
) -> Telling | None:
    """Return what is told of an entry of the ledger; None: the money stayed on its accounts.

    Moving an account's money to a site and back is the books' own business.

    Args:
        n: its number.
        id_: its id.
        kind: what it is about.
        at: when it was booked.
        reference: what it belongs to.
        author: who booked it.
        lines: its postings.
    """
    sums: dict[tuple[str, str], int] = {}
    for line in lines:
        key = line.account, line.unit
        sums[key] = sums.get(key, 0) + line.micros
    moved = {key: micros for key, micros in sums.items() if micros}
    if not moved:
        return None
    kinds: dict[tuple[str, str], int] = {}
    for (account, unit), micros in moved.items():
        place = account.partition(":")[0], unit
        kinds[place] = kinds.get(place, 0) + micros
    data = {"entry": n, "id": id_, "kind": kind, "postings": _postings(kinds)}
    people = {"postings": _postings(moved), "reference": reference, "author": author}
    money: dict[str, int] = {}
    for (_, unit), micros in moved.items():
        if micros > 0 and unit != PAGE:
            money[unit] = money.get(unit, 0) + micros
    most = max(money.values(), default=None)
    return Telling(f"entry:{id_}", MONEY, at, data, people, most)


def _postings(sums: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    lines = sorted(sums.items())[:_LINES]
    return [{"account": a, "unit": unit, "micros": micros} for (a, unit), micros in lines]


def _counted(counted: Counted | None) -> dict[str, Any] | None:
    if counted is None:
        return None
    return {
        "impressions": counted.impressions,
        "color_impressions": counted.color_impressions,
        "sheets": counted.sheets,
    }


def _json(telling: Telling, data: Mapping[str, Any], longest: int = _TEXT) -> str:
    # plain letters only: as many octets as characters
    short = {k: v[:longest] if isinstance(v, str) else v for k, v in data.items()}
    at = telling.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    whole = {"type": telling.kind, "timestamp": at, "data": short}
    return json.dumps(whole, separators=(",", ":"))
