"""The life of a job at the site: which step comes next, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy.jobs import Figures, JobState, Sides, Source
from edge.release import (
    Disposition,
    Disputed,
    Evidence,
    Gather,
    Hold,
    Move,
    Resume,
    Settled,
    Spooled,
    Step,
    Stop,
    Stray,
    Verdict,
    Watch,
    Withdraw,
    next_step,
    resolve,
    settle,
)

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PATIENCE = timedelta(hours=24)
HELD, PENDING, WORKING = JobState.PENDING_HELD, JobState.PENDING, JobState.PROCESSING
DONE, ABORTED, CANCELED = JobState.COMPLETED, JobState.ABORTED, JobState.CANCELED


def planned(impressions: int = 10, color: int = 4) -> Figures:
    """Return the analysis of a ten-page job."""
    return Figures(
        impressions=impressions,
        color_impressions=color,
        monochrome_impressions=impressions - color,
        sheets=impressions,
        media="iso_a4",
        sides=Sides.ONE_SIDED,
        source=Source.ANALYSIS,
    )


STEPS = [
    # the intent is written, nothing was done
    (Spooled("pull", HELD), Move()),
    # somebody took the hold off before we moved it: put it back first
    (Spooled("pull", PENDING), Hold()),
    # moved, then we died
    (Spooled("lib-1", HELD), Resume()),
    # resumed, then we died
    (Spooled("lib-1", PENDING), Watch()),
    (Spooled("lib-1", WORKING), Watch()),
    (Spooled("lib-1", JobState.PROCESSING_STOPPED), Watch()),
    # it ended while we were away
    (Spooled("lib-1", DONE), Gather()),
    (Spooled("pull", CANCELED), Gather()),
    # the spooler forgot it: never submitted again
    (None, Gather()),
    # somebody else moved it
    (Spooled("lib-2", HELD), Stray("lib-2")),
    (Spooled("lib-2", WORKING), Stray("lib-2")),
]


@pytest.mark.parametrize(("spooled", "step"), STEPS)
def test_the_next_step_follows_from_what_the_spooler_says(
    spooled: Spooled | None, step: Step
) -> None:
    """Recovery needs no memory of steps taken: the spooler's word and the intent are enough."""
    assert step == next_step("pull", "lib-1", spooled)


@pytest.mark.parametrize(("spooled", "step"), STEPS)
def test_a_job_that_somebody_wants_off_its_printer_is_ended(
    spooled: Spooled | None, step: Step
) -> None:
    """However far it is, and after a crash again; what has ended is settled."""
    ended = isinstance(step, Gather)
    assert next_step("pull", "lib-1", spooled, stopped=True) == (step if ended else Stop())


GONE = [
    # it never began: nobody waits for a printer that is not there
    (Spooled("pull", HELD), Withdraw()),
    (Spooled("lib-1", HELD), Withdraw()),
    # it might begin any moment: the hold first
    (Spooled("pull", PENDING), Hold()),
    # it prints: let it, and bill it
    (Spooled("lib-1", WORKING), Watch()),
    (Spooled("lib-1", DONE), Gather()),
    (None, Gather()),
]


@pytest.mark.parametrize(("spooled", "step"), GONE)
def test_a_job_whose_printer_left_the_site_ends(spooled: Spooled | None, step: Step) -> None:
    """It is ended before it began, or watched to its end; it waits for nothing for ever."""
    assert step == next_step("pull", None, spooled)


@dataclass
class ScriptedSpooler:
    """A spooler that does as told, counts what it prints, and may be changed by others."""

    queue: str = "pull"
    state: JobState = HELD
    prints: int = 0
    log: list[str] = field(default_factory=list)

    def do(self, step: Step) -> None:
        """Carry a step out."""
        match step:
            case Hold():
                self.state = HELD
            case Move():
                self.queue = "lib-1"
            case Resume():
                self.state = PENDING
                self.prints += 1
            case _:
                pass


@given(st.lists(st.booleans(), max_size=12))
def test_a_crash_before_or_after_any_step_never_prints_twice(crashes: list[bool]) -> None:
    """However often the edge dies around a step, the job is resumed exactly once."""
    spooler = ScriptedSpooler()
    for dies_before in [*crashes, False, False, False]:
        step = next_step("pull", "lib-1", Spooled(spooler.queue, spooler.state))
        if not dies_before:
            spooler.do(step)
    assert spooler.prints == 1
    assert spooler.queue == "lib-1"


SETTLEMENTS = [
    # completed, the printer does not count: the document's own figures
    (Evidence(DONE, spooler_impressions=10), Disposition.COMPLETED, 10, Source.ANALYSIS),
    # the spooler's count never changes the bill
    (Evidence(DONE, spooler_impressions=27), Disposition.COMPLETED, 10, Source.ANALYSIS),
    # completed, the printer agrees
    (Evidence(DONE, device_impressions=10), Disposition.COMPLETED, 10, Source.DEVICE_JOB),
    # canceled before anything came out
    (Evidence(CANCELED, device_impressions=0), Disposition.CANCELED, 0, Source.DEVICE_JOB),
    (Evidence(CANCELED), Disposition.CANCELED, 0, Source.SPOOLER),
    # stopped half way: what came out
    (Evidence(ABORTED, device_impressions=3), Disposition.STOPPED, 3, Source.DEVICE_JOB),
    (Evidence(CANCELED, device_impressions=9), Disposition.STOPPED, 9, Source.DEVICE_JOB),
    # the printer's own state counts more than the spooler's
    (Evidence(DONE, device_state=ABORTED, device_impressions=2), Disposition.STOPPED, 2,
     Source.DEVICE_JOB),
]  # fmt: skip


@pytest.mark.parametrize(("evidence", "disposition", "impressions", "source"), SETTLEMENTS)
def test_a_job_with_clear_evidence_is_settled(
    evidence: Evidence, disposition: Disposition, impressions: int, source: Source
) -> None:
    """Disposition and quantity come from who knows best, and say from whom."""
    settled = settle(planned(), evidence, now=NOW, patience=PATIENCE)
    assert isinstance(settled, Settled)
    assert disposition is settled.disposition
    assert impressions == settled.billed.impressions
    assert source is settled.billed.source
    assert settled.flag is None


DISPUTES = [
    # the spooler lost it
    (Evidence(None), "unknown-outcome"),
    # a deliberate error on the last page reports 0
    (Evidence(DONE, device_impressions=0), "zero-reported"),
    # the printer counted fewer than the document has
    (Evidence(DONE, device_impressions=7), "counts-differ"),
    # CUPS calls a job completed that the printer lost when it was switched off
    (Evidence(DONE, spooler_impressions=10, device_restarted=True), "printer-restarted"),
    # sent and aborted, and the printer keeps silent
    (Evidence(ABORTED, spooler_impressions=10), "partly-printed"),
    (Evidence(CANCELED, spooler_impressions=10), "partly-printed"),
]


@pytest.mark.parametrize(("evidence", "cause"), DISPUTES)
def test_a_job_with_unclear_evidence_is_disputed_and_refunded_in_time(
    evidence: Evidence, cause: str
) -> None:
    """Nothing is billed on a guess: the hold stays a day, then it is given back and flagged."""
    disputed = settle(planned(), evidence, now=NOW, patience=PATIENCE)
    assert isinstance(disputed, Disputed)
    assert cause == disputed.cause
    assert disputed.deadline == NOW + PATIENCE
    ended = resolve(planned(), disputed, evidence, verdict=Verdict.REFUND)
    assert ended.billed.impressions == 0
    assert ended.flag is not None
    assert cause in ended.flag


def test_printing_above_the_plan_is_recorded_and_not_charged() -> None:
    """A printer that made more than was held for is told of, at no cost to the person."""
    evidence = Evidence(DONE, device_impressions=12)
    settled = settle(planned(), evidence, now=NOW, patience=PATIENCE)
    assert isinstance(settled, Settled)
    assert settled.billed.impressions == 10
    assert settled.printed_above == 2
    assert settled.flag is not None


@pytest.mark.parametrize(("count", "above"), [(5, 0), (6, 0), (7, 1)])
def test_blank_backs_are_neither_charged_nor_flagged(count: int, above: int) -> None:
    """Five pages on three sheets have six sides: a printer that counts the sixth is not wrong."""
    plan = Figures(
        impressions=5,
        color_impressions=0,
        monochrome_impressions=5,
        sheets=3,
        media="iso_a4",
        sides=Sides.TWO_SIDED_LONG_EDGE,
        source=Source.ANALYSIS,
    )
    settled = settle(plan, Evidence(DONE, device_impressions=count), now=NOW, patience=PATIENCE)
    assert isinstance(settled, Settled)
    assert (settled.billed.impressions, settled.printed_above) == (5, above)
    assert (settled.flag is not None) == (above > 0)


STATES = st.sampled_from([None, *JobState])
COUNTS = st.none() | st.integers(-5, 10**6)


@given(STATES, COUNTS, STATES, COUNTS, COUNTS, COUNTS, st.sampled_from(Verdict))
def test_no_evidence_whatever_charges_more_than_planned(
    spooler_state: JobState | None,
    spooler: int | None,
    device_state: JobState | None,
    device: int | None,
    color: int | None,
    sheets: int | None,
    verdict: Verdict,
) -> None:
    """Charge ≤ analysis: whatever spooler and printer claim, in every figure that is priced."""
    evidence = Evidence(spooler_state, spooler, device_state, device, color, sheets)
    plan = planned()
    outcome = settle(plan, evidence, now=NOW, patience=PATIENCE)
    if isinstance(outcome, Disputed):
        outcome = resolve(plan, outcome, evidence, verdict=verdict)
    assert outcome.billed.impressions <= plan.impressions
    assert outcome.billed.color_impressions <= plan.color_impressions
    assert outcome.billed.sheets <= plan.sheets
    assert outcome.printed_above >= 0


def test_a_printer_that_goes_on_after_its_job_was_billed_is_flagged() -> None:
    """Canceled at the queue, still at work at the printer: what comes out later, nobody billed."""
    evidence = Evidence(CANCELED, device_state=WORKING, device_impressions=3)
    outcome = settle(planned(), evidence, now=NOW, patience=PATIENCE)
    assert isinstance(outcome, Settled)
    assert outcome.billed.impressions == 3
    assert outcome.flag is not None
    ended = Evidence(CANCELED, device_state=CANCELED, device_impressions=3)
    outcome = settle(planned(), ended, now=NOW, patience=PATIENCE)
    assert isinstance(outcome, Settled)
    assert outcome.flag is None
