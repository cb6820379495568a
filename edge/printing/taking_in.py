"""Puts a document of the edge's own hands into a people's queue, as its owner would: once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.ports import SpoolerUnavailableError
from edge.printing.submitting import marked, submit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from config.ids import JobId
    from edge.printing.calls import CupsCalls


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
    there = taken_in(calls, mark)
    if there is not None:
        return there
    job = submit(
        calls,
        socket,
        document,
        queue,
        user=user,
        title=name,
        options=options,
        mark=mark,
        doing=f"take a document for {queue!r}",
    )
    if job is None:
        raise SpoolerUnavailableError("CUPS took a document and does not know it any more")
    return job


def taken_in(calls: CupsCalls, mark: str) -> JobId | None:
    """Return the job with a mark, also one that has ended; one whose document never came goes."""
    return marked(calls, mark, which="all")
