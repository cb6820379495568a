"""Puts a document of the edge's own hands into a people's queue, as its owner would: once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.ports import SpoolerUnavailableError
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


def take_in(
    calls: CupsCalls,
    socket: Path,
    document: Path,
    queue: str,
    *,
    user: str,
    name: str,
    options: Mapping[str, str],
    mark: str,
) -> JobId:
    """Submit a document as somebody; a job with this mark that is or was there is enough.

    Args:
        calls: the CUPS.
        socket: its domain socket.
        document: only read.
        queue: of people.
        user: whose the job is.
        name: job-name.
        options: job attributes that it is submitted with.
        mark: what it is known by.

    Raises:
        SpoolerRefusedError: CUPS will not.
        SpoolerUnavailableError: no answer; there may be a job nevertheless.
    """
    there = marked(calls, mark)
    if there is not None:
        return there
    given = {
        **options,
        "document-format": _OCTETS,
        "job-hold-until": _FOR_GOOD,
        MARK: mark,
    }
    new = calls.cups(
        f"take a document for {queue!r}",
        lambda _: submitted(
            load(),
            str(socket),
            user=user,
            queue=queue,
            document=document,
            title=name,
            options=given,
        ),
    )
    at = calls.at(new)
    job = None if at is None else job_uuid(at)
    if job is None:
        raise SpoolerUnavailableError("CUPS took a document and does not know it any more")
    return job


def marked(calls: CupsCalls, mark: str) -> JobId | None:
    """Return the job with a mark, also one that has ended; one whose document never came goes."""
    for each in calls.jobs("all"):
        there = spooled_job(each)
        if there is None or there.mark != mark:
            continue
        if there.documents:
            return there.job
        calls.end(there.job, purge=True)
    return None
