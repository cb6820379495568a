"""Looking after the second log: kept short, and what else a centre needs kept beside it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from central.store.log_files import LogFiles, sync_directory
from central.store.tables import second_log

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.store.books import Books

#: Records may take so many times the room of the books, and at least so many bytes, before a new
#: copy of the books makes them superfluous.
_TIMES: Final = 2
_LEAST: Final = 192 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """How the second log stands."""

    files: LogFiles
    """Where it is."""
    n: int
    """Its last transaction."""
    bytes: int
    """Room its records take."""
    books_bytes: int
    """Room the books take."""

    @property
    def is_long(self) -> bool:
        """Whether a new copy is worth its room."""
        return self.bytes > max(_LEAST, _TIMES * self.books_bytes)


def standing(books: Books) -> Standing | None:
    """Return how the second log stands; None when there is none."""
    file = books.file
    with books.read() as tx:
        row = tx.sql.execute(select(second_log.c.n, second_log.c.directory)).one()
    if row.directory is None or file is None:
        return None
    files = LogFiles(Path(row.directory))
    return Standing(files, row.n, files.bytes_of_records(), file.stat().st_size)


def compact(
    books: Books, progress: Callable[[int, int], None] | None = None
) -> tuple[Standing, int] | None:
    """Put a new copy of the books beside the log and remove what it makes superfluous.

    Nobody is held up. Returns how it stood before, and how many files went.

    Raises:
        OSError: there is no room for the copy; nothing was removed.
    """
    before = standing(books)
    if before is None or books.file is None:
        return None
    base = before.files.make_base(books.file, books.identity.epoch, progress)
    return before, before.files.prune(base)


def tend(books: Books, credentials: Path, kept_as: str) -> str | None:
    """Do what is due: compact a long log, keep a fresh copy of the credentials beside it.

    Returns what was done, if it is worth a line.

    Raises:
        OSError: the log's volume cannot be used at present.
    """
    now = standing(books)
    if now is None:
        return None
    _keep_copy(credentials, now.files.directory / kept_as)
    if not now.is_long:
        return None
    done = compact(books)
    return None if done is None else f"compacted: {done[1]} files are superfluous"


def _keep_copy(source: Path, target: Path) -> None:
    """Copy a file that changed, whole or not at all."""
    if not source.exists():
        return
    known = target.stat().st_mtime_ns if target.exists() else -1
    if source.stat().st_mtime_ns <= known:
        return
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    shutil.copyfile(source, part)
    handle = os.open(part, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    part.replace(target)
    sync_directory(target.parent)
