"""The edge's record of one job: one row of its books, whatever became of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from broker.messages import AccountAmount, Counted
from config.policy.jobs import Figures, JobAttributes
from edge.release import Evidence, Phase

if TYPE_CHECKING:
    from typing import Any


class Hold(BaseModel):
    """Money set aside for one release."""

    model_config = ConfigDict(frozen=True)

    amounts: tuple[AccountAmount, ...]
    """On each account; empty for a free job."""
    tariff_version: int
    """The tariff that priced it; settlement prices by the same."""


class JobRecord(BaseModel):
    """A job in the books of its site; key: job-uuid."""

    model_config = ConfigDict(frozen=True)

    job: UUID
    """job-uuid."""
    queue: str
    """The queue people printed it to."""
    direct: bool = False
    """Its queue belongs to one printer: released as soon as it is counted."""
    user: str
    """job-originating-user-name; empty when the client named nobody."""
    name: str
    """job-name without control characters."""
    received_at: AwareDatetime
    """When the spooler took it."""
    phase: Phase
    """Where it stands."""
    attributes: JobAttributes = JobAttributes()
    """What was asked for."""
    planned: Figures | None = None
    """The analysis; none when the document cannot be read."""
    pages: Annotated[int, Field(ge=0)] = 0
    """Pages of the document before n-up, ranges and copies; 0: from before this was kept."""
    document_format: str | None = None
    """MIME type of the document, recognised by content."""
    problem: str | None = None
    """Why it cannot be printed."""
    attempt: Annotated[int, Field(ge=0)] = 0
    """How often it was released."""
    printer: str | None = None
    """Device it was released at."""
    released_by: str | None = None
    """The person who released it."""
    released_at: datetime | None = None
    """When the intent was written."""
    alone: bool = False
    """The link was down when it was released."""
    changes: dict[str, str] = Field(default_factory=dict)
    """IPP attributes that the decision changes, set before the job moves."""
    hold: Hold | None = None
    """Set aside since release, until settled."""
    answered: bool = False
    """A release was refused: a direct queue does not try again by itself."""
    evidence: Evidence | None = None
    """What was known when it ended."""
    cause: str | None = None
    """Of the dispute or flag."""
    deadline: datetime | None = None
    """When policy ends the dispute."""
    billed: Figures | None = None
    """What was charged for."""
    charged: tuple[AccountAmount, ...] = ()
    """What each account paid."""
    ended_at: datetime | None = None
    """When it was settled or canceled."""

    def with_(self, **changes: Any) -> JobRecord:  # noqa: ANN401  any field
        """Return a changed copy, checked."""
        return JobRecord.model_validate({**dict(self), **changes})

    @property
    def counted(self) -> Counted | None:
        """The analysis as it is said on the wire."""
        return counted(self.planned) if self.planned else None


def counted(figures: Figures) -> Counted:
    """Return figures as they are said on the wire."""
    return Counted(
        source=figures.source,
        impressions=figures.impressions,
        color_impressions=figures.color_impressions,
        sheets=figures.sheets,
    )
