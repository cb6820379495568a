"""What a batch of the coordinator did to the edge's books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.messages import Granted, Position, Rejected


@dataclass(frozen=True, slots=True)
class Applied:
    """A batch from the coordinator is in the books."""

    upto: Position
    """The new watermark."""
    granted: tuple[Granted, ...]
    """Money that arrived."""
    rejected: tuple[Rejected, ...]
    """Events of ours that the centre could not accept."""
    quarantined: tuple[tuple[int, str], ...]
    """(seq, reason) of events that could not be read or carried out."""
