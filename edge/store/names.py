"""The names of the files in a store's directory."""

from __future__ import annotations

_DIGITS = 16
#: The checkpoint being written; worth nothing until it has a snapshot's name.
TEMPORARY = "checkpoint.tmp"


def segment_name(number: int) -> str:
    """Return `journal-<16 digits>.log`."""
    return f"journal-{number:0{_DIGITS}d}.log"


def segment_number(name: str) -> int | None:
    """Return the number in a segment's name, or none for another file."""
    return _number(name, "journal-", ".log")


def snapshot_name(number: int) -> str:
    """Return `snapshot-<16 digits>.rows`; to be replayed from the segment of that number on."""
    return f"snapshot-{number:0{_DIGITS}d}.rows"


def snapshot_number(name: str) -> int | None:
    """Return the number in a snapshot's name, or none for another file."""
    return _number(name, "snapshot-", ".rows")


def _number(name: str, prefix: str, suffix: str) -> int | None:
    middle = name.removeprefix(prefix).removesuffix(suffix)
    if name == f"{prefix}{middle}{suffix}" and len(middle) == _DIGITS and middle.isdecimal():
        return int(middle)
    return None
