"""Promises of central.job_fold: a row is what the events say, and only its edge may say it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import pytest

from broker.messages import (
    AccountAmount,
    Because,
    CopyBegan,
    Counted,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)
from central.job_fold import ForeignJob, JobEvent, JobRecord, feed_state, fold

JOB, CHARGE = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
COUNTED = Counted(source="device-job", impressions=4)
HELD = JobHeld(
    job=JOB, queue="q", user="ana", name="n", received_at=NOON, counted=None, problem="odd"
)
REFUSED = JobRefused(job=JOB, user="ana", printer=None, reason="r", detail="costs 2.00", alone=True)
RELEASED = JobReleased(job=JOB, attempt=2, user="ana", printer="p-1", held=(), alone=True)
CANCELED = JobCanceled(job=JOB, by="ana", detail="changed her mind")
FLAGGED = JobFlagged(job=JOB, cause="reprint", detail="twice on paper")


BEGAN = CopyBegan(
    job=JOB,
    user="ana",
    printer="p-1",
    held=(AccountAmount(account="user:ana", unit="EUR", micros=1_000_000),),
    alone=False,
    began_at=NOON,
    tariff_version=2,
    because=(Because(code="price", text="0.05 EUR in all"),),
)


def settled(
    disposition: Literal["completed", "stopped", "aborted", "canceled", "unknown"],
) -> JobSettled:
    """Return a settlement."""
    return JobSettled(
        job=JOB,
        attempt=2,
        printer="p-1",
        disposition=disposition,
        counts=(COUNTED,),
        billed=COUNTED,
        charge=CHARGE,
    )


def after(*events: JobEvent) -> JobRecord:
    """Return the job after these events."""
    job: JobRecord | None = None
    for event in events:
        folded = fold(job, event, "north")
        assert isinstance(folded, JobRecord)
        job = folded
    assert job is not None
    return job


def test_a_refusal_leaves_the_job_held_with_its_reason() -> None:
    """The person reads why, and the job still waits; a release clears it."""
    job = after(HELD, REFUSED)
    assert (job.state, job.detail) == ("pending-held", "costs 2.00")
    assert after(HELD, REFUSED, RELEASED).detail == ""


@pytest.mark.parametrize(
    ("disposition", "state"),
    [
        ("completed", "completed"),
        # stopped half way is IPP's aborted
        ("stopped", "aborted"),
        ("aborted", "aborted"),
        ("canceled", "canceled"),
        # nobody knows: still under way for the books
        ("unknown", "processing"),
    ],
)
def test_a_settlement_says_what_became_of_it(
    disposition: Literal["completed", "stopped", "aborted", "canceled", "unknown"], state: str
) -> None:
    """Dispositions become IPP job states; figures and charge are kept."""
    job = after(HELD, RELEASED, settled(disposition))
    assert (job.state, job.impressions, job.charge) == (state, 4, CHARGE)
    assert job.counts == (COUNTED,)


def test_a_flag_stays() -> None:
    """What somebody should look at is not cleared by later events."""
    assert after(HELD, FLAGGED, RELEASED).flag == "reprint: twice on paper"


def test_a_job_whose_beginning_was_not_heard_is_kept() -> None:
    """A release of an unknown job makes a row with what is known."""
    job = after(RELEASED)
    assert (job.user, job.printer, job.attempt) == ("ana", "p-1", 2)


def test_another_edge_cannot_speak_for_a_job() -> None:
    """The first edge that told of a job is the only one that may."""
    assert isinstance(fold(after(HELD), CANCELED, "south"), ForeignJob)


def test_a_copy_is_a_job_that_came_by_no_queue() -> None:
    """It is under way from its beginning, ends like a release, and lists can tell it apart."""
    running = after(BEGAN)
    assert (running.state, running.name, running.service) == ("processing", "Copies", "copy")
    assert (running.user, running.printer, running.received_at) == ("ana", "p-1", NOON)
    assert running.decided is not None
    assert running.decided.held == BEGAN.held
    ended = after(BEGAN, settled("completed"))
    assert (ended.state, ended.impressions, ended.charge) == ("completed", 4, CHARGE)
    assert after(HELD.model_copy(update={"name": "Copies"})).service == "print"


def test_each_event_has_its_word_in_the_feed() -> None:
    """Dashboards get the six words of the message model."""
    events = (HELD, REFUSED, RELEASED, settled("completed"), CANCELED, FLAGGED, BEGAN)
    words = ["held", "refused", "released", "settled", "canceled", "flagged", "released"]
    assert [feed_state(event) for event in events] == words


def test_the_newest_decision_with_reasons_is_kept() -> None:
    """A refusal, then a release: what counts is the last that said why; older edges say nothing."""
    why = (Because(code="refused", text="too long", rule="no books"),)
    refused = REFUSED.model_copy(update={"because": why, "rules_version": 3})
    released = RELEASED.model_copy(
        update={
            "because": (Because(code="price", text="free"),),
            "tariff_version": 2,
            "conversions": {"copies": "1"},
            "redirected_from": "p-2",
        }
    )
    first = after(HELD, refused).decided
    assert first is not None
    assert (first.released, first.reason, first.rules_version) == (False, "r", 3)
    last = after(HELD, refused, released).decided
    assert last is not None
    assert (last.released, last.redirected_from, last.tariff_version) == (True, "p-2", 2)
    assert last.conversions == (("copies", "1"),)
    assert after(HELD, REFUSED, RELEASED).decided is None
