"""The disk's twin in memory: it fills up, fails and loses power when told to; for tests."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class PowerCutError(BaseException):
    """The machine is off; nothing of the process goes on, so no `except Exception` may catch it."""


class _File:
    """Contents that count, contents that are durable, and the writes between them."""

    def __init__(self) -> None:
        self.content = b""
        self.durable = b""
        self.unsynced: list[tuple[int, bytes | None]] = []
        self.lost = False
        """A sync failed: the kernel calls the pages clean, and later syncs bring nothing back."""

    def write(self, offset: int, content: bytes) -> None:
        self.unsynced.append((offset, content))
        self.content = _written(self.content, offset, content)

    def reserve(self, end: int, upto: int) -> None:
        self.content = self.content[:end].ljust(upto, b"\0")

    def truncate(self, length: int) -> None:
        self.unsynced.append((length, None))
        self.content = _cut(self.content, length)

    def sync(self) -> None:
        if not self.lost:
            self.durable, self.unsynced = self.content, []

    def after_crash(self, choose: Callable[[int], int]) -> _File:
        """Return what is found again: some of the writes since the last sync, the last in part."""
        found = _File()
        kept = choose(len(self.unsynced))
        content = self.durable
        for at, (offset, written) in enumerate(self.unsynced[:kept]):
            if written is None:
                content = _cut(content, offset)
            elif at == kept - 1:
                length = choose(len(written))
                # pages reach the disk in any order, so the beginning may be what is missing
                torn = written[:length] if choose(1) else bytes(length) + written[length:]
                content = _written(content, offset, torn)
            else:
                content = _written(content, offset, written)
        # what is left of room that was made is zeros
        found.content = found.durable = content.ljust(choose(len(self.content)), b"\0")
        return found


class MemoryDisk:
    """Keeps every promise of `Disk` and not one more.

    `space`: bytes left over all files, or unlimited. `faults`: told the operation and the file, may
    raise OSError. `power`: operations until the machine goes off, or for ever.
    """

    label = "memory"

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._durable_names: dict[str, _File] = {}
        self._name_changes: list[dict[str, _File]] = []
        self._owner: int | None = None
        self.space: int | None = None
        self.faults: Callable[[str, str], None] = lambda _operation, _name: None
        self.power: int | None = None
        self.synced_writes = 0
        """How many syncs there were."""

    def crash(self, choose: Callable[[int], int]) -> MemoryDisk:
        """Return the disk as the next process finds it.

        Args:
            choose: given n, picks 0 to n: how much of what was not durable is there all the same.
        """
        after = MemoryDisk()
        changes = [self._durable_names, *self._name_changes]
        for name, file in changes[choose(len(self._name_changes))].items():
            after._files[name] = file.after_crash(choose)
        after._durable_names = dict(after._files)
        return after

    def content(self, name: str) -> bytes:
        """Return a file as it reads now."""
        return self._files[name].content

    def damage(self, name: str, content: bytes) -> None:
        """Put other contents in a file's place."""
        self._files[name].content = content
        self._files[name].sync()

    def lock(self) -> int | None:
        """Become the owner."""
        if self._owner is not None:
            return self._owner
        self._owner = os.getpid()
        return None

    def names(self) -> list[str]:
        """Return the file names."""
        return list(self._files)

    def size(self, name: str) -> int:
        """Return the length without zeros at the end."""
        return len(self._found(name).content.rstrip(b"\0"))

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return a part of a file."""
        return self._found(name).content[offset : offset + length]

    def create(self, name: str) -> None:
        """Make an empty file in place of the one there is."""
        self._use("create", name)
        self._files[name] = _File()
        self._note_names()

    def reserve(self, name: str, end: int, upto: int) -> None:
        """Fill up with zeros, which take no space here."""
        self._found(name).reserve(end, upto)

    def write(self, name: str, offset: int, content: bytes) -> None:
        """Write as much as there is space for."""
        file = self._found(name)
        try:
            self._use("write", name)
        except PowerCutError:
            file.write(offset, content)
            raise
        room = len(content) if self.space is None else min(self.space, len(content))
        if self.space is not None:
            self.space -= room
        file.write(offset, content[:room])
        if room < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def truncate(self, name: str, length: int) -> None:
        """Cut a file and give its space back."""
        self._use("truncate", name)
        file = self._found(name)
        if self.space is not None:
            self.space += max(len(file.content.rstrip(b"\0")) - length, 0)
        file.truncate(length)

    def sync(self, name: str) -> None:
        """Make a file's contents durable."""
        file = self._found(name)
        try:
            self._use("sync", name)
        except OSError:
            file.lost = True
            raise
        file.sync()
        self.synced_writes += 1

    def sync_directory(self) -> None:
        """Make the names durable."""
        self._use("sync_directory", "")
        self._durable_names = dict(self._files)
        self._name_changes = []

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        self._use("rename", old)
        self._files[new] = self._found(old)
        del self._files[old]
        self._note_names()

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        self._use("remove", name)
        if name in self._files:
            del self._files[name]
            self._note_names()

    def release(self, name: str) -> None:
        """Nothing is held open here."""

    def close(self) -> None:
        """Let go of the lock."""
        self._owner = None

    def _found(self, name: str) -> _File:
        file = self._files.get(name)
        if file is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return file

    def _use(self, operation: str, name: str) -> None:
        if self.power is not None:
            if self.power <= 0:
                raise PowerCutError
            self.power -= 1
        self.faults(operation, name)

    def _note_names(self) -> None:
        self._name_changes.append(dict(self._files))


def _written(content: bytes, offset: int, written: bytes) -> bytes:
    padded = content.ljust(offset, b"\0")
    return padded[:offset] + written + padded[offset + len(written) :]


def _cut(content: bytes, length: int) -> bytes:
    return content[:length].ljust(length, b"\0")
