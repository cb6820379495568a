"""Promises about the end of a journal at the edge: told, stopped, put away, whatever dies."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from broker.messages import Command, JobFlagged, JobReleased, Rejected, ReportedEvents
from broker.stream import follows, place, start
from config.policy.decisions import Reason
from edge.branch import accepted, put_away
from edge.release import Phase
from edge.standing import PASSING, SiteStanding
from edge.store.errors import StoreUnwritableError
from edge.store.refusals import MOST, Refusals
from tests.integration.books_lab import euros
from tests.integration.forks_lab import DiskEdge
from tests.unit.edge_lab import amount, held_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("about the edge's disk")


@pytest.fixture
def north(tmp_path: Path) -> Iterator[DiskEdge]:
    """Return a site with money and a print."""
    edge = DiskEdge(tmp_path / "data")
    edge.begin("10.00")
    edge.print_one(euros("1.00"))
    yield edge
    edge.close()
    edge.centre.close()


def command(edge: DiskEdge, what: str, **args: Any) -> Command:  # noqa: ANN401  JSON
    """Return a command of the centre's."""
    until = edge.clock() + timedelta(minutes=1)
    fields = {"id": edge.mint(), "command": what, "args": args, "expires_at": until}
    return Command.model_validate(fields)


def retire(edge: DiskEdge, step: str, **args: Any) -> Command:  # noqa: ANN401  JSON
    """Return a command to retire the journal that is open."""
    return command(
        edge, "retire-journal", incarnation=str(edge.books.incarnation), step=step, **args
    )


def test_the_branch_is_told_page_by_page_to_its_end(north: DiskEdge) -> None:
    """Each page follows the one before it by its hashes, and the last one ends at the head."""
    for _ in range(300):
        north.print_one(1)
    at = start(north.books.keys["jobs"])
    pages = 0
    while at != north.books.head("jobs"):
        told = north.obey(command(north, "report-branch", stream="jobs", after=at.seq))
        page = ReportedEvents.model_validate(told.data)
        for envelope in page.events:
            assert follows(north.books.keys["jobs"], at, envelope)
            at = place(envelope)
        assert len(told.model_dump_json()) < 64 * 1024
        pages += 1
    assert pages > 1


def test_a_journal_is_not_put_away_before_it_was_stopped(north: DiskEdge) -> None:
    """Without the stop somebody could print between the last page and the end."""
    head = north.books.head("ledger").seq
    told = north.obey(retire(north, "archive", code="c", ledger=str(head)))
    assert told.state == "failed"
    assert put_away(north.data) is None


def test_a_stopped_journal_releases_nothing_and_jobs_stay_held(north: DiskEdge) -> None:
    """Durably, with a reason that people can read and that passes by itself."""
    north.obey(retire(north, "stop"))
    north.close()
    north.open()
    standing = SiteStanding(north.books, reachable=lambda: True, alone_for=lambda: timedelta(0))
    refused = standing.refuses(held_job())
    assert refused is not None
    assert refused.reason is Reason.OUT_OF_SERVICE
    assert refused.reason in PASSING


def test_what_still_runs_is_waited_for(north: DiskEdge) -> None:
    """A journal with a hold that nobody settled is not put away."""
    record = held_job()
    hold = (amount(1),)
    event = JobReleased(
        job=record.job, attempt=1, printer="p", user="ana", tariff_version=1, held=hold, alone=False
    )
    north.books.release(record.with_(phase=Phase.RELEASING), event, north.clock())
    assert north.obey(retire(north, "stop")).data["running"] == 1
    head = north.books.head("ledger").seq
    told = north.obey(retire(north, "archive", code="c", ledger=str(head)))
    assert told.state == "failed"


def test_a_dispute_is_waited_for_unless_it_can_never_end(north: DiskEdge) -> None:
    """What it holds is charged or given back by policy first; one without a count is flagged."""
    record, now = held_job(), north.clock()
    assert record.expected is not None
    event = JobFlagged(job=record.job, cause="dispute", detail="")
    disputed = record.with_(phase=Phase.DISPUTED, deadline=now + timedelta(days=1))
    north.books.flag(disputed, event, now)
    assert north.obey(retire(north, "stop")).data["running"] == 1
    north.books.flag(disputed.with_(planned=None), event, now)
    assert north.obey(retire(north, "stop")).data["running"] == 0


def test_the_next_journal_begins_with_the_code_and_the_old_one_stays(north: DiskEdge) -> None:
    """Decided once, it is done at every start until it is done; the code is kept until used."""
    old = north.books.incarnation
    north.obey(retire(north, "stop"))
    head = north.books.head("ledger").seq
    told = north.obey(retire(north, "archive", code="the-code", ledger=str(head)))
    assert told.state == "successful"
    north.close()
    for _ in range(3):  # dies again and again right after its start
        due = put_away(north.data)
        assert due is not None
        assert due.code == "the-code"
    (beside,) = north.data.glob("journal-*")
    assert str(old) in beside.name
    north.open()
    assert north.books.incarnation != old
    north.close()
    due = put_away(north.data)  # the new journal stays where it is
    assert due is not None
    north.open()
    assert len(list(north.data.glob("journal-*"))) == 1
    accepted(north.data, due)
    assert put_away(north.data) is None


def put_away_next(north: DiskEdge, code: str) -> None:
    """Stop the journal and have it put away at the next start."""
    north.obey(retire(north, "stop"))
    head = north.books.head("ledger").seq
    told = north.obey(retire(north, "archive", code=code, ledger=str(head)))
    assert told.state == "successful"


def test_a_journal_says_nothing_after_its_end(north: DiskEdge) -> None:
    """Between the decision and the next start nobody is charged: the centre would never hear it."""
    put_away_next(north, "c")
    head = north.books.head("ledger")
    with pytest.raises(StoreUnwritableError):
        north.print_one(euros("0.50"))
    assert north.books.head("ledger") == head
    again = north.obey(retire(north, "archive", code="c", ledger=str(head.seq)))
    assert again.state == "successful"


def test_an_older_mark_ends_no_newer_one(north: DiskEdge) -> None:
    """A line that comes back while the next journal is put away does not call that off."""
    put_away_next(north, "first")
    north.close()
    first = put_away(north.data)
    assert first is not None
    north.open()
    put_away_next(north, "second")
    accepted(north.data, first)
    north.close()
    due = put_away(north.data)
    assert due is not None
    assert due.code == "second"
    north.open()


def test_a_command_for_a_journal_that_is_gone_was_obeyed(north: DiskEdge) -> None:
    """The answer to the last command may be lost: the next journal gives it."""
    other = command(
        north, "retire-journal", incarnation="another", step="archive", code="c", ledger="0"
    )
    assert north.obey(other).state == "successful"
    assert put_away(north.data) is None


def test_what_the_centre_put_aside_is_kept_to_be_shown(north: DiskEdge) -> None:
    """Over a restart, each event once, the newest hundred."""
    kept = Refusals(north.database)
    for seq in range(1, MOST + 11):
        kept.keep([Rejected(stream="ledger", seq=seq, reason="why")], north.clock())
    kept.keep([Rejected(stream="ledger", seq=50, reason="another")], north.clock())
    north.close()
    north.open()
    rows = Refusals(north.database).rejected()
    assert len(rows) == MOST
    assert [row["reason"] for row in rows if row["seq"] == 50] == ["another"]
    assert max(row["seq"] for row in rows) == MOST + 10
