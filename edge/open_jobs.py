"""Whose jobs are open here, kept in memory beside the books: nobody's list reads all the jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.release import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from edge.jobs import JobRecord

#: Not over yet; the first two wait for a person and can be thrown away.
OPEN = (Phase.HELD, Phase.UNREADABLE, Phase.RELEASING, Phase.DISPUTED)
WAITING = frozenset(OPEN[:2])


@dataclass(frozen=True, slots=True)
class _Open:
    job: UUID
    received_at: datetime
    octets: int
    waits: bool
    direct: bool


class OpenJobs:
    """Open jobs by their owner."""

    def __init__(self, records: Iterable[JobRecord]) -> None:
        """Begin with what the books have in the open phases."""
        self._of: dict[str, dict[UUID, _Open]] = {}
        for record in records:
            self.on_job(record)

    def on_job(self, record: JobRecord) -> None:
        """Follow a record that was just written."""
        user = record.user.lower()
        if record.phase not in OPEN:
            theirs = self._of.get(user, {})
            theirs.pop(record.job, None)
            if not theirs:
                self._of.pop(user, None)
            return
        self._of.setdefault(user, {})[record.job] = _Open(
            record.job,
            record.received_at,
            record.octets,
            record.phase in WAITING,
            record.direct,
        )

    def of(self, user: str) -> list[UUID]:
        """Return somebody's open jobs, oldest first; case does not matter."""
        theirs = self._of.get(user.lower(), {}).values()
        return [each.job for each in sorted(theirs, key=lambda each: each.received_at)]

    def waiting(self, user: str, *, direct: bool) -> tuple[int, int]:
        """Return how many jobs of somebody wait here, and their octets.

        Args:
            user: case does not matter.
            direct: those of direct queues, or of the others.
        """
        theirs = self._of.get(user.lower(), {}).values()
        counted = [each.octets for each in theirs if each.waits and each.direct is direct]
        return len(counted), sum(counted)

    def received_before(self, moment: datetime) -> list[UUID]:
        """Return jobs that wait since before a moment, whosever they are."""
        return [
            each.job
            for theirs in self._of.values()
            for each in theirs.values()
            if each.waits and each.received_at < moment
        ]
