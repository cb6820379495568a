"""Puts an ended job's document back into a people's queue: a new job of CUPS, held and marked.

Never the ended job itself: that one went to a printer, and goes to none again.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from edge.printing.job_map import MARK, attributes_of, job_uuid, number, spooled_job
from edge.printing.options import carried
from edge.printing.pycups import load, submitted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.ids import JobId
    from edge.printing.calls import CupsCalls

#: CUPS finds out by itself what a document is, as it did when it came.
_OCTETS: Final = "application/octet-stream"
_FOR_GOOD: Final = "indefinite"


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
    there = _already(calls, mark)
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
        options = {
            **carried(attributes_of(said), changes),
            "document-format": _OCTETS,
            "job-hold-until": _FOR_GOOD,
            MARK: mark,
        }
        new = calls.cups(
            f"take the rest of job {job}",
            lambda _: submitted(
                load(),
                str(socket),
                user=user,
                queue=queue,
                document=document,
                title=ended.name,
                options=options,
            ),
        )
    again = calls.at(new)
    return None if again is None else job_uuid(again)


def _already(calls: CupsCalls, mark: str) -> JobId | None:
    """Return the job that is there; one whose document never came is removed."""
    for each in calls.jobs("not-completed"):
        there = spooled_job(each)
        if there is None or there.mark != mark:
            continue
        if there.documents:
            return there.job
        calls.end(there.job, purge=True)
    return None
