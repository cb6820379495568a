"""The processes that are measured: the coordinator, and the one beside it that serves its pages."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import subprocess


@dataclass(frozen=True, slots=True)
class Service:
    """Both, by their numbers."""

    coordinator: int
    pages: int

    @classmethod
    def of(cls, process: subprocess.Popen[bytes]) -> Self:
        """Return a coordinator that is ready, and the only process it has begun."""
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return cls(process.pid, int(child))

    @property
    def both(self) -> float:
        """Seconds that both have been at work."""
        return cpu(self.coordinator) + cpu(self.pages)

    async def at_rest(self, seconds: float = 300.0) -> None:
        """Wait until one that has begun has nothing to do: a copy of the books takes long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            before = self.both
            await asyncio.sleep(3)
            if self.both - before < 0.3:
                return


def cpu(pid: int) -> float:
    """Return the seconds a process has been at work, its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return how much memory a process has, in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
