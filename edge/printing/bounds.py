"""What counting one document may cost; known to the edge, which loads none of what counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What counting one document may cost."""

    seconds: int = 60
    """Of a processor, and by the clock."""
    memory: int = 2 << 30
    """Address space, bytes."""
    disk: int = 1 << 30
    """Size of each file made, bytes."""
