"""Gives back money that was set aside for a job and that nobody came for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.ports import Clock
    from edge.store.books import Books

#: Seconds: a person who was asked something answers within that, or the job asks again.
PATIENCE = 60.0


class Leftovers:
    """What is set aside for jobs that do not print, and since when it was seen."""

    def __init__(self, books: Books, *, busy: Callable[[UUID], bool], clock: Clock) -> None:
        """Take what it looks at.

        Args:
            books: the money.
            busy: whether somebody acts on a job right now.
            clock: the time.
        """
        self._books = books
        self._busy = busy
        self._clock = clock
        self._seen: dict[str, float] = {}

    def sweep(self, now: float) -> int:
        """Give back what waits for too long; return of how many jobs.

        Args:
            now: on a clock that never jumps, seconds.

        Raises:
            StoreUnwritableError: the rest is given back next time.
        """
        waiting = {name for name in self._books.till.jobs_aside() if self._idle(UUID(name))}
        self._seen = {name: self._seen.get(name, now) for name in sorted(waiting)}
        due = [name for name, since in self._seen.items() if now - since >= PATIENCE]
        for name in due:
            self._books.let_go(UUID(name), self._clock())
            del self._seen[name]
        return len(due)

    def _idle(self, job: UUID) -> bool:
        record = self._books.job(job)
        return (record is None or record.hold is None) and not self._busy(job)
