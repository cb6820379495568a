"""Promises of retention: what is deleted is really gone, money stays, and the books still hold."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from central.acts import jobs as job_acts
from central.acts import money as acts
from central.acts.by import By
from central.fleet import Fleet
from central.keeping import EVERY, Keeping
from central.store import audit, audit_chain, job_search, lists, privacy, retention
from central.store.audit import Which
from central.store.ledger import Refused
from central.store.retention import Terms
from central.store.tables import charge, decision, event, job, job_span, posting
from central.store.verify import Counts, verify
from config.settings_privacy import PrivacySettings
from tests.integration.books_lab import MORNING, Clock, open_books
from tests.integration.jobs_lab import Office, at, days, office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from central.store.books import Books, Transaction

NAME = "Letter to my lawyer.pdf"
MONTH = Terms(jobs=days(30))


@pytest.fixture
def here() -> Iterator[Office]:
    """Return books with somebody who prints."""
    books = open_books()
    yield office(books)
    books.close()


def keep(books: Books, terms: Terms, now: datetime, limit: int = 3) -> list[retention.Step]:
    """Delete all that is due at a moment, slice by slice."""
    done: list[retention.Step] = []
    while True:
        with books.write(now) as tx:
            step = retention.step(tx, terms, limit)
        if step.over:
            return done
        done.append(step)
        assert len(done) < 500


def everything(tx: Transaction) -> str:
    """Return all that stands in the tables that tell of jobs."""
    rows = [tx.sql.execute(select(each)).all() for each in (job, event, decision, charge)]
    return repr(rows)


def findings(books: Books) -> list[str]:
    """Return what is wrong with the books."""
    with books.read() as tx:
        counts = Counts()
        return [f"{each}" for each in verify(tx, counts, lambda _done, _all: None)]


def money(books: Books) -> list[tuple[int, ...]]:
    """Return every posting."""
    with books.read() as tx:
        return [tuple(row) for row in tx.sql.execute(select(posting).order_by(posting.c.entry))]


# ── names ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["hash", "hide"])
def test_a_name_that_is_not_kept_never_reaches_the_books(here: Office, mode: privacy.Mode) -> None:
    """Neither the job nor the event has it; the stream still proves itself, and goes on."""
    with here.books.write() as tx:
        assert privacy.set_names(tx, mode, author="test")
    jobs = [here.printed(name=NAME) for _ in range(2)]
    with here.books.read() as tx:
        assert NAME not in everything(tx)
        names = {found.job.name for id_ in jobs if (found := lists.job(tx, id_)) is not None}
        # the same document has the same hash
        assert len(names) == 1
        (name,) = names
        assert name == ("" if mode == "hide" else privacy.names(tx).hashed(NAME))
    assert findings(here.books) == []


def test_copies_are_still_copies_when_names_are_hidden(here: Office) -> None:
    """What has no queue has no document, and keeps what it is called by."""
    with here.books.write() as tx:
        privacy.set_names(tx, "hide", author="test")
        told = privacy.treat_jobs(tx, privacy.names(tx), 0, 10)
        assert told.over
    here.printed(name="Copies")
    with here.books.read() as tx:
        assert job_search.search(tx, job_search.Which(service="copy")).jobs == ()


def test_old_names_are_treated_in_slices_and_once(here: Office) -> None:
    """Rows and events of before; a second run finds nothing to do."""
    for _ in range(5):
        here.printed(name=NAME)
    with here.books.write() as tx:
        privacy.set_names(tx, "hash", author="test")
    changed = []
    for _ in range(2):
        count, after, over = 0, 0, False
        while not over:
            with here.books.write() as tx:
                done = privacy.treat_jobs(tx, privacy.names(tx), after, 2)
            count, after, over = count + done.changed, done.upto, done.over
        with here.books.write() as tx:
            for stream in privacy.streams_up(tx, "jobs"):
                count += privacy.treat_events(tx, stream, 0, 100).changed
        changed.append(count)
    assert changed == [10, 0]
    with here.books.read() as tx:
        assert NAME not in everything(tx)
    assert findings(here.books) == []


def test_names_go_in_time(here: Office) -> None:
    """After `keep_names_days` rows and events have none; what is younger keeps its name."""
    here.printed(name=NAME)
    assert keep(here.books, Terms(names=days(7)), at(1)) == []
    with here.books.read() as tx:
        assert NAME in everything(tx)
    assert keep(here.books, Terms(names=days(7)), at(8))
    with here.books.read() as tx:
        assert NAME not in everything(tx)
    assert findings(here.books) == []


def test_one_name_is_forgotten_on_somebodys_wish(here: Office) -> None:
    """In the job and in its event, and in no other; that it was is an act without the name."""
    mine, other = here.printed(name=NAME), here.printed(name="Other.pdf")
    with here.books.write() as tx:
        by = By("web:eva")
        assert isinstance(job_acts.hide_name(tx, by, mine, reason=" "), Refused)
        assert not isinstance(job_acts.hide_name(tx, by, mine, reason="asked"), Refused)
        assert isinstance(job_acts.hide_name(tx, by, mine, reason="asked"), Refused)
        assert NAME not in everything(tx) + repr(audit.acts(tx))
        assert "Other.pdf" in everything(tx)
        assert lists.job(tx, other) is not None
    assert findings(here.books) == []


def test_a_flag_is_cleared_with_a_word(here: Office) -> None:
    """What it said is in the audit; the job is found among the flagged no more."""
    job_id = here.held()
    here.released(job_id)
    here.settled(job_id, flag="dispute: refund by policy")
    with here.books.write() as tx:
        flagged = job_search.Which(flagged=True)
        assert len(job_search.search(tx, flagged).jobs) == 1
        assert not isinstance(
            job_acts.clear_flag(tx, By("web:eva"), job_id, reason="paper was there"), Refused
        )
        assert job_search.search(tx, flagged).jobs == ()
        (act,) = audit.search(tx, Which(act="job clear-flag"))
    assert act.before == "dispute: refund by policy"


# ── jobs ────────────────────────────────────────────────────────────────────────────────────


def test_a_job_is_gone_and_its_money_stays(here: Office) -> None:
    """Row, moments, reasons, texts, request; not the charge, nor its entry."""
    job_ids = [here.printed(name=NAME) for _ in range(4)]
    with here.books.write() as tx:
        done = acts.ask_refund(tx, By("web:ana"), job_ids[0], user="ana", reason="mine")
        assert not isinstance(done, Refused)
    before = money(here.books)
    steps = keep(here.books, MONTH, at(31))
    assert max(step.changed for step in steps) <= 3
    with here.books.read() as tx:
        said = everything(tx)
        assert not any(word in said for word in (NAME, "print2me", "both sides", "mine"))
        assert lists.job(tx, job_ids[0]) is None
        assert tx.sql.execute(select(job_span)).all() == []
        paid = tx.sql.execute(select(charge)).all()
        assert {(row.user, row.printer, row.impressions) for row in paid} == {("ana", "north-1", 6)}
        assert retention.deleted_before(tx) == at(1)
    assert money(here.books) == before
    assert findings(here.books) == []


def test_what_is_young_stays_and_is_deleted_later(here: Office) -> None:
    """A job that was heard of lately waits, also where it is the oldest."""
    old = here.printed()
    here.edge.clock.now = at(20)
    with here.books.write(at(20)) as tx:
        tx.sql.execute(text("UPDATE job SET updated_at = updated_at + 1728000000000"))
    assert "jobs" not in {step.kind for step in keep(here.books, MONTH, at(31))}
    with here.books.read() as tx:
        assert lists.job(tx, old) is not None
    assert "jobs" in {step.kind for step in keep(here.books, MONTH, at(51))}


def test_a_job_that_is_told_of_after_it_was_deleted_begins_anew(here: Office) -> None:
    """An edge that was away for long blocks nothing."""
    job_id = here.held()
    keep(here.books, MONTH, at(31))
    here.released(job_id)
    here.settled(job_id)
    with here.books.read() as tx:
        found = lists.job(tx, job_id)
        assert found is not None
        assert (found.job.state, found.job.name) == ("completed", "")
    assert findings(here.books) == []


def test_nothing_is_deleted_while_nothing_is_asked_for(here: Office) -> None:
    """Without settings everything stays for ever."""
    here.printed(name=NAME)
    assert keep(here.books, Terms(), at(10_000)) == []
    with here.books.read() as tx:
        assert NAME in everything(tx)


# ── acts, and the run itself ────────────────────────────────────────────────────────────────


def test_a_run_is_one_act_with_its_counts(here: Office) -> None:
    """However many slices it took; a run that found nothing is none."""
    for _ in range(4):
        here.printed()
    keep(here.books, MONTH, at(31))
    keep(here.books, MONTH, at(31))
    with here.books.read() as tx:
        (act,) = audit.search(tx, Which(act="retention"))
    assert act.detail["deleted"]["jobs"] == 4
    assert act.author == "coordinator"


def test_old_acts_go_and_the_chain_holds(here: Office) -> None:
    """That they went is the newest act."""
    with here.books.read() as tx:
        count = audit_chain.count(tx)
    assert count
    keep(here.books, Terms(audit=days(400)), at(401))
    with here.books.read() as tx:
        (act,) = audit.acts(tx)
    assert act.detail["deleted"] == {"acts": count}
    assert findings(here.books) == []


def test_the_coordinator_deletes_a_slice_in_each_look_and_rests_an_hour(here: Office) -> None:
    """The settings reach the books at its start; nobody has to run anything."""
    here.printed(name=NAME)
    clock = Clock()
    clock.now = MORNING + timedelta(days=31)
    fleet = Fleet(here.books, clock=clock)
    keeping = Keeping(fleet, PrivacySettings(document_names="hide", keep_jobs_days=30))
    with here.books.read() as tx:
        assert privacy.names(tx).mode == "hide"
    for second in range(30):
        keeping.look(float(second))
    with here.books.read() as tx:
        assert tx.sql.execute(select(job)).all() == []
    late: UUID = here.printed()
    clock.now += timedelta(days=31)
    keeping.look(40.0)
    with here.books.read() as tx:
        assert lists.job(tx, late) is not None
    for second in range(30):
        keeping.look(EVERY + 40.0 + second)
    with here.books.read() as tx:
        assert lists.job(tx, late) is None
