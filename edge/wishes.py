"""What somebody wants of a job: the question that is decided, as it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.messages import JobChanges
    from config.ids import AccountKey
    from edge.acting import Acting


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for, or a direct queue for its owner."""

    device: str
    """Where to print: device id."""
    user: str | None
    """Who pays: its owner; None when the job names nobody."""
    confirmed: bool = False
    """Said yes to what rules ask."""
    account: AccountKey | None = None
    """To be charged instead of the first list."""
    changes: JobChanges | None = None
    """How to print it, where that differs from how it came."""
    by: str | None = None
    """Who asks, where that is not who pays; None: the same."""
    acting: Acting | None = None
    """As what they ask for a job that is not theirs."""
    unattended: bool = False
    """A direct queue asks: what its only printer cannot do is left out, and said."""
    card: str | None = None
    """Key of the card they came by, where the centre has not confirmed it: its use is bounded."""
