"""What a printer says of its own jobs, while they end under our eyes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from edge.printing.device import ask_device
from edge.printing.ipp import Field, Group, Message, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.printing.ipp import Attributes
    from edge.printing.ipp_door import IppDoor


_WANTED = "requested-attributes"


@dataclass
class PrinterThatFinishes:
    """A printer whose one job ends between our two questions."""

    path: str = "/ipp/print"
    ended: bool = False
    asked: list[str] = field(default_factory=list)

    def ask(self, path: str, operation: Operation, target: Iterable[Field]) -> Message:
        """Answer as the job stands now, then let it end."""
        if operation is not Operation.GET_JOBS:
            return Message(0, ())
        said = {each.name: each.values for each in target}
        which = said["which-jobs"][0]
        job: Attributes = {
            "job-id": [7],
            "job-state": [9 if self.ended else 5],
            "job-impressions-completed": [2 if self.ended else 1],
        }
        job = {name: values for name, values in job.items() if name in said[_WANTED]}
        found = which == ("completed" if self.ended else "not-completed")
        self.ended = True
        self.asked.append(str(which))
        return Message(0, ((int(Group.JOB), job),) if found else ())


def test_a_job_that_ends_between_two_questions_is_there_once_and_ended() -> None:
    """Whichever list it is in when, its record is neither missed nor counted twice."""
    printer = PrinterThatFinishes()
    says = ask_device(cast("IppDoor", printer), "ipp://printer/ipp/print")
    assert len(printer.asked) == 2
    assert [job["job-state"] for job in says.jobs] == [[9]]
    assert [job["job-impressions-completed"] for job in says.jobs] == [[2]]


def test_a_queue_of_the_spooler_is_no_witness() -> None:
    """What stands for a printer on USB tells how its jobs are, and no count: that was sent."""
    spooler = PrinterThatFinishes(path="/printers/desk")
    says = ask_device(cast("IppDoor", spooler), "ipp://localhost/printers/desk")
    assert says.jobs == ({"job-id": [7], "job-state": [9]},)
    assert says.started_at is None
