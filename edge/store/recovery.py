"""From the files of a directory to the state that was acknowledged; reads only, cuts nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.store.commit import SegmentStart, decode
from edge.store.errors import StoreDamagedError
from edge.store.fold import Fold
from edge.store.names import segment_name, segment_number, snapshot_name
from edge.store.record import Broken, Record, find_record, read_records
from edge.store.snapshot import read_snapshot, snapshots
from edge.store.streams import position

if TYPE_CHECKING:
    from edge.store.commit import Commit
    from edge.store.disk import Disk


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where a file is not whole, though nothing acknowledged is missing."""

    file: str
    offset: int
    """What is whole ends here."""
    length: int
    """How many bytes are behind that."""
    what: str


@dataclass(slots=True)
class Recovered:
    """What a directory holds."""

    fold: Fold
    segment: int
    """The last segment."""
    end: int
    """Where its last whole record ends."""
    next_number: int
    """The number of the next record."""
    snapshot: int | None = None
    """Which snapshot it began from; none when from the first segment."""
    replayed: int = 0
    """Records read after the snapshot."""
    replayed_bytes: int = 0
    torn: list[Flaw] = field(default_factory=list)
    """The end of the journal that a crash left unfinished; it was never acknowledged."""
    passed_over: list[Flaw] = field(default_factory=list)
    """Damaged snapshots that an older one, or the whole journal, stood in for."""


def recover(disk: Disk) -> Recovered | None:
    """Return the newest valid snapshot with all later records applied; none for a new directory.

    Raises:
        StoreDamagedError: acknowledged records may be missing or changed.
        OSError: a file cannot be read.
    """
    passed_over: list[Flaw] = []
    for beginning in candidates(disk):
        found = recover_from(disk, beginning)
        if isinstance(found, Flaw):
            passed_over.append(found)
            continue
        if found is not None:
            found.passed_over = passed_over
        return found
    if passed_over:
        newest = passed_over[0]
        what = f"{newest.what}; no other snapshot is whole, and the journal's beginning is gone"
        raise StoreDamagedError(f"{disk.label}/{newest.file}", newest.offset, what)
    if segments_of(disk):
        first = f"{disk.label}/{segment_name(1)}"
        raise StoreDamagedError(first, 0, "the first segment is missing, and there is no snapshot")
    return None


def candidates(disk: Disk) -> list[int | None]:
    """Return where a fold can begin, best first: the snapshots, then none for the first segment."""
    found: list[int | None] = list(snapshots(disk))
    if 1 in segments_of(disk):
        found.append(None)
    return found


def recover_from(disk: Disk, beginning: int | None) -> Recovered | Flaw | None:
    """Fold from a snapshot, or the first segment; see `recover`.

    Returns none when the directory was left while its first segment was being made, and the flaw
    when the snapshot is not whole.
    """
    if beginning is None:
        return _replay(disk, None)
    loaded = read_snapshot(disk, beginning)
    if isinstance(loaded, Broken):
        name = snapshot_name(beginning)
        return Flaw(name, loaded.offset, disk.size(name) - loaded.offset, loaded.what)
    return _replay(disk, (beginning, *loaded))


def segments_of(disk: Disk) -> list[int]:
    """Return the numbers of the segments there are, oldest first."""
    numbers = (segment_number(name) for name in disk.names())
    return sorted(number for number in numbers if number is not None)


def _replay(disk: Disk, snapshot: tuple[int, Fold, int] | None) -> Recovered | None:
    """Apply every record from the snapshot's segment (or the first) on."""
    segments = segments_of(disk)
    begin = snapshot[0] if snapshot else 1
    torn: list[Flaw] = []
    heads = _heads(disk, begin, [n for n in segments if n >= begin], torn)
    if not heads:
        if snapshot is None:
            return None
        name = f"{disk.label}/{segment_name(begin)}"
        raise StoreDamagedError(name, 0, "the segment is missing that the snapshot continues in")
    fold = snapshot[1] if snapshot else Fold(heads[begin].journal)
    result = Recovered(
        fold,
        segment=begin,
        end=0,
        next_number=snapshot[2] if snapshot else 0,
        snapshot=snapshot[0] if snapshot else None,
        torn=torn,
    )
    for number, head in heads.items():
        _check_head(disk, head, number, fold)
        _replay_segment(disk, number, result, heads.get(number + 1))
    for number in range(fold.oldest, begin):
        if number not in segments:
            name = f"{disk.label}/{segment_name(number)}"
            raise StoreDamagedError(name, 0, "the segment is missing, with events not yet given up")
    return result


def _heads(
    disk: Disk, begin: int, segments: list[int], torn: list[Flaw]
) -> dict[int, SegmentStart]:
    """Read the first record of each segment, and see that none is missing between them."""
    heads: dict[int, SegmentStart] = {}
    for expected, number in enumerate(segments, start=begin):
        name = segment_name(number)
        if number != expected:
            missing = f"{disk.label}/{segment_name(expected)}"
            raise StoreDamagedError(missing, 0, "the segment is missing")
        size = disk.size(name)
        broken: list[Broken] = []
        first = next(read_records(disk, name, 0, size, broken.append), None)
        if first is None:
            # The last segment may have been left while it was made; the one before goes on.
            if number == segments[-1] and find_record(disk, name, 0, size) is None:
                what = broken[0].what if broken else "the segment is empty"
                torn.append(Flaw(name, 0, size, what))
                return heads
            raise StoreDamagedError(f"{disk.label}/{name}", 0, "the segment's head is damaged")
        head = _decoded(disk, name, first)
        if not isinstance(head, SegmentStart):
            raise StoreDamagedError(f"{disk.label}/{name}", 0, "the segment has no head")
        heads[number] = head
    return heads


def _check_head(disk: Disk, head: SegmentStart, number: int, fold: Fold) -> None:
    if head.segment != number:
        name = f"{disk.label}/{segment_name(number)}"
        raise StoreDamagedError(name, 0, f"the file is segment {head.segment} by its own words")
    if head.journal != fold.journal:
        name = f"{disk.label}/{segment_name(number)}"
        raise StoreDamagedError(name, 0, f"the segment belongs to another journal, {head.journal}")


def _replay_segment(
    disk: Disk, number: int, result: Recovered, following: SegmentStart | None
) -> None:
    name = segment_name(number)
    size = disk.size(name)
    end = size
    if following is not None:
        end = following.previous_end
        if size < end:
            where = f"{disk.label}/{name}"
            raise StoreDamagedError(where, size, f"{end - size} acknowledged bytes are missing")
    broken: list[Broken] = []
    result.segment, result.end = number, 0
    for record in read_records(disk, name, 0, end, broken.append):
        said = _decoded(disk, name, record)
        if record.number != result.next_number:
            what = f"record {record.number} stands where {result.next_number} belongs"
            raise StoreDamagedError(f"{disk.label}/{name}", record.offset, what)
        try:
            if isinstance(said, SegmentStart):
                result.fold.begin_segment(said)
            else:
                result.fold.apply(said, position(number, record.offset))
        except ValueError as error:
            raise StoreDamagedError(f"{disk.label}/{name}", record.offset, str(error)) from error
        result.next_number += 1
        result.replayed += 1
        result.replayed_bytes += record.end - record.offset
        result.end = record.end
    if broken:
        _judge(disk, name, broken[0], size, result, last=following is None)


def _judge(
    disk: Disk, name: str, broken: Broken, size: int, result: Recovered, *, last: bool
) -> None:
    """Tell an unfinished end from damage: behind an unfinished end stands nothing valid."""
    where = f"{disk.label}/{name}"
    if not last:
        raise StoreDamagedError(where, broken.offset, f"{broken.what}, before the segment's end")
    later = find_record(disk, name, broken.offset + 1, size)
    if later is not None:
        what = f"{broken.what}, yet a whole record stands at byte {later}"
        raise StoreDamagedError(where, broken.offset, what)
    result.torn.append(Flaw(name, broken.offset, size - broken.offset, broken.what))


def _decoded(disk: Disk, name: str, record: Record) -> Commit | SegmentStart:
    try:
        return decode(record.body)
    except ValueError as error:
        raise StoreDamagedError(f"{disk.label}/{name}", record.offset, str(error)) from error
