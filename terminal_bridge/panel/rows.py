"""The jobs that the edge lists, read at the border: one that cannot be read hides no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import Field, ValidationError

from broker.messages.base import Part
from broker.messages.ledger import AccountAmount
from config.logs import logger
from config.policy.money import Micros, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_log = logger("terminal.panel")


class Missing(Part):
    """A sum that is not here."""

    micros: Micros
    """Millionths of the unit."""
    unit: Unit
    """Currency code or `page`."""


class Outlook(Part):
    """What a job would come to if it were released now (`edge.listing.outlook`)."""

    printer: str | None = None
    redirected_from: str | None = None
    price: tuple[AccountAmount, ...] | None = None
    short: Missing | None = None
    question: str | None = None
    refusal: str | None = None
    reason: str | None = None
    able: tuple[str, ...] = ()
    conversions: dict[str, str] = Field(default_factory=dict)
    impressions: int | None = None


class Wished(Part):
    """How a job came, or how it was changed."""

    copies: int | None = None
    sides: str | None = None
    print_color_mode: str | None = None
    page_ranges: Any = None
    """As text where it came so."""


class JobRow(Part):
    """What pages show of a job (`edge.listing.job_row`)."""

    job: UUID
    user: str | None = None
    name: str | None = None
    phase: str | None = None
    received_at: str | None = None
    impressions: int | None = None
    pages: int | None = None
    color_impressions: int | None = None
    problem: str | None = None
    changed: Wished | None = None
    attributes: Wished | None = None
    outlook: Outlook | None = None


def read_rows(rows: Iterable[object]) -> Iterator[dict[str, Any]]:
    """Yield the jobs that can be read, as plain values; what a job does not say is left out."""
    for row in rows:
        try:
            read = JobRow.model_validate(row)
        except ValidationError as error:
            reason = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            _log.warning("a job cannot be read", action="panel-row", reason=reason[:200])
        else:
            yield read.model_dump(mode="json", exclude_none=True)
