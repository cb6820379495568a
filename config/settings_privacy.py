"""Settings of what the centre keeps of people, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.settings_parts import Part

#: Refunds, disputes and roll-ups have had their time by then.
_SHORTEST_JOBS = 30
_SHORTEST_AUDIT = 365
_LONGEST = 36_600

_Days = Annotated[int, Field(ge=1, le=_LONGEST)]


class PrivacySettings(Part):
    """What becomes of names, jobs and acts; money and figures stay whatever is deleted here."""

    document_names: Literal["keep", "hash", "hide"] = "keep"
    """What is kept of documents' names from now on: all, a keyed hash, or nothing."""
    keep_names_days: _Days | None = None
    """Names of documents (or their hashes) are deleted after so long; None: with their jobs."""
    keep_jobs_days: Annotated[int, Field(ge=_SHORTEST_JOBS, le=_LONGEST)] | None = None
    """Jobs, and why they cost what they cost, are deleted; charges stay. None: never."""
    keep_audit_days: Annotated[int, Field(ge=_SHORTEST_AUDIT, le=_LONGEST)] | None = None
    """Administrative acts are deleted, the oldest first; None: never."""

    @model_validator(mode="after")
    def _names_go_first(self) -> Self:
        names, jobs = self.keep_names_days, self.keep_jobs_days
        if names is not None and jobs is not None and names > jobs:
            raise ValueError("keep_names_days no longer than keep_jobs_days: names go with jobs")
        return self
