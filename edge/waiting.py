"""What is kept of jobs that wait, put together: whose they are, their pictures, their end.

And documents that come from the centre to wait here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.discarding import Discarding, Expiry, WaitingLimits
from edge.documents import Documents
from edge.open_jobs import OPEN, OpenJobs
from edge.previews import Previews

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from config.settings import EdgeSettings
    from edge.jobs import JobRecord
    from edge.ports import Clock, Drawer, Spooler
    from edge.standing import SiteStanding
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
        standing: SiteStanding,
        alone_with: Callable[[UUID], AbstractAsyncContextManager[None]],
        work: Path,
        paper: Callable[[], Awaitable[None]],
        mint: Callable[[datetime], UUID],
        clock: Clock,
    ) -> None:
        """Put them together.

        Args:
            settings: the limits, and where the edge keeps its own.
            books: the jobs.
            spooler: has their documents.
            drawer: draws a page.
            standing: whether this site holds anything.
            alone_with: lets only one task at a time act on a job.
            work: where documents are while they are looked into.
            paper: waits until what was released prints; pictures come after it.
            mint: makes ids.
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
        self.documents = Documents(
            books=books,
            spooler=spooler,
            standing=standing,
            open_jobs=self.open_jobs,
            limits=self.limits,
            queue=next((each.name for each in settings.queues if each.kind == "pull"), None),
            work=work,
            mint=mint,
            clock=clock,
        )

    def on_job(self, record: JobRecord) -> None:
        """Follow a record that was just written."""
        self.open_jobs.on_job(record)
        self.previews.on_job(record)
