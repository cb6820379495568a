"""The search for a counter-example: many random histories, shrunk and told when one is found."""

from __future__ import annotations

import time
from multiprocessing import Pool
from typing import TYPE_CHECKING, Final

from rich.console import Console

from benchmarks.simulation.histories import Found, search, shrink, told
from benchmarks.simulation.world import make_template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.simulation.world import Template

#: How many sites histories have: most have two, for they are quick.
_SITES: Final = (2, 2, 2, 3, 2, 2, 3, 2, 3, 4)
#: Histories that one process takes at once, and between two words of how far it is.
_SLICE: Final = 25
_WORD_EVERY: Final = 60.0

_templates: dict[int, Template] = {}


def hunt(first: int, count: int, processes: int) -> int:
    """Search so many histories from a seed on; return 1 if one broke an invariant, else 0."""
    console = Console()
    began = said = time.perf_counter()
    done = 0
    slices = (
        range(start, min(start + _SLICE, first + count))
        for start in range(first, first + count, _SLICE)
    )
    with Pool(processes) as pool:
        for size, stories in pool.imap_unordered(_slice, slices):
            done += size
            if stories:
                console.print("\n".join(stories), markup=False, highlight=False)
                return 1
            if time.perf_counter() - said >= _WORD_EVERY:
                said = time.perf_counter()
                console.print(f"{done:,} histories, {said - began:,.0f} s, nothing found")
    console.print(f"{done:,} histories in {time.perf_counter() - began:,.0f} s, nothing found")
    return 0


def sites_of(seed: int) -> int:
    """Return how many sites the history of a seed has."""
    return _SITES[seed % len(_SITES)]


def look_for(seeds: Iterable[int]) -> Found | None:
    """Return the first counter-example among some seeds, as short as it becomes."""
    for seed in seeds:
        found = search(template(sites_of(seed)), seed)
        if found is not None:
            return shrink(template(sites_of(seed)), found)
    return None


def template(sites: int) -> Template:
    """Return a world to begin with, made once in this process."""
    if sites not in _templates:
        _templates[sites] = make_template(sites)
    return _templates[sites]


def _slice(seeds: range) -> tuple[int, list[str]]:
    found = look_for(seeds)
    return len(seeds), [] if found is None else [told(found)]
