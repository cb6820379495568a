"""What CUPS and printers say of jobs, read into ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.ids import JobId
from config.policy.jobs import JobState
from edge.printing.job_map import (
    DeviceJob,
    attributes_of,
    device_job,
    spooled_job,
    tagged,
    unread,
    untagged,
)

if TYPE_CHECKING:
    from edge.printing.ipp import Attributes

JOB = JobId(UUID("72701ef8-7414-34f3-47b2-7550d0430889"))
OTHER = JobId(UUID("82701ef8-7414-34f3-47b2-7550d0430889"))


def cups_job(**more: object) -> Attributes:
    """Return what CUPS says of a held job; `_` stands for `-`."""
    said: Attributes = {
        "job-id": [7],
        "job-uuid": [f"urn:uuid:{JOB}"],
        "job-state": [4],
        "job-name": ["Report"],
        "job-originating-user-name": ["ana"],
        "job-printer-uri": ["ipp://localhost:42713/printers/pull"],
        "number-of-documents": [1],
        "time-at-creation": [1795364220],
        "copies": [2],
        "document-format": ["application/pdf"],
    }
    for name, value in more.items():
        said[name.replace("_", "-")] = [value]  # type: ignore[list-item]  # of any kind
    return said


def test_held_job() -> None:
    """A job's place, state, owner, time and wishes are read; figures about it are not wishes."""
    job = spooled_job(cups_job(job_impressions_completed=99))

    assert job is not None
    assert (job.job, job.queue, job.state, job.user, job.name, job.documents) == (
        JOB,
        "pull",
        JobState.PENDING_HELD,
        "ana",
        "Report",
        1,
    )
    assert job.created_at == datetime(2026, 11, 22, 16, 17, tzinfo=UTC)
    assert job.attributes == {
        "copies": 2,
        "document-format": "application/pdf",
        "job-name": "Report",
        "job-originating-user-name": "ana",
    }


@pytest.mark.parametrize("missing", ["job-uuid", "job-state", "job-printer-uri"])
def test_no_job(missing: str) -> None:
    """Without a uuid, a state or a queue there is no job."""
    said = cups_job()
    del said[missing]

    assert spooled_job(said) is None


def test_filter_failed() -> None:
    """A job that CUPS has stopped for good has ended: aborted."""
    job = spooled_job(cups_job(job_state=6))

    assert job is not None
    assert job.state is JobState.ABORTED


@pytest.mark.parametrize(
    ("more", "media"),
    [
        ({}, None),
        ({"media": "A3"}, "A3"),
        ({"PageSize": "A3"}, "A3"),  # a driver's word
        ({"media": "A4", "PageSize": "A3"}, "A4"),  # IPP's word first
        # clients without drivers say it by measures
        (
            {"media_col": {"media-size": [{"x-dimension": [29700], "y-dimension": [42000]}]}},
            "iso_a3",
        ),
        ({"media_col": {"media-type": ["stationery"]}}, None),
        ({"media_col": {"media-size": [{"x-dimension": ["wide"]}]}}, None),
    ],
)
def test_paper(more: dict[str, object], media: str | None) -> None:
    """The paper that was asked for is found whatever way it was named."""
    job = spooled_job(cups_job(**more))

    assert job is not None
    assert job.attributes.get("media") == media


@pytest.mark.parametrize(
    ("document_format", "told"),
    [("application/pdf", set()), ("image/png", {"ppi"}), ("text/plain", {"cpi"})],
)
def test_options_of_one_kind(document_format: str, told: set[str]) -> None:
    """Options that only pictures or only texts obey are told for these alone."""
    job = spooled_job(cups_job(document_format=document_format, ppi=50, cpi=12))

    assert job is not None
    assert {"ppi", "cpi"} & set(job.attributes) == told


@given(st.text(max_size=300))
def test_tag(name: str) -> None:
    """A tagged name fits IPP's 255 octets, is tagged once, and gives short names back."""
    once = tagged(name, JOB)

    assert len(once.encode()) <= 255
    assert tagged(once, JOB) == once
    assert once.endswith("[72701ef87414]")
    if len(name.encode()) <= 240:
        assert untagged(once, JOB) == untagged(name, JOB)


def printed(name: str, state: int, impressions: int | None, number: int = 1) -> Attributes:
    """Return what a printer says of a job."""
    return {
        "job-id": [number],
        "job-name": [name],
        "job-state": [state],
        "job-impressions-completed": [impressions],
    }


def test_printer_record() -> None:
    """The printer's record of a job is found by the tag, among others."""
    jobs = [printed(tagged("a", OTHER), 9, 3), printed(tagged("a", JOB), 9, 5), printed("a", 9, 7)]

    assert device_job(jobs, JOB) == DeviceJob(JobState.COMPLETED, 5, None, None)
    assert device_job(jobs[2:], JOB) is None


def test_printer_record_twice() -> None:
    """A job the spooler sent twice counts all paper, and ended as its last try did."""
    jobs = [printed(tagged("a", JOB), 9, 5, 8), printed(tagged("a", JOB), 8, 2, 7)]

    assert device_job(jobs, JOB) == DeviceJob(JobState.COMPLETED, 7, None, None)


def test_printer_does_not_say() -> None:
    """A figure the printer does not know stays unknown; it is not 0."""
    jobs = [printed(tagged("a", JOB), 9, 5), printed(tagged("a", JOB), 8, None, 2)]

    found = device_job(jobs, JOB)

    assert found is not None
    assert found.impressions is None


def test_colour_split() -> None:
    """Colour impressions are taken from the printer's split, full and highlight colour."""
    said = printed(tagged("a", JOB), 9, 5)
    split = {"full-color": [2], "highlight-color": [1], "monochrome": [2], "blank": [None]}
    said["job-impressions-completed-col"] = [split]

    found = device_job([said], JOB)

    assert found is not None
    assert found.color_impressions == 3


@pytest.mark.parametrize(
    ("said", "user"),
    [("ana", "ana"), ("", None), ("ana\n", None), ("a" * 256, None), ("Zoë", "Zoë")],
)
def test_user(said: str, user: str | None) -> None:
    """A user's name is taken as it is or not at all: a mended one could be somebody else's."""
    job = spooled_job(cups_job(job_originating_user_name=said))

    assert job is not None
    assert job.user == user


def test_long_name_of_a_job() -> None:
    """A job's name is cut and cleaned; CUPS itself takes any length."""
    job = spooled_job(cups_job(job_name="two\nlines " + "ü" * 4096))

    assert job is not None
    assert job.name.startswith("two lines ü")
    assert len(job.name.encode()) <= 255


def test_what_pycups_says() -> None:
    """Single values and lists become lists; what is out of band is None, in whatever words."""
    said = {
        "copies": 2,
        "page-ranges": [(1, 2), (4, 4)],
        "job-name": "Report",
        "time-at-processing": None,
        "job-impressions-completed": "(unknown IPP value tag 0x12)",
    }
    assert attributes_of(said) == {
        "copies": [2],
        "page-ranges": [(1, 2), (4, 4)],
        "job-name": ["Report"],
        "time-at-processing": [None],
        "job-impressions-completed": [None],
    }


@pytest.mark.parametrize(
    ("value", "lost"),
    [
        ("(unknown IPP value tag 0x34)", True),  # a collection
        ("(unknown IPP value tag 0x36)", True),  # a name with its language
        ("(unknown IPP value tag 0x12)", False),  # out of band: there is no value
        ("Unknown IPP value tag 0x34", False),
        (7, False),
    ],
)
def test_what_pycups_could_not_read(value: object, lost: bool) -> None:  # noqa: FBT001  a table
    """A value that pycups has put words in place of is noticed."""
    assert lost == unread(attributes_of({"job-id": 1, "media-col": value}))
