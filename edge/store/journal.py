"""The journal: owns a directory, makes transactions durable, gives events back from disk."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from broker.messages import Envelope
from edge.store.commit import Commit, encode, events_of
from edge.store.errors import StoreDamagedError, StoreInUseError, StoreUnwritableError
from edge.store.fold import Fold
from edge.store.names import TEMPORARY, segment_name
from edge.store.record import Broken, pack, read_records
from edge.store.recovery import Recovered, recover, segments_of
from edge.store.segment import Tail
from edge.store.snapshot import SnapshotWriter, snapshots
from edge.store.streams import offset_of, position, segment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future
    from uuid import UUID

    from edge.store.disk import Disk
    from edge.store.rows import PackedRows
    from edge.store.snapshot import Background
    from edge.store.streams import StreamIndex

MEBIBYTE = 1024 * 1024
#: Applied and acked events stay so long, for a centre restored from a backup (PROTOCOL 1).
KEPT_AFTER_ACK = timedelta(days=30)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Journal:
    """One directory, one owner, one record per transaction. Not for use by several threads.

    Args:
        disk: the directory.
        durable: sync every transaction. Without it (a replica that can be fetched again) the
            newest transactions may be lost in a crash, and damage means starting empty.
        segment_bytes: a segment that is longer is followed by another.
        checkpoint_bytes: `checkpoint_due` after so many bytes.
        clock: aware time, for the age of segments.
        mint: makes the incarnation of a new journal.
        background: runs what waits for the disk during a checkpoint; a thread unless given.

    Raises:
        StoreInUseError: another process has it.
        StoreDamagedError: it is not what was acknowledged (never when not durable).
        StoreUnwritableError: the directory cannot be read or written.
    """

    def __init__(
        self,
        disk: Disk,
        *,
        durable: bool = True,
        segment_bytes: int = 16 * MEBIBYTE,
        checkpoint_bytes: int = 16 * MEBIBYTE,
        clock: Callable[[], datetime] = _utc_now,
        mint: Callable[[], UUID] = uuid4,
        background: Background | None = None,
    ) -> None:
        self._disk = disk
        self._segment_bytes = segment_bytes
        self._checkpoint_bytes = checkpoint_bytes
        self._clock = clock
        self._pool: ThreadPoolExecutor | None = None
        self._background = background or self._in_thread
        self._checkpoint: SnapshotWriter | None = None
        self._ended = False
        self.trouble = ""
        """Why nothing can be written, as of the last try; empty: it can."""
        self._last_read: dict[str, tuple[int, int]] = {}
        """By stream: the seq that was read last, and the packed place of its record."""
        self.restarted: StoreDamagedError | None = None
        """Why a journal that is not durable was started empty."""
        with contextlib.ExitStack() as undo:
            undo.callback(disk.close)
            try:
                self._own()
                self.recovered = self._recover(durable=durable)
                self._open(self.recovered, durable=durable, mint=mint)
            except OSError as error:
                raise StoreUnwritableError(
                    f"{disk.label} cannot be opened: {error.strerror or error}"
                ) from error
            undo.pop_all()

    @property
    def incarnation(self) -> UUID:
        """Minted with the journal (PROTOCOL 1)."""
        return self._fold.journal

    @property
    def tables(self) -> Mapping[str, PackedRows]:
        """The rows by table name; change them by `commit` only."""
        return self._fold.tables

    @property
    def streams(self) -> Mapping[str, StreamIndex]:
        """Keys, heads and first kept events by stream name; change them by `commit` only."""
        return self._fold.streams

    @property
    def checkpoint_due(self) -> bool:
        """Whether enough was written since the last checkpoint for another, or one is under way."""
        return self._checkpoint is not None or self._since_checkpoint >= self._checkpoint_bytes

    def commit(self, commit: Commit) -> None:
        """Make a transaction durable, then take it in; all of it or nothing.

        Raises:
            StoreUnwritableError: disk and memory are as before; later commits may succeed.
            ValueError: the record would be beyond 256 MiB.
        """
        if self._ended:
            raise StoreUnwritableError(f"{self._disk.label} has ended; another journal follows")
        tail = self._tail
        try:
            if tail.must_roll or tail.length >= self._segment_bytes:
                self._roll()
            record = pack(self._next_number, encode(commit))
            offset = tail.append(record)
        except StoreUnwritableError as error:
            self.trouble = str(error)
            raise
        self.trouble = ""
        self._next_number += 1
        self._since_checkpoint += len(record)
        self._fold.apply(commit, position(tail.number, offset))

    def events(self, stream: str, first: int, last: int) -> Iterator[Envelope]:
        """Yield a stream's events `first` to `last` from disk, but for those that were pruned.

        Raises:
            StoreDamagedError: what stands on disk is not what was written.
            KeyError: there is no such stream.
        """
        index = self._fold.streams[stream]
        for place, begin, end in index.runs(first, min(last, index.seq)):
            seq, last_read = self._last_read.get(stream, (0, 0))
            # a batch goes on where the one before it ended, not from the mark before that
            near = seq <= begin and last_read > place and segment_of(last_read) == segment_of(place)
            yield from self._run(stream, last_read if near else place, begin, end)

    def hash_at(self, stream: str, seq: int) -> str | None:
        """Return the chain's hash at `seq`, or none when that is unknown here."""
        index = self._fold.streams[stream]
        if seq == index.seq:
            return index.hash
        return next((event.hash for event in self.events(stream, seq, seq)), None)

    def checkpoint_step(self, budget: timedelta) -> bool:
        """Go on with the checkpoint, or begin one; True once it is durable.

        Takes about `budget`, but for beginning a segment (two syncs). While False comes back the
        caller lets others run; when a sync is under way in the background it returns at once.

        Raises:
            StoreUnwritableError: the checkpoint was given up; the journal is whole.
        """
        if self._checkpoint is None:
            self._roll()
            self._checkpoint_mark = self._since_checkpoint
            self._checkpoint = SnapshotWriter(
                self._disk,
                self._fold,
                segment=self._tail.number,
                number=self._checkpoint_number,
                background=self._background,
            )
            return False
        try:
            done = self._checkpoint.step(budget)
        except OSError as error:
            self._abandon_checkpoint()
            raise StoreUnwritableError(
                f"{self._disk.label}: the checkpoint cannot be written: {error.strerror or error}"
            ) from error
        if done:
            self._checkpoint = None
            self._since_checkpoint -= self._checkpoint_mark
        return done

    def checkpoint(self) -> None:
        """Make a whole checkpoint, blocking; for the time before and after the work."""
        while not self.checkpoint_step(timedelta(seconds=1)):
            time.sleep(0.0005)

    def prune(self, acked: Mapping[str, int], now: datetime) -> int:
        """Drop segments that tables no longer need and whose events are acked and 30 days old.

        Args:
            acked: per stream the newest event that the receiver has; a stream left out has none.
            now: aware.

        Returns:
            How many segments were dropped.

        Raises:
            StoreUnwritableError: nothing was dropped.
        """
        fold = self._fold
        oldest = fold.oldest
        kept = snapshots(self._disk)
        # The snapshot before the newest can stand in for it only with the segments from there on.
        needed = kept[-1] if len(kept) > 1 else 1
        while oldest < needed and self._may_go(oldest, acked, now):
            oldest += 1
        dropped = range(fold.oldest, oldest)
        if dropped:
            self.commit(Commit(oldest=oldest))
            self._remove_segments(dropped)
        return len(dropped)

    def end(self) -> None:
        """Take no transaction any more: what was written is all there will be."""
        self._ended = True

    def close(self) -> None:
        """Let go of the directory; a checkpoint under way is given up."""
        if self._checkpoint is not None:
            self._abandon_checkpoint()
        if self._pool is not None:
            self._pool.shutdown()
        with contextlib.suppress(OSError):  # a durable journal has nothing left to sync
            self._disk.sync(segment_name(self._tail.number))
        self._tail.close()
        self._disk.close()

    def _own(self) -> None:
        owner = self._disk.lock()
        if owner is not None:
            raise StoreInUseError(self._disk.label, owner)

    def _recover(self, *, durable: bool) -> Recovered | None:
        try:
            return recover(self._disk)
        except StoreDamagedError as error:
            if durable:
                raise
            self.restarted = error
            for name in self._disk.names():
                self._disk.remove(name)
            return None

    def _open(self, found: Recovered | None, *, durable: bool, mint: Callable[[], UUID]) -> None:
        self._disk.remove(TEMPORARY)
        if found is None:
            self._fold = Fold(mint())
            self._next_number = self._since_checkpoint = 0
            self._tail = Tail(self._disk, number=0, length=0, durable=durable)
            self._roll()
            return
        self._fold = found.fold
        self._next_number = found.next_number
        self._since_checkpoint = found.replayed_bytes
        self._tail = Tail(self._disk, number=found.segment, length=found.end, durable=durable)
        for torn in found.torn:
            if torn.offset:
                self._disk.truncate(torn.file, torn.offset)
                self._disk.sync(torn.file)
            else:
                self._disk.remove(torn.file)
                self._disk.sync_directory()
        for damaged in found.passed_over:  # or the next checkpoint would count it as a stand-in
            self._disk.remove(damaged.file)
        gone = [number for number in segments_of(self._disk) if number < self._fold.oldest]
        self._remove_segments(gone)

    def _roll(self) -> None:
        start = self._tail.roll(self._next_number, self._fold.journal, self._clock())
        self._checkpoint_number = self._next_number
        self._next_number += 1
        self._since_checkpoint += self._tail.length
        self._fold.begin_segment(start)

    def _run(self, stream: str, place: int, begin: int, end: int) -> Iterator[Envelope]:
        segment = segment_of(place)
        name = segment_name(segment)
        sealed = self._fold.sealed.get(segment)
        limit = sealed.end if sealed else self._tail.length
        broken: list[Broken] = []
        expected = begin
        for record in read_records(self._disk, name, offset_of(place), limit, broken.append):
            for event in events_of(record.body, stream):
                if event.seq < expected:
                    continue
                if event.seq != expected or event.seq > end:
                    break
                data = None if event.data is None else event.data.decode()
                self._last_read[stream] = (event.seq, position(segment, record.offset))
                yield Envelope(seq=event.seq, hash=event.hash, data=data, digest=event.digest)
                expected += 1
            if expected > end:
                return
        at = broken[0].offset if broken else limit
        what = broken[0].what if broken else "the segment ends"
        where = f"{self._disk.label}/{name}"
        raise StoreDamagedError(where, at, f"{what} where event {expected} of {stream} should be")

    def _may_go(self, segment: int, acked: Mapping[str, int], now: datetime) -> bool:
        sealed = self._fold.sealed.get(segment)
        if sealed is None or now - sealed.at < KEPT_AFTER_ACK:
            return False
        for name, index in self._fold.streams.items():
            last = index.last_in(segment)
            if last is not None and last > acked.get(name, 0):
                return False
        return True

    def _remove_segments(self, numbers: range | list[int]) -> None:
        # They are given up durably already; what cannot be removed now goes at the next start.
        with contextlib.suppress(OSError):
            for number in numbers:
                self._disk.remove(segment_name(number))

    def _abandon_checkpoint(self) -> None:
        assert self._checkpoint is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(OSError):  # a leftover is removed at the next start
            self._checkpoint.abandon()
        self._checkpoint = None

    def _in_thread(self, work: Callable[[], None]) -> Future[None]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        return self._pool.submit(work)
