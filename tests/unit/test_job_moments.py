"""Promises of a job's moments: what is written by hand is JSON, and reads back in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import (
    CopyBegan,
    Counted,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)
from central.job_fold import JOB_EVENTS
from central.job_moments import read, written

if TYPE_CHECKING:
    from central.job_fold import JobEvent

JOB, CHARGE, REST = UUID(int=1), UUID(int=2), UUID(int=3)
NAME = 'Ana "the\\ printer" Ünal\u2028'
AT = datetime(2026, 11, 23, tzinfo=UTC)
COUNTED = Counted(source="device-job", impressions=6)
EVENTS: tuple[tuple[JobEvent, dict[str, object]], ...] = (
    (
        JobHeld(job=JOB, queue="q", user=NAME, name="secret.pdf", received_at=AT, counted=None),
        {},
    ),
    (
        JobHeld(job=JOB, queue="q", user="a", name="n", received_at=AT, counted=None, rest_of=REST),
        {"rest_of": str(REST)},
    ),
    (
        JobRefused(
            job=JOB, user=NAME, printer=None, reason="no-price", detail='say "why"', alone=True
        ),
        {"by": NAME, "reason": "no-price", "detail": 'say "why"', "alone": True},
    ),
    (
        JobReleased(
            job=JOB,
            attempt=2,
            user=NAME,
            printer="north-1",
            held=(),
            alone=False,
            acting="delegate",
            changed={"sides": "one-sided"},
        ),
        {
            "by": NAME,
            "printer": "north-1",
            "attempt": 2,
            "acting": "delegate",
            "changed": {"sides": "one-sided"},
        },
    ),
    (
        CopyBegan(job=JOB, user=NAME, printer="north-1", held=(), alone=False, began_at=AT),
        {"by": NAME, "printer": "north-1"},
    ),
    (
        JobSettled(
            job=JOB,
            attempt=1,
            printer="north-1",
            disposition="stopped",
            counts=(),
            billed=COUNTED,
            charge=CHARGE,
            flag='a "flag"',
            stopped_by=NAME,
            rest=REST,
        ),
        {
            "disposition": "stopped",
            "printer": "north-1",
            "attempt": 1,
            "source": "device-job",
            "impressions": 6,
            "charge": str(CHARGE),
            "rest": str(REST),
            "stopped_by": NAME,
            "flag": 'a "flag"',
        },
    ),
    (JobCanceled(job=JOB, by=NAME), {"by": NAME, "detail": ""}),
    (
        JobFlagged(job=JOB, cause="dispute", detail="who\nknows"),
        {"cause": "dispute", "detail": "who\nknows"},
    ),
)


@pytest.mark.parametrize(("event", "told"), EVENTS)
def test_a_moment_reads_back_as_it_was(event: JobEvent, told: dict[str, object]) -> None:
    """Whatever people are called; the document's name is in none of them."""
    line = written(event, 5)
    assert line.count("\n") == 1
    (moment,) = read(line)
    assert (moment.at, moment.told) == (5, told)
    assert "secret" not in line


def test_every_kind_of_event_has_its_word() -> None:
    """No event of a job's life is without a moment, and no two are called alike by mistake."""
    assert {type(event) for event, _ in EVENTS} == set(JOB_EVENTS)
    kinds = {type(event): read(written(event, 1))[0].kind for event, _ in EVENTS}
    assert len(set(kinds.values())) == len(kinds)


@given(st.lists(st.integers(0, 10)))
def test_moments_come_in_the_order_of_their_times(times: list[int]) -> None:
    """What was told late stands where it happened; of one time, what was told first."""
    life = "".join(written(EVENTS[-1][0], at) for at in times)
    assert [moment.at for moment in read(life)] == sorted(times)
