"""What faults and oracle share: the fleet, its turned clocks, who was hurt when, recoveries."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.asking import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from demo.chaos.clock import TurnedClock
    from demo.lab import Lab
    from demo.site import Site

_POLL = 0.5


@dataclass(frozen=True, slots=True)
class Hurt:
    """Something was killed that may have had jobs in its hands."""

    at: datetime
    """By the right clock."""
    site: str


@dataclass(slots=True)
class Arena:
    """One run's fleet, and what was done to it."""

    lab: Lab
    clocks: Mapping[str, TurnedClock]
    """By site; empty where clocks cannot be turned."""
    hurts: list[Hurt] = field(default_factory=list)
    books: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the books are carried away, and by whoever needs them to stay."""
    problems: list[str] = field(default_factory=list)
    """What went wrong that no fault explains."""
    longest_recovery: float = 0.0
    """Seconds from the end of a fault until its site was linked again, if no other came between."""
    recoveries: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    """Print systems that died though nobody had struck them, by site."""
    spoolers: set[str] = field(default_factory=set)
    """Sites whose print system is killed and started again on purpose just now."""
    torn: Counter[str] = field(default_factory=Counter)
    """How often a site's terminal was killed."""
    _active: Counter[str] = field(default_factory=Counter)
    _healed: dict[str, float] = field(default_factory=dict)

    def hurt(self, site: str) -> None:
        """Say that jobs of a site may be about to be hurt."""
        self.hurts.append(Hurt(datetime.now(UTC), site))

    @contextmanager
    def suffering(self, site: str) -> Iterator[None]:
        """Know that a site suffers meanwhile; empty: that all do."""
        sites = [site] if site else list(self.lab.sites)
        for each in sites:
            self._active[each] += 1
            self._healed.pop(each, None)
        try:
            yield
        finally:
            now = asyncio.get_running_loop().time()
            for each in sites:
                self._active[each] -= 1
                if not self._active[each]:
                    self._healed[each] = now

    async def keep(self, site: Site) -> None:
        """Start a site's print system again whenever it dies by itself, as its host's init does.

        CUPS 2.4.2 does die under such loads (a general protection fault in cupsd); what it had in
        hand then is hurt as by any kill.
        """
        while True:
            if site.name not in self.spoolers and not site.cups.running:
                self.crashes[site.name] += 1
                self.hurt(site.name)
                await asyncio.to_thread(site.cups.start)
            await asyncio.sleep(_POLL)

    async def watch(self, site: Site, done: asyncio.Event) -> None:
        """See when a site is well again."""
        clock = asyncio.get_running_loop().time
        while not done.is_set():
            try:
                status = await site.status(seconds=2)
                well = bool(status["linked"] and status["ready"])
            except NoAnswer:
                well = False
            healed = self._healed.get(site.name)
            if well and healed is not None:
                del self._healed[site.name]
                self.recoveries += 1
                self.longest_recovery = max(self.longest_recovery, clock() - healed)
            await asyncio.sleep(_POLL)
