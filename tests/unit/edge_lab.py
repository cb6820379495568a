"""A site in memory for tests: books and replica on memory disks, a fake spooler, money, a link."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

from broker.codec import Received, decode, encode, text_of
from broker.directory import AccountRow, CardRow, UserRow, card_digest
from broker.link import Arrived, LinkDown
from broker.messages import (
    AccountAmount,
    DirectoryRows,
    Granted,
    JobFlagged,
    Message,
    Opening,
)
from broker.stream import place, seal
from broker.topics import STREAMS_UP
from config.policy.jobs import Figures, Sides, Source
from config.policy.jobs import figures as on_paper
from config.policy.tariffs import Tariff, TariffLine
from edge.discarding import Discarding, WaitingLimits
from edge.intake import Intake, Queue
from edge.jobs import JobRecord
from edge.open_jobs import OPEN, OpenJobs
from edge.ports import Analysed, PeopleQueue, PrinterQueue, SpooledJob
from edge.printers import Printer
from edge.printing.fake_spooler import FakeSpooler, PrinterBehaviour
from edge.release import Phase, Verdict
from edge.releasing import Releasing
from edge.settling import Ways
from edge.standing import SiteStanding
from edge.store import books as books_room
from edge.store import replica as replica_room
from edge.store.books import DOWN, Books
from edge.store.database import EdgeDatabase
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import Replica, rows_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from broker import topics
    from broker.link import LinkEvent
    from broker.messages import MoneyAtSite
    from config.ids import AccountKey, JobId
    from config.policy.jobs import JobAttributes
    from config.policy.money import Money, Unit

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
CENTRE = UUID(int=7)
ANA = "user:ana"
CENT = 10_000
_PAGES = 10


def minting(first: int = 1) -> Callable[[datetime], UUID]:
    """Return ids that count up."""
    numbers = count(first)
    return lambda _: UUID(int=next(numbers))


def figures(impressions: int = _PAGES) -> Figures:
    """Return the analysis of a document in monochrome."""
    return Figures(
        impressions=impressions,
        color_impressions=0,
        monochrome_impressions=impressions,
        sheets=impressions,
        media="iso_a4",
        sides=Sides.ONE_SIDED,
        source=Source.ANALYSIS,
    )


def held_job() -> JobRecord:
    """Return a job of Ana's that waits."""
    return JobRecord(
        job=UUID(int=1),
        queue="pull",
        user="ana",
        name="thesis",
        received_at=NOW,
        phase=Phase.HELD,
        planned=figures(),
    )


def open_books(disk: MemoryDisk, kind: type[Books] = Books) -> Books:
    """Open the books of `north`."""
    books = kind(
        EdgeDatabase(Journal(disk), indexes=books_room.INDEXES),
        node="north",
        coordinator="coordinator",
        coordinator_incarnation=CENTRE,
        mint=minting(1000),
    )
    books.open(NOW)
    return books


def open_replica(disk: MemoryDisk) -> Replica:
    """Open a directory replica."""
    journal = Journal(disk, durable=False)
    return Replica(EdgeDatabase(journal, indexes=replica_room.INDEXES))


def said(books: Books, stream: str) -> list[Message]:
    """Return what a stream up says, without its Opening."""
    found: list[Message] = []
    for envelope in books.events(stream, 2, books.head(stream).seq):
        received = decode(envelope.data or "", STREAMS_UP[stream])
        assert isinstance(received, Received)
        found.append(received.message)
    return found


def grant(
    books: Books, micros: int, account: str = ANA, unit: Unit = "EUR", job: UUID | None = None
) -> None:
    """Apply a grant of the centre."""
    number = UUID(int=90_000 + books.head(DOWN).seq)
    event = Granted(
        grant=number, account=account, unit=unit, micros=micros, reason="parked", job=job
    )
    centre_says(books, event)


def centre_says(books: Books, *messages: Message) -> None:
    """Apply events of the centre."""
    head = books.head(DOWN)
    envelopes = []
    for message in messages if head.seq else (Opening(), *messages):
        number = UUID(int=80_000 + head.seq)
        text = text_of(message, source="coordinator", id_=number, now=NOW)
        envelopes.append(seal(books.down_key, head, text))
        head = place(envelopes[-1])
    books.apply(envelopes, NOW)


def tariff(version: int = 1, cents: int = 5) -> Tariff:
    """Return a tariff with one price for everything."""
    line = TariffLine(service="print", per_impression=cents * CENT)
    return Tariff(
        version=version, unit="EUR", effective_from=NOW - timedelta(days=1), lines=(line,)
    )


def directory(
    n: int = 1, *, user: UserRow | None = None, price: Tariff | None = None
) -> DirectoryRows:
    """Return a whole directory: Ana, her card and account, a tariff."""
    ana = user or UserRow(name="ana", accounts=(ANA,))
    rows = rows_of(
        [
            ("user", "ana", n, ana),
            ("card", card_digest("4711"), n, CardRow(user="ana")),
            ("account", ANA, n, AccountRow(account=ANA, unit="EUR")),
            ("tariff", "1", n, price or tariff()),
        ]
    )
    return DirectoryRows(epoch=1, kind="snapshot", upto=n, snapshot=UUID(int=n), rows=rows)


class Death(BaseException):
    """The process dies here."""


async def die(*_: object) -> None:
    """Die at the first chance."""
    await asyncio.sleep(0)
    raise Death


class MemorySpooler(FakeSpooler):
    """The fake spooler, but a fetched document goes nowhere: what counts it is fake as well."""

    async def fetch(self, job: JobId, into: Path) -> bool:
        """Say whether there is a document."""
        return await self.job(job) is not None


@dataclass
class FakeFunds:
    """Money elsewhere, which comes when it is asked for."""

    reachable: bool = True
    coming: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ahead: list[tuple[AccountKey, Money]] = field(default_factory=list)
    books: Books | None = None
    for_jobs: bool = False
    """Grants are each for one job."""

    async def fetch(
        self, account: AccountKey, missing: Money, job: UUID, *, partly: bool = False
    ) -> None:
        """Bring what there is."""
        self.asked.append(account)
        await asyncio.sleep(0)
        if (micros := self.coming.pop(account, 0)) and self.books is not None:
            grant(self.books, micros, account, job=job if self.for_jobs else None)

    async def prefetch(self, account: AccountKey, missing: Money) -> None:
        """Note what was asked for ahead."""
        await asyncio.sleep(0)
        self.ahead.append((account, missing))

    def whereabouts(self, account: AccountKey, unit: Unit) -> str:
        """Say where the rest is."""
        return "elsewhere: nowhere"

    def places(self, account: AccountKey, unit: Unit) -> tuple[MoneyAtSite, ...]:
        """Say the same for screens."""
        return ()


class Site:
    """A site with a pull queue, a direct queue and one printer; Ana may print."""

    def __init__(
        self, work: Path, printers: tuple[str, ...] = ("lib-1",), *, mono: tuple[str, ...] = ()
    ) -> None:
        self.printers = printers
        self.mono = mono
        self.now = NOW
        self.disk = MemoryDisk()
        self.books = open_books(self.disk)
        self.replica = open_replica(MemoryDisk())
        self.replica.apply(directory())
        self.spooler = MemorySpooler(behaviour=PrinterBehaviour(impressions=_PAGES))
        self.funds = FakeFunds(books=self.books)
        self.pages = _PAGES
        self.work = work
        self.alone_for = timedelta(0)
        self.limits = WaitingLimits()
        self.colour: frozenset[int] = frozenset()
        self.open()

    def open(self) -> None:
        """Put the parts together; again, after a crash, on the same disk."""
        mint = minting(5000 + self.books.head("jobs").seq * 10)
        self.releasing = Releasing(
            books=self.books,
            replica=self.replica,
            spooler=self.spooler,
            printers={
                each: Printer(each, f"q-{each}", color=each not in self.mono)
                for each in self.printers
            },
            funds=self.funds,
            mint=lambda: mint(self.now),
            ways=Ways(timedelta(hours=24), Verdict.REFUND),
            clock=self.clock,
            standing=SiteStanding(
                self.books,
                reachable=lambda: self.funds.reachable,
                alone_for=lambda: self.alone_for,
            ),
            direct={"direct": "lib-1"},
        )
        self.open_jobs = OpenJobs(self.books.jobs(*OPEN))
        self.books.on_job = lambda record, _: self.open_jobs.on_job(record)
        self.discarding = Discarding(self.books, self.spooler, clock=self.clock)
        self.intake = Intake(
            books=self.books,
            spooler=self.spooler,
            analyst=self.analyst,
            releasing=self.releasing,
            queues={"pull": Queue("pull", None), "direct": Queue("direct", "lib-1")},
            open_jobs=self.open_jobs,
            discarding=self.discarding,
            limits=self.limits,
            work=self.work,
            clock=self.clock,
        )

    def crash(self) -> None:
        """Die and start again with what was durable."""
        self.disk = self.disk.crash(lambda _: 0)
        self.books = open_books(self.disk)
        self.funds.books = self.books
        self.open()

    async def ready(self) -> None:
        """Make the queues."""
        people = [PeopleQueue("pull", "pull"), PeopleQueue("direct", "direct")]
        queues = [PrinterQueue(f"q-{each}", f"ipp://localhost/{each}") for each in self.printers]
        await self.spooler.set_up(people, queues)

    def clock(self) -> datetime:
        """Return the time here."""
        return self.now

    async def analyst(self, path: Path, attributes: JobAttributes) -> Analysed:
        """Count a document."""
        await asyncio.sleep(0)
        made = on_paper(self.pages, self.colour, attributes, document_media="iso_a4")
        return Analysed(self.pages, self.colour, "iso_a4", "application/pdf", made)

    async def arrive(
        self, queue: str = "pull", user: str = "ana", attributes: dict[str, object] | None = None
    ) -> JobId:
        """Print to a queue and let the edge look at it."""
        job = self.spooler.submit(queue, b"%PDF-", user=user, attributes=attributes)
        await self.look(job)
        return job

    async def look(self, job: JobId) -> SpooledJob:
        """Let the edge look at a job as it stands now."""
        seen = await self.spooler.job(job)
        assert seen is not None
        await self.intake.look(seen)
        return seen

    def phase(self, job: JobId) -> str:
        """Return where a job stands in the books."""
        record = self.books.job(job)
        assert record is not None
        return record.phase.value

    def flags(self, job: JobId) -> list[str]:
        """Return the causes for which a job was flagged."""
        events = said(self.books, "jobs")
        return [each.cause for each in events if isinstance(each, JobFlagged) and each.job == job]


@dataclass
class FakeLink:
    """A link in memory: what the test puts in arrives, what is published is kept."""

    down: bool = False
    published: list[tuple[str, bytes]] = field(default_factory=list)
    inbox: asyncio.Queue[LinkEvent] = field(default_factory=asyncio.Queue)
    said_something: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
    ) -> None:
        """Keep it."""
        await asyncio.sleep(0)
        if self.down:
            raise LinkDown("the fake link is down")
        self.published.append((topic, payload))
        self.said_something.set()

    async def events(self) -> AsyncIterator[LinkEvent]:
        """Give what the test put in."""
        while True:
            yield await self.inbox.get()
            self.inbox.task_done()

    def arrive(self, topic: topics.Topic, message: Message, **levels: str) -> None:
        """Let a message of the coordinator arrive at `north`."""
        payload = encode(message, source="coordinator", id_=UUID(int=1), now=NOW)
        if "node" in topic.parameters:
            levels = {"node": "north", **levels}
        self.inbox.put_nowait(Arrived(topic.of(**levels), payload))

    def said(self, topic: topics.Topic) -> list[Message]:
        """Return what was published on a topic, oldest first."""
        found: list[Message] = []
        for where, payload in self.published:
            if topic.match(where) is not None:
                received = decode(payload, topic.messages)
                assert isinstance(received, Received)
                found.append(received.message)
        return found


def amount(micros: int, account: str = ANA) -> AccountAmount:
    """Return an amount in EUR."""
    return AccountAmount(account=account, unit="EUR", micros=micros)


def euros(text: str) -> int:
    """Return micros of an amount like 2.50."""
    return int(Decimal(text) * 1_000_000)
