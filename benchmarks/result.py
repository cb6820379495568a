"""What one measurement says, always beside what it is measured against."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any


@cache
def machine() -> str:
    """Return what the figures were taken on: they are ratios for a reason."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    system = f"{platform.system()} {platform.release()}"
    return f"{model}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of `results.json`."""

    name: str
    value: float
    """What was measured, a median unless the name says otherwise."""
    unit: str
    baseline: str | None = None
    """What it is held against, measured in the same run; none for an absolute figure."""
    baseline_value: float | None = None
    ratio: float | None = None
    """`value / baseline_value`."""
    target: str | None = None
    """What was aimed at, in words: `ratio ≤ 1.5`."""
    holds: bool | None = None
    """Whether the target was met; none without a target."""
    samples: int = 1
    machine: str = field(default_factory=machine)

    def as_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def compared(
    name: str,
    value: float,
    unit: str,
    *,
    baseline: str,
    baseline_value: float,
    samples: int,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Result:
    """Return a result held against a baseline; the targets are of the ratio."""
    ratio = value / baseline_value
    target, holds = _judge(ratio, "ratio", at_most, at_least)
    return Result(name, value, unit, baseline, baseline_value, ratio, target, holds, samples)


def absolute(
    name: str,
    value: float,
    unit: str,
    *,
    samples: int = 1,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Result:
    """Return a result without a baseline; the targets are of the value."""
    target, holds = _judge(value, unit, at_most, at_least)
    return Result(name, value, unit, target=target, holds=holds, samples=samples)


def _judge(
    figure: float, what: str, at_most: float | None, at_least: float | None
) -> tuple[str | None, bool | None]:
    if at_most is not None:
        return f"{what} ≤ {at_most:,g}", figure <= at_most
    if at_least is not None:
        return f"{what} ≥ {at_least:,g}", figure >= at_least
    return None, None
