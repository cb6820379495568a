"""Settings of what may wait at a site: how many jobs of a person, how large, for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from config.settings_parts import Duration, Part

_SHORTEST = timedelta(minutes=10)


class LimitSettings(Part):
    """Held jobs; a job that would pass a limit is not taken, and its owner reads why."""

    jobs: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Jobs of one person that wait."""
    bytes: Annotated[int, Field(ge=1 << 20, le=1 << 50)] = 2 << 30
    """Their documents together."""
    expiry: Duration = timedelta(hours=72)
    """What nobody has printed by then is thrown away: Friday's job is there on Monday."""

    @model_validator(mode="after")
    def _people_have_time(self) -> Self:
        if self.expiry < _SHORTEST:
            raise ValueError("expiry of at least 10min")
        return self
