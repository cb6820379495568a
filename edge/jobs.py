"""The edge's record of one job: one row of its books, whatever became of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from broker.messages import AccountAmount, Because, Counted
from broker.messages import Role as RoleName
from config.policy.accounts import Charge, Counts
from config.policy.jobs import Figures, JobAttributes, PageRange
from config.policy.money import Money
from config.policy.pricing import Adjustment
from config.policy.roles import ROLES
from config.policy.tariffs import Service
from edge.acting import Acting
from edge.copy_meter import Meter
from edge.release import Evidence, Phase
from edge.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from config.policy.decisions import Line
    from config.policy.roles import Role


class Part(BaseModel):
    """What a held amount is for."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    demand: int
    """Which list of accounts it stands for, from 0."""
    counts: Counts = "impressions"
    """Which impressions it may pay."""


class Hold(BaseModel):
    """Money set aside for one release."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    amounts: tuple[AccountAmount, ...]
    """On each account; empty for a free job."""
    tariff_version: int
    """The tariff that priced it; settlement prices by the same."""
    parts: tuple[Part, ...] = ()
    """For each amount what it is for; none: each was the whole price (from before lists)."""
    adjustments: tuple[Adjustment, ...] = ()
    """What rules did to the price; settlement does the same to its own, whatever they say then."""

    @property
    def charges(self) -> tuple[Charge, ...]:
        """The amounts as they were decided on."""
        parts = self.parts or tuple(Part(demand=number) for number in range(len(self.amounts)))
        return tuple(
            Charge(
                each.account,
                Money(each.micros, each.unit),
                each.covered_by,
                part.demand,
                part.counts,
            )
            for each, part in zip(self.amounts, parts, strict=True)
        )


class JobRecord(BaseModel):
    """A job in the books of its site; key: job-uuid."""

    model_config = ConfigDict(frozen=True, defer_build=True)

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
    service: Service = "print"
    """Printed, or copied at the machine."""
    meter: Meter | None = None
    """Of a copy: its terms and what was counted."""
    role: RoleName = "remote"
    """The site's when it came: what was held stays releasable whatever the site becomes."""
    attributes: JobAttributes = JobAttributes()
    """What was asked for."""
    planned: Figures | None = None
    """The analysis; none when the document cannot be read."""
    pages: Annotated[int, Field(ge=0)] = 0
    """Pages of the document before n-up, ranges and copies; 0: from before this was kept."""
    colour: tuple[PageRange, ...] | None = None
    """Its pages with colour, as ranges; None: not kept, so other pages cannot be chosen."""
    document_format: str | None = None
    """MIME type of the document, recognised by content."""
    octets: Annotated[int, Field(ge=0)] = 0
    """Size of the document; 0: not known."""
    problem: str | None = None
    """Why it cannot be printed."""
    attempt: Annotated[int, Field(ge=0)] = 0
    """How often it was released."""
    printer: str | None = None
    """Device it was released at."""
    released_by: str | None = None
    """The person who released it."""
    acting: Acting | None = None
    """As what, where it is not theirs."""
    released_at: datetime | None = None
    """When the intent was written."""
    card: str | None = None
    """Key of the card they came by, where the centre has not confirmed it: its use is bounded."""
    alone: bool = False
    """The link was down when it was released."""
    redirected_from: str | None = None
    """Device it was asked for at, when a rule chose another."""
    converted: Figures | None = None
    """What it puts on paper as rules changed it; none: as planned."""
    conversions: dict[str, str] = Field(default_factory=dict)
    """IPP attributes that rules changed, with their new values, for people."""
    changed: dict[str, str] = Field(default_factory=dict)
    """IPP attributes that the person changed at the machine, with their new values."""
    changes: dict[str, str | int] = Field(default_factory=dict)
    """IPP attributes that the decision changes, set when the job is let go."""
    tags: tuple[str, ...] = ()
    """Marks that rules gave it."""
    rules_version: int = 0
    """The rules it was decided by; 0: none."""
    because: tuple[Because, ...] = ()
    """Why the last decision was what it was, line by line; while the job is open."""
    refusal: str | None = None
    """Why the last wish to release it was refused, or what it has to be answered to first."""
    hold: Hold | None = None
    """Set aside since release, until settled."""
    refused: str | None = None
    """The reason of the last refusal."""
    answered: bool = False
    """A release was refused: a direct queue does not try again by itself."""
    evidence: Evidence | None = None
    """What was known when it ended."""
    stopped_by: str | None = None
    """Who wanted it off the printer it was released at."""
    stopped_early: bool = False
    """It had not begun to print then."""
    rest: Rest | None = None
    """What did not come out and is put back; with it the evidence stands, whatever comes later."""
    rest_job: UUID | None = None
    """The job that this is; none while it is not there, or where it could not be put back."""
    rest_of: UUID | None = None
    """The job whose rest this is: the part that failed is paid with that one."""
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
    def expected(self) -> Figures | None:
        """What it puts on paper: as rules changed it, else as it was counted."""
        return self.converted or self.planned

    @property
    def under(self) -> Role:
        """The line of the role table it came under."""
        return ROLES[self.role]

    @property
    def counted(self) -> Counted | None:
        """The analysis as it is said on the wire."""
        return counted(self.planned) if self.planned else None


def amounts_of(charges: Iterable[Charge]) -> tuple[AccountAmount, ...]:
    """Return charges as they are said on the wire."""
    return tuple(
        AccountAmount(
            account=each.account,
            unit=each.money.unit,
            micros=each.money.micros,
            covered_by=each.covered_by,
        )
        for each in charges
    )


def said(lines: Iterable[Line]) -> tuple[Because, ...]:
    """Return why, as it is said on the wire."""
    return tuple(Because(code=each.code, text=each.text, rule=each.rule) for each in lines)


def counted(figures: Figures) -> Counted:
    """Return figures as they are said on the wire."""
    return Counted(
        source=figures.source,
        impressions=figures.impressions,
        color_impressions=figures.color_impressions,
        sheets=figures.sheets,
    )
