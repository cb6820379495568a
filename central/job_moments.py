"""A job's moments as its row keeps them: a line each, which ingest adds and never reads; pure.

Times are the edge's: what a site that was cut off told hours later still happened when it did.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from broker.messages import (
    CopyBegan,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from central.job_fold import JobEvent

#: A job that is refused again and again has no more of its refusals written down.
LONGEST: Final = 8000


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a job."""

    kind: str
    """held, refused, released, copying, settled, canceled or flagged."""
    at: int
    """When, by the edge's clock: microseconds since 1970 UTC."""
    told: Mapping[str, Any]
    """What else there is to say: who, where, how many."""


def written(event: JobEvent, at: int) -> str:
    """Return the line of an event; `at` in microseconds since 1970 UTC.

    Written by hand: this runs for every event, and making a dictionary first takes three times as
    long. Ids, numbers and codes need no escaping; whatever people or documents are called does.
    """
    return f'["{_KINDS[type(event)]}",{at},{{{_WRITE[type(event)](event)}}}]\n'


def read(text: str) -> tuple[Moment, ...]:
    """Return the moments that lines tell of, oldest first."""
    found = [Moment(*json.loads(line)) for line in text.splitlines()]
    return tuple(sorted(found, key=lambda moment: moment.at))


def _held(event: JobHeld) -> str:
    return "" if event.rest_of is None else f'"rest_of":"{event.rest_of}"'


def _refused(event: JobRefused) -> str:
    where = "" if event.printer is None else f',"printer":"{event.printer}"'
    return (
        f'"by":{_quoted(event.user)},"reason":{_quoted(event.reason)},'
        f'"detail":{_quoted(event.detail)}{where}{_alone(event)}'
    )


def _released(event: JobReleased) -> str:
    acting = f',"acting":"{event.acting}"' if event.acting else ""
    changed = f',"changed":{to_json(event.changed).decode()}' if event.changed else ""
    return (
        f'"by":{_quoted(event.user)},"printer":"{event.printer}","attempt":{event.attempt}'
        f"{acting}{changed}{_alone(event)}"
    )


def _copying(event: CopyBegan) -> str:
    return f'"by":{_quoted(event.user)},"printer":"{event.printer}"{_alone(event)}'


def _settled(event: JobSettled) -> str:
    billed = event.billed
    rest = "" if event.rest is None else f',"rest":"{event.rest}"'
    by = f',"stopped_by":{_quoted(event.stopped_by)}' if event.stopped_by else ""
    flag = f',"flag":{_quoted(event.flag)}' if event.flag else ""
    charge = "" if event.charge is None else f',"charge":"{event.charge}"'
    return (
        f'"disposition":"{event.disposition}","printer":"{event.printer}",'
        f'"attempt":{event.attempt},"source":"{billed.source.value}",'
        f'"impressions":{billed.impressions or 0}{charge}{rest}{by}{flag}'
    )


def _canceled(event: JobCanceled) -> str:
    return f'"by":{_quoted(event.by)},"detail":{_quoted(event.detail)}'


def _flagged(event: JobFlagged) -> str:
    return f'"cause":{_quoted(event.cause)},"detail":{_quoted(event.detail)}'


def _alone(event: JobRefused | JobReleased | CopyBegan) -> str:
    return ',"alone":true' if event.alone else ""


_WRITE: Final[dict[type, Callable[[Any], str]]] = {
    JobHeld: _held,
    JobRefused: _refused,
    JobReleased: _released,
    CopyBegan: _copying,
    JobSettled: _settled,
    JobCanceled: _canceled,
    JobFlagged: _flagged,
}
_KINDS: Final[dict[type, str]] = {
    JobHeld: "held",
    JobRefused: "refused",
    JobReleased: "released",
    CopyBegan: "copying",
    JobSettled: "settled",
    JobCanceled: "canceled",
    JobFlagged: "flagged",
}
