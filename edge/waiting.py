"""What is kept of jobs that wait, put together: whose they are, their pictures, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.discarding import Discarding, Expiry, WaitingLimits
from edge.open_jobs import OPEN, OpenJobs
from edge.previews import Previews

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from uuid import UUID

    from config.settings import EdgeSettings
    from edge.jobs import JobRecord
    from edge.ports import Clock, Drawer, Spooler
    from edge.store.books import Books


class Waiting:
    """The parts that follow the jobs of one site from record to record."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        books: Books,
        spooler: Spooler,
        drawer: Drawer,
        alone_with: Callable[[UUID], AbstractAsyncContextManager[None]],
        work: Path,
        paper: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """Put them together.

        Args:
            settings: the limits, and where the edge keeps its own.
            books: the jobs.
            spooler: has their documents.
            drawer: draws a page.
            alone_with: lets only one task at a time act on a job.
            work: where documents are while they are looked into.
            paper: waits until what was released prints; pictures come after it.
            clock: the time.
        """
        limits = settings.limits
        self.open_jobs = OpenJobs(books.jobs(*OPEN))
        self.limits = WaitingLimits(limits.jobs, limits.bytes)
        self.discarding = Discarding(books, spooler, clock=clock)
        self.expiry = Expiry(
            books,
            self.open_jobs,
            self.discarding,
            alone_with=alone_with,
            after=limits.expiry,
            clock=clock,
        )
        self.previews = Previews(
            spooler, drawer, kept=settings.data / "previews", work=work, turn=paper
        )

    def on_job(self, record: JobRecord) -> None:
        """Follow a record that was just written."""
        self.open_jobs.on_job(record)
        self.previews.on_job(record)
