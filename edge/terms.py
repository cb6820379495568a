"""The terms a site lives by: its role, how far past its money it may go, how long alone; pure.

The centre wishes for terms (`SetTerms`); they hold once the edge has said that it took them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from broker.messages import Role as RoleName
from broker.messages import UncoveredCap
from config.policy.money import MICROS_BOUND
from config.policy.roles import ROLES

if TYPE_CHECKING:
    from broker.messages import SetTerms
    from config.policy.money import Unit
    from config.policy.roles import Role


class Terms(BaseModel):
    """What holds at a site, as its journal keeps it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    number: Annotated[int, Field(ge=0)] = 0
    """As the centre counts them; 0: what the journal began with."""
    name: RoleName = "remote"
    """The role."""
    uncovered: tuple[UncoveredCap, ...] = ()
    """How much may be charged past what is here, by unit."""
    offline_seconds: int | None = None
    """After so long without the centre nothing is released; None: without limit."""

    @property
    def role(self) -> Role:
        """The role's line in the table."""
        return ROLES[self.name]

    @property
    def longest_alone(self) -> timedelta | None:
        """`offline_seconds` as a duration."""
        return None if self.offline_seconds is None else timedelta(seconds=self.offline_seconds)


def wished(said: SetTerms) -> Terms:
    """Return what the centre wishes for."""
    return Terms(
        number=said.terms,
        name=said.role,
        uncovered=said.uncovered,
        offline_seconds=said.offline_seconds,
    )


def is_news(said: SetTerms, taken: Terms, wish: Terms | None) -> bool:
    """Say whether terms are newer than all that was heard; a repeated or older wish is none."""
    return said.terms > max(taken.number, wish.number if wish else 0)


def changes_role(taken: Terms, wish: Terms | None) -> bool:
    """Say whether new holds have to stop until the wish is taken: only its role needs that."""
    return wish is not None and wish.name != taken.name


def most_owed(terms: Terms, unit: Unit) -> int:
    """Return how much a site may ever have outstanding in a unit under these terms."""
    return _leave(terms, unit, 0, None, alone=True)


def leave(
    terms: Terms, wish: Terms | None, unit: Unit, *, site: int, account: int | None, alone: bool
) -> int:
    """Return how many micros an account may be charged past what is here, now.

    The terms taken count until others are; a wish that allows less counts at once.

    Args:
        terms: those in force.
        wish: those that wait to be taken.
        unit: of the account.
        site: what all accounts owe in it, holds included.
        account: what this one owes, holds included; None: of all accounts together.
        alone: the centre cannot be reached.
    """
    return min(_leave(each, unit, site, account, alone=alone) for each in (terms, wish or terms))


def _leave(terms: Terms, unit: Unit, site: int, account: int | None, *, alone: bool) -> int:
    when = terms.role.past_allocation
    if when == "never" or (when == "alone" and not alone):
        return 0
    cap = next((each for each in terms.uncovered if each.unit == unit), None)
    if cap is None:
        return 0
    room = MICROS_BOUND if cap.site is None else cap.site - max(0, site)
    if account is None or cap.user is None:
        return max(0, room)
    return max(0, min(room, cap.user - max(0, account)))
