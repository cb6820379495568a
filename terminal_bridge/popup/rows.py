"""A job as the edge's lists show it, read at the border; what is missing or odd is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import AwareDatetime, Field, ValidationError

from broker.messages.base import Line, Name, Part
from broker.messages.ledger import AccountAmount

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Waits for its owner (`edge.release.Phase`).
HELD = "held"


class Outlook(Part):
    """What a job would come to if it were released now."""

    printer: Name | None = None
    """Where."""
    price: tuple[AccountAmount, ...] | None = None
    """On each account; None: not known, or not to be printed."""
    question: str | None = None
    """What has to be answered first."""
    refusal: str | None = None
    """Why it would be refused."""
    reason: str | None = None
    """The same for machines."""


class JobRow(Part):
    """A job."""

    job: UUID
    """job-uuid."""
    name: str = ""
    """job-name, from whoever printed it: anything may be in it."""
    phase: str = HELD
    """Where it stands."""
    received_at: AwareDatetime | None = None
    """When it came."""
    impressions: int | None = None
    """As counted; None: it could not be."""
    color_impressions: int | None = None
    """Of these in colour."""
    sheets: int | None = None
    """Media sheets."""
    problem: Line | None = None
    """Why it cannot be printed."""
    printer: Name | None = None
    """Where it was released."""
    refusal: str | None = None
    """Why it was refused last."""
    billed: int | None = None
    """Impressions that were charged."""
    charged: tuple[AccountAmount, ...] = ()
    """On each account."""
    conversions: dict[str, Any] = Field(default_factory=dict)
    """What rules changed."""
    outlook: Outlook | None = None
    """Where it waits."""


def read_row(data: object) -> JobRow | None:
    """Read one job; None: it is none."""
    try:
        return JobRow.model_validate(data)
    except ValidationError:
        return None


def read_rows(data: object) -> Iterable[JobRow]:
    """Yield the jobs of a list."""
    for each in data if isinstance(data, list) else ():
        row = read_row(each)
        if row is not None:
            yield row
