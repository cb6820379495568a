"""Re-fold a store that is only read: checksums, hash chains, snapshots against the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.messages import Envelope, Position
from broker.stream import follows, place
from edge.store.commit import Commit, StoredEvent, decode
from edge.store.disk import DirectoryDisk
from edge.store.errors import StoreDamagedError
from edge.store.names import segment_name
from edge.store.record import Broken, read_records
from edge.store.recovery import Recovered, candidates, recover, recover_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from broker.stream import StreamKey
    from edge.store.disk import Disk
    from edge.store.fold import Fold

    #: `broker.stream.follows`: whether an event is the one right after a place.
    Follows = Callable[[StreamKey, Position, Envelope], bool]


@dataclass(slots=True)
class Verified:
    """What re-folding found; `holds` when there is nothing wrong."""

    records: int = 0
    """Records read, all of them with a right checksum."""
    events: int = 0
    """Events whose place in their chain was checked."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows per table."""
    heads: dict[str, Position] = field(default_factory=dict)
    """The newest place per stream."""
    folds: int = 0
    """From how many beginnings (snapshots, the first segment) the tables were folded and agreed."""
    problems: list[str] = field(default_factory=list)
    """What is wrong, one sentence each."""

    @property
    def holds(self) -> bool:
        """Whether all is as it was acknowledged."""
        return not self.problems


def verify(path: Path) -> Verified:
    """Re-fold the store in a directory; nothing is written, no lock is taken.

    A store in use may be verified; if a checkpoint or a pruning ends meanwhile, ask again.

    Raises:
        OSError: the directory or a file cannot be read.
    """
    if not path.is_dir():
        raise NotADirectoryError(f"{path} is not a directory")
    disk = DirectoryDisk(path)
    try:
        return verify_disk(disk)
    finally:
        disk.close()


def verify_disk(disk: Disk, chained: Follows = follows) -> Verified:
    """Re-fold a store; see `verify`."""
    report = Verified()
    try:
        recovered = recover(disk)
    except StoreDamagedError as error:
        report.problems.append(str(error))
        return report
    if recovered is None:
        return report
    fold = recovered.fold
    report.rows = {name: len(rows) for name, rows in fold.tables.items()}
    report.heads = {name: index.head for name, index in fold.streams.items()}
    report.problems += [
        f"{flaw.file}, byte {flaw.offset}: {flaw.what}" for flaw in recovered.passed_over
    ]
    _check_chains(disk, recovered, chained, report)
    _check_folds(disk, recovered, report)
    return report


def _check_chains(disk: Disk, recovered: Recovered, chained: Follows, report: Verified) -> None:
    """Read every segment that is kept, and follow every stream from the first event there is."""
    fold = recovered.fold
    heads: dict[str, Position] = {}
    for segment in range(fold.oldest, recovered.segment + 1):
        name = segment_name(segment)
        sealed = fold.sealed.get(segment)
        end = sealed.end if sealed is not None else recovered.end
        broken: list[Broken] = []
        for record in read_records(disk, name, 0, end, broken.append):
            report.records += 1
            try:
                said = decode(record.body)
            except ValueError as error:
                report.problems.append(f"{name}, byte {record.offset}: {error}")
                continue
            if not isinstance(said, Commit):
                continue
            heads.update({stream: after for stream, (_, after) in said.opened.items()})
            for event in said.events:
                where = f"{name}, byte {record.offset}"
                _check_event(fold, heads, event, chained, where, report)
        report.problems += [f"{name}, byte {flaw.offset}: {flaw.what}" for flaw in broken]
    for stream, index in fold.streams.items():
        if stream in heads and heads[stream] != index.head:
            report.problems.append(f"stream {stream}: the head is not its last event")


def _check_event(
    fold: Fold,
    heads: dict[str, Position],
    event: StoredEvent,
    chained: Follows,
    where: str,
    report: Verified,
) -> None:
    data = None if event.data is None else event.data.decode()
    envelope = Envelope(seq=event.seq, hash=event.hash, data=data, digest=event.digest)
    before = heads.get(event.stream)
    # The first event after pruned ones has nothing left to be chained to.
    if before is not None:
        report.events += 1
        if not chained(fold.streams[event.stream].key, before, envelope):
            report.problems.append(f"{where}: event {event.seq} breaks {event.stream}'s chain")
    heads[event.stream] = place(envelope)


def _check_folds(disk: Disk, recovered: Recovered, report: Verified) -> None:
    """Fold from each beginning there is; the snapshots hold if all come to the same."""
    report.folds = 1
    for beginning in candidates(disk):
        if beginning == recovered.snapshot:
            continue
        try:
            other = recover_from(disk, beginning)
        except StoreDamagedError as error:
            report.problems.append(str(error))
            continue
        if not isinstance(other, Recovered):  # a damaged snapshot has been reported
            continue
        report.folds += 1
        from_where = "the first segment" if beginning is None else f"snapshot {beginning}"
        for table in sorted({*recovered.fold.tables, *other.fold.tables}):
            if _rows(recovered.fold, table) != _rows(other.fold, table):
                report.problems.append(f"table {table} differs when folded from {from_where}")


def _rows(fold: Fold, table: str) -> dict[int, bytes | None] | None:
    rows = fold.tables.get(table)
    return None if rows is None else {doc_id: rows.get(doc_id) for doc_id in rows}
