"""Copies at the centre: booked once, as income from copies, and explained like a print."""

from __future__ import annotations

from uuid import UUID

from broker.messages import AccountAmount, Because, CopyBegan, Counted, JobSettled
from central.explaining import Told, explain
from central.store import funds, jobs, ledger, lists
from central.store.verify import Counts, verify
from tests.integration.books_lab import MORNING, MemoryEdge, euros, open_account, open_books

COPY = UUID(int=0xC0FFEE)


def test_a_copy_is_booked_once_and_listed() -> None:
    """However often its events come: one charge, one entry, income:copy, and sentences on why."""
    books = open_books()
    north = MemoryEdge(books)
    north.join()
    open_account(books, top_up="5.00")
    with books.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    north.listen()
    counted = Counted(source="device-meter", impressions=6, color_impressions=2, sheets=6)
    charge = north.charge(euros("0.60"), job=COPY, service="copy", counted=counted)
    ledger_events = north.say(charge)
    job_events = north.say(
        CopyBegan(
            job=COPY,
            user="ana",
            printer="north-1",
            held=(AccountAmount(account="user:ana", unit="EUR", micros=euros("5.00")),),
            alone=False,
            began_at=MORNING,
            tariff_version=1,
            because=(Because(code="price", text="0.10 EUR in all"),),
        ),
        JobSettled(
            job=COPY,
            attempt=1,
            printer="north-1",
            disposition="completed",
            counts=(counted,),
            billed=counted,
            charge=charge.charge,
        ),
        name="jobs",
    )
    done = north.send(ledger_events)
    assert done.quarantined == ()
    assert north.send(job_events, name="jobs").quarantined == ()
    again = north.send(north.say(charge))
    assert again.quarantined == ()
    with books.read() as tx:
        income = {place: m for place, m in ledger.places_of(tx, "income:copy", "EUR").items() if m}
        assert sum(income.values()) == euros("0.60")
        assert list(verify(tx, Counts(), lambda _done, _all: None)) == []
        (job,) = jobs.newest(tx, 5)
        listed = lists.job(tx, COPY)
        decided = jobs.decision_of(tx, COPY)
    assert (job.service, job.name, job.state, job.impressions) == ("copy", "Copies", "completed", 6)
    assert listed is not None
    assert [each["micros"] for each in listed.paid] == [euros("0.60")]
    assert decided is not None
    told = explain(Told(job, listed.paid, decided[0]))
    assert told[0] == f"{COPY}: copies of ana at north"
    assert told[1] == "copying began at north-1, by no rules and tariff 1:"
    assert "completed, billed for 6 impressions:" in told
    books.close()
