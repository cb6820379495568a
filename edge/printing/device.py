"""Asks a printer, over IPP, what it says of its own jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.printing.ipp import Field, Group, Operation, Tag
from edge.printing.ipp_door import IppForbiddenError, IppUnreachableError
from edge.printing.queues import FIRST_ERROR

if TYPE_CHECKING:
    from edge.printing.ipp import Attributes
    from edge.printing.ipp_door import IppDoor

#: What is asked of a printer for its jobs (RFC 8011 §5.3, PWG 5100.7-2023 §6).
_ATTRIBUTES: Final = (
    "job-id",
    "job-name",
    "job-state",
    "job-impressions-completed",
    "job-impressions-completed-col",
    "job-media-sheets-completed",
)


def device_jobs(door: IppDoor, uri: str) -> list[Attributes]:
    """Return the records a printer keeps of its jobs; none if it does not answer or keeps none."""
    found: list[Attributes] = []
    for which in ("completed", "not-completed"):
        try:
            answer = door.ask(
                door.path,
                Operation.GET_JOBS,
                (
                    Field.one("printer-uri", Tag.URI, uri),
                    Field.one("requesting-user-name", Tag.NAME, "printmesh"),
                    Field.one("which-jobs", Tag.KEYWORD, which),
                    Field("requested-attributes", Tag.KEYWORD, _ATTRIBUTES),
                ),
            )
        except (IppUnreachableError, IppForbiddenError):
            return []
        if answer.code < FIRST_ERROR:
            found += answer.all_of(Group.JOB)
    return found
