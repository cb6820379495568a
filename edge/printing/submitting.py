"""Hands a document to CUPS as a job of a person: held, and marked so that it is known again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.printing.job_map import MARK, job_uuid, spooled_job
from edge.printing.pycups import load, submitted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from config.ids import JobId
    from edge.printing.calls import CupsCalls

#: CUPS finds out by itself what a document is, as it does for `lp`.
_OCTETS: Final = "application/octet-stream"
_FOR_GOOD: Final = "indefinite"


def submit(
    calls: CupsCalls,
    socket: Path,
    document: Path,
    queue: str,
    *,
    user: str,
    title: str,
    options: Mapping[str, str],
    mark: str,
    doing: str,
) -> JobId | None:
    """Submit a document as somebody.

    Args:
        calls: the CUPS.
        socket: its domain socket.
        document: only read.
        queue: of people.
        user: whose the job is.
        title: job-name.
        options: job attributes that it is submitted with.
        mark: what it is known by.
        doing: what is tried, for errors.

    Returns:
        Its job-uuid; None if CUPS does not know it any more.

    Raises:
        SpoolerRefusedError: CUPS will not.
        SpoolerUnavailableError: no answer; there may be a job nevertheless.
    """
    given = {
        **options,
        "document-format": _OCTETS,
        "job-hold-until": _FOR_GOOD,
        MARK: mark,
    }
    new = calls.cups(
        doing,
        lambda _: submitted(
            load(),
            str(socket),
            user=user,
            queue=queue,
            document=document,
            title=title,
            options=given,
        ),
    )
    at = calls.at(new)
    return None if at is None else job_uuid(at)


def marked(calls: CupsCalls, mark: str, *, which: str) -> JobId | None:
    """Return the job with a mark, of all or of those not completed.

    One whose document never came is removed.
    """
    for each in calls.jobs(which):
        there = spooled_job(each)
        if there is None or there.mark != mark:
            continue
        if there.documents:
            return there.job
        calls.end(there.job, purge=True)
    return None
