"""Takes people's documents to their sites: tells a site that one waits, hands it out in pieces.

A site asks for each piece when it has room for it, so nothing queues before its money and events.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from broker import topics
from broker.messages import Command, DocumentPiece
from central import upload_steps
from central.store import commands, uploads
from config.logs import logger

if TYPE_CHECKING:
    from pathlib import Path

    from broker.messages import CommandState, DocumentRequest
    from central.fleet import Fleet
    from central.store.books import Transaction
    from central.store.uploads import Upload
    from central.upload_steps import Outcome, Step
    from central.uploads.files import UploadFiles

_log = logger("central.uploading")

COMMAND: Final = "take-document"
#: Seconds between two looks at what waits.
EVERY: Final = 0.5
#: Seconds between two looks for files that are nobody's, and how old those are.
_TIDY_EVERY: Final = 600.0
_NOBODYS: Final = timedelta(minutes=30)
#: A site begins within that, or is told again.
_PATIENCE: Final = timedelta(minutes=1)
#: For so long people read what became of theirs.
_SHOWN: Final = timedelta(days=2)


def directory_of(data: Path) -> Path:
    """Return where documents lie, given the centre's directory."""
    return data / "uploads"


class Uploading:
    """The documents that are on their way."""

    def __init__(self, fleet: Fleet, files: UploadFiles) -> None:
        self._fleet = fleet
        self._files = files
        self._next = float("-inf")
        self._tidy = float("-inf")

    def look(self, now: float) -> None:
        """Do what is due; `now` in seconds that never jump."""
        if now < self._next:
            return
        self._next = now + EVERY
        if now >= self._tidy:
            self._tidy = now + _TIDY_EVERY
            self._sweep()
        with self._fleet.books.read() as tx:
            due = self._due(tx, now)
        if not due:
            return
        gone: list[str] = []
        tell: list[tuple[str, Command]] = []
        with self._fleet.books.write() as tx:
            for upload, step in due:
                if isinstance(step, upload_steps.Tell):
                    tell.append((upload.node, _order(tx, upload)))
                else:
                    gone += self._do(tx, upload, step)
        self._remove(gone)
        for node, command in tell:
            self._fleet.say(topics.COMMAND, command, node=node, id=str(command.id))

    def told(self, node: str, told: CommandState) -> None:
        """Take a site's word on a document, where that is what the command was about."""
        ended = upload_steps.outcome(told)
        if ended is None:
            return
        gone: list[str] = []
        with self._fleet.books.write() as tx:
            command = commands.find(tx, told.id)
            if command is None or command.what != COMMAND or command.node != node:
                return
            upload = _named(tx, command.args)
            late = upload is not None and upload.command != told.id
            if upload is None or (late and not isinstance(ended, upload_steps.Held)):
                return
            gone = self._do(tx, upload, ended)
        self._remove(gone)

    def piece(self, node: str, asked: DocumentRequest) -> DocumentPiece | None:
        """Return a piece of a document for the site it is for; None: there is none any more."""
        with self._fleet.books.read() as tx:
            upload = uploads.find(tx, asked.upload)
        if upload is None or upload.node != node or not upload.live:
            return None
        piece = self._files.piece(upload.file, asked.offset)
        if piece is None:
            _log.error(
                "a document is not where it was put", action="upload-lost", upload=str(upload.id)
            )
            return None
        return DocumentPiece(offset=asked.offset, piece=b64encode(piece).decode())

    def _due(self, tx: Transaction, now: float) -> list[tuple[Upload, Step]]:
        linked = self._fleet.linked(now)
        found = []
        for each in uploads.live(tx):
            command = None if each.command is None else commands.find(tx, each.command)
            here = upload_steps.Here(
                told=each.state == "sent",
                word=None if command is None else command.state,
                asked_at=each.asked_at,
                ends_at=each.ends_at,
            )
            step = upload_steps.step(here, linked=each.node in linked, now=tx.now)
            if step is not None:
                found.append((each, step))
        return found

    def _do(self, tx: Transaction, upload: Upload, step: Outcome) -> list[str]:
        """Write down what became of a document; return the files that nobody needs any more."""
        match step:
            case upload_steps.Again():
                uploads.again(tx, upload.id)
                return []
            case upload_steps.Held(job=job):
                over = uploads.end(tx, upload, "held", job=job)
            case upload_steps.Refused(code=code, detail=detail):
                over = uploads.end(tx, upload, "refused", code=code, detail=detail)
            case upload_steps.Expired():
                over = uploads.end(tx, upload, "expired")
        if over:
            _log.info(
                "a document is over here",
                action="upload-over",
                upload=str(upload.id),
                node=upload.node,
                end=type(step).__name__.lower(),
            )
        return [upload.file]

    def _sweep(self) -> None:
        with self._fleet.books.write() as tx:
            uploads.forget(tx, tx.now - _SHOWN)
            live = {each.file for each in uploads.live(tx)}
            before = tx.now - _NOBODYS
        self._files.tidy(live, before.timestamp())

    def _remove(self, files: list[str]) -> None:
        """Delete what is over; only once that is durable."""
        for each in files:
            self._files.remove(each)


def _order(tx: Transaction, upload: Upload) -> Command:
    """Write down that a site is told; return what it is told once that is durable."""
    until, args = tx.now + _PATIENCE, _arguments(upload)
    id_ = commands.order(tx, upload.node, COMMAND, args, until)
    commands.sent(tx, id_)
    uploads.asked(tx, upload.id, id_)
    return Command(id=id_, command=COMMAND, args=args, expires_at=until)


def _arguments(upload: Upload) -> dict[str, Any]:
    """Return what a site is told of a document."""
    return {
        "user": upload.user,
        "upload": str(upload.id),
        "name": upload.name,
        "octets": upload.octets,
        "sha256": upload.sha256,
        **upload.options,
    }


def _named(tx: Transaction, args: dict[str, Any]) -> Upload | None:
    try:
        id_ = UUID(str(args.get("upload")))
    except ValueError:
        return None
    return uploads.find(tx, id_)
