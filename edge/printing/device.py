"""Asks a printer, over IPP, what it says of its own jobs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.ports import is_spoolers_own
from edge.printing.ipp import FIRST_ERROR, Field, Group, Operation, Tag
from edge.printing.ipp_door import IppForbiddenError, IppUnreachableError
from edge.printing.job_map import number

if TYPE_CHECKING:
    from edge.printing.ipp import Attributes
    from edge.printing.ipp_door import IppDoor

#: What is asked of a printer for its jobs (RFC 8011 §5.3, PWG 5100.7-2023 §6).
_STATES: Final = ("job-id", "job-name", "job-state")
_ATTRIBUTES: Final = (
    *_STATES,
    "job-impressions-completed",
    "job-impressions-completed-col",
    "job-media-sheets-completed",
)


@dataclass(frozen=True, slots=True)
class DeviceSays:
    """What a printer says of itself and its jobs."""

    jobs: tuple[Attributes, ...] = ()
    """The records it keeps; none if it does not answer or keeps none."""
    started_at: float | None = None
    """When it was last switched on, in seconds since 1970; None if it does not say."""


#: printer-up-time counts whole seconds, so do the spooler's times.
_ROUNDING: Final = 2


def ask_device(door: IppDoor, uri: str) -> DeviceSays:
    """Ask a printer for the records of its jobs and when it was switched on.

    Of the spooler, where a driver's queue stands for a printer on USB, only how its jobs are: it
    counts what it sent.
    """
    own = is_spoolers_own(uri)
    printer = Field.one("printer-uri", Tag.URI, uri)
    me = Field.one("requesting-user-name", Tag.NAME, "printmesh")
    found: dict[int, Attributes] = {}
    # In this order a job that ends in between is in both lists, and counts as ended; the other way
    # round it would be in neither.
    for which in ("not-completed", "completed"):
        try:
            answer = door.ask(
                door.path,
                Operation.GET_JOBS,
                (
                    printer,
                    me,
                    Field.one("which-jobs", Tag.KEYWORD, which),
                    Field("requested-attributes", Tag.KEYWORD, _STATES if own else _ATTRIBUTES),
                ),
            )
        except (IppUnreachableError, IppForbiddenError):
            return DeviceSays()
        if answer.code < FIRST_ERROR:
            for each in answer.all_of(Group.JOB):
                found[number(each, "job-id") or 0] = each
    return DeviceSays(tuple(found.values()), None if own else _started_at(door, printer, me))


def _started_at(door: IppDoor, printer: Field, me: Field) -> float | None:
    """Work out when it was switched on (printer-up-time, RFC 8011 §5.4.29)."""
    wanted = Field.one("requested-attributes", Tag.KEYWORD, "printer-up-time")
    try:
        answer = door.ask(door.path, Operation.GET_PRINTER_ATTRIBUTES, (printer, me, wanted))
    except (IppUnreachableError, IppForbiddenError):
        return None
    seconds = number(answer.first_of(Group.PRINTER), "printer-up-time")
    return None if seconds is None else time.time() - seconds - _ROUNDING
