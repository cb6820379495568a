"""A job's moments as its row keeps them: a line each, which ingest adds and never reads; pure.

Times are the edge's: what a site that was cut off told hours later still happened when it did.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
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
    from collections.abc import Mapping

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
    """Return the line of an event; `at` in microseconds since 1970 UTC."""
    kind, told = _told(event)
    line = to_json((kind, at, {key: value for key, value in told.items() if value}))
    return f"{line.decode()}\n"


def read(text: str) -> tuple[Moment, ...]:
    """Return the moments that lines tell of, oldest first."""
    found = [Moment(*json.loads(line)) for line in text.splitlines()]
    return tuple(sorted(found, key=lambda moment: moment.at))


def _told(event: JobEvent) -> tuple[str, dict[str, object]]:  # noqa: PLR0911  one for each kind
    match event:
        case JobHeld():
            return "held", {"received": event.received_at, "rest_of": event.rest_of}
        case JobRefused():
            return "refused", {
                "by": event.user,
                "printer": event.printer,
                "reason": event.reason,
                "detail": event.detail,
                "alone": event.alone,
            }
        case JobReleased():
            return "released", {
                "by": event.user,
                "acting": event.acting,
                "printer": event.printer,
                "attempt": event.attempt,
                "changed": event.changed,
                "alone": event.alone,
            }
        case CopyBegan():
            return "copying", {"by": event.user, "printer": event.printer, "alone": event.alone}
        case JobSettled():
            return "settled", {
                "disposition": event.disposition,
                "printer": event.printer,
                "attempt": event.attempt,
                "source": event.billed.source,
                "impressions": event.billed.impressions,
                "color": event.billed.color_impressions,
                "sheets": event.billed.sheets,
                "charge": event.charge,
                "stopped_by": event.stopped_by,
                "rest": event.rest,
                "flag": event.flag,
            }
        case JobCanceled():
            return "canceled", {"by": event.by, "detail": event.detail}
        case JobFlagged():
            return "flagged", {"cause": event.cause, "detail": event.detail}
