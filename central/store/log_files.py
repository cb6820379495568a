"""The files of a second log in their directory: copies of the books, and records that follow."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from central.store.log_format import (
    Frames,
    Header,
    Record,
    base_name,
    read_base_name,
    read_header,
    read_record,
    read_segment_name,
    segment_name,
)
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Pages of a database copied at once, between two calls of `progress`.
_PAGES: Final = 2000
_HEADER_BYTES: Final = 4096


class LogDamaged(PrintmeshError):
    """The second log is not what was written; what is before the damage can be used."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of records."""

    path: Path
    epoch: int
    """Of the books that wrote it."""
    first: int
    """Its first record."""

    def header(self) -> Header | None:
        """Return what it says of itself; None: it cannot be read."""
        with self.path.open("rb") as file:
            frames = iter(Frames(file.read(_HEADER_BYTES)))
        payload = next(frames, None)
        return None if payload is None else read_header(payload)


@dataclass(frozen=True, slots=True)
class Base:
    """One copy of the books."""

    path: Path
    epoch: int
    """Of the books."""
    n: int
    """The last record that is in it."""


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The files in a directory, which need not exist."""

    directory: Path

    def segments(self) -> list[Segment]:
        """Return the files of records, oldest first."""
        found = []
        for path in self._names():
            numbers = read_segment_name(path.name)
            if numbers is not None:
                found.append(Segment(path, *numbers))
        return sorted(found, key=lambda each: (each.epoch, each.first))

    def bases(self) -> list[Base]:
        """Return the copies, oldest first."""
        found = [(path, read_base_name(path.name)) for path in self._names()]
        bases = [Base(path, *numbers) for path, numbers in found if numbers is not None]
        return sorted(bases, key=lambda each: (each.epoch, each.n))

    def newest(self) -> Segment | None:
        """Return the newest file of records."""
        segments = self.segments()
        return segments[-1] if segments else None

    def segment(self, epoch: int, first: int) -> Segment | None:
        """Return one file of records; None when it is not there."""
        path = self.directory / segment_name(epoch, first)
        return Segment(path, epoch, first) if path.exists() else None

    def bytes_of_records(self) -> int:
        """Return how much room the records take in all."""
        return sum(segment.path.stat().st_size for segment in self.segments())

    def last_behind(self, epoch: int, segment: int, end: int) -> int:
        """Return the number of the last whole record behind a place; 0 when there is none."""
        last = 0
        for each in self.segments():
            if each.epoch == epoch and each.first >= segment:
                with each.path.open("rb") as file:
                    file.seek(end if each.first == segment else 0)
                    frames = Frames(file.read())
                last = max([last, *(json.loads(payload).get("n", 0) for payload in frames)])
        return last

    def records(self, epoch: int, after: int) -> Iterator[Record]:
        """Yield the records of an epoch that follow one, in order and without a gap.

        The last file may end in a torn record: it was never committed.

        Raises:
            LogDamaged: a record is missing or not what was written.
        """
        segments = [each for each in self.segments() if each.epoch == epoch]
        skip = sum(1 for each in segments[1:] if each.first <= after + 1)
        expected = after + 1
        for segment, following in zip_longest(segments[skip:], segments[skip + 1 :]):
            if segment.first > expected:
                missing = f"records {expected} to {segment.first - 1} are missing"
                raise LogDamaged(f"{missing} before {segment.path}")
            end = None if following is None else following.first
            for record in _committed(segment, end):
                if record.n < expected:
                    continue
                if record.n > expected:
                    raise LogDamaged(f"{segment.path}: record {expected} is missing")
                yield record
                expected += 1

    def make_base(
        self, books: Path, epoch: int, progress: Callable[[int, int], None] | None = None
    ) -> Base:
        """Copy the books here as they are at this moment, durably.

        Raises:
            OSError: there is no room, or it cannot be written.
        """
        part = self.directory / "base.part"
        with _alone(self.directory / "base.lock"):
            part.unlink(missing_ok=True)
            n = copy_books(books, part, progress)
            path = self.directory / base_name(epoch, n)
            part.replace(path)
        sync_directory(self.directory)
        return Base(path, epoch, n)

    def prune(self, base: Base) -> int:
        """Remove what a copy makes superfluous; return how many files."""
        gone = [each.path for each in self.bases() if (each.epoch, each.n) < (base.epoch, base.n)]
        segments = self.segments()
        for each, following in zip(segments, [*segments[1:], None], strict=True):
            covered = (
                following is not None
                and following.epoch == each.epoch == base.epoch
                and following.first <= base.n + 1
            )
            if each.epoch < base.epoch or covered:
                gone.append(each.path)
        for path in gone:
            path.unlink(missing_ok=True)
        sync_directory(self.directory)
        return len(gone)

    def _names(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return list(self.directory.iterdir())
        return []


def copy_books(
    source: Path, target: Path, progress: Callable[[int, int], None] | None = None
) -> int:
    """Copy a database as it is at one moment into one new file; return its last record's number.

    Writers are not held up: the copy is of the moment at which it began.

    Raises:
        OSError: there is no room, or it cannot be read or written.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with (
            closing(sqlite3.connect(read_only(source), uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.isolation_level = None
            old.execute("BEGIN")
            # the read lock is held all the while: the copy never begins again
            (n,) = old.execute("SELECT n FROM second_log").fetchone()
            tell = progress or (lambda _done, _all: None)
            old.backup(new, pages=_PAGES, progress=lambda _, left, all_: tell(all_ - left, all_))
            new.execute("PRAGMA journal_mode = DELETE")
            old.execute("COMMIT")
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise OSError(0, f"{source} cannot be copied to {target}: {error}") from error
    file = os.open(target, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    return int(n)


def read_only(path: Path) -> str:
    """Return the address of a database's file that nobody can write by; its name may be any."""
    return f"{path.absolute().as_uri()}?mode=ro"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock file: of two copies at once, one would get its name half made."""
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _committed(segment: Segment, end: int | None) -> Iterator[Record]:
    """Yield a file's records before the one that the next file begins with.

    One more, whole or torn, was never committed: the log was begun anew in its place.
    """
    last = segment.first - 1
    try:
        for record in _records(segment, is_last=end is None):
            if record.n == end:
                return
            last = record.n
            yield record
    except LogDamaged:
        if last + 1 != end:
            raise


def _records(segment: Segment, *, is_last: bool) -> Iterator[Record]:
    frames = Frames(segment.path.read_bytes())
    texts: dict[str, str] = {}
    payloads = iter(frames)
    header = next(payloads, None)
    if header is None or read_header(header) is None:
        if is_last and not _goes_on(frames):
            return  # its first bytes never reached the disk, so nothing of it was committed
        raise LogDamaged(f"{segment.path} does not begin as a second log does")
    for payload in payloads:
        try:
            yield read_record(payload, texts)
        except (ValueError, KeyError, TypeError) as error:
            raise LogDamaged(f"{segment.path}, before byte {frames.end}: {error!r}") from error
    if frames.torn and (not is_last or _goes_on(frames)):
        raise LogDamaged(f"{segment.path} is damaged at byte {frames.end}")


def _goes_on(frames: Frames) -> bool:
    """Say whether whole records stand behind the damage: then it is no torn end."""
    data, at = frames.data, frames.end
    while (at := data.find(b'{"n":', at + 1)) > 0:
        behind = Frames(data, at - 8)
        if next(iter(behind), None) is not None:
            return True
    return False
