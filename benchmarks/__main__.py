"""Runs every module here that has `measure`, prints one table, writes `results.json`."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.result import Result, machine

HERE = Path(__file__).parent


def modules() -> list[str]:
    """Return the names of the modules that measure something, by their text alone."""
    files = [entry.name for entry in pkgutil.iter_modules([str(HERE)]) if not entry.ispkg]
    found = [name for name in files if name[0] != "_"]
    return [name for name in found if "def measure(" in (HERE / f"{name}.py").read_text()]


def figure(value: float | None) -> str:
    """Return a figure as a person reads it: three places that count."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def shown(results: list[Result]) -> Table:
    """Return the table."""
    table = Table(title="Printmesh beside its baselines", caption=machine())
    for column in ("what", "value", "unit", "beside", "its value", "ratio", "target", "n", ""):
        numeric = column in {"value", "its value", "ratio", "n"}
        table.add_column(column, justify="right" if numeric else "left")
    verdicts = {True: "[green]holds[/]", False: "[red]short[/]", None: ""}
    for result in results:
        table.add_row(
            result.name,
            figure(result.value),
            result.unit,
            result.baseline or "",
            figure(result.baseline_value),
            figure(result.ratio),
            result.target or "",
            str(result.samples),
            verdicts[result.holds],
        )
    return table


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", help=f"some of: {', '.join(modules())}")
    books = parser.add_argument_group("books that `pages` are asked of")
    books.add_argument("--jobs", type=int, help="in them")
    books.add_argument("--users", type=int, help="in them")
    books.add_argument("--database", choices=("sqlite", "postgresql", "both"))
    books.add_argument("--keep", type=Path, help="a directory where they stay for the next time")
    given = parser.parse_args()
    chosen = given.only or modules()
    unknown = sorted(set(chosen) - set(modules()))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(modules())}")
    console = Console(width=max(Console().width, 150))
    results: list[Result] = []
    for name in chosen:
        began = time.perf_counter()
        module = importlib.import_module(f"benchmarks.{name}")
        names = getattr(module, "OPTIONS", ())
        asked = {each: value for each in names if (value := getattr(given, each)) is not None}
        results += module.measure(**asked)
        console.print(f"{name}: measured in {time.perf_counter() - began:.0f} s")
    console.print(shown(results))
    written = HERE / "results.json"
    lines = [result.as_json() for result in results]
    written.write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n")
    console.print(f"written to {written.name}, beside this program")


if __name__ == "__main__":
    main()
