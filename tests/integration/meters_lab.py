"""An edge that prints, copies and reads meters, for tests of what the books make of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from broker.messages import CopyBegan, Counted, JobReleased, JobSettled, Meter, MetersRead
from tests.integration.books_lab import MORNING, MemoryEdge

if TYPE_CHECKING:
    from broker.messages import Message
    from central.store.books import Books
    from central.store.ingest import Ingested

DEVICE = "north-1"
FIRST_DAY = date(2026, 11, 21)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
ONE_DAY = timedelta(days=1)


def meters(*, unit: str = "impressions", source: str = "snmp:vendor", **values: int) -> list[Meter]:
    """Return meters by name; `_` in a name stands for `-`."""
    return [
        Meter.model_validate(
            {"name": name.replace("_", "-"), "unit": unit, "value": value, "source": source}
        )
        for name, value in values.items()
    ]


def reading(days: int, *shown: Meter, why: str = "day", **changes: object) -> MetersRead:
    """Return the reading at the end of a day, so many after the first."""
    at = MIDNIGHT + days * ONE_DAY
    fields: dict[str, object] = {
        "device": DEVICE,
        "serial": "XKL-1",
        "why": why,
        "day": FIRST_DAY + days * ONE_DAY if why == "day" else None,
        "read_at": at,
        "meters": tuple(shown),
        "continues": True,
    }
    return MetersRead.model_validate(fields | changes)


class Site:
    """A memory edge with one printer."""

    def __init__(self, books: Books, node: str = "north") -> None:
        """Join the books."""
        self.books = books
        self.edge = MemoryEdge(books, node)
        self.edge.join()
        self._jobs = 0

    def say(self, *messages: Message) -> Ingested:
        """Have the books take events of the jobs stream in, in one transaction."""
        return self.edge.send(self.edge.say(*messages, name="jobs"), name="jobs")

    def job(self) -> UUID:
        """Return a new job-uuid."""
        self._jobs += 1
        return UUID(int=self._jobs)

    def printed(self, impressions: int, color: int = 0, *, device: str = DEVICE) -> list[Message]:
        """Return a job's life: released and settled."""
        job = self.job()
        told = Counted(
            source="analysis",
            impressions=impressions,
            color_impressions=color,
            sheets=(impressions + 1) // 2,
        )
        return [released(job, device), settled(job, told, device)]

    def copied(self, impressions: int, color: int = 0) -> list[Message]:
        """Return a copy's life at a terminal."""
        job = self.job()
        told = Counted(
            source="device-meter",
            impressions=impressions,
            color_impressions=color,
            sheets=impressions,
        )
        began = CopyBegan(
            job=job, user="ana", printer=DEVICE, held=(), alone=False, began_at=MORNING
        )
        return [began, settled(job, told, DEVICE)]


def released(job: UUID, device: str = DEVICE) -> JobReleased:
    """Return the event that a job went to its printer."""
    return JobReleased(job=job, attempt=1, user="ana", printer=device, held=(), alone=False)


def settled(job: UUID, told: Counted, device: str = DEVICE) -> JobSettled:
    """Return the event that a job came out."""
    return JobSettled(
        job=job,
        attempt=1,
        printer=device,
        disposition="completed",
        counts=(told,),
        billed=told,
        charge=None,
    )
