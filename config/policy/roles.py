"""What an edge may do in each role: one table, asked by whoever needs to know (DESIGN §2)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

RoleName = Literal["agent", "tracker", "remote"]


@dataclass(frozen=True, slots=True)
class Role:
    """One line of the table."""

    name: RoleName
    """As in settings and on the wire."""
    holds: bool
    """Jobs wait for their owner (Print2me), terminals and the pop-up are served."""
    rules: bool
    """The operator's rules decide and convert."""
    copies: bool
    """Copies are charged at the copier."""
    standing: bool
    """Money is parked at the site; without, each job asks for its own."""
    alone: bool
    """Prints while the centre cannot be reached."""
    past_allocation: Literal["never", "alone", "always"]
    """When the site's terms may let a charge go past what sits here: a float only while alone."""


ROLES: Final[Mapping[RoleName, Role]] = MappingProxyType(
    {
        "agent": Role(
            name="agent",
            holds=True,
            rules=True,
            copies=True,
            standing=False,
            alone=False,
            past_allocation="never",
        ),
        "tracker": Role(
            name="tracker",
            holds=False,
            rules=False,
            copies=False,
            standing=True,
            alone=True,
            past_allocation="always",
        ),
        "remote": Role(
            name="remote",
            holds=True,
            rules=True,
            copies=True,
            standing=True,
            alone=True,
            past_allocation="alone",
        ),
    }
)
