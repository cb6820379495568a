"""What the edge asks of CUPS, one blocking call each; threads may share it."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from config.policy.jobs import JobState
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.printing import queues
from edge.printing.crew import may_hang
from edge.printing.device import DeviceSays, ask_device
from edge.printing.ipp import FIRST_ERROR, Field, Group, IppMalformedError, Operation, Tag
from edge.printing.ipp_door import IppDoor, IppForbiddenError, IppUnreachableError
from edge.printing.job_map import (
    FOR_GOOD,
    JOB_ATTRIBUTES,
    attributes_of,
    device_job,
    job_uuid,
    number,
    spooled_job,
    tagged,
    text,
    unread,
)
from edge.printing.options import release_options
from edge.printing.pycups import NOT_FOUND, NOT_POSSIBLE, CupsSaidNoError, connect, load
from edge.release import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from config.ids import JobId
    from edge.ports import SpooledJob
    from edge.printing.ipp import Attributes, Message
    from edge.printing.pycups import Connection

Result = TypeVar("Result")

#: Statuses for "you are not who may do this" (RFC 8011 §B.1.4; from 0x1000 libcups's own).
_FORBIDDEN: Final = frozenset({0x0401, 0x0402, 0x0403, 0x1000, 0x1001, 0x1002})
_WANTED: Final = list(JOB_ATTRIBUTES)
_WANTED_FIELD: Final = Field("requested-attributes", Tag.KEYWORD, JOB_ATTRIBUTES)
_DEVICE_SECONDS: Final = 5
WAITING: Final = frozenset({JobState.PENDING, JobState.PENDING_HELD})


class CupsCalls:
    """Requests to one CUPS by its domain socket; every job is named by job-uuid.

    Every method raises `SpoolerUnavailableError` and `SpoolerRefusedError` as the port says.
    """

    def __init__(self, socket: Path, *, timeout: float, default_media: str) -> None:
        """Name the CUPS; nothing is opened before the first call.

        Raises:
            CupsMissingError: pycups is not installed.
        """
        self._library = load()
        self._socket = socket
        self._door = IppDoor(self._library, socket, timeout=timeout)
        self._default_media = default_media
        self._ids: dict[JobId, int] = {}
        self._devices: dict[str, IppDoor] = {}
        self._lock = threading.Lock()
        self._threads = threading.local()

    def close(self) -> None:
        """Close the connections that are not pycups's; those end with their threads."""
        for door in (self._door, *self._devices.values()):
            door.close()

    # ── asking ──────────────────────────────────────────────────────────────────────────────

    def cups(self, what: str, call: Callable[[Connection], Result]) -> Result:
        """Make one call of pycups on this thread's connection.

        Args:
            what: what it would do, for people: "CUPS would not …".
            call: the call.

        Raises:
            CupsSaidNoError: CUPS answered with an error.
            SpoolerRefusedError: we are not its administrator.
            SpoolerUnavailableError: no answer.
        """
        with may_hang():
            try:
                connection: Connection | None = getattr(self._threads, "connection", None)
                if connection is None:
                    connection = connect(self._library, str(self._socket))
                    self._threads.connection = connection
                return call(connection)
            except self._library.IPPError as error:
                code, message = error.args
                if code in _FORBIDDEN:
                    raise self._forbidden() from error
                if message == self._library.ippErrorString(code):
                    raise CupsSaidNoError(code, f"CUPS would not {what}: {message}") from error
                # not a status of IPP in words, so nobody said it: libcups's own trouble
                self._threads.connection = None
                raise SpoolerUnavailableError(f"CUPS does not answer: {message}") from error
            except (self._library.HTTPError, RuntimeError) as error:
                self._threads.connection = None
                raise SpoolerUnavailableError(f"CUPS does not answer: {error}") from error

    def ask(
        self,
        operation: Operation,
        target: Iterable[Field],
        groups: Iterable[tuple[Group, Iterable[Field]]] = (),
        *,
        path: str = "/",
        document: Path | None = None,
    ) -> Message:
        """Ask what pycups has no call for, or cannot read."""
        try:
            return self._door.ask(path, operation, target, groups, document)
        except IppForbiddenError as error:
            raise self._forbidden() from error
        except IppUnreachableError as error:
            raise SpoolerUnavailableError(f"CUPS does not answer: {error}") from error
        except IppMalformedError as error:
            raise SpoolerRefusedError(f"CUPS was not asked: {error}") from error

    def _forbidden(self) -> SpoolerRefusedError:
        return SpoolerRefusedError(
            f"CUPS at {self._socket} does not take this process for its administrator; "
            "its user must be in SystemGroup of cups-files.conf"
        )

    # ── queues ──────────────────────────────────────────────────────────────────────────────

    def mend(self) -> None:
        """Start the printers' queues that CUPS has stopped.

        A job that was under way there would be sent a second time, though some of it may be on
        paper: it is canceled, and settled like any job that was broken off.
        """
        stopped = queues.stopped_printers(self.cups)
        if not stopped:
            return
        for each in self.jobs("not-completed"):
            job = spooled_job(each)
            begun = number(each, "time-at-processing") is not None
            if job is not None and begun and job.queue in stopped:
                self.end(job.job, purge=False)
        for queue in stopped:
            queues.resume(self.cups, queue)

    # ── looking ─────────────────────────────────────────────────────────────────────────────

    def jobs(self, which: str) -> list[Attributes]:
        """Return jobs (`not-completed`, `completed` or `all`), oldest first."""
        try:
            said = self.cups(
                "list jobs",
                lambda cups: cups.getJobs(which_jobs=which, requested_attributes=_WANTED),
            )
        except CupsSaidNoError as error:
            if error.code == NOT_FOUND:
                return []
            raise
        found = [attributes_of({"job-id": id_, **said[id_]}) for id_ in sorted(said)]
        if any(unread(each) for each in found):
            found = sorted(self._jobs_by_hand(which), key=lambda each: number(each, "job-id") or 0)
        for each in found:
            self._note(each)
        return found

    def at(self, id_: int) -> Attributes | None:
        """Return the job that has this job-id now."""
        try:
            said = self.cups(
                f"describe job {id_}", lambda cups: cups.getJobAttributes(id_, _WANTED)
            )
        except CupsSaidNoError as error:
            if error.code == NOT_FOUND:
                return None
            raise
        found = attributes_of(said)
        if unread(found):
            answer = self.ask(Operation.GET_JOB_ATTRIBUTES, (_job(id_), _WANTED_FIELD))
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

    def id_of(self, job: JobId) -> int | None:
        """Return the job-id that a job was last seen under."""
        return self._ids.get(job)

    def fetch(self, job: JobId, into: Path) -> bool:
        """Write the job's first document."""
        found = self._found(job)
        if found is None or not found[1].documents:
            return False
        first = Field.one("document-number", Tag.INTEGER, 1)
        answer = self.ask(Operation.CUPS_GET_DOCUMENT, (_job(found[0]), first), document=into)
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

    def hold(self, job: JobId) -> None:
        """Put a hold on a job that waits without one."""
        found = self._found(job)
        if found is not None and found[1].state is JobState.PENDING:
            self._hold_until(found[0], FOR_GOOD)

    def move(self, job: JobId, queue: str) -> None:
        """Move a waiting job to a printer's queue, under a hold that does not end by itself."""
        found = self.find(job)
        spooled = None if found is None else spooled_job(found)
        id_ = None if found is None else number(found, "job-id")
        if found is None or spooled is None or id_ is None:
            return
        if spooled.queue == queue or spooled.state not in WAITING:
            return
        if not spooled.held_for_good:
            self._hold_until(id_, FOR_GOOD)
        self._move(job, id_, queue)

    def release(self, seen: SpooledJob, queue: str, changes: Mapping[str, str | int]) -> None:
        """Move a job that was seen just now, and let it go.

        It is looked at again once it is moved, before it is let go: until then people could add to
        it. CUPS itself refuses to move a job that has ended meanwhile.
        """
        id_ = self.id_of(seen.job)
        if id_ is not None and seen.held_for_good and seen.queue != queue:
            self._move(seen.job, id_, queue)
        else:
            self.move(seen.job, queue)
        self.let_go(seen.job, changes)

    def let_go(self, job: JobId, changes: Mapping[str, str | int]) -> None:
        """Name and change a held job of one document and take the hold off, in one request.

        CUPS looks for what to print when it has read the whole request, and it writes a job down
        once a request. A job that people added to after it was seen is ended: they could until it
        was moved; here, on the printer's queue, nobody can any more.
        """
        found = self._found(job)
        if found is None or found[1].state is not JobState.PENDING_HELD:
            return
        id_, spooled = found
        if spooled.documents > 1:
            self.end(job, purge=False)
            return
        options = release_options(spooled.attributes, changes, self._default_media)
        fields = [
            Field.one("job-name", Tag.NAME, tagged(spooled.name, job)),
            *(Field.one(name, _tag(name, value), value) for name, value in options.items()),
            Field.one("job-hold-until", Tag.KEYWORD, "no-hold"),
        ]
        answer = self.ask(
            Operation.SET_JOB_ATTRIBUTES, (_job(id_),), ((Group.JOB, fields),), path="/jobs/"
        )
        if answer.code not in {NOT_FOUND, NOT_POSSIBLE}:
            must(answer, f"change job {id_}")

    def end(self, job: JobId, *, purge: bool) -> None:
        """Cancel a job, or remove it with its document."""
        found = self._found(job)
        if found is None or (found[1].state.terminal and not purge):
            return
        id_ = found[0]
        with _unless_it_left():
            self.cups(f"end job {job}", lambda cups: cups.cancelJob(id_, purge_job=purge))
        if purge:
            self._ids.pop(job, None)

    # ── below ───────────────────────────────────────────────────────────────────────────────

    def _jobs_by_hand(self, which: str) -> list[Attributes]:
        target = (
            Field.one("printer-uri", Tag.URI, "ipp://localhost/"),
            Field.one("which-jobs", Tag.KEYWORD, which),
            _WANTED_FIELD,
        )
        answer = self.ask(Operation.GET_JOBS, target)
        if answer.code == NOT_FOUND:
            return []
        must(answer, "list jobs")
        return answer.all_of(Group.JOB)

    def _move(self, job: JobId, id_: int, queue: str) -> None:
        target = f"ipp://localhost/printers/{queue}"
        self.cups(
            f"move job {job} to {queue!r}",
            lambda cups: cups.moveJob(job_id=id_, job_printer_uri=target),
        )

    def _hold_until(self, id_: int, when: str) -> None:
        with _unless_it_left():
            self.cups(f"change job {id_}", lambda cups: cups.setJobHoldUntil(id_, when))

    def _note(self, attributes: Attributes) -> None:
        job, id_ = job_uuid(attributes), number(attributes, "job-id")
        if job is not None and id_ is not None:
            self._ids[job] = id_

    def _found(self, job: JobId) -> tuple[int, SpooledJob] | None:
        found = self.find(job)
        spooled = None if found is None else spooled_job(found)
        id_ = None if found is None else number(found, "job-id")
        return None if spooled is None or id_ is None else (id_, spooled)

    def _device(self, queue: str) -> DeviceSays:
        with suppress(CupsSaidNoError):
            uri = queues.ipp_uri(queues.about(self.cups, queue).get("device-uri", ""))
            if uri is not None:
                return ask_device(self._door_to(uri), uri)
        return DeviceSays()

    def _door_to(self, uri: str) -> IppDoor:
        with self._lock:
            if uri not in self._devices:
                self._devices[uri] = IppDoor(self._library, uri, timeout=_DEVICE_SECONDS)
            return self._devices[uri]


def _job(id_: int) -> Field:
    return Field.one("job-uri", Tag.URI, f"ipp://localhost/jobs/{id_}")


def _tag(name: str, value: str | int) -> Tag:
    """Return how a job attribute is written; for its filters CUPS turns all of them into text."""
    if name == "page-ranges":
        return Tag.NAME  # a keyword may have no comma, and pycups can write no range
    return Tag.INTEGER if isinstance(value, int) else Tag.KEYWORD


@contextmanager
def _unless_it_left() -> Iterator[None]:
    """Let it pass that a job left the state it was seen in, or is gone."""
    try:
        yield
    except CupsSaidNoError as error:
        if error.code not in {NOT_FOUND, NOT_POSSIBLE}:
            raise


def must(answer: Message, what: str) -> None:
    """Raise `SpoolerRefusedError` if an answer is an error."""
    if answer.code >= FIRST_ERROR:
        message = text(answer.first_of(Group.OPERATION), "status-message") or "no reason given"
        raise SpoolerRefusedError(
            f"CUPS would not {what}: {message} (IPP status 0x{answer.code:04x})"
        )
