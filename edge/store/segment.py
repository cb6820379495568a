"""The last segment of the journal: the only file that grows, and how it is mended."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from edge.store.commit import SegmentStart, encode_start
from edge.store.errors import StoreUnwritableError
from edge.store.names import segment_name
from edge.store.record import pack

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from edge.store.disk import Disk


#: Room is made up to the next multiple of this: one sync in dozens writes so much more.
_ROOM = 64 * 1024


class Tail:
    """Appends records to the last segment, and begins the next one.

    After a failed sync nobody knows what of the file's pages is on disk, and the kernel calls them
    clean, so nothing is ever appended behind them: the next record goes into a new segment whose
    first record says where the old one ends. The same once a new segment was begun without
    success, for it may stand on disk.
    """

    def __init__(self, disk: Disk, *, number: int, length: int, durable: bool) -> None:
        self._disk = disk
        self._durable = durable
        self._reserved = 0
        self._name = segment_name(number)
        self.number = number
        self.length = length
        """The end of the last acknowledged record."""
        self.must_roll = False
        """Nothing may be appended before the next segment stands."""

    def append(self, record: bytes) -> int:
        """Write one record, make it durable, and return its offset.

        Raises:
            StoreUnwritableError: nothing counts as written.
        """
        name = self._name
        offset = self.length
        end = offset + len(record)
        try:
            self._disk.write(name, offset, record)
        except OSError as error:
            self._cut(name)
            raise _unwritable(self._disk, name, error) from error
        if self._durable:
            if end > self._reserved:
                self._reserved = (end // _ROOM + 1) * _ROOM
                self._disk.reserve(name, end, self._reserved)
            try:
                self._disk.sync(name)
            except OSError as error:
                self.must_roll = True
                self._cut(name)
                raise _unwritable(self._disk, name, error) from error
        self.length = end
        return offset

    def roll(self, number: int, journal: UUID, at: datetime) -> SegmentStart:
        """Begin the next segment with record `number` and return that record.

        Raises:
            StoreUnwritableError: try again; until then nothing can be appended.
        """
        start = SegmentStart(self.number + 1, journal, self.length if self.number else 0, at)
        record = pack(number, encode_start(start))
        name = segment_name(start.segment)
        self.must_roll = True
        try:
            self._disk.create(name)
            self._disk.write(name, 0, record)
            self._disk.sync(name)
            self._disk.sync_directory()
        except OSError as error:
            raise _unwritable(self._disk, name, error) from error
        self.close()
        self.number, self.length, self.must_roll = start.segment, len(record), False
        self._name = name
        return start

    def close(self) -> None:
        """Give back the room behind the last record, and let go of the file."""
        if self.number:
            name = segment_name(self.number)
            with contextlib.suppress(OSError):  # zeros at the end do no harm
                if self._reserved:
                    self._disk.truncate(name, self.length)
            self._disk.release(name)
        self._reserved = 0

    def _cut(self, name: str) -> None:
        """Take back what a failed append left; where that fails too, go on in a new segment."""
        self._reserved = 0
        try:
            self._disk.truncate(name, self.length)
        except OSError:
            self.must_roll = True
        else:
            if self.must_roll:
                with contextlib.suppress(OSError):  # the new segment's first record says it too
                    self._disk.sync(name)


def _unwritable(disk: Disk, name: str, error: OSError) -> StoreUnwritableError:
    return StoreUnwritableError(
        f"{disk.label}/{name} cannot be written: {error.strerror or error}; nothing was changed"
    )
