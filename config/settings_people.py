"""Settings of who stands at a site's terminals: for how long, how they show it, new cards."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from config.ids import NodeId
from config.settings_parts import Duration, Part

_SHORTEST = timedelta(seconds=5)
_KNOWN_SHORTEST = timedelta(hours=1)
_Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class VisitorSettings(Part):
    """People at the terminals of the site."""

    idle: Duration = timedelta(seconds=60)
    """Without a question for so long, whoever is signed in at a terminal is so no more."""
    longest: Duration = timedelta(minutes=15)
    """Nor after so long in any case."""
    bound: dict[NodeId, Annotated[str, StringConstraints(min_length=1, max_length=255)]] = Field(
        default_factory=dict
    )
    """Terminals of one person, such as a workstation's pop-up: node → user name."""
    shared: tuple[NodeId, ...] = ()
    """Nodes at which several people are signed in at once, such as one that serves phones."""
    pin_beside_card: bool = False
    """A card alone identifies nobody: its owner types the PIN as well."""
    elsewhere: bool = False
    """A terminal that stands beside one machine may have another one print and copy."""
    provisional: Annotated[Decimal, Field(ge=0, le=10_000, decimal_places=2)] = Decimal("2.00")
    """What may be spent by a card that was entered here, in any currency, until the centre has
    confirmed it."""
    provisional_pages: Annotated[int, Field(ge=0, le=100_000)] = 20
    """The same where pages are what is paid with."""

    known_for: Duration = timedelta(days=30)
    """After so long without the centre nobody is identified here: who was removed there is not
    known to be gone."""
    languages: Annotated[tuple[_Language, ...], Field(min_length=1, max_length=20)] = (
        "en",
        "fr",
        "de",
        "es",
    )
    """What the site's screens offer (ISO 639-1), the first where nobody is known."""

    @model_validator(mode="after")
    def _times_make_sense(self) -> Self:
        if self.idle < _SHORTEST:
            raise ValueError("idle of at least 5s")
        if self.longest < self.idle:
            raise ValueError("longest at least as long as idle")
        if self.known_for < _KNOWN_SHORTEST:
            raise ValueError("known_for of at least 1h")
        return self
