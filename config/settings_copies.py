"""Settings of copies: how many at most, when a machine has to stop, how long one is waited for."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.settings_parts import Duration, Part

_SHORTEST = timedelta(seconds=10)


class CopySettings(Part):
    """Copies at the machines of the site."""

    most: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Impressions of one copy at most; money for the dearest that are allowed is set aside."""
    stop_margin: Annotated[int, Field(ge=0, le=1000)] = 4
    """Impressions that a machine still makes after it is told to stop."""
    ask_below: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Where what sits here pays for fewer, the centre is asked for more before a copy begins."""
    patience: Duration = timedelta(minutes=5)
    """A copy is settled with what is known when its terminal has said nothing for so long."""
    paper: Literal["iso_a4", "na_letter"] = "iso_a4"
    """What counts as small; large are iso_a3 or na_ledger."""

    @model_validator(mode="after")
    def _figures_make_sense(self) -> Self:
        if self.most <= self.stop_margin:
            raise ValueError("most above stop_margin, or no copy could begin")
        if self.patience < _SHORTEST:
            raise ValueError("patience of at least 10s")
        return self
