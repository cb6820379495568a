"""Promises of the totals beside the meters: additive, per service, and honest about doubt."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from broker.messages import Counted, JobReleased, JobSettled
from central.job_fold import COPIES, JobRecord, fold
from central.tallies import NOTHING, Tally, settled, together

JOB = UUID(int=7)
FIGURES = st.integers(0, 10_000)
TALLIES = st.builds(Tally, *[FIGURES] * 9)


def counted(source: str, impressions: int | None, color: int = 0, sheets: int = 0) -> Counted:
    """Return one source's word."""
    return Counted.model_validate(
        {
            "source": source,
            "impressions": impressions,
            "color_impressions": color,
            "sheets": sheets,
        }
    )


def told(
    billed: int,
    *others: Counted,
    disposition: str = "completed",
    flag: str | None = None,
    attempt: int = 1,
) -> JobSettled:
    """Return a settlement that bills so much."""
    return JobSettled.model_validate(
        {
            "job": JOB,
            "attempt": attempt,
            "printer": "north-1",
            "disposition": disposition,
            "counts": others,
            "billed": counted("analysis", billed, billed // 2, (billed + 1) // 2),
            "charge": None,
            "flag": flag,
        }
    )


def adds(before: JobRecord | None, event: JobSettled) -> Tally:
    """Return what a settlement adds."""
    after = fold(before, event, "north")
    assert isinstance(after, JobRecord)
    return settled(before, after, event)


@given(TALLIES, TALLIES, TALLIES)
def test_totals_are_additive(one: Tally, two: Tally, three: Tally) -> None:
    """The difference of two totals is what was added in between, in whatever order it came."""
    assert (one + two) + three == one + (three + two)
    assert (one + two) - one == two
    assert one + NOTHING == one
    assert together([one, two, three]) == one + two + three


def test_a_print_counts_as_printed() -> None:
    """Impressions, colour and sheets of what was billed, and nothing else."""
    more = adds(None, told(5, counted("analysis", 5)))
    assert more == Tally(prints=5, print_color=2, print_sheets=3)


def test_large_paper_is_counted_beside() -> None:
    """Some machines count a side of it as two; the totals know how many there were."""
    event = told(5, counted("analysis", 5)).model_copy(update={"large": 5})
    assert adds(None, event).large == 5


def test_a_copy_counts_as_copied_and_what_it_made_beyond_is_unbilled() -> None:
    """What nobody paid, because too little was set aside, still came out of the machine."""
    copy = JobRecord(job=JOB, node="north", name=COPIES, state="processing", attempt=1)
    more = adds(copy, told(6, counted("device-meter", 9)))
    assert more == Tally(copies=6, copy_color=3, copy_sheets=3, unbilled=3)


def test_what_the_machine_put_out_and_nobody_paid_is_unbilled() -> None:
    """A refund does not hide pages: the machine's own count stands."""
    event = told(0, counted("analysis", 10), counted("device-job", 4), disposition="stopped")
    assert adds(None, event) == Tally(unbilled=4)


def test_what_nobody_can_tell_is_doubtful() -> None:
    """An unknown outcome says how much it may have been at most."""
    event = told(0, counted("analysis", 10), disposition="unknown", flag="unknown-outcome")
    assert adds(None, event) == Tally(doubtful=10)


def test_the_same_release_told_twice_adds_only_the_difference() -> None:
    """Both branches of a forked journal may tell how a job ended; its pages came out once."""
    first = fold(None, told(5), "north")
    assert isinstance(first, JobRecord)
    assert adds(first, told(5)) == NOTHING
    assert adds(first, told(7)) == Tally(prints=2)


def test_a_second_release_counts_again() -> None:
    """What is released once more comes out once more."""
    first = fold(None, told(5), "north")
    assert isinstance(first, JobRecord)
    released = JobReleased(job=JOB, attempt=2, user="ana", printer="north-1", held=(), alone=False)
    again = fold(first, released, "north")
    assert isinstance(again, JobRecord)
    assert adds(again, told(5, attempt=2)).prints == 5


@given(
    billed=FIGURES,
    device=st.none() | FIGURES,
    planned=FIGURES,
    disposition=st.sampled_from(["completed", "stopped", "aborted", "canceled", "unknown"]),
    flagged=st.booleans(),
)
def test_a_first_settlement_never_takes_away(
    billed: int, device: int | None, planned: int, disposition: str, *, flagged: bool
) -> None:
    """Whatever the sources say, no total falls, and what is billed is what is counted."""
    counts = (counted("analysis", planned), counted("device-job", device))
    flag = "odd" if flagged else None
    more = adds(None, told(billed, *counts, disposition=disposition, flag=flag))
    assert more.prints == billed
    assert min(more.prints, more.unbilled, more.doubtful) >= 0
    assert not (device is not None and more.doubtful)
