"""The second log: every transaction of the books as statements, durable before it is committed.

Written under the database's own writer lock, so that all processes write one log, in the order of
their commits. The row `second_log` says where its valid part ends; it changes in the transaction
that is logged. What stands behind that end belongs to a transaction that was never committed:
nobody was told of it, and the next writer cuts it off.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from central.store.errors import BooksUnusable, BooksUnwritable
from central.store.log_files import LogFiles, sync_directory
from central.store.log_format import FRAME, Header, Record, header_frame, record_frame, segment_name
from central.store.tables.base import instant

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.recording import Recording

#: A file of records is followed by a new one when it is longer.
SEGMENT_BYTES: Final = 64 * 1024 * 1024
#: Room is made with zeros: writing into them costs half of what it costs to make a file longer.
_ROOM: Final = bytes(512 * 1024)
#: Longer records than this are written without.
_SHORT: Final = 32 * 1024
_WHERE: Final = 'SELECT n, directory, segment, "end" FROM second_log'
_MOVE: Final = 'UPDATE second_log SET n = ?, directory = ?, segment = ?, "end" = ?'


@dataclass(frozen=True, slots=True)
class Place:
    """How far the log goes, by the books."""

    n: int
    """The last record."""
    directory: Path | None
    """Where it is; None: nowhere."""
    segment: int
    """The file that is written, by its first record."""
    end: int
    """Where its valid part ends."""


class SecondLog:
    """One process's end of the log; every call runs inside a writing transaction."""

    def __init__(self, books: Path, wanted: Path | None) -> None:
        """Open nothing yet.

        Args:
            books: the database's file.
            wanted: directory of the log; None: wherever the books say that it is.
        """
        self.books = books
        """The database's file."""
        self._wanted = None if wanted is None else wanted.absolute()
        self.remark: str | None = None
        """Why this process began the log anew, if it did."""
        self._header: Header | None = None
        self._begun = False
        self._file: int | None = None
        self._path: Path | None = None
        self._known: set[str] = set()
        self._fresh: dict[str, str] = {}
        self._written: int | None = None

    def begin(self, raw: Recording, incarnation: str, epoch: int) -> None:
        """Begin to remember a transaction; the first of this process looks whether all is well.

        Raises:
            BooksUnusable: the log knows more than these books: they are an old copy.
            BooksUnwritable: the log cannot be begun at present.
        """
        if self._header is None:
            self._settle(raw, incarnation, epoch)
        raw.take()

    def seal(self, raw: Recording, at: datetime) -> None:
        """Make what the transaction did durable; only then may it be committed.

        Raises:
            BooksUnwritable: it cannot be; the transaction must not be committed.
        """
        statements, changes, raw.taken = raw.taken, raw.changes, None
        if not statements:
            return
        place = where(raw)
        if place.directory is None or self._header is None:
            return
        record = Record(place.n + 1, instant(at), changes, statements)
        try:
            self._append(raw, place, place.directory, record)
        except OSError as error:
            self.withdraw()
            reason = f"the second log in {place.directory} cannot be written: {error.strerror}"
            raise BooksUnwritable(reason) from error

    def kept(self) -> None:
        """Note that the transaction was committed."""
        self._known.update(self._fresh)
        self._fresh, self._written, self._begun = {}, None, False

    def withdraw(self) -> None:
        """Take back what a transaction wrote that was not committed, as well as it goes."""
        if self._written is not None and self._file is not None:
            with suppress(OSError):
                os.ftruncate(self._file, self._written)
        self._fresh, self._written = {}, None
        if self._begun:
            # the books do not say that they have this log: the next transaction begins it
            self.close()
            self._header, self._begun, self.remark = None, False, None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
        self._file = self._path = None
        self._known.clear()

    # ── writing ─────────────────────────────────────────────────────────────────────────────

    def _append(self, raw: Recording, place: Place, directory: Path, record: Record) -> None:
        header = self._header
        assert header is not None  # noqa: S101  begin came first
        self._open(directory / segment_name(header.epoch, place.segment))
        self._trim(place)
        if place.end >= SEGMENT_BYTES:
            place = self._rotate(place, directory, record.n)
        data = record_frame(record, self._known, self._fresh)
        _move(raw, replace(place, n=record.n, end=place.end + len(data)))
        self._write(data, place.end)

    def _write(self, data: bytes, at: int) -> None:
        file = self._file
        assert file is not None  # noqa: S101  it was opened above
        self._written = at
        if len(data) <= _SHORT and os.fstat(file).st_size < at + len(data):
            os.pwrite(file, _ROOM, at)
        done = 0
        while done < len(data):
            done += os.pwrite(file, data[done:], at + done)
        os.fdatasync(file)

    def _open(self, path: Path) -> None:
        if path != self._path:
            self.close()
            self._file = os.open(path, os.O_RDWR)
            self._path = path

    def _trim(self, place: Place) -> None:
        """Cut off what a transaction left that was never committed.

        Raises:
            BooksUnusable: it is more than one could have left.
            BooksUnwritable: the log is shorter than it was.
        """
        file, path = self._file, self._path
        assert file is not None  # noqa: S101  it was opened above
        assert path is not None  # noqa: S101  it was opened above
        size = os.fstat(file).st_size
        if size >= place.end and not any(os.pread(file, FRAME, place.end)):
            return
        if size < place.end:
            raise BooksUnwritable(f"{path} has lost its end; start anew to begin another log")
        if place.directory is not None and self._header is not None:
            _refuse_old_copy(LogFiles(place.directory), self._header, place)
        os.ftruncate(file, place.end)

    def _rotate(self, place: Place, directory: Path, first: int) -> Place:
        file, header = self._file, self._header
        assert file is not None  # noqa: S101  it was opened above
        assert header is not None  # noqa: S101  begin came first
        os.ftruncate(file, place.end)
        end = self._create(directory, replace(header, first=first))
        return replace(place, segment=first, end=end)

    def _create(self, directory: Path, header: Header) -> int:
        """Make a file of records, and open it; return where its header ends."""
        self.close()
        path = directory / segment_name(header.epoch, header.first)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._path = path
        data = header_frame(header)
        os.pwrite(self._file, data, 0)
        os.fdatasync(self._file)
        sync_directory(directory)
        return len(data)

    # ── beginning ───────────────────────────────────────────────────────────────────────────

    def _settle(self, raw: Recording, incarnation: str, epoch: int) -> None:
        """Go on with the log there is, or begin one with a copy of the books."""
        place = where(raw)
        directory = self._wanted or place.directory
        header = Header(incarnation, epoch, _schema(raw), place.segment)
        if directory is None:
            self._header = header  # another process may begin a log, and then it is ours too
            return
        try:
            reason = _why_anew(LogFiles(directory), header, place)
            if reason is not None:
                self._begun = True
                self._begin_anew(raw, directory, replace(header, first=place.n + 1))
                self.remark = f"{reason} in {directory}, after transaction {place.n}"
        except OSError as error:
            raise BooksUnwritable(
                f"the second log in {directory} cannot be begun: {error.strerror or error}"
            ) from error
        self._header = header

    def _begin_anew(self, raw: Recording, directory: Path, header: Header) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # we hold the writer's lock: the copy is of the very moment before this transaction
        LogFiles(directory).make_base(self.books, header.epoch)
        end = self._create(directory, header)
        _move(raw, Place(header.first - 1, directory, header.first, end))


def where(raw: Recording) -> Place:
    """Return how far the log goes, by the books."""
    n, directory, segment, end = raw.plain().execute(_WHERE).fetchone()
    return Place(n, None if directory is None else Path(directory), segment, end)


def _move(raw: Recording, to: Place) -> None:
    values = (to.n, None if to.directory is None else str(to.directory), to.segment, to.end)
    raw.plain().execute(_MOVE, values)


def _schema(raw: Recording) -> str:
    try:
        found = raw.plain().execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return ""
    return "" if found is None else str(found[0])


def _why_anew(files: LogFiles, header: Header, place: Place) -> str | None:
    """Say why the log that is there cannot be gone on with; None when it can.

    Raises:
        BooksUnusable: it belongs to other books, or to newer ones.
    """
    newest = files.newest()
    if newest is not None:
        theirs = newest.header()
        if theirs is not None and theirs.incarnation != header.incarnation:
            raise BooksUnusable(f"{files.directory} holds the second log of other books")
        if newest.epoch > header.epoch:
            raise BooksUnusable(
                f"{files.directory} holds the second log of epoch {newest.epoch}, these books are "
                f"of epoch {header.epoch}: they were restored elsewhere, this is the old copy"
            )
        _refuse_old_copy(files, header, place)
    if place.directory is None:
        return "a second log begins"
    if place.directory != files.directory:
        return f"the second log moves here from {place.directory}"
    here = files.segment(header.epoch, place.segment)
    before = None if here is None else here.header()
    if here is None or before is None:
        return "the second log is gone; another one begins"
    if here.path.stat().st_size < place.end:
        return "the second log has lost its end; another one begins"
    if before.schema != header.schema:
        return "the schema is new, and with it the second log"
    return None


def _refuse_old_copy(files: LogFiles, header: Header, place: Place) -> None:
    """Make sure that the log has at most the one record more that a crash can leave.

    Raises:
        BooksUnusable: it has more.
    """
    known = place.directory == files.directory
    segment, end = (place.segment, place.end) if known else (0, 0)
    last = files.last_behind(header.epoch, segment, end)
    if last > place.n + 1:
        raise BooksUnusable(
            f"the second log in {files.directory} goes up to transaction {last}, these books only "
            f"to {place.n}: they are an old copy; bring them up to date with `central restore`"
        )
