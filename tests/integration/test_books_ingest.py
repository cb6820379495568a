"""Promises of ingest: each event once, in order, in one transaction, or quarantined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broker.codec import text_of
from broker.messages import (
    AccountAmount,
    Counted,
    Granted,
    JobHeld,
    JobReleased,
    JobSettled,
    Opening,
    Reclaim,
    Rejected,
    Returned,
)
from central.store import accounts, funds, ledger, lists, streams
from central.store.books import BooksUnwritable
from central.store.streams import StreamMoved
from central.store.verify import Counts, verify
from config.policy.money import Money
from tests.integration.books_lab import MORNING, MemoryEdge, euros, open_account, open_books
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.store.books import Books

BOTH = frozenset({"north", "south"})


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Open empty books, not in memory as most tests do but as the program does."""
    opened = open_books(books_url(tmp_path / "books.db"))
    yield opened
    opened.close()


@pytest.fixture
def north(books: Books) -> MemoryEdge:
    """Return an edge that has joined, with 5.00 of Ana's at it."""
    edge = MemoryEdge(books)
    edge.join()
    open_account(books, top_up="5.00")
    with books.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    edge.listen()
    return edge


def places(books: Books, account: str = "user:ana") -> dict[str, int]:
    """Return where an account's money sits."""
    with books.read() as tx:
        return {place: m for place, m in ledger.places_of(tx, account, "EUR").items() if m}


def assert_sound(books: Books) -> None:
    """Check that a full verification finds nothing."""
    with books.read() as tx:
        assert list(verify(tx, Counts(), lambda _done, _all: None)) == []


def test_parked_money_is_at_the_edge(books: Books, north: MemoryEdge) -> None:
    """A top-up goes to the linked site whole, and the edge is told the same sum."""
    assert places(books) == {"north": euros("5.00")}
    assert north.here == {"user:ana": euros("5.00")}
    assert_sound(books)


def test_a_charge_is_booked_from_the_edge_to_income(books: Books, north: MemoryEdge) -> None:
    """What the edge charged leaves the account there and arrives as income."""
    done = north.send(north.say(north.charge(euros("1.20"))))
    assert done.quarantined == ()
    assert places(books) == {"north": euros("3.80")}
    assert places(books, "income:print") == {"": euros("1.20")}
    assert_sound(books)


def test_the_same_charge_in_another_event_is_booked_once(books: Books, north: MemoryEdge) -> None:
    """A charge id repeated with the same content has its effect once and is no fault."""
    charge = north.charge(euros("1.00"))
    assert north.send(north.say(charge, charge)).quarantined == ()
    assert north.send(north.say(charge)).quarantined == ()
    assert places(books) == {"north": euros("4.00")}
    assert_sound(books)


def test_a_charge_with_other_content_is_quarantined(books: Books, north: MemoryEdge) -> None:
    """A charge id cannot be used for two different charges."""
    first = north.charge(euros("1.00"))
    second = first.model_copy(update={"user": "bob"})
    done = north.send(north.say(first, second))
    assert [seq for seq, _ in done.quarantined] == [3]
    assert places(books) == {"north": euros("4.00")}
    assert_sound(books)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        # more than the account has at this edge
        ({"micros": euros("5.01")}, "has 5000000"),
        # an account that was never granted anything here
        ({"account": "user:nobody"}, "never given"),
        # money created by a negative charge
        ({"micros": -1}, "cannot give"),
        # the organisation's own accounts
        ({"account": "income:print"}, "never given"),
    ],
)
def test_what_the_ledger_refuses_is_quarantined_and_the_stream_goes_on(
    books: Books, north: MemoryEdge, changes: dict[str, Any], word: str
) -> None:
    """The bad event changes nothing, is told back as rejected, and the next one is booked."""
    bad = north.charge(**({"micros": 1} | changes))
    done = north.send(north.say(bad, north.charge(euros("2.00"))))
    assert [seq for seq, _ in done.quarantined] == [2]
    assert word in done.quarantined[0][1]
    assert done.upto.seq == 3
    assert places(books) == {"north": euros("3.00")}
    told = [message for message in north.listen() if isinstance(message, Rejected)]
    assert [(message.stream, message.seq) for message in told] == [("ledger", 2)]
    assert_sound(books)


@pytest.mark.parametrize("text", ["", "no JSON", "{}", '{"specversion":"1.0","type":"what"}'])
def test_unreadable_data_in_a_good_envelope_is_quarantined(
    books: Books, north: MemoryEdge, text: str
) -> None:
    """An event of an unknown kind or none keeps its exact text and blocks nobody."""
    envelopes = [*north.say(), north.say_text(text), *north.say(north.charge(1))]
    done = north.send(envelopes)
    assert [seq for seq, _ in done.quarantined] == [2]
    with books.read() as tx:
        (kept,) = lists.quarantined(tx)
    assert (kept.node, kept.stream, kept.seq, kept.data) == ("north", "ledger", 2, text)
    assert_sound(books)


def test_a_job_event_in_the_ledger_stream_is_quarantined(books: Books, north: MemoryEdge) -> None:
    """Each stream carries its own kinds of event only."""
    held = JobHeld(
        job=north.mint(), queue="q", user="ana", name="n", received_at=MORNING, counted=None
    )
    assert [seq for seq, _ in north.send(north.say(held)).quarantined] == [2]


def test_money_claimed_at_the_start_is_quarantined(books: Books, north: MemoryEdge) -> None:
    """A journal cannot begin with money that the books never gave it."""
    stranger = MemoryEdge(books, node="south")
    stranger.join()
    claim = Opening(balances=(AccountAmount(account="user:ana", unit="EUR", micros=1),))
    stranger.journal["ledger"] = []
    text = text_of(claim, source="south", id_=stranger.mint(), now=MORNING)
    done = stranger.send([stranger.say_text(text)])
    assert [seq for seq, _ in done.quarantined] == [1]
    assert_sound(books)


def test_events_are_not_taken_in_twice(books: Books, north: MemoryEdge) -> None:
    """A run that begins behind the watermark is refused before anything is written."""
    events = north.say(north.charge(euros("1.00")))
    north.send(events)
    with pytest.raises(StreamMoved):
        north.send(events)
    assert places(books) == {"north": euros("4.00")}


class Lightning:
    """Interrupts the database a little later each time: also in the middle of a statement."""

    def __init__(self, *, after: int) -> None:
        self._left = after
        self._watched: Any = None

    def watch(self, connection: Any) -> None:  # noqa: ANN401  the driver's own
        """Count steps of the database from now on."""
        self._watched = connection
        connection.set_progress_handler(self._step, 20)

    def stop(self) -> None:
        """Let it be."""
        self._watched.set_progress_handler(None, 0)

    def _step(self) -> int:
        self._left -= 1
        return self._left < 0


@pytest.mark.sqlite_only("its lightning strikes inside SQLite")
def test_a_crash_at_any_point_leaves_no_trace(books: Books, north: MemoryEdge) -> None:
    """Wherever it fails, the books are as before, and taking the events in again works."""
    with books.write() as tx:
        assert isinstance(
            accounts.top_up(tx, "user:ana", Money.parse("3.00", "EUR"), note="", author="t"),
            ledger.Posted,
        )
    events = north.say(north.charge(euros("1.00")), north.charge(euros("9.00")))
    before = places(books)
    struck, done = 0, False
    while not done:
        struck, lightning = struck + 1, Lightning(after=struck)
        try:
            with books.write() as tx:
                lightning.watch(tx.sql.connection.driver_connection)
                north.send_in(tx, events, BOTH, "ledger")
                lightning.stop()
            done = True
        except BooksUnwritable:
            lightning.stop()
            assert places(books) == before
            assert_sound(books)
    assert struck > 30
    assert places(books) == {"": euros("3.00"), "north": euros("4.00")}
    assert_sound(books)


def test_a_jobs_life_is_folded(books: Books, north: MemoryEdge) -> None:
    """Held, released and settled end as one row with its state, printer and figures."""
    job, charge = north.mint(), north.mint()
    counted = Counted(source="analysis", impressions=3)
    done = north.send(
        north.say(
            JobHeld(
                job=job,
                queue="print2me",
                user="ana",
                name="thesis",
                received_at=MORNING,
                counted=counted,
            ),
            JobReleased(job=job, attempt=1, user="ana", printer="north-1", held=(), alone=True),
            JobSettled(
                job=job,
                attempt=1,
                printer="north-1",
                disposition="completed",
                counts=(counted,),
                billed=counted,
                charge=charge,
            ),
            name="jobs",
        ),
        name="jobs",
    )
    assert done.quarantined == ()
    with books.read() as tx:
        (row,) = lists.jobs(tx, lists.JobFilter(user="ana"))
    assert (row.job.state, row.job.printer, row.job.impressions) == ("completed", "north-1", 3)
    assert (row.job.name, row.job.queue, row.job.charge) == ("thesis", "print2me", charge)


def test_another_edges_job_cannot_be_touched(books: Books, north: MemoryEdge) -> None:
    """An event about a job of another edge is quarantined."""
    south = MemoryEdge(books, node="south")
    south.join()
    job = north.mint()
    held = JobHeld(job=job, queue="q", user="ana", name="n", received_at=MORNING, counted=None)
    assert north.send(north.say(held, name="jobs"), name="jobs").quarantined == ()
    done = south.send(south.say(held, name="jobs"), name="jobs")
    assert [seq for seq, _ in done.quarantined] == [2]


def test_a_return_that_was_not_asked_for_is_quarantined(books: Books, north: MemoryEdge) -> None:
    """Money comes back only as the answer to a reclaim of this edge."""
    back = Returned(reclaim=north.mint(), account="user:ana", unit="EUR", micros=1)
    assert [seq for seq, _ in north.send(north.say(back)).quarantined] == [2]
    assert places(books) == {"north": euros("5.00")}


def test_the_down_stream_begins_with_an_opening(books: Books, north: MemoryEdge) -> None:
    """What is sent to an edge is chained from an Opening on."""
    with books.read() as tx:
        state = streams.open_stream(tx, "north", north.incarnation, "down", "ledger")
        first, second = streams.envelopes(tx, state.id, 1, 2)
    assert Opening.TYPE in str(first.data)
    assert Granted.TYPE in str(second.data)
    assert Reclaim.TYPE not in str(second.data)


def test_books_in_a_file_are_what_they_were(tmp_path: Path) -> None:
    """Closed and opened again, the books have the same identity and the same money."""
    url = books_url(tmp_path / "books.db")
    books = open_books(url)
    open_account(books, top_up="2.00")
    identity = books.identity
    books.close()
    again = open_books(url)
    assert again.identity == identity
    assert places(again) == {"": euros("2.00")}
    again.close()
