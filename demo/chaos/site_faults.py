"""What happens at a site: to its edge, its disk, its clock, its print system, its broker."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from demo.chaos.doing import kill, no_writes, stop_for
from demo.chaos.kinds import Kind
from edge.store.record import HEADER, MAGIC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from demo.chaos.arena import Arena
    from demo.chaos.doing import Deed
    from demo.chaos.kinds import Planned
    from demo.site import Site

#: Clocks go wrong by seconds or by days. Not by the 30 days for which events are kept: who turns
#: the clock so far ahead throws away what a restored centre may need.
_TURNS = (2.0, 60.0, 3600.0, 86_400.0, 20 * 86_400.0)
_MOST_TORN = 400
_BALLAST = "ballast"


class SiteFaults:
    """Strikes one site."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena

    def deeds(self) -> Mapping[Kind, Deed]:
        """Return who does what."""
        return {
            Kind.STOP_EDGE: self._stop_edge,
            Kind.KILL_EDGE: self._kill_edge,
            Kind.TORN_TAIL: self._torn_tail,
            Kind.CLOCK: self._clock,
            Kind.FULL_DISK: self._full_disk,
            Kind.NO_WRITES: self._no_writes,
            Kind.STOP_SPOOLER: self._stop_spooler,
            Kind.KILL_SPOOLER: self._kill_spooler,
            Kind.KILL_NOTIFIER: self._kill_notifier,
            Kind.KILL_SITE_BROKER: self._kill_site_broker,
        }

    def _site(self, planned: Planned) -> Site:
        return self._arena.lab.sites[planned.site]

    async def _stop_edge(self, planned: Planned) -> None:
        await stop_for(self._site(planned).edge, planned.seconds)

    async def _kill_edge(self, planned: Planned) -> None:
        site = self._site(planned)
        self._arena.hurt(site.name)
        await kill(site.edge)
        site.start_edge()

    async def _torn_tail(self, planned: Planned) -> None:
        """Kill it, and let half of a record stand behind the last one that was synced.

        That is what power loss leaves of a write that nobody was told of.
        """
        site = self._site(planned)
        self._arena.hurt(site.name)
        await kill(site.edge)
        tear(site.data / "journal", planned.figure)
        cut(site.data / "directory", planned.figure)
        site.start_edge()

    async def _clock(self, planned: Planned) -> None:
        clock = self._arena.clocks[planned.site]
        dice = random.Random(planned.figure)  # noqa: S311  of the seed
        clock.turn(timedelta(seconds=dice.choice(_TURNS) * dice.choice((-1, 1))))
        await asyncio.sleep(planned.seconds)
        clock.turn(timedelta())

    async def _full_disk(self, planned: Planned) -> None:
        ballast = self._site(planned).data / _BALLAST
        await asyncio.to_thread(_fill, ballast)
        await asyncio.sleep(planned.seconds)
        ballast.unlink()

    async def _no_writes(self, planned: Planned) -> None:
        with no_writes(self._site(planned).edge.pid):
            await asyncio.sleep(planned.seconds)

    async def _stop_spooler(self, planned: Planned) -> None:
        pid = self._site(planned).cups.pid
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(planned.seconds)
        os.kill(pid, signal.SIGCONT)

    async def _kill_spooler(self, planned: Planned) -> None:
        site = self._site(planned)
        self._arena.hurt(site.name)
        self._arena.spoolers.add(site.name)
        try:
            await asyncio.to_thread(site.cups.kill)
            await asyncio.to_thread(site.cups.start)
        finally:
            self._arena.spoolers.discard(site.name)

    async def _kill_notifier(self, planned: Planned) -> None:
        for pid in self._site(planned).cups.notifiers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _kill_site_broker(self, planned: Planned) -> None:
        site = self._site(planned)
        await kill(site.broker)
        site.start_broker()


def tear(journal: Path, figure: float) -> None:
    """Write the beginning of a record that was never finished behind the journal's last one."""
    newest = max(journal.glob("journal-*.log"))
    content = newest.read_bytes()
    end, number = _end(content)
    dice = random.Random(figure)  # noqa: S311  of the seed
    body = dice.randbytes(_MOST_TORN)
    record = HEADER.pack(MAGIC, len(body), dice.getrandbits(32), number + 1) + body
    with newest.open("r+b") as file:
        file.seek(end)
        file.write(record[: dice.randrange(1, len(record))])
        if dice.random() < 0.5:  # noqa: PLR2004  with or without the room that was made behind it
            file.truncate()


def cut(replica: Path, figure: float) -> None:
    """Take the end of the directory's replica away: it is not synced, and can be fetched again."""
    newest = max(replica.glob("journal-*.log"), default=None)
    if newest is not None:
        with newest.open("r+b") as file:
            file.truncate(round(newest.stat().st_size * figure))


def _end(content: bytes) -> tuple[int, int]:
    """Return where the last whole record ends, and its number."""
    offset = number = 0
    while len(content) - offset >= HEADER.size:
        magic, length, _, next_number = HEADER.unpack_from(content, offset)
        if magic != MAGIC or offset + HEADER.size + length > len(content):
            break
        offset, number = offset + HEADER.size + length, next_number
    return offset, number


def _fill(ballast: Path) -> None:
    """Let this file take all the room there is."""
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while shutil.disk_usage(ballast.parent).free:
            file.write(bytes(1 << 16))
