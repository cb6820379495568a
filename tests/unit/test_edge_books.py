"""The edge's books: money, job and event in one record, whatever comes and whenever it dies."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.codec import Received, decode, text_of
from broker.messages import (
    AccountAmount,
    Charged,
    Counted,
    Granted,
    JobReleased,
    JobSettled,
    Message,
    Opening,
    Reclaim,
    Returned,
)
from broker.stream import place, seal
from broker.topics import STREAMS_UP
from config.policy.jobs import Source
from edge.jobs import Hold, JobRecord
from edge.release import Phase
from edge.store.books import DOWN, INDEXES, Books, Overdrawn
from edge.store.database import EdgeDatabase
from edge.store.errors import StoreUnwritableError
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.messages import Envelope

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
CENTRE = UUID(int=7)
JOB = UUID(int=1)
ANA = "user:ana"


def minting() -> Callable[[datetime], UUID]:
    """Return ids that count up from 1."""
    numbers = count(1)
    return lambda _: UUID(int=next(numbers))


def books_on(disk: MemoryDisk) -> Books:
    """Open the books on a disk."""
    books = Books(
        EdgeDatabase(Journal(disk), indexes=INDEXES),
        node="north",
        coordinator="coordinator",
        coordinator_incarnation=CENTRE,
        mint=minting(),
    )
    books.open(NOW)
    return books


def down(books: Books, *messages: Message) -> list[Envelope]:
    """Seal messages of the coordinator after what was applied; the first event is an Opening."""
    head = books.head(DOWN)
    said = list(messages) if head.seq else [Opening(), *messages]
    envelopes = []
    for message in said:
        text = text_of(message, source="coordinator", id_=UUID(int=9), now=NOW)
        envelopes.append(seal(books.down_key, head, text))
        head = place(envelopes[-1])
    return envelopes


def grant(micros: int, number: int = 1) -> Granted:
    """Return a grant to Ana."""
    return Granted(grant=UUID(int=number), account=ANA, unit="EUR", micros=micros, reason="parked")


def amount(micros: int) -> AccountAmount:
    """Return an amount on Ana's account."""
    return AccountAmount(account=ANA, unit="EUR", micros=micros)


def released(micros: int) -> tuple[JobRecord, JobReleased]:
    """Return a job with a hold, and the event that says so."""
    record = JobRecord(
        job=JOB,
        queue="pull",
        user="ana",
        name="thesis",
        received_at=NOW,
        phase=Phase.RELEASING,
        attempt=1,
        printer="lib-1",
        hold=Hold(amounts=(amount(micros),), tariff_version=1),
    )
    event = JobReleased(
        job=JOB, attempt=1, user="ana", printer="lib-1", held=(amount(micros),), alone=False
    )
    return record, event


def charged(micros: int) -> Charged:
    """Return a charge on Ana's account."""
    return Charged(
        charge=UUID(int=5),
        job=JOB,
        attempt=1,
        user="ana",
        printer="lib-1",
        service="print",
        tariff_version=1,
        counted=Counted(source=Source.ANALYSIS, impressions=1),
        postings=(amount(micros),),
        alone=False,
        settled_at=NOW,
    )


def settled() -> JobSettled:
    """Return the event of a settlement."""
    return JobSettled(
        job=JOB,
        attempt=1,
        printer="lib-1",
        disposition="completed",
        counts=(),
        billed=Counted(source=Source.ANALYSIS, impressions=1),
        charge=UUID(int=5),
    )


def said(books: Books, stream: str) -> list[Message]:
    """Return what a stream says, without its Opening."""
    found = []
    for envelope in books.events(stream, 2, books.head(stream).seq):
        received = decode(envelope.data or "", STREAMS_UP[stream])
        assert isinstance(received, Received)
        found.append(received.message)
    return found


def test_a_grant_can_be_spent_once_it_is_applied() -> None:
    """Money rises by an applied grant and by nothing else."""
    books = books_on(MemoryDisk())
    assert books.free(ANA, "EUR") == 0
    applied = books.apply(down(books, grant(500)), NOW)
    assert books.free(ANA, "EUR") == 500
    assert books.head(DOWN) == applied.upto
    assert [grant(500)] == list(applied.granted)


def test_a_hold_is_taken_before_release_and_given_back_at_settlement() -> None:
    """Held money cannot be spent again; the difference returns by itself."""
    books = books_on(MemoryDisk())
    books.apply(down(books, grant(500)), NOW)
    record, event = released(400)
    books.release(record, event, NOW)
    assert books.free(ANA, "EUR") == 100
    after = record.with_(phase=Phase.SETTLED, hold=None)
    books.settle(after, (amount(400),), settled(), charged(150), NOW)
    assert books.free(ANA, "EUR") == 350
    assert [charged(150)] == said(books, "ledger")


def test_a_settled_job_holds_nothing_any_more() -> None:
    """The row of a job is replaced whole: a hold that was lifted leaves no trace in it."""
    books = books_on(MemoryDisk())
    books.apply(down(books, grant(500)), NOW)
    record, event = released(400)
    books.release(record, event, NOW)
    after = record.with_(phase=Phase.SETTLED, hold=None)
    books.settle(after, (amount(400),), settled(), charged(150), NOW)
    assert after == books.job(JOB)


def test_a_hold_beyond_what_is_here_leaves_no_trace() -> None:
    """Nothing of a release that is not covered is written: no hold, no job, no event."""
    books = books_on(MemoryDisk())
    books.apply(down(books, grant(100)), NOW)
    record, event = released(101)
    with pytest.raises(Overdrawn):
        books.release(record, event, NOW)
    assert books.free(ANA, "EUR") == 100
    assert books.job(JOB) is None
    assert said(books, "jobs") == []


def test_a_full_disk_leaves_everything_as_before() -> None:
    """A release that cannot be written down has not happened, and works once there is room."""
    disk = MemoryDisk()
    books = books_on(disk)
    books.apply(down(books, grant(500)), NOW)
    record, event = released(400)
    disk.space = 0
    with pytest.raises(StoreUnwritableError):
        books.release(record, event, NOW)
    assert books.free(ANA, "EUR") == 500
    assert books.job(JOB) is None
    disk.space = None
    books.release(record, event, NOW)
    assert books.free(ANA, "EUR") == 100


def reclaim(up_to: int, number: int = 3) -> Reclaim:
    """Return a request of the centre to give money back."""
    return Reclaim(reclaim=UUID(int=number), account=ANA, unit="EUR", up_to=up_to)


def test_a_reclaim_gets_what_is_free_and_no_more() -> None:
    """Held money stays for its job; what is not there is answered with less, even 0."""
    books = books_on(MemoryDisk())
    books.apply(down(books, grant(500)), NOW)
    record, event = released(400)
    books.release(record, event, NOW)
    books.apply(down(books, reclaim(250)), NOW)
    books.apply(down(books, reclaim(250, number=4)), NOW)
    answers = [each for each in said(books, "ledger") if isinstance(each, Returned)]
    assert [each.micros for each in answers] == [100, 0]
    assert books.free(ANA, "EUR") == 0


def test_a_reclaim_that_comes_twice_is_answered_once() -> None:
    """The same reclaim under another seq, after a restore of the centre, takes nothing again."""
    books = books_on(MemoryDisk())
    books.apply(down(books, grant(500)), NOW)
    books.apply(down(books, reclaim(100)), NOW)
    books.apply(down(books, reclaim(100)), NOW)
    assert books.free(ANA, "EUR") == 400
    assert len(said(books, "ledger")) == 1


def test_an_event_that_cannot_be_read_is_set_aside_and_the_stream_goes_on() -> None:
    """One bad record blocks nothing: it is quarantined with its reason."""
    books = books_on(MemoryDisk())
    good = down(books, grant(500))
    bad = seal(books.down_key, place(good[-1]), '{"specversion":"1.0"}')
    after = seal(
        books.down_key,
        place(bad),
        text_of(grant(70, number=2), source="coordinator", id_=UUID(int=9), now=NOW),
    )
    applied = books.apply([*good, bad, after], NOW)
    assert books.free(ANA, "EUR") == 570
    assert [bad.seq] == [seq for seq, _ in applied.quarantined]
    assert books.head(DOWN).seq == after.seq


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["grant", "reclaim", "job", "crash"]), st.integers(1, 300)),
    max_size=30,
)


@given(OPERATIONS)
def test_money_is_conserved_over_any_history(history: list[tuple[str, int]]) -> None:
    """Granted = spendable + held + charged + returned, after any order of events and crashes."""
    disk = MemoryDisk()
    books = books_on(disk)
    granted_micros = 0
    for number, (what, micros) in enumerate(history, 10):
        books.money()  # so that what it remembers is what is checked in the end
        if what == "grant":
            books.apply(down(books, grant(micros, number)), NOW)
            granted_micros += micros
        elif what == "reclaim":
            books.apply(down(books, reclaim(micros, number)), NOW)
        elif what == "crash":
            disk = disk.crash(lambda _: 0)
            books = books_on(disk)
        else:
            record, event = released(micros)
            try:
                books.release(record, event, NOW)
            except Overdrawn:
                continue
            charge = charged(micros // 2) if micros > 1 else None
            after = record.with_(phase=Phase.SETTLED, hold=None)
            books.settle(after, (amount(micros),), settled(), charge, NOW)
    spent = sum(
        each.postings[0].micros if isinstance(each, Charged) else each.micros
        for each in said(books, "ledger")
        if isinstance(each, Charged | Returned)
    )
    balance = sum(each.micros for each in books.balances())
    assert granted_micros == balance + spent
    assert books.free(ANA, "EUR") == balance
    assert books.money() == ({"EUR": balance} if balance else {}, int(balance > 0))
