"""Cutting directory rows into messages that fit: deltas, snapshots, revocations first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from broker.directory import CARD_KEY, card_key, keyed_digest
from broker.messages import DirectoryRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from broker.messages import DirectoryRow

#: Bytes of rows in one message; the rest of the 64 KiB is its frame.
ROWS_BYTES: Final = 56 * 1024
#: The biggest row that can travel.
ROW_LIMIT: Final = 48 * 1024


def delta(
    rows: Sequence[DirectoryRow], *, epoch: int, since: int, upto: int, digest: str | None
) -> Iterator[DirectoryRows]:
    """Return messages that lead a replica from `since` to `upto`, revocations before all else.

    Revocations are sent a second time in their place: early, they do not move the cursor.
    """
    early = _early(rows)
    if len(early) < len(rows):
        for part in _parts(early):
            yield DirectoryRows(
                epoch=epoch, kind="revocations", since=since, upto=since, rows=tuple(part)
            )
    at = since
    parts = _parts(rows)
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        to = upto if last else part[-1].n
        yield DirectoryRows(
            epoch=epoch,
            kind="delta",
            since=at,
            upto=to,
            digest=digest if last else None,
            rows=tuple(part),
        )
        at = to


def snapshot(
    rows: Sequence[DirectoryRow], *, epoch: int, upto: int, name: UUID, digest: str
) -> Iterator[DirectoryRows]:
    """Return messages that are the whole directory at `upto`; at least one."""
    parts = _parts(rows) or [[]]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        yield DirectoryRows(
            epoch=epoch,
            kind="snapshot",
            upto=upto,
            snapshot=name,
            part=number,
            last=last,
            digest=digest if last else None,
            rows=tuple(part),
        )


def takes_away(row: DirectoryRow) -> bool:
    """Say whether a row takes something away: a tombstone, what is disabled, a blocked card."""
    return row.row is None or row.row.get("enabled") is False or bool(row.row.get("blocked", False))


def _early(rows: Sequence[DirectoryRow]) -> list[DirectoryRow]:
    """Return what is sent ahead: what takes away; beside it a new card key, to understand it by.

    But not the tombstones of cards whose rows under that key come with them: nobody would have a
    card until all is there.
    """
    found = [row for row in rows if row.kind == "setting" and row.key == CARD_KEY and row.row]
    key = next((card_key(str(row.row["value"])) for row in found if row.row), None)
    if key is None:
        return [row for row in rows if takes_away(row)]
    good = {row.key for row in rows if row.kind == "card" and not takes_away(row)}

    def renamed(row: DirectoryRow) -> bool:
        return row.kind == "card" and row.row is None and keyed_digest(row.key, key) in good

    early = [row for row in rows if row in found or (takes_away(row) and not renamed(row))]
    return early if len(early) > len(found) else []


def _parts(rows: Sequence[DirectoryRow]) -> list[list[DirectoryRow]]:
    parts: list[list[DirectoryRow]] = []
    room = 0
    for row in rows:
        size = len(row.model_dump_json().encode()) + 1
        if size > room or not parts:
            parts.append([])
            room = ROWS_BYTES
        parts[-1].append(row)
        room -= size
    return parts
