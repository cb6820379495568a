"""Documents that people sent to the centre: fetched piece by piece, then held here as their jobs.

Each becomes one job, whatever breaks: that it comes is durable before the first piece is asked for,
the spooler's job carries a mark, and what the spooler has already is not handed to it again.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64decode
from binascii import Error as NoBase64
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Final, Literal, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from broker.messages import CommandState, DocumentPiece, DocumentRequest
from config.logs import logger
from config.policy.attributes import clean_name, is_user_name
from config.policy.jobs import COPIES_MAX, ColorMode, Sides
from edge.branch import RETIRING
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.store.documents import Incoming
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from broker.messages import Command, Reply, Request
    from edge.discarding import WaitingLimits
    from edge.open_jobs import OpenJobs
    from edge.ports import Clock, Spooler
    from edge.standing import SiteStanding
    from edge.store.books import Books

_log = logger("edge.documents")

COMMAND: Final = "take-document"
#: Ending of a document's file while it comes; what is there of it is not fetched again.
SUFFIX: Final = ".coming"
#: Seconds until a document is tried again that did not come all the way.
_AGAIN: Final = 5.0
#: Seconds until what is over long ago is looked for once more.
_TIDY_EVERY: Final = 3600.0
#: Seconds that one piece is waited for.
_PATIENCE: Final = 20.0
#: How often a document is fetched anew that is not what was said, and handed to a spooler that
#: does not take it: queues may not be made yet.
_TRIES: Final = 3
_LARGEST: Final = 1 << 32
_ON_THE_WAY: Final = 100
_PRIVATE: Final = 0o600
_READ: Final = 1 << 20
#: So long it is known what became of one.
KEPT: Final = timedelta(days=30)


class Line(Protocol):
    """The line to the centre, as far as it is needed here (`Uplink`)."""

    async def request(self, method: str, question: Request, *, seconds: float) -> Reply | None:
        """Ask; None when the centre is not there or does not answer in time."""

    @property
    def told(self) -> Callable[[CommandState], Awaitable[None]]:
        """Tell how far a command is; raises ConnectionError."""


class TakeDocument(BaseModel):
    """What the command says."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    user: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    upload: UUID
    name: Annotated[str, StringConstraints(max_length=1000)]
    octets: Annotated[int, Field(ge=1, le=_LARGEST)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    copies: Annotated[int, Field(ge=1, le=COPIES_MAX)] | None = None
    sides: Sides | None = None
    print_color_mode: ColorMode | None = None

    @property
    def options(self) -> dict[str, str]:
        """IPP attributes, as `lp` would be given them."""
        found = {
            "copies": self.copies,
            "sides": self.sides and self.sides.value,
            "print-color-mode": self.print_color_mode and self.print_color_mode.value,
        }
        return {name: str(value) for name, value in found.items() if value is not None}


class Documents:
    """The documents on their way to one site; one at a time, in pieces, behind everything else."""

    def __init__(
        self,
        *,
        books: Books,
        spooler: Spooler,
        standing: SiteStanding,
        open_jobs: OpenJobs,
        limits: WaitingLimits,
        queue: str | None,
        work: Path,
        mint: Callable[[datetime], UUID],
        clock: Clock,
    ) -> None:
        """Take what they become jobs with.

        Args:
            books: what comes is kept there.
            spooler: takes it in the end.
            standing: whether this site holds anything.
            open_jobs: what waits here.
            limits: what may.
            queue: of people, held until released; None: this site has none.
            work: where documents lie while they come.
            mint: makes ids.
            clock: the time.
        """
        self._books = books
        self._kept = books.documents
        self._spooler = spooler
        self._standing = standing
        self._open_jobs = open_jobs
        self._limits = limits
        self._queue = queue
        self._work = work
        self._mint = mint
        self._clock = clock
        self._wake = asyncio.Event()
        self._commands: dict[UUID, UUID] = {}
        """Which command of each is to be answered, by upload."""
        self._tries: dict[UUID, int] = {}
        self.line: Line | None = None
        """To the centre, once there is one."""

    def wake(self) -> None:
        """Go on at once: the line is there again."""
        self._wake.set()

    # ── commands ────────────────────────────────────────────────────────────────────────────

    def obey(self, command: Command) -> CommandState:
        """Take a document on; its end is said later. What is over is said again.

        Raises:
            StoreUnwritableError: it is not taken on; the centre tells of it again.
        """
        try:
            asked = TakeDocument.model_validate(command.args)
        except ValidationError as error:
            return _failed(command.id, "invalid", f"no document: {error.errors()[0]['msg']}")
        known = self._kept.find(asked.upload)
        if known is not None and known.state != "coming":
            return _ended(command.id, known)
        if known is None:
            if (why := self._refuses(asked)) is not None:
                return _failed(command.id, *why)
            self._kept.keep(
                Incoming(
                    upload=asked.upload,
                    user=asked.user,
                    name=clean_name(asked.name),
                    octets=asked.octets,
                    sha256=asked.sha256,
                    options=asked.options,
                    at=self._clock(),
                )
            )
        self._commands[asked.upload] = command.id
        self._wake.set()
        return CommandState(id=command.id, state="accepted")

    def _refuses(self, asked: TakeDocument) -> tuple[str, str] | None:
        """Say why a document is not even fetched: code, and for people."""
        if self._books.note(RETIRING) is not None:
            return "busy", "the journal of this site is being closed and begun anew"
        if self._queue is None or not self._standing.role().holds:
            return "no-hold", "this site holds no documents"
        if not is_user_name(asked.user):
            return "invalid", "no job can be of somebody called like that"
        coming = self._kept.coming()
        if len(coming) >= _ON_THE_WAY:
            return "busy", "many documents are on their way here already"
        mine = [each.octets for each in coming if each.user.lower() == asked.user.lower()]
        jobs, octets = self._open_jobs.waiting(asked.user, direct=False)
        over = self._limits.passed(jobs + len(mine) + 1, octets + sum(mine) + asked.octets)
        return None if over is None else ("over-limit", over)

    # ── the work ────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Bring in what is on its way, until canceled; one that fails stops no other."""
        while True:
            self._wake.clear()
            left = False
            for each in self._kept.coming():
                left |= not await self._safely(each)
            try:
                self.tidy()
            except (StoreUnwritableError, OSError) as error:
                _log.warning("nothing was tidied", action="document-tidy", why=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN if left else _TIDY_EVERY):
                    await self._wake.wait()

    def tidy(self) -> None:
        """Forget what was over long ago, and files that are nobody's."""
        self._kept.forget(self._clock() - KEPT)
        names = {self._file(each).name for each in self._kept.coming()}
        for file in self._work.glob(f"*{SUFFIX}"):
            if file.name not in names:
                file.unlink(missing_ok=True)

    async def _safely(self, document: Incoming) -> bool:
        """Bring one in; return whether it is over."""
        try:
            return await self.bring(document)
        except (SpoolerUnavailableError, StoreUnwritableError, OSError) as error:
            _log.warning("a document waits", action="document-waits", why=str(error))
        except Exception:  # noqa: BLE001  once a document
            _log.exception("a document could not be brought in", action="document-error")
        return False

    async def bring(self, document: Incoming) -> bool:
        """Fetch what is missing of a document and have it held; return whether it is over.

        Raises:
            SpoolerUnavailableError: it is not held yet.
            StoreUnwritableError: likewise.
            OSError: likewise: no room for it.
        """
        fetched = await self._fetch(document)
        if fetched == "later":
            return False
        if fetched == "gone":
            # unless it was handed over, and we died before we knew
            there = await self._spooler.marked(document.mark)
            state = "refused" if there is None else "held"
            code = "gone" if there is None else ""
            await self._over(document.with_(state=state, job=there, code=code))
            return True
        return await self._hand_over(document)

    async def _hand_over(self, document: Incoming) -> bool:
        """Have a document held that is here; return whether it is over."""
        if not await asyncio.to_thread(_is, self._file(document), document):
            self._file(document).unlink(missing_ok=True)
            detail = "what came is not what was sent"
            return await self._once_more(document, "damaged", detail)
        if self._queue is None:
            await self._over(document.with_(state="refused", code="no-hold"))
            return True
        try:
            job = await self._spooler.take_in(
                self._file(document),
                self._queue,
                user=document.user,
                name=document.name,
                options=document.options,
                mark=document.mark,
            )
        except SpoolerRefusedError as error:
            return await self._once_more(document, "spooler-refused", str(error)[:500])
        await self._over(document.with_(state="held", job=job))
        return True

    async def _fetch(self, document: Incoming) -> Literal["whole", "later", "gone"]:
        """Ask for pieces until the end; also where all is here: is it still wanted?"""
        file = self._file(document)
        while True:
            here = file.stat().st_size if file.exists() else 0
            now = self._clock()
            question = DocumentRequest(
                corr=self._mint(now),
                expires_at=now + timedelta(seconds=_PATIENCE),
                upload=document.upload,
                offset=min(here, document.octets),
            )
            if self.line is None:
                return "later"
            reply = await self.line.request("document", question, seconds=_PATIENCE)
            if reply is None or reply.status in {"failed", "expired"}:
                return "later"
            if reply.status != "ok":
                code = "" if reply.problem is None else reply.problem.code
                return "gone" if code == "gone" else "later"
            piece = _octets(reply, question.offset)
            if piece is None:
                return "later"
            if not piece or here >= document.octets:
                return "whole"
            await asyncio.to_thread(_append, file, piece)

    async def _once_more(self, document: Incoming, code: str, detail: str) -> bool:
        tries = self._tries[document.upload] = self._tries.get(document.upload, 0) + 1
        if tries < _TRIES:
            return False
        await self._over(document.with_(state="refused", code=code, detail=detail))
        return True

    async def _over(self, document: Incoming) -> None:
        """Store what became of it, then tell; what is not heard is asked for again."""
        # what people call their documents stands with the job from now on
        self._kept.keep(document.with_(name=""))
        self._file(document).unlink(missing_ok=True)
        self._tries.pop(document.upload, None)
        _log.info(
            "a document from the centre is over",
            action="document-over",
            upload=str(document.upload),
            state=document.state,
            job=str(document.job or ""),
            code=document.code,
        )
        command = self._commands.pop(document.upload, None)
        if command is None or self.line is None:
            return
        # where it is not heard the centre tells of it again, and is answered then
        with suppress(ConnectionError):
            await self.line.told(_ended(command, document))

    def _file(self, document: Incoming) -> Path:
        return self._work / f"{document.upload}{SUFFIX}"


def _octets(reply: Reply, offset: int) -> bytes | None:
    """Return what a reply brings for a place; None: it is not that."""
    try:
        said = DocumentPiece.model_validate(reply.data)
        return b64decode(said.piece, validate=True) if said.offset == offset else None
    except (ValidationError, NoBase64):
        return None


def _append(file: Path, piece: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    with os.fdopen(os.open(file, flags, _PRIVATE), "ab") as out:
        out.write(piece)


def _is(file: Path, document: Incoming) -> bool:
    """Say whether a file is what was sent."""
    if not file.exists() or file.stat().st_size != document.octets:
        return False
    digest = sha256()
    with file.open("rb") as opened:
        while piece := opened.read(_READ):
            digest.update(piece)
    return digest.hexdigest() == document.sha256


def _ended(command: UUID, document: Incoming) -> CommandState:
    if document.state == "held":
        return CommandState(id=command, state="successful", data={"job": str(document.job)})
    return _failed(command, document.code, document.detail)


def _failed(command: UUID, code: str, detail: str) -> CommandState:
    return CommandState(id=command, state="failed", detail=detail[:1000], data={"code": code})
