"""CUPS as the site's spooler: each method is one or two short IPP requests over its socket."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from config.policy.jobs import JobState
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.printing import queues
from edge.printing.ipp import Field, Group, Operation, Tag
from edge.printing.ipp_door import IppDoor, IppForbiddenError, IppUnreachableError
from edge.printing.job_map import (
    DEVICE_ATTRIBUTES,
    JOB_ATTRIBUTES,
    device_job,
    job_uuid,
    number,
    spooled_job,
    tagged,
    text,
)
from edge.printing.queues import FIRST_ERROR, printer_uri, said
from edge.release import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from config.ids import JobId
    from edge.ports import PeopleQueue, PrinterQueue, SpooledJob
    from edge.printing.ipp import Attributes, Message

Result = TypeVar("Result")

#: Calls under way at once; each of these threads keeps its connection open.
_CALLS: Final = 4
_NOT_FOUND: Final = 0x0406
_NOT_POSSIBLE: Final = 0x0404
_DEVICE_TIMEOUT: Final = 5.0
_WAITING: Final = frozenset({JobState.PENDING, JobState.PENDING_HELD})
_NUMBERS: Final = frozenset({"copies", "number-up", "job-priority"})


class CupsSpooler:
    """The `Spooler` of a site, on the CUPS whose domain socket this is.

    The process must be a member of that CUPS's SystemGroup; see `operation_policy`.
    """

    def __init__(self, socket: Path, *, timeout: float = 30) -> None:
        """Name the spooler; nothing is opened before the first call.

        Args:
            socket: path of the domain socket cupsd listens on.
            timeout: seconds of silence after which CUPS counts as unavailable.
        """
        self.socket = socket
        self._door = IppDoor(socket, timeout=timeout)
        self._pool = ThreadPoolExecutor(_CALLS, thread_name_prefix="spooler")
        self._ids: dict[JobId, int] = {}
        self._devices: dict[str, IppDoor] = {}

    # ── the port ────────────────────────────────────────────────────────────────────────────

    async def set_up(self, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]) -> None:
        """Make these queues, or bring them in order."""
        await self._run(lambda: queues.set_up(self._ask, people, printers))

    async def jobs(self) -> tuple[SpooledJob, ...]:
        """Return all jobs that have not ended, oldest first."""
        found = await self._run(lambda: self._list("not-completed"))
        read = (spooled_job(each) for each in found)
        return tuple(each for each in read if each is not None)

    async def job(self, job: JobId) -> SpooledJob | None:
        """Return how a job stands."""
        found = await self._run(lambda: self._find(job))
        return None if found is None else spooled_job(found)

    async def fetch(self, job: JobId, into: Path) -> bool:
        """Write the job's first document to `into`."""
        return await self._run(lambda: self._fetch(job, into))

    async def hold(self, job: JobId) -> None:
        """Put a hold on a job that waits."""
        hold = Field.one("job-hold-until", Tag.KEYWORD, "indefinite")
        await self._run(lambda: self._change(job, (hold,), only=frozenset({JobState.PENDING})))

    async def move(self, job: JobId, queue: str, changes: Mapping[str, str | int]) -> None:
        """Move a waiting job, held, to a printer's queue."""
        await self._run(lambda: self._move(job, queue, changes))

    async def resume(self, job: JobId) -> None:
        """Take the hold off."""
        go = Field.one("job-hold-until", Tag.KEYWORD, "no-hold")
        await self._run(lambda: self._change(job, (go,), only=frozenset({JobState.PENDING_HELD})))

    async def cancel(self, job: JobId) -> None:
        """End a job."""
        await self._run(lambda: self._end(job, purge=False))

    async def forget(self, job: JobId) -> None:
        """Remove an ended job and its document."""
        await self._run(lambda: self._end(job, purge=True))

    async def evidence(self, job: JobId) -> Evidence:
        """Collect what CUPS and the printer say of a job."""
        return await self._run(lambda: self._evidence(job))

    async def close(self) -> None:
        """Close the connections; calls under way end first."""
        await asyncio.to_thread(self._pool.shutdown)
        for door in (self._door, *self._devices.values()):
            door.close()

    # ── below: in a thread of the pool ──────────────────────────────────────────────────────

    async def _run(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._said(call))

    def _said(self, call: Callable[[], Result]) -> Callable[[], Result]:
        """Translate the door's errors into the port's."""

        def translated() -> Result:
            try:
                return call()
            except IppForbiddenError as error:
                raise SpoolerRefusedError(
                    f"CUPS at {self.socket} does not take this process for its administrator; "
                    "its user must be in SystemGroup of cups-files.conf"
                ) from error
            except IppUnreachableError as error:
                raise SpoolerUnavailableError(f"CUPS does not answer: {error}") from error

        return translated

    def _ask(
        self,
        path: str,
        operation: Operation,
        target: Iterable[Field],
        groups: Iterable[tuple[Group, Iterable[Field]]] = (),
        document: Path | None = None,
    ) -> Message:
        return self._door.ask(path, operation, target, groups, document)

    def _ask_job(
        self,
        number_: int,
        operation: Operation,
        *fields: Field,
        path: str = "/jobs/",
        groups: Iterable[tuple[Group, Iterable[Field]]] = (),
        document: Path | None = None,
    ) -> Message:
        uri = Field.one("job-uri", Tag.URI, f"ipp://localhost/jobs/{number_}")
        return self._ask(path, operation, (uri, *fields), groups, document)

    def _list(self, which: str) -> list[Attributes]:
        answer = self._ask(
            "/",
            Operation.GET_JOBS,
            (
                Field.one("printer-uri", Tag.URI, "ipp://localhost/"),
                Field.one("which-jobs", Tag.KEYWORD, which),
                Field("requested-attributes", Tag.KEYWORD, JOB_ATTRIBUTES),
            ),
        )
        if answer.code == _NOT_FOUND:
            return []
        self._must(answer, "list jobs")
        found = answer.all_of(Group.JOB)
        for each in found:
            self._note(each)
        return sorted(found, key=lambda each: number(each, "job-id") or 0)

    def _note(self, attributes: Attributes) -> None:
        job, id_ = job_uuid(attributes), number(attributes, "job-id")
        if job is not None and id_ is not None:
            self._ids[job] = id_

    def _find(self, job: JobId) -> Attributes | None:
        """Return a job's attributes. A job-id is only a guess: after a crash CUPS uses it again."""
        id_ = self._ids.get(job)
        found = None if id_ is None else self._attributes_of(id_)
        if found is not None and job_uuid(found) == job:
            return found
        self._ids.pop(job, None)
        for each in self._list("all"):
            if job_uuid(each) == job:
                return each
        return None

    def _attributes_of(self, id_: int) -> Attributes | None:
        wanted = Field("requested-attributes", Tag.KEYWORD, JOB_ATTRIBUTES)
        answer = self._ask_job(id_, Operation.GET_JOB_ATTRIBUTES, wanted)
        if answer.code == _NOT_FOUND:
            return None
        self._must(answer, f"describe job {id_}")
        return answer.first_of(Group.JOB)

    def _found(self, job: JobId) -> tuple[int, SpooledJob] | None:
        found = self._find(job)
        spooled = None if found is None else spooled_job(found)
        return None if spooled is None else (self._ids[job], spooled)

    def _fetch(self, job: JobId, into: Path) -> bool:
        found = self._found(job)
        if found is None or not found[1].documents:
            return False
        first = Field.one("document-number", Tag.INTEGER, 1)
        answer = self._ask_job(
            found[0], Operation.CUPS_GET_DOCUMENT, first, path="/", document=into
        )
        if answer.code in {_NOT_FOUND, _NOT_POSSIBLE}:
            into.unlink(missing_ok=True)
            return False
        self._must(answer, f"hand out the document of job {job}")
        return True

    def _change(
        self, job: JobId, fields: Iterable[Field], *, only: frozenset[JobState]
    ) -> SpooledJob | None:
        found = self._found(job)
        if found is None or found[1].state not in only:
            return None
        answer = self._ask_job(
            found[0], Operation.SET_JOB_ATTRIBUTES, groups=((Group.JOB, fields),)
        )
        if answer.code not in {_NOT_FOUND, _NOT_POSSIBLE}:
            self._must(answer, f"change job {job}")
        return found[1]

    def _move(self, job: JobId, queue: str, changes: Mapping[str, str | int]) -> None:
        found = self._found(job)
        if found is None or found[1].queue == queue or found[1].state not in _WAITING:
            return
        name = tagged(found[1].name, job)
        fields = [
            Field.one("job-hold-until", Tag.KEYWORD, "indefinite"),
            Field.one("job-name", Tag.NAME, name),
            *(
                Field.one(key, Tag.INTEGER if key in _NUMBERS else Tag.KEYWORD, value)
                for key, value in changes.items()
            ),
        ]
        self._change(job, fields, only=_WAITING)
        target = Field.one("job-printer-uri", Tag.URI, f"ipp://localhost/printers/{queue}")
        answer = self._ask_job(found[0], Operation.CUPS_MOVE_JOB, groups=((Group.JOB, (target,)),))
        self._must(answer, f"move job {job} to {queue!r}")

    def _end(self, job: JobId, *, purge: bool) -> None:
        found = self._found(job)
        if found is None or (found[1].state.terminal and not purge):
            return
        fields = (Field.one("purge-job", Tag.BOOLEAN, True),) if purge else ()  # noqa: FBT003
        answer = self._ask_job(found[0], Operation.CANCEL_JOB, *fields)
        if answer.code not in {_NOT_FOUND, _NOT_POSSIBLE}:
            self._must(answer, f"end job {job}")
        if purge:
            self._ids.pop(job, None)

    def _evidence(self, job: JobId) -> Evidence:
        found = self._find(job)
        spooled = None if found is None else spooled_job(found)
        if found is None or spooled is None:
            return Evidence(spooler_state=None)
        device = device_job(self._device_jobs(spooled.queue), job)
        return Evidence(
            spooler_state=spooled.state,
            spooler_impressions=number(found, "job-impressions-completed"),
            device_state=None if device is None else device.state,
            device_impressions=None if device is None else device.impressions,
            device_color_impressions=None if device is None else device.color_impressions,
            device_sheets=None if device is None else device.sheets,
        )

    def _device_jobs(self, queue: str) -> list[Attributes]:
        """Return the records the printer behind a queue keeps; none if it does not answer."""
        uri = self._device_uri(queue)
        if uri is None or not uri.startswith("ipp://"):
            return []
        door = self._devices.setdefault(uri, IppDoor(uri, timeout=_DEVICE_TIMEOUT))
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
                        Field("requested-attributes", Tag.KEYWORD, DEVICE_ATTRIBUTES),
                    ),
                )
            except (IppUnreachableError, IppForbiddenError):
                return []
            if answer.code < FIRST_ERROR:
                found += answer.all_of(Group.JOB)
        return found

    def _device_uri(self, queue: str) -> str | None:
        wanted = Field.one("requested-attributes", Tag.KEYWORD, "device-uri")
        answer = self._ask("/", Operation.GET_PRINTER_ATTRIBUTES, (printer_uri(queue), wanted))
        return text(answer.first_of(Group.PRINTER), "device-uri")

    @staticmethod
    def _must(answer: Message, what: str) -> None:
        if answer.code >= FIRST_ERROR:
            raise SpoolerRefusedError(f"CUPS would not {what}: {said(answer)}")
