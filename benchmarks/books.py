"""The books as a release uses them: hold and intent, charge and outcome, beside the bare disk."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks.result import compared
from benchmarks.store import append, tail_bytes, timed
from broker.codec import text_of
from broker.messages import (
    AccountAmount,
    Charged,
    Envelope,
    Granted,
    JobHeld,
    JobReleased,
    JobSettled,
    Opening,
)
from broker.stream import place, seal
from config.ids import uuid7
from config.policy.jobs import Figures, JobAttributes, Sides, Source
from edge.jobs import Hold, JobRecord, counted
from edge.release import Evidence, Phase
from edge.store.books import DOWN, INDEXES, Books
from edge.store.database import EdgeDatabase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.result import Result
    from broker.messages import Message

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CENTRE = UUID(int=2)
PEOPLE = 500
JOBS = 400
#: Jobs that run first: caches are filled, and the length of a record is taken from them.
WARM = 50
PRICE = 60_000
FIGURES = Figures(
    impressions=12,
    color_impressions=2,
    monochrome_impressions=10,
    sheets=6,
    media="iso_a4",
    sides=Sides.TWO_SIDED_LONG_EDGE,
    source=Source.ANALYSIS,
)


def measure() -> list[Result]:
    """Measure a release and a settlement as the edge writes them, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="printmesh-bench-") as directory:
        return releases(Path(directory))


def mint(now: datetime) -> UUID:
    """Return a fresh id."""
    return uuid7(now, os.urandom(10))


def opened(journal: EdgeDatabase, *, node: str = "edge-a", coordinator: UUID = CENTRE) -> Books:
    """Open the books of a site."""
    books = Books(
        journal,
        node=node,
        coordinator="central",
        coordinator_incarnation=coordinator,
        mint=mint,
    )
    books.open(NOW)
    return books


def down(books: Books, messages: Iterable[Message]) -> list[Envelope]:
    """Seal what the centre says next."""
    head = books.head(DOWN)
    envelopes: list[Envelope] = []
    for message in messages:
        text = text_of(message, source="central", id_=mint(NOW), now=NOW)
        envelopes.append(seal(books.down_key, head, text))
        head = place(envelopes[-1])
    return envelopes


def grants() -> Iterator[Message]:
    """Yield 50 euros for each person."""
    for number in range(PEOPLE):
        yield Granted(
            grant=mint(NOW),
            account=f"user:user{number}",
            unit="EUR",
            micros=50_000_000,
            reason="parked",
        )


def held(number: int, user: str | None = None) -> tuple[JobRecord, JobHeld]:
    """Return a job of somebody as it comes in, and its event."""
    record = JobRecord(
        job=mint(NOW),
        queue="pull",
        user=user or f"user{number % PEOPLE}",
        name=f"Minutes of meeting {number}.pdf",
        received_at=NOW,
        phase=Phase.HELD,
        attributes=JobAttributes(sides=Sides.TWO_SIDED_LONG_EDGE, media="iso_a4"),
        planned=FIGURES,
    )
    event = JobHeld(
        job=record.job,
        queue=record.queue,
        user=record.user,
        name=record.name,
        received_at=NOW,
        counted=record.counted,
    )
    return record, event


def released(record: JobRecord, printer: str = "lib-1") -> tuple[JobRecord, JobReleased]:
    """Return the job with its intent, and the event."""
    amount = AccountAmount(account=f"user:{record.user}", unit="EUR", micros=PRICE)
    after = record.with_(
        phase=Phase.RELEASING,
        attempt=1,
        printer=printer,
        released_by=record.user,
        released_at=NOW,
        hold=Hold(amounts=(amount,), tariff_version=3),
    )
    event = JobReleased(
        job=record.job, attempt=1, user=record.user, printer=printer, held=(amount,), alone=False
    )
    return after, event


def settled(record: JobRecord) -> tuple[JobRecord, JobSettled, Charged]:
    """Return the job at its end, and both events."""
    amounts = record.hold.amounts if record.hold else ()
    charge = mint(NOW)
    after = record.with_(
        phase=Phase.SETTLED,
        evidence=Evidence(None),
        billed=FIGURES,
        charged=amounts,
        hold=None,
        ended_at=NOW + timedelta(seconds=9),
    )
    event = JobSettled(
        job=record.job,
        attempt=1,
        printer=record.printer or "",
        disposition="completed",
        counts=(counted(FIGURES), counted(FIGURES)),
        billed=counted(FIGURES),
        charge=charge,
    )
    charged = Charged(
        charge=charge,
        job=record.job,
        attempt=1,
        user=record.user,
        printer=record.printer or "",
        service="print",
        tariff_version=3,
        counted=counted(FIGURES),
        postings=amounts,
        alone=False,
        settled_at=NOW,
    )
    return after, event, charged


def releases(directory: Path) -> list[Result]:
    """Interleave releases and settlements with bare appends of as many bytes."""
    journal = EdgeDatabase.at(directory / "books", indexes=INDEXES)
    books = opened(journal)
    books.apply(down(books, (Opening(), *grants())), NOW)
    for number in range(PEOPLE):  # what else lies in the pull queue
        record, event = held(number)
        books.hold(record, event, NOW)
    took: dict[str, list[float]] = {"release": [], "settle": []}
    bare: dict[str, list[float]] = {"release": [], "settle": []}
    lengths: dict[str, list[int]] = {"release": [], "settle": []}
    descriptor = os.open(directory / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for number in range(WARM + JOBS):
            record, event = held(number)
            books.hold(record, event, NOW)
            after, intent = released(record)
            ended, outcome, charged = settled(after)
            hold = after.hold.amounts if after.hold else ()
            for name, work in (
                ("release", partial(books.release, after, intent, NOW)),
                ("settle", partial(books.settle, ended, hold, outcome, charged, NOW)),
            ):
                if number < WARM:
                    before = tail_bytes(directory / "books")
                    work()
                    lengths[name].append(tail_bytes(directory / "books") - before)
                    continue
                took[name].append(timed(work))
                raw = os.urandom(round(median(lengths[name])))
                bare[name].append(timed(partial(append, descriptor, raw)))
    finally:
        os.close(descriptor)
        journal.close()
    return [
        compared(
            f"books.{name}: money + job + event{'s' * (name == 'settle')}, p50",
            median(took[name]),
            "µs",
            baseline=f"bare append + fdatasync of {round(median(lengths[name]))} bytes, p50",
            baseline_value=median(bare[name]),
            samples=JOBS,
            at_most=1.5,
        )
        for name in took
    ]
