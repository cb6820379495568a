"""The actions of a rule: what it does to a job it is meant for."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from config.ids import AccountKey, NodeId
from config.policy.conditions import RulePart, Word
from config.policy.jobs import COPIES_MAX

_Sentence = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
#: A million units: far above any fee, and far below what can be booked.
_FEE_BOUND = 10**12
_Fee = Annotated[int, Field(strict=True, ge=0, le=_FEE_BOUND)]


class Redirect(RulePart):
    """Where a job goes instead: one printer, or the cheapest able one of the site with a tag."""

    printer: NodeId | None = None
    """Device id."""
    tag: Word | None = None
    """A printer's tag."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.printer is None) == (self.tag is None):
            raise ValueError("must name either a printer or a tag")
        return self


class Surcharge(RulePart):
    """What comes on top of the price, in millionths of a currency."""

    unit: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """The tariff's currency; quotas in pages bear no surcharge."""
    per_job: _Fee = 0
    """Once."""
    per_impression: _Fee = 0
    """For each printed side."""
    per_sheet: _Fee = 0
    """For each sheet of media."""

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if not (self.per_job or self.per_impression or self.per_sheet):
            raise ValueError("must have per_job, per_impression or per_sheet above 0")
        return self


class Then(RulePart):
    """The actions of a rule, done in this order."""

    deny: _Sentence | None = None
    """Do not print it, and tell the person this; it goes with no other action."""
    redirect: Redirect | None = None
    """Print it elsewhere: the rules begin anew for that printer. Once for each job."""
    monochrome: bool = False
    """Print without colour."""
    two_sided: bool = False
    """Print on both sides, where there is more than one."""
    copies_max: Annotated[int, Field(strict=True, ge=1, le=COPIES_MAX)] | None = None
    """At most so many copies."""
    factor: Annotated[int, Field(strict=True, ge=0, le=100_000)] | None = None
    """Thousandths of the price so far, of pages too: 0 free, 500 half, 1000 as it is."""
    surcharge: Surcharge | None = None
    """On top of the price so far, after the factor."""
    charge: AccountKey | None = None
    """Pays instead of the first of the person's lists; the last rule that says so wins."""
    tags: Annotated[tuple[Word, ...], Field(min_length=1, max_length=20)] = ()
    """Marks the job, for reports."""
    confirm: _Sentence | None = None
    """The person has to say yes to this."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self == Then.model_construct():
            raise ValueError("must have at least one action")
        if self.deny is not None and self != Then.model_construct(deny=self.deny):
            raise ValueError("denies, so no other action can follow")
        return self
