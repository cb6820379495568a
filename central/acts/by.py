"""Who does an act, and from where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class By:
    """Whoever does it, as entries and the audit keep it."""

    author: str
    """`cli:root`, `web:ana`, `api:till-1`; or `coordinator`."""
    from_: str = ""
    """The address it came from; empty: this machine, or not known."""
