"""People who visit pages: each asks for the next a second after the last answer, or at once.

A second is brisk: whoever looks for one figure among pages. Nobody who reads is faster; a program
that waits for nothing is, and shows what the pages can do at the most.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.pages_addresses import Address

COOKIE: Final = "printmesh"
#: Seconds for which somebody looks at a page: one in the middle, never all in step.
BRISK: Final = (0.5, 1.5)
AT_ONCE: Final = (0.0, 0.0)


@dataclass(slots=True)
class Taken:
    """How long pages took, in milliseconds, by address."""

    by: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


async def one_by_one(
    web: int, cookies: dict[str, list[str]], asked: Sequence[Address], taken: Taken
) -> None:
    """Ask for everything, nobody else being there: the second time counts."""
    for turn in range(3):
        for who in ("staff", "person"):
            cookie = cookies["ada" if who == "staff" else "person"][0]
            async with client_of(web, cookie) as client:
                for address in asked:
                    if address.who == who:
                        await _ask(client, address, taken if turn else Taken())


async def visited(
    web: int,
    cookies: dict[str, list[str]],
    asked: Sequence[Address],
    taken: Taken,
    seconds: float,
    reads: tuple[float, float] = BRISK,
) -> None:
    """Have everybody walk through all of theirs, each in an order of their own.

    Args:
        web: the port.
        cookies: of those who are signed in, by name.
        asked: all addresses.
        taken: how long each took is noted there.
        seconds: for which they walk.
        reads: for how long each page is looked at, at least and at most.
    """
    deadline = time.monotonic() + seconds
    visitors = []
    for name, some in cookies.items():
        who = "staff" if name == "ada" else "person"
        mine = [each for each in asked if each.who == who]
        for n, cookie in enumerate(some):
            dice = random.Random(n)  # noqa: S311  the same walk in every run
            visitors.append(_visitor(web, cookie, mine, dice, taken, deadline, reads))
    await asyncio.gather(*visitors)


async def _visitor(
    web: int,
    cookie: str,
    asked: Sequence[Address],
    dice: random.Random,
    taken: Taken,
    deadline: float,
    reads: tuple[float, float],
) -> None:
    async with client_of(web, cookie) as client:
        await asyncio.sleep(dice.uniform(0, reads[1]))
        while True:
            for address in dice.sample(asked, len(asked)):
                if time.monotonic() >= deadline:
                    return
                await _ask(client, address, taken)
                await asyncio.sleep(dice.uniform(*reads))


def client_of(web: int, cookie: str) -> httpx.AsyncClient:
    """Return a browser that is signed in."""
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{web}", cookies={COOKIE: cookie}, timeout=60
    )


async def _ask(client: httpx.AsyncClient, address: Address, taken: Taken) -> None:
    began = time.perf_counter()
    answer = await client.get(address.path)
    took = (time.perf_counter() - began) * 1e3
    if answer.status_code == 200:
        taken.by[address.name].append(took)
    else:
        taken.failed[address.name].append(answer.status_code)
