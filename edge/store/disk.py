"""One directory of files as the journal needs it; what is written here may be lost until synced."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "lock"
_ROOM_CHUNK = 64 * 1024


class Disk(Protocol):
    """A directory; every method may raise OSError.

    File contents last from `sync` on, names (create, rename, remove) from `sync_directory` on.
    """

    @property
    def label(self) -> str:
        """How people find it: the directory's path."""

    def lock(self) -> int | None:
        """Become the one owner, or return the owner's pid (0: unknown)."""

    def names(self) -> list[str]:
        """Return the file names in no order, the lock's left out."""

    def size(self, name: str) -> int:
        """Return the length in bytes, without zeros at the end: those are room, not contents."""

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return at most `length` bytes; fewer only at the end."""

    def create(self, name: str) -> None:
        """Make a new, empty file; what had the name is removed, for its sync may have failed."""

    def reserve(self, name: str, end: int, upto: int) -> None:
        """Put zeros behind the end of the contents, where there is room for them.

        Written zeros, not merely reserved blocks: a sync that also has to write down that the file
        grew, or that a block is in use from now on, takes half as long again. Whether it works
        makes no difference to what can be written.
        """

    def write(self, name: str, offset: int, content: bytes) -> None:
        """Write all of it; when this raises, some of it may stand there."""

    def truncate(self, name: str, length: int) -> None:
        """Cut to `length` bytes."""

    def sync(self, name: str) -> None:
        """Return once the contents are durable."""

    def sync_directory(self) -> None:
        """Return once the names are durable."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name at one stroke, replacing what had it."""

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""

    def release(self, name: str) -> None:
        """Let go of a file that will not grow any more."""

    def close(self) -> None:
        """Let go of every file and of the lock."""


class DirectoryDisk:
    """A real directory (mode 0700, files 0600); files stay open from their first write."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._open: dict[str, int] = {}
        self._lock: int | None = None

    @property
    def label(self) -> str:
        """The directory's path."""
        return str(self._path)

    def lock(self) -> int | None:
        """Take `flock` on the lock file, which holds the owner's pid for people to read."""
        descriptor = os.open(self._path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(descriptor, 20, 0).strip()
            os.close(descriptor)
            return int(pid) if pid.isdigit() else 0
        # The pid is a courtesy; a full disk must not keep the edge from starting.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._lock = descriptor
        return None

    def names(self) -> list[str]:
        """Return what the directory lists."""
        return [entry.name for entry in self._path.iterdir() if entry.name != LOCK_NAME]

    def size(self, name: str) -> int:
        """Return st_size less the zeros at the end."""
        with (self._path / name).open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            while end:
                begin = max(0, end - _ROOM_CHUNK)
                file.seek(begin)
                found = file.read(end - begin).rstrip(b"\0")
                if found:
                    return begin + len(found)
                end = begin
        return 0

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read by position, from the page cache where it can."""
        descriptor = self._open.get(name)
        if descriptor is not None:
            return os.pread(descriptor, length, offset)
        descriptor = os.open(self._path / name, os.O_RDONLY)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    def create(self, name: str) -> None:
        """Unlink what is there and open with O_CREAT and O_EXCL."""
        self.remove(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self._open[name] = os.open(self._path / name, flags, 0o600)

    def reserve(self, name: str, end: int, upto: int) -> None:
        """Write zeros; a disk that is full says so at the next write, which may still fit."""
        with contextlib.suppress(OSError):
            os.pwrite(self._writable(name), bytes(upto - end), end)

    def write(self, name: str, offset: int, content: bytes) -> None:
        """Write by position, going on after a short write."""
        descriptor = self._writable(name)
        written = os.pwrite(descriptor, content, offset)
        while written < len(content):
            written += os.pwrite(descriptor, content[written:], offset + written)

    def truncate(self, name: str, length: int) -> None:
        """Cut the file; durable only after `sync`."""
        os.ftruncate(self._writable(name), length)

    def sync(self, name: str) -> None:
        """Call fdatasync: contents and length, no time stamps."""
        os.fdatasync(self._writable(name))

    def sync_directory(self) -> None:
        """Call fsync on the directory."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str) -> None:
        """Rename within the directory."""
        self._forget(old)
        self._forget(new)
        (self._path / old).replace(self._path / new)

    def remove(self, name: str) -> None:
        """Unlink."""
        self._forget(name)
        (self._path / name).unlink(missing_ok=True)

    def release(self, name: str) -> None:
        """Close a file that will not grow any more."""
        self._forget(name)

    def close(self) -> None:
        """Close every descriptor; closing the lock's releases it."""
        for name in list(self._open):
            self._forget(name)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _writable(self, name: str) -> int:
        descriptor = self._open.get(name)
        if descriptor is None:
            descriptor = self._open[name] = os.open(self._path / name, os.O_RDWR)
        return descriptor

    def _forget(self, name: str) -> None:
        descriptor = self._open.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)
