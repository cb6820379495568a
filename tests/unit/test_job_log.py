"""The canonical line of a job: every step of its life leaves one, with the same keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest

from broker.messages import (
    AccountAmount,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    Message,
)
from config.logs import configure
from edge.job_log import action_of, tell
from edge.jobs import JobRecord, counted
from edge.release import Phase
from tests.unit.test_release import planned

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
JOB = UUID(int=1)
PAID = (AccountAmount(account="user:ana", unit="EUR", micros=450_000),)
RECORD = JobRecord(
    job=JOB,
    queue="pull",
    user="ana",
    name="thesis",
    received_at=NOW,
    phase=Phase.SETTLED,
    planned=planned(),
    billed=planned(),
    attempt=1,
    printer="lib-1",
    charged=PAID,
    released_at=NOW,
    ended_at=NOW + timedelta(seconds=2),
)

LINES: list[tuple[Message, dict[str, object]]] = [
    (
        JobHeld(
            job=JOB, queue="pull", user="ana", name="thesis", received_at=NOW,
            counted=None, problem="it is empty",
        ),
        {"action": "job-held", "reason": "it is empty"},
    ),
    (
        JobRefused(
            job=JOB, user="ana", printer="lib-1", reason="account-limit-reached",
            detail="costs 0.45 EUR", alone=True,
        ),
        {"action": "job-refused", "reason": "account-limit-reached", "online": False},
    ),
    (
        JobReleased(job=JOB, attempt=1, user="ana", printer="lib-1", held=PAID, alone=False),
        {"action": "job-released", "price": "0.45 EUR", "online": True},
    ),
    (
        JobSettled(
            job=JOB, attempt=1, printer="lib-1", disposition="completed", counts=(),
            billed=counted(planned()), charge=None,
        ),
        {"action": "job-settled", "price": "0.45 EUR", "impressions": 10},
    ),
    (JobCanceled(job=JOB, by="ana"), {"action": "job-canceled"}),
    (
        JobFlagged(job=JOB, cause="reprint", detail="again"),
        {"action": "job-flagged", "reason": "reprint"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("event", "said"), LINES, ids=[action_of(event) for event, _ in LINES])
def test_every_step_of_a_job_leaves_its_line(event: Message, said: dict[str, object]) -> None:
    """One line a step, with the job, its owner, what it comes to and why."""
    out = StringIO()
    configure("edge", stream=out)
    tell(RECORD, event)
    (line,) = [json.loads(each) for each in out.getvalue().splitlines()]
    assert line["job"] == str(JOB)
    assert line["user"] == "ana"
    assert said == {key: line[key] for key in said}
