"""Runs the simulator: years under each policy, or random histories of the production code."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.simulation import hunt
from benchmarks.simulation.chart import chart
from benchmarks.simulation.figures import as_json, line_of, markdown, paired, table_of
from benchmarks.simulation.policies import BY_KEY, POLICIES
from benchmarks.simulation.setting import Setting
from benchmarks.simulation.year import live
from config import logs

if TYPE_CHECKING:
    from benchmarks.simulation.figures import Line
    from benchmarks.simulation.policies import Policy
    from benchmarks.simulation.tally import Tally

#: What every policy is held against.
_BEST = "clairvoyant"


def main() -> None:
    """Do what the command line says; end with 1 when a history breaks an invariant."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="worlds for each policy")
    parser.add_argument("--sites", default="5", help="numbers of sites, such as 5 or 1,5,20")
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument("--policies", default="", help=f"some of {', '.join(BY_KEY)}")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--svg", type=Path, help="draw the chart here")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    parser.add_argument("--histories", type=int, help="search so many random histories instead")
    parser.add_argument("--seed", type=int, default=0, help="the first history's seed")
    chosen = parser.parse_args()
    logs.configure("simulation", "error")
    logging.disable(logging.CRITICAL)
    if chosen.histories:
        sys.exit(hunt.hunt(chosen.seed, chosen.histories, chosen.processes))
    keys = [key for key in chosen.policies.split(",") if key] or list(BY_KEY)
    if unknown := sorted(set(keys) - BY_KEY.keys()):
        parser.error(f"no such policy: {', '.join(unknown)}; there are {', '.join(BY_KEY)}")
    sizes = [int(each) for each in chosen.sites.split(",")]
    _years([each for each in POLICIES if each.key in keys], sizes, chosen)


def _years(policies: list[Policy], sizes: list[int], chosen: argparse.Namespace) -> None:
    console = Console(width=max(Console().width, 130))
    tasks = [
        (Setting(sites=size, people=chosen.people), policy, seed)
        for size in sizes
        for policy in policies
        for seed in range(chosen.seeds)
    ]
    began = time.perf_counter()
    tallies: dict[tuple[int, str], list[Tally]] = {}
    with Pool(chosen.processes) as pool:
        for done, ((setting, policy, _), tally) in enumerate(
            zip(tasks, pool.imap(_one, tasks), strict=True), 1
        ):
            tallies.setdefault((setting.sites, policy.key), []).append(tally)
            if done % chosen.seeds == 0:
                line = line_of(
                    policy, setting.sites, setting.people, tallies[setting.sites, policy.key]
                )
                console.print(
                    f"{setting.sites} sites, {policy.title}: {line.availability} "
                    f"after {time.perf_counter() - began:.0f} s"
                )
    lines = [
        line_of(policy, size, chosen.people, tallies[size, policy.key])
        for size in sizes
        for policy in policies
    ]
    console.print(table_of(lines))
    _write(lines, tallies, chosen)


def _write(
    lines: list[Line], tallies: dict[tuple[int, str], list[Tally]], chosen: argparse.Namespace
) -> None:
    differences = {
        f"{key} at {size} sites": paired(years, tallies[size, _BEST])
        for (size, key), years in tallies.items()
        if (size, _BEST) in tallies
    }
    if chosen.json:
        chosen.json.write_text(json.dumps(as_json(lines, differences), indent=1) + "\n")
    if chosen.markdown:
        chosen.markdown.write_text(markdown(lines))
    if chosen.svg:
        chosen.svg.write_text(chart([line for line in lines if line.sites == lines[0].sites]))


def _one(task: tuple[Setting, Policy, int]) -> Tally:
    return live(*task)


if __name__ == "__main__":
    main()
