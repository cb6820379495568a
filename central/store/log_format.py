"""How the second log is written: frames, records, and the names of its files. Pure.

A file is frames: 4 bytes of length, 4 of CRC-32, then JSON. The first frame is the header. A
record is one committed transaction: its statements in order, with the parameters the database got.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zlib import crc32

from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORMAT: Final = "printmesh second log 1"
#: Length and checksum before each payload.
FRAME: Final = 8
_HALF: Final = 4
#: A longer frame is damage, not a transaction.
_LONGEST: Final = 1 << 30
_SEGMENT: Final = re.compile(r"e(\d{8})-(\d{16})\.log")
_BASE: Final = re.compile(r"e(\d{8})-(\d{16})\.db")
#: How statements begin that change nothing and need not be repeated.
_IDLE: Final = frozenset({"SELECT", "PRAGMA", "BEGIN", "COMMIT", "EXPLAIN"})

Rows: TypeAlias = "Sequence[Sequence[Any]]"


@dataclass(slots=True)
class Statement:
    """One call of the database that changed something."""

    text: str
    """SQL."""
    rows: Rows
    """Parameters: of one execution, or of each of many."""
    many: bool
    """Whether it was executed once for each row."""
    failed: bool = False
    """The database refused it, and the transaction went on without it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself."""

    incarnation: str
    """Whose books."""
    epoch: int
    """Under which epoch."""
    schema: str
    """The schema that its statements are for."""
    first: int
    """The number of its first record."""


@dataclass(frozen=True, slots=True)
class Record:
    """One transaction."""

    n: int
    """Its number."""
    at: int
    """When, in microseconds since 1970 UTC."""
    changes: int
    """How many rows it changed, as the database counts: replaying must change as many."""
    statements: Sequence[Statement]
    """In order."""


@lru_cache(4096)
def changes_something(text: str) -> bool:
    """Say whether a statement has to be repeated when the log is replayed."""
    words = text.split(None, 2)
    first = words[0].upper() if words else ""
    if first == "ROLLBACK":
        return len(words) > 1  # back to a savepoint
    return first not in _IDLE


@lru_cache(4096)
def name_of(text: str) -> str:
    """Return the short name of a statement's text within a file."""
    return sha256(text.encode()).hexdigest()[:16]


def frame(payload: bytes) -> bytes:
    """Return a payload behind its length and checksum."""
    return len(payload).to_bytes(_HALF, "big") + crc32(payload).to_bytes(_HALF, "big") + payload


def unframe(data: bytes, at: int) -> bytes | None:
    """Return the payload of the frame at a place; None when it is not whole."""
    length = int.from_bytes(data[at : at + _HALF], "big")
    payload = data[at + FRAME : at + FRAME + length]
    if not 0 < length <= _LONGEST or len(payload) < length:
        return None
    return (
        payload if crc32(payload).to_bytes(_HALF, "big") == data[at + _HALF : at + FRAME] else None
    )


def header_frame(header: Header) -> bytes:
    """Return the first frame of a file."""
    told = {
        "format": FORMAT,
        "incarnation": header.incarnation,
        "epoch": header.epoch,
        "schema": header.schema,
        "first": header.first,
    }
    return frame(json.dumps(told).encode())


def read_header(payload: bytes) -> Header | None:
    """Read the first frame of a file; None when it is none of ours."""
    try:
        told = json.loads(payload)
        if told["format"] != FORMAT:
            return None
        return Header(told["incarnation"], told["epoch"], told["schema"], told["first"])
    except (ValueError, KeyError, TypeError):
        return None


def record_frame(record: Record, known: set[str], fresh: dict[str, str]) -> bytes:
    """Return the frame of a record; texts not in `known` are written with it and put in `fresh`."""
    done: list[Any] = []
    for one in record.statements:
        name = name_of(one.text)
        if name not in known:
            fresh[name] = one.text
        done.append((name, one.many + 2 * one.failed, one.rows))
    told = {"n": record.n, "at": record.at, "changes": record.changes, "texts": fresh, "do": done}
    return frame(to_json(told))


def read_record(payload: bytes, texts: dict[str, str]) -> Record:
    """Read a record; `texts` learns the statements that it defines.

    Raises:
        ValueError, KeyError: it is none.
    """
    told = json.loads(payload)
    texts.update(told["texts"])
    statements = [
        Statement(texts[name], rows, many=bool(flags & 1), failed=bool(flags & 2))
        for name, flags, rows in told["do"]
    ]
    return Record(told["n"], told["at"], told["changes"], statements)


@dataclass(slots=True)
class Frames:
    """Walks over the frames of a file's bytes; `end` is where the last whole one ended."""

    data: bytes
    end: int = field(default=0)

    def __iter__(self) -> Iterator[bytes]:
        """Yield payloads until one is not whole."""
        while (payload := unframe(self.data, self.end)) is not None:
            self.end += FRAME + len(payload)
            yield payload

    @property
    def torn(self) -> bool:
        """Whether anything follows that is no whole frame; zeros are room."""
        return bool(self.data[self.end :].strip(b"\0"))


def segment_name(epoch: int, first: int) -> str:
    """Return the name of a file of records."""
    return f"e{epoch:08}-{first:016}.log"


def base_name(epoch: int, n: int) -> str:
    """Return the name of a copy of the books as they were after record n."""
    return f"e{epoch:08}-{n:016}.db"


def read_segment_name(name: str) -> tuple[int, int] | None:
    """Return (epoch, first record) of a file of records; None for another file."""
    return _numbers(_SEGMENT, name)


def read_base_name(name: str) -> tuple[int, int] | None:
    """Return (epoch, last record) of a copy; None for another file."""
    return _numbers(_BASE, name)


def _numbers(pattern: re.Pattern[str], name: str) -> tuple[int, int] | None:
    match = pattern.fullmatch(name)
    return None if match is None else (int(match[1]), int(match[2]))
