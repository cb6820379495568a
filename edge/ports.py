"""What the edge asks of the outside, as protocols; the adapters are elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from config.errors import PrintmeshError
from config.policy.jobs import JobAttributes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from broker.messages import MoneyAtSite
    from config.ids import AccountKey, JobId
    from config.policy.jobs import Figures, JobState
    from config.policy.money import Money, Unit
    from edge.release import Evidence


class SpoolerUnavailableError(PrintmeshError):
    """The spooler does not answer: nothing is known, nothing was decided; try again later."""


class SpoolerRefusedError(PrintmeshError):
    """The spooler answered and will not: its set-up is wrong, or the job left the state it had."""


@dataclass(frozen=True, slots=True)
class PeopleQueue:
    """A queue that people print to; every job is held in it until the edge moves it."""

    name: str
    """As people see it: letters, digits, `-`, `_`, `.`."""
    kind: Literal["pull", "direct"]
    """`direct` has the same mechanism: held and without a device, but the edge decides at once
    and releases to the one printer it is bound to, without a person."""
    description: str = ""
    """For people."""


@dataclass(frozen=True, slots=True)
class PrinterQueue:
    """A queue that only the edge may use, with a printer behind it."""

    name: str
    uri: str
    """`ipp://host[:port]/path` of an IPP Everywhere printer."""
    description: str = ""


#: Where CUPS answers for queues of its own.
_OWN: Final = ("/printers/", "/classes/")


def is_spoolers_own(uri: str) -> bool:
    """Say whether no printer answers there but the spooler, as it does for one on USB."""
    return urlsplit(uri).path.startswith(_OWN)


@dataclass(frozen=True, slots=True)
class SpooledJob:
    """What the spooler says of a job."""

    job: JobId
    """Its job-uuid: the only key that stays right over a crash of the spooler."""
    queue: str
    """The queue it is in now."""
    state: JobState
    user: str | None
    """job-originating-user-name as the client gave it, a claim, not an identity; None if it named
    nobody, or nobody's name can be like that (control characters, more than 255 octets)."""
    name: str
    """job-name on one line of at most 255 octets, without what the edge appended at release."""
    documents: int
    """How many documents it has; more than one is not counted here."""
    created_at: datetime | None
    """Aware, whole seconds; None if the spooler does not say."""
    attributes: Mapping[str, object] = field(default_factory=dict)
    """The job's own attributes, IPP names to plain values: for `read_attributes`."""
    mark: str | None = None
    """What `put_back` marked it with; anybody may have copied it since."""
    held_for_good: bool = False
    """It is under a hold that no hour of the day ends."""


@dataclass(frozen=True, slots=True)
class JobSeen:
    """Something happened to this job; `job` is how it stands now."""

    job: SpooledJob


@dataclass(frozen=True, slots=True)
class EventsMissed:
    """Events may have been missed (start, restart of the spooler): look at all jobs."""


SpoolerEvent = JobSeen | EventsMissed


@dataclass(frozen=True, slots=True)
class PrinterSeen:
    """A printer's queue as the spooler last saw it."""

    state: Literal["idle", "processing", "stopped"]
    """printer-state (RFC 8011 §5.4.11)."""
    reasons: tuple[str, ...] = ()
    """printer-state-reasons (RFC 8011 §5.4.12), such as `media-jam-error`; `none` among them."""


class Spooler(Protocol):
    """The site's print queues. Every step may be repeated; jobs are named by job-uuid.

    Every method raises `SpoolerUnavailableError` when the spooler does not answer and
    `SpoolerRefusedError` when it will not.
    """

    async def set_up(self, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]) -> None:
        """Make these queues, or bring them in order; other queues are left alone."""

    async def printers(self) -> Mapping[str, PrinterSeen]:
        """Return how every printer's queue is, by its name; other queues may be among them."""

    async def jobs(self) -> tuple[SpooledJob, ...]:
        """Return all jobs that have not ended, in all queues, oldest first."""

    async def job(self, job: JobId) -> SpooledJob | None:
        """Return how a job stands, ended ones too; None if the spooler does not know it."""

    async def fetch(self, job: JobId, into: Path) -> bool:
        """Write the job's first document, byte for byte; False if there is none any more.

        Raises:
            StoreUnwritableError: the disk does not take it.
        """

    async def hold(self, job: JobId) -> None:
        """Put a hold on a job that waits; without effect on one that is held, ended or gone."""

    async def move(self, job: JobId, queue: str) -> None:
        """Move a waiting job, held, to a printer's queue.

        Nothing prints before `resume`. Without effect when it is there already, or ended, or gone.

        Args:
            job: its job-uuid.
            queue: the printer's queue.
        """

    async def resume(self, job: JobId, changes: Mapping[str, str | int]) -> None:
        """Set what was decided and take the hold off, at once; without effect on a job not held.

        A job that has come to more than one document since it was counted is canceled instead.

        Args:
            job: its job-uuid.
            changes: job attributes to set (IPP names: copies, sides, number-up, media,
                print-color-mode, page-ranges as text such as `1-3,7`), as decided.
        """

    async def release(self, seen: SpooledJob, queue: str, changes: Mapping[str, str | int]) -> None:
        """Do `move` and `resume` in one go with a job that was looked at just now.

        Args:
            seen: how it stood a moment ago, with nothing waited for since.
            queue: the printer's queue.
            changes: as `resume` takes them.
        """

    async def cancel(self, job: JobId) -> None:
        """End a job; without effect when it has ended or is gone."""

    async def put_back(
        self,
        job: JobId,
        queue: str,
        *,
        user: str,
        changes: Mapping[str, str | int | None],
        mark: str,
    ) -> JobId | None:
        """Put the document of an ended job into a people's queue, held: a new job, its rest.

        Where one with this mark is there, and has not ended, nothing is done.

        Args:
            job: the ended one.
            queue: of people.
            user: whose the new job is.
            changes: job attributes that differ (as `resume` takes them); None: it has none.
            mark: what it is known by; nobody else can know it before.

        Returns:
            The new job; None if the document is not there any more.

        Raises:
            StoreUnwritableError: there is no room for the document on its way.
        """

    async def take_in(
        self,
        document: Path,
        queue: str,
        *,
        user: str,
        name: str,
        options: Mapping[str, str],
        mark: str,
    ) -> JobId:
        """Put a document into a people's queue, held, as its owner would print it.

        Where a job with this mark is or was there, nothing is done.

        Args:
            document: only read.
            queue: of people.
            user: whose the job is.
            name: job-name.
            options: job attributes (IPP names), as `lp` takes them.
            mark: what it is known by; nobody else can know it before.

        Returns:
            The job with this mark.
        """

    async def marked(self, mark: str) -> JobId | None:
        """Return the job with a mark and a document, also one that has ended; None: none."""

    async def forget(self, job: JobId) -> None:
        """Remove an ended job and its document; only after settlement is durable."""

    async def evidence(self, job: JobId) -> Evidence:
        """Collect what the spooler and the printer say of a job; what nobody says is None."""

    def events(self) -> AsyncIterator[SpoolerEvent]:
        """Yield what happens, `EventsMissed` first; goes on over failures of the spooler."""

    async def close(self) -> None:
        """Let go of connections and subscriptions."""


@dataclass(frozen=True, slots=True)
class Analysed:
    """What was counted in a document, and what it comes to on paper."""

    pages: int
    """Pages of the document as it would be printed, before n-up, ranges and copies."""
    colour_pages: frozenset[int]
    """Numbers (from 1) of its pages that have colour."""
    media: str | None
    """Media class of its first page, such as `iso_a4`; None if it has no size of its own (text)."""
    document_format: str
    """MIME type, recognised by content."""
    figures: Figures
    """Impressions and sheets under the job's attributes, all copies."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nobody can say what this document would print, so it is not printed."""

    reason: str
    """One sentence for people."""


#: Counts a document on disk under a job's attributes; never raises for what a document holds.
Analyst = Callable[[Path, JobAttributes], Awaitable[Analysed | Unreadable]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A small picture of a page."""

    media_type: Literal["image/png", "image/jpeg"]
    image: bytes


#: Draws a page of a document on disk: its MIME type, the page from 1, pixels wide at most.
Drawer = Callable[[Path, str, int, int], Awaitable[Drawn | Unreadable]]


class Funds(Protocol):
    """The way to money that is not at this site."""

    @property
    def reachable(self) -> bool:
        """Whether the centre listens now."""

    async def fetch(
        self, account: AccountKey, missing: Money, job: UUID, *, partly: bool = False
    ) -> None:
        """Ask for it and wait, within bounds, until it is here or is known not to come.

        Args:
            account: which is short.
            missing: how much more is needed.
            job: for which job.
            partly: less will do as well, another account pays the rest.
        """

    def whereabouts(self, account: AccountKey, unit: Unit) -> str:
        """Say for people where the rest of a balance sits; empty where that is not known here."""

    def places(self, account: AccountKey, unit: Unit) -> tuple[MoneyAtSite, ...]:
        """Return where else money of an account sat when the centre last said so."""


#: The time, aware; a fake one in tests.
Clock: TypeAlias = Callable[[], datetime]
