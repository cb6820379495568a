"""Clocks of single processes that can be turned, while they run, by a small preloaded library."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SOURCE = Path(__file__).with_name("clock.c")
_NANOSECOND = 1e-9


def library(root: Path) -> Path | None:
    """Build the library under `root`; None on a machine without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    built = root / "clock.so"
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(built), str(_SOURCE)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return None if done.returncode else built


@dataclass(slots=True)
class TurnedClock:
    """One process's time of day, and how it was turned so far."""

    file: Path
    turns: list[tuple[datetime, timedelta]] = field(default_factory=list)
    """From when, by the clock of this process, and by how much; by nothing before the first."""

    def __post_init__(self) -> None:
        """Begin with the right time."""
        self.file.write_bytes(struct.pack("=q", 0))

    def environ(self, built: Path) -> Mapping[str, str]:
        """Return what the process must be started with."""
        return {"LD_PRELOAD": str(built), "TURNED_CLOCK": str(self.file)}

    def turn(self, by: timedelta) -> None:
        """Let it be wrong by so much from now on; by nothing: right again."""
        self.turns.append((datetime.now(UTC), by))
        with self.file.open("r+b") as file:
            file.write(struct.pack("=q", round(by.total_seconds() / _NANOSECOND)))

    def true(self, told: datetime) -> Iterator[datetime]:
        """Yield each moment at which this clock may have told that."""
        begins = [(datetime.min.replace(tzinfo=UTC), timedelta()), *self.turns]
        ends = [*(begin for begin, _ in self.turns), datetime.max.replace(tzinfo=UTC)]
        for (begin, by), end in zip(begins, ends, strict=True):
            real = told - by
            if begin <= real <= end:
                yield real
