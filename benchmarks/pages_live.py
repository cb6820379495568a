"""What the open overview of a large fleet costs while printers tell of themselves."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from benchmarks.organisation import device_state
from benchmarks.pages_visits import client_of
from central.store import devices

if TYPE_CHECKING:
    from benchmarks.pages_service import Service
    from benchmarks.pages_site import Site
    from broker.messages import DeviceState
    from central.store.books import Books
    from central.store.meters import Place

#: Seconds of each look.
_LIVE: Final = 10.0
#: How many watch, one after the other.
_WATCHING: Final = (0, 1, 5)
PRINTS_A_SECOND: Final = 5
#: Printers that tell something new in a second: each of two thousand twice a minute.
_CHANGES: Final = 66


async def watched(
    books: Books, service: Service, web: int, cookie: str, site: Site
) -> tuple[float, float]:
    """Return what each of five viewers costs of a core, and one alone.

    Meanwhile printers tell of themselves, and a site prints now and then: at each of its messages
    open pages look whether something is new.
    """
    seconds = len(_WATCHING) * (_LIVE + 1)
    beside = asyncio.gather(
        asyncio.to_thread(_tell, books, seconds), site.print(PRINTS_A_SECOND, seconds)
    )
    loads: list[float] = []
    seen: list[asyncio.Task[None]] = []
    async with asyncio.TaskGroup() as viewers:
        for many in _WATCHING:
            while len(seen) < many:
                seen.append(viewers.create_task(_view(web, cookie)))
            await asyncio.sleep(1)
            loads.append(await _load(service))
        for each in seen:
            each.cancel()
    await beside
    nobody, one, five = loads
    return (five - nobody) / _WATCHING[-1], one - nobody


async def _load(service: Service) -> float:
    before, began = service.both, time.monotonic()
    await asyncio.sleep(_LIVE)
    return (service.both - before) / (time.monotonic() - began)


async def _view(web: int, cookie: str) -> None:
    async with (
        client_of(web, cookie) as client,
        client.stream("GET", "/live", params={"of": "overview"}, timeout=None) as answer,
    ):
        async for _ in answer.aiter_bytes():
            pass


def _tell(books: Books, seconds: float) -> None:
    """Have printers tell of themselves: each of two thousand twice a minute."""
    began, turn = time.monotonic(), 0
    with books.read() as tx:
        places = [each.place for each in devices.every(tx)]
    while time.monotonic() - began < seconds:
        with books.write() as tx:
            told: dict[Place, DeviceState | None] = {}
            for n in range(turn, turn + _CHANGES):
                place = places[n % len(places)]
                told[place] = device_state(place.device, f"Printer {n % 40}", n, tx.now)
            devices.put(tx, told)
        turn += _CHANGES
        time.sleep(1)
