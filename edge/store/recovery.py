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
    segments = segments_of(disk)
    starts: list[int | None] = list(snapshots(disk))
    passed_over: list[Flaw] = []
    if 1 in segments:
        starts.append(None)
    for start in starts:
        if start is None:
            return replay(disk, None, segments, passed_over)
        loaded = read_snapshot(disk, start)
        if isinstance(loaded, Broken):
            name = snapshot_name(start)
            rest = disk.size(name) - loaded.offset
            passed_over.append(Flaw(name, loaded.offset, rest, loaded.what))
            continue
        return replay(disk, (start, *loaded), segments, passed_over)
    if passed_over:
        newest = passed_over[0]
        what = f"{newest.what}; no other snapshot is whole, and the journal's beginning is gone"
        raise StoreDamagedError(f"{disk.label}/{newest.file}", newest.offset, what)
    if segments:
        first = f"{disk.label}/{segment_name(1)}"
        raise StoreDamagedError(first, 0, "the first segment is missing, and there is no snapshot")
    return None


def segments_of(disk: Disk) -> list[int]:
    """Return the numbers of the segments there are, oldest first."""
    numbers = (segment_number(name) for name in disk.names())
    return sorted(number for number in numbers if number is not None)


def replay(
    disk: Disk,
    snapshot: tuple[int, Fold, int] | None,
    segments: list[int],
    passed_over: list[Flaw],
) -> Recovered | None:
    """Apply every record from the snapshot's segment (or the first) on.

    Returns none when the directory was left while its first segment was being made.
    """
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
        passed_over=passed_over,
    )
    for number, head in heads.items():
        following = heads.get(number + 1)
        _check_head(disk, head, number, fold)
        _replay_segment(disk, number, result, following)
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
