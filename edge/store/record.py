"""The frame around every record in every file of the store: a header with a CRC; no meaning.

Header, little endian: magic 4, body length 4, CRC-32 4, number 8; the CRC covers number and body.
Bodies are UTF-8, which never holds the byte 0xFF that the magic begins with, so that the search
for a record after a damaged one cannot be fooled by what people write into their documents.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.store.disk import Disk

MAGIC = b"\xffPMJ"
HEADER = struct.Struct("<4sIIQ")
_NUMBER = struct.Struct("<Q")
#: A transaction larger than this is a mistake of its caller.
MAX_BODY = 256 * 1024 * 1024
_CHUNK = 128 * 1024


class Record(NamedTuple):
    """A record that stands whole in a file."""

    offset: int
    """Where its header begins."""
    number: int
    """Consecutive within the journal, or within a snapshot."""
    body: bytes
    """What it says; see commit.py and snapshot.py."""

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.offset + HEADER.size + len(self.body)


@dataclass(frozen=True, slots=True)
class Broken:
    """Where reading ended before the end of the file, and what stood there."""

    offset: int
    what: str


def pack(number: int, body: bytes) -> bytes:
    """Frame a body.

    Raises:
        ValueError: the body is beyond 256 MiB.
    """
    if len(body) > MAX_BODY:
        raise ValueError(f"a record of {len(body):,} bytes is beyond {MAX_BODY:,}")
    return HEADER.pack(MAGIC, len(body), _crc(number, body), number) + body


def read_records(
    disk: Disk, name: str, start: int, end: int, broken: Callable[[Broken], None]
) -> Iterator[Record]:
    """Yield the records from `start` to `end`; at the first that is not whole tell `broken`, end.

    Holds one chunk of 128 KiB, or one record if that is longer. Record numbers are not judged.
    """
    offset, buffer, base = start, b"", start
    while offset < end:
        if base + len(buffer) - offset < HEADER.size:
            buffer, base = disk.read(name, offset, min(_CHUNK, end - offset)), offset
        if len(buffer) - (offset - base) < HEADER.size:
            broken(Broken(offset, "a record's header is cut off"))
            return
        magic, length, crc, number = HEADER.unpack_from(buffer, offset - base)
        if magic != MAGIC:
            broken(Broken(offset, "no record begins here"))
            return
        total = HEADER.size + length
        if offset + total > end:
            broken(Broken(offset, "a record is cut off"))
            return
        if base + len(buffer) < offset + total:
            wanted = min(max(_CHUNK, total), end - offset)
            buffer, base = disk.read(name, offset, wanted), offset
        at = offset - base
        body = buffer[at + HEADER.size : at + total]
        if len(body) != length or _crc(number, body) != crc:
            broken(Broken(offset, "a record's checksum is wrong"))
            return
        yield Record(offset, number, body)
        offset += total


def find_record(disk: Disk, name: str, start: int, end: int) -> int | None:
    """Return the offset of the first whole record that begins at `start` or later."""
    content = disk.read(name, start, end - start)
    at = content.find(MAGIC)
    while at >= 0:
        if len(content) - at >= HEADER.size:
            _, length, crc, number = HEADER.unpack_from(content, at)
            body = content[at + HEADER.size : at + HEADER.size + length]
            if len(body) == length and _crc(number, body) == crc:
                return start + at
        at = content.find(MAGIC, at + 1)
    return None


def _crc(number: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_NUMBER.pack(number)))
