"""What a year under one policy comes to, as sums."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """What a year came to; sums in micros."""

    coverable: int = 0
    """Tries to print that the person's whole money covered."""
    allowed: int = 0
    """Of these, allowed."""
    cut_coverable: int = 0
    """As `coverable`, at sites that were cut off then."""
    cut_allowed: int = 0
    stranded: int = 0
    """Refused at linked sites though covered: the money sat at a cut-off one."""
    overspent: int = 0
    """Charged beyond everything the person had."""
    worst: int = 0
    """The most of it by one person."""
    unpaid: int = 0
    """Of it, still owed when the year ends; the rest was paid by later top-ups."""
    codes: int = 0
    """Courier codes used."""
    reclaims: int = 0
    messages: int = 0
    jobs: int = 0
    """Tries to print."""

    @property
    def availability(self) -> float:
        """Allowed of coverable, at cut-off sites."""
        return self.cut_allowed / self.cut_coverable if self.cut_coverable else 1.0
