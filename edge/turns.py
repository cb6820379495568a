"""One task at a time on each job, whoever wants to act on it; jobs do not wait for one another."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.ids import JobId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID


@dataclass(slots=True)
class _Turn:
    """One job's lock and how many wait for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class Turns:
    """Whose turn it is on each job."""

    def __init__(self) -> None:
        self._turns: dict[JobId, _Turn] = {}

    @asynccontextmanager
    async def alone_with(self, job: UUID) -> AsyncIterator[None]:
        """Let only one task at a time act on a job."""
        key = JobId(job)
        turn = self._turns.setdefault(key, _Turn())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                self._turns.pop(key, None)

    def __len__(self) -> int:
        return len(self._turns)

    def busy(self, job: UUID) -> bool:
        """Say whether some task acts on a job, or is about to."""
        return JobId(job) in self._turns
