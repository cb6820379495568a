"""What the edge asks of CUPS, one blocking call each; threads may share it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from config.policy.jobs import JobState
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.printing import queues
from edge.printing.device import DeviceSays, ask_device
from edge.printing.ipp import Field, Group, Operation, Tag
from edge.printing.ipp_door import IppDoor, IppForbiddenError, IppUnreachableError
from edge.printing.job_map import (
    JOB_ATTRIBUTES,
    device_job,
    job_uuid,
    number,
    spooled_job,
    tagged,
    text,
)
from edge.printing.options import release_options
from edge.printing.queues import FIRST_ERROR, printer_uri, said
from edge.release import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from config.ids import JobId
    from edge.ports import PeopleQueue, PrinterQueue, SpooledJob
    from edge.printing.ipp import Attributes, Message

NOT_POSSIBLE: Final = 0x0404
NOT_FOUND: Final = 0x0406
WAITING: Final = frozenset({JobState.PENDING, JobState.PENDING_HELD})


class CupsCalls:
    """Requests to one CUPS by its domain socket; every job is named by job-uuid.

    Every method raises `SpoolerUnavailableError` and `SpoolerRefusedError` as the port says.
    """

    def __init__(self, socket: Path, *, timeout: float, default_media: str) -> None:
        self._socket = socket
        self._door = IppDoor(socket, timeout=timeout)
        self._default_media = default_media
        self._ids: dict[JobId, int] = {}
        self._devices: dict[str, IppDoor] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections, once no call is under way."""
        for door in (self._door, *self._devices.values()):
            door.close()

    def ask(
        self,
        path: str,
        operation: Operation,
        target: Iterable[Field],
        groups: Iterable[tuple[Group, Iterable[Field]]] = (),
        document: Path | None = None,
    ) -> Message:
        """Send one request and translate the door's errors into the port's."""
        try:
            return self._door.ask(path, operation, target, groups, document)
        except IppForbiddenError as error:
            raise SpoolerRefusedError(
                f"CUPS at {self._socket} does not take this process for its administrator; "
                "its user must be in SystemGroup of cups-files.conf"
            ) from error
        except IppUnreachableError as error:
            raise SpoolerUnavailableError(f"CUPS does not answer: {error}") from error

    def set_up(self, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]) -> None:
        """Make the queues, or bring them in order."""
        try:
            queues.set_up(self.ask, people, printers)
        finally:
            self.mend()

    def mend(self) -> None:
        """Start the printers' queues that CUPS has stopped.

        A job that was under way there would be sent a second time, though some of it may be on
        paper: it is canceled, and settled like any job that was broken off.
        """
        stopped = queues.stopped_printers(self.ask)
        if not stopped:
            return
        for each in self.jobs("not-completed"):
            job = spooled_job(each)
            begun = number(each, "time-at-processing") is not None
            if job is not None and begun and job.queue in stopped:
                self.end(job.job, purge=False)
        for queue in stopped:
            queues.resume(self.ask, queue)

    # ── looking ─────────────────────────────────────────────────────────────────────────────

    def jobs(self, which: str) -> list[Attributes]:
        """Return jobs (`not-completed`, `completed` or `all`), oldest first."""
        answer = self.ask(
            "/",
            Operation.GET_JOBS,
            (
                Field.one("printer-uri", Tag.URI, "ipp://localhost/"),
                Field.one("which-jobs", Tag.KEYWORD, which),
                Field("requested-attributes", Tag.KEYWORD, JOB_ATTRIBUTES),
            ),
        )
        if answer.code == NOT_FOUND:
            return []
        must(answer, "list jobs")
        found = answer.all_of(Group.JOB)
        for each in found:
            self._note(each)
        return sorted(found, key=lambda each: number(each, "job-id") or 0)

    def at(self, id_: int) -> Attributes | None:
        """Return the job that has this job-id now."""
        wanted = Field("requested-attributes", Tag.KEYWORD, JOB_ATTRIBUTES)
        answer = self._ask_job(id_, Operation.GET_JOB_ATTRIBUTES, wanted)
        if answer.code == NOT_FOUND:
            return None
        must(answer, f"describe job {id_}")
        found = answer.first_of(Group.JOB)
        self._note(found)
        return found

    def find(self, job: JobId) -> Attributes | None:
        """Return a job's attributes. A job-id is only a guess: after a crash CUPS uses it again."""
        id_ = self._ids.get(job)
        found = None if id_ is None else self.at(id_)
        if found is not None and job_uuid(found) == job:
            return found
        self._ids.pop(job, None)
        for each in self.jobs("all"):
            if job_uuid(each) == job:
                return each
        return None

    def fetch(self, job: JobId, into: Path) -> bool:
        """Write the job's first document."""
        found = self._found(job)
        if found is None or not found[1].documents:
            return False
        first = Field.one("document-number", Tag.INTEGER, 1)
        answer = self._ask_job(
            found[0], Operation.CUPS_GET_DOCUMENT, first, path="/", document=into
        )
        if answer.code in {NOT_FOUND, NOT_POSSIBLE}:
            into.unlink(missing_ok=True)
            return False
        must(answer, f"hand out the document of job {job}")
        return True

    def evidence(self, job: JobId) -> Evidence:
        """Collect what CUPS and the printer say of a job."""
        found = self.find(job)
        spooled = None if found is None else spooled_job(found)
        if found is None or spooled is None:
            return Evidence(spooler_state=None)
        said = self._device(spooled.queue)
        device = device_job(said.jobs, job)
        began = number(found, "time-at-processing")
        lost = said.started_at is not None and began is not None and said.started_at > began
        return Evidence(
            spooler_state=spooled.state,
            spooler_impressions=number(found, "job-impressions-completed"),
            device_state=None if device is None else device.state,
            device_impressions=None if device is None else device.impressions,
            device_color_impressions=None if device is None else device.color_impressions,
            device_sheets=None if device is None else device.sheets,
            device_restarted=device is None and lost,
        )

    # ── acting ──────────────────────────────────────────────────────────────────────────────

    def change(self, job: JobId, fields: Iterable[Field], only: frozenset[JobState]) -> None:
        """Set job attributes of a job that is in one of these states."""
        found = self._found(job)
        if found is not None and found[1].state in only:
            self._set(found[0], fields)

    def let_go(self, job: JobId, fields: Iterable[Field]) -> None:
        """Take the hold off a job of one document; end one that people added to after it was seen.

        They could until it was moved: here, on the printer's queue, nobody can any more.
        """
        found = self._found(job)
        if found is None or found[1].state is not JobState.PENDING_HELD:
            return
        if found[1].documents > 1:
            self.end(job, purge=False)
        else:
            self._set(found[0], fields)

    def move(self, job: JobId, queue: str, changes: Mapping[str, str | int]) -> None:
        """Hold, name and change a waiting job, then move it to a printer's queue."""
        found = self._found(job)
        if found is None or found[1].queue == queue or found[1].state not in WAITING:
            return
        id_, spooled = found
        options = release_options(spooled.attributes, changes, self._default_media)
        fields = [
            Field.one("job-hold-until", Tag.KEYWORD, "indefinite"),
            Field.one("job-name", Tag.NAME, tagged(spooled.name, job)),
            *(
                Field.one(name, Tag.INTEGER if isinstance(value, int) else Tag.KEYWORD, value)
                for name, value in options.items()
            ),
        ]
        self._set(id_, fields)
        target = Field.one("job-printer-uri", Tag.URI, f"ipp://localhost/printers/{queue}")
        answer = self._ask_job(id_, Operation.CUPS_MOVE_JOB, groups=((Group.JOB, (target,)),))
        must(answer, f"move job {job} to {queue!r}")

    def end(self, job: JobId, *, purge: bool) -> None:
        """Cancel a job, or remove it with its document."""
        found = self._found(job)
        if found is None or (found[1].state.terminal and not purge):
            return
        answer = self._ask_job(
            found[0], Operation.CANCEL_JOB, Field.one("purge-job", Tag.BOOLEAN, purge)
        )
        if answer.code not in {NOT_FOUND, NOT_POSSIBLE}:
            must(answer, f"end job {job}")
        if purge:
            self._ids.pop(job, None)

    # ── below ───────────────────────────────────────────────────────────────────────────────

    def _ask_job(
        self,
        id_: int,
        operation: Operation,
        *fields: Field,
        path: str = "/jobs/",
        groups: Iterable[tuple[Group, Iterable[Field]]] = (),
        document: Path | None = None,
    ) -> Message:
        uri = Field.one("job-uri", Tag.URI, f"ipp://localhost/jobs/{id_}")
        return self.ask(path, operation, (uri, *fields), groups, document)

    def _note(self, attributes: Attributes) -> None:
        job, id_ = job_uuid(attributes), number(attributes, "job-id")
        if job is not None and id_ is not None:
            self._ids[job] = id_

    def _found(self, job: JobId) -> tuple[int, SpooledJob] | None:
        found = self.find(job)
        spooled = None if found is None else spooled_job(found)
        id_ = None if found is None else number(found, "job-id")
        return None if spooled is None or id_ is None else (id_, spooled)

    def _set(self, id_: int, fields: Iterable[Field]) -> None:
        answer = self._ask_job(id_, Operation.SET_JOB_ATTRIBUTES, groups=((Group.JOB, fields),))
        if answer.code not in {NOT_FOUND, NOT_POSSIBLE}:
            must(answer, f"change job {id_}")

    def _device(self, queue: str) -> DeviceSays:
        wanted = Field.one("requested-attributes", Tag.KEYWORD, "device-uri")
        answer = self.ask("/", Operation.GET_PRINTER_ATTRIBUTES, (printer_uri(queue), wanted))
        uri = queues.ipp_uri(text(answer.first_of(Group.PRINTER), "device-uri") or "")
        if uri is None:
            return DeviceSays()
        with self._lock:
            door = self._devices.get(uri) or self._devices.setdefault(uri, IppDoor(uri, timeout=5))
        return ask_device(door, uri)


def must(answer: Message, what: str) -> None:
    """Raise `SpoolerRefusedError` if an answer is an error."""
    if answer.code >= FIRST_ERROR:
        raise SpoolerRefusedError(f"CUPS would not {what}: {said(answer)}")
