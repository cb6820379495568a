"""Puts an ended job's document back into a people's queue: a new job of CUPS, held and marked.

Never the ended job itself: that one went to a printer, and goes to none again.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from edge.printing.job_map import attributes_of, number, spooled_job
from edge.printing.options import carried
from edge.printing.submitting import marked, submit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.ids import JobId
    from edge.printing.calls import CupsCalls


def put_back(
    calls: CupsCalls,
    socket: Path,
    job: JobId,
    queue: str,
    *,
    user: str,
    changes: Mapping[str, str | int | None],
    mark: str,
) -> JobId | None:
    """Submit an ended job's document as a new job of a person; one that is there is enough.

    Args:
        calls: the CUPS.
        socket: its domain socket.
        job: the ended one.
        queue: of people.
        user: whose the new one is.
        changes: attributes that differ; None: it has no such attribute.
        mark: what it is known by.

    Returns:
        Its job-uuid; None if there is no document any more.

    Raises:
        SpoolerRefusedError: CUPS will not.
        SpoolerUnavailableError: no answer.
        StoreUnwritableError: no room for the document on its way.
    """
    there = marked(calls, mark, which="not-completed")
    if there is not None:
        return there
    found = calls.find(job)
    ended = None if found is None else spooled_job(found)
    id_ = None if found is None else number(found, "job-id")
    if ended is None or id_ is None:
        return None
    # a compromise: the system's directory for such, where nobody else may read it
    with TemporaryDirectory(prefix="printmesh-") as directory:
        document = Path(directory) / "document"
        if not calls.fetch(job, document):
            return None
        said = calls.cups(f"describe job {id_}", lambda cups: cups.getJobAttributes(id_, ["all"]))
        return submit(
            calls,
            socket,
            document,
            queue,
            user=user,
            title=ended.name,
            options=carried(attributes_of(said), changes),
            mark=mark,
            doing=f"take the rest of job {job}",
        )
