"""Checkpoints in slices while writes go on, pruning, and reading events back (edge.store)."""

from __future__ import annotations

import errno
import itertools
import threading
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.stream import StreamKey
from edge.store.commit import Commit
from edge.store.database import EdgeDatabase
from edge.store.fold import Fold
from edge.store.journal import MEBIBYTE, Journal
from edge.store.memory_disk import MemoryDisk
from edge.store.names import segment_name
from edge.store.rows import PackedRows
from edge.store.snapshot import SnapshotWriter
from edge.store.verify import verify_disk

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
KEY = StreamKey("edge-a", UUID(int=1), "central", UUID(int=2), "ledger")
#: A row so long that a snapshot's chunk holds only two of them.
PADDING = "x" * 20_000
NO_TIME = timedelta(0)


def opened(
    disk: MemoryDisk, segment_bytes: int = MEBIBYTE, checkpoint_bytes: int = MEBIBYTE
) -> EdgeDatabase:
    """Open the store; its checkpoints sync in a thread, as in production."""
    journal = Journal(
        disk,
        clock=lambda: NOW,
        segment_bytes=segment_bytes,
        checkpoint_bytes=checkpoint_bytes,
    )
    return EdgeDatabase(journal)


def at_once(work: Callable[[], None]) -> Future[None]:
    """Run what would wait for the disk in a thread."""
    done: Future[None] = Future()
    work()
    done.set_result(None)
    return done


def finish(database: EdgeDatabase) -> None:
    """Take the checkpoint's remaining steps."""
    while not database.checkpoint_step(NO_TIME):
        pass


def contents(database: EdgeDatabase) -> dict[str, dict[int, int]]:
    """Return the value of each row of each table."""
    return {
        name: {row.doc_id: row["value"] for row in database.table(name)}
        for name in sorted(database.tables())
    }


writes = st.tuples(
    st.sampled_from(["insert", "update", "remove", "drop", "none"]),
    st.sampled_from(["accounts", "jobs", "cards"]),
    st.integers(1, 12),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=12), st.lists(writes, max_size=40), st.integers(0, 40))
def test_a_snapshot_in_slices_is_one_moment_whatever_is_written_between(
    first: list[int], changes: list[tuple[str, str, int]], crash_after: int
) -> None:
    """Folded from the snapshot or from the log alone, at any step, the tables are the same."""
    disk = MemoryDisk()
    database = opened(disk)
    for number in first:
        database.table(["accounts", "jobs", "cards"][number]).insert({"value": 0, "p": PADDING})
    done = False
    for count, (kind, table, doc_id) in enumerate(changes):
        done = done or database.checkpoint_step(NO_TIME)
        if kind == "insert":
            database.table(table).insert({"value": count, "p": PADDING})
        elif kind == "update":
            database.table(table).update({"value": count}, doc_ids=[doc_id])
        elif kind == "remove":
            database.table(table).remove(doc_ids=[doc_id])
        elif kind == "drop":
            database.drop_table(table)
        if count == crash_after:
            found = opened(disk.crash(lambda _most: 0))
            assert contents(found) == contents(database)
    if not done:
        finish(database)
    expected = contents(database)
    database.close()
    report = verify_disk(disk)
    assert report.problems == []
    assert report.folds == 2
    assert contents(opened(disk)) == expected


def test_slices_end_when_their_time_is_over() -> None:
    """A step without time writes one chunk, so that the loop is never held for a whole table."""
    disk = MemoryDisk()
    database = opened(disk)
    database.table("jobs").insert_multiple({"value": n, "p": PADDING} for n in range(100))
    steps = 0
    while not database.checkpoint_step(NO_TIME):
        steps += 1
    assert steps > 50


def test_a_checkpoint_is_synced_as_it_grows() -> None:
    """A transaction's sync never waits behind much more than a mebibyte of snapshot."""
    disk = MemoryDisk()
    database = opened(disk)
    database.table("jobs").insert_multiple({"value": n, "p": PADDING} for n in range(200))
    before = disk.synced_writes
    database.checkpoint()
    assert disk.synced_writes - before >= 5


def test_a_slow_sync_of_the_checkpoint_holds_up_nobody() -> None:
    """While the background syncs, steps return at once and transactions go on."""
    disk = MemoryDisk()
    let_go = threading.Event()

    def slowly(work: Callable[[], None]) -> Future[None]:
        done: Future[None] = Future()

        def run() -> None:
            let_go.wait(10)
            work()
            done.set_result(None)

        threading.Thread(target=run).start()
        return done

    database = EdgeDatabase(Journal(disk, clock=lambda: NOW, background=slowly))
    database.table("jobs").insert({"value": 1})
    for count in range(20):
        assert not database.checkpoint_step(timedelta(seconds=1))
        database.table("jobs").insert({"value": count})
    let_go.set()
    finish(database)
    database.close()
    assert len(opened(disk).table("jobs")) == 21


def test_a_checkpoint_is_due_by_bytes_and_shortens_the_replay() -> None:
    """The log since the last checkpoint is what a start must read, so it is kept short."""
    disk = MemoryDisk()
    database = opened(disk, checkpoint_bytes=50_000)
    due = []
    for _ in range(3):
        database.table("jobs").insert({"value": 1, "p": PADDING})
        due.append(database.checkpoint_due)
    database.checkpoint()
    due.append(database.checkpoint_due)
    assert due == [False, False, True, False]
    database.close()
    database = opened(disk)
    assert database.recovered is not None
    assert database.recovered.replayed == 1  # the new segment's head


def test_closing_in_the_middle_of_a_checkpoint_leaves_the_store_whole() -> None:
    """A checkpoint under way is given up, and its file is gone."""
    disk = MemoryDisk()
    database = opened(disk)
    database.table("jobs").insert_multiple({"value": n, "p": PADDING} for n in range(10))
    for _ in range(3):
        database.checkpoint_step(NO_TIME)
    database.close()
    assert all(name.startswith("journal") for name in disk.names())
    assert len(opened(disk).table("jobs")) == 10


def streamed(events: int, segment_bytes: int = MEBIBYTE) -> tuple[MemoryDisk, EdgeDatabase]:
    """Return a store with so many events, a row written before each."""
    disk = MemoryDisk()
    database = opened(disk, segment_bytes)
    database.open_stream("ledger", KEY)
    database.open_stream("jobs", KEY)
    for number in range(1, events + 1):
        with database.transaction() as transaction:
            transaction.append("ledger", f"event {number}")
            if number % 7 == 0:
                transaction.append("jobs", f"job {number}")
                transaction.append("jobs", f"job {number}, again")
    return disk, database


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(1, 450), st.booleans(), st.sampled_from([900, MEBIBYTE]))
def test_any_range_of_events_comes_back_in_order(
    first: int,
    last: int,
    reopen: bool,  # noqa: FBT001 - hypothesis fills it
    segment_bytes: int,
) -> None:
    """Between marks, across segments, behind the head, before and after a start."""
    disk, database = STORES[segment_bytes]
    if reopen:
        database.close()
        database = opened(disk)
        STORES[segment_bytes] = disk, database
    wanted = [f"event {number}" for number in range(first, min(last, 400) + 1)]
    assert [event.data for event in database.events("ledger", first, last)] == wanted
    jobs = list(database.events("jobs", 1, 10_000))
    assert [event.seq for event in jobs] == list(range(1, 115))


STORES = {size: streamed(400, segment_bytes=size) for size in (900, MEBIBYTE)}


def test_the_index_of_events_is_sparse() -> None:
    """Memory holds one mark per 64 events, not the events."""
    disk = MemoryDisk()
    journal = Journal(disk, clock=lambda: NOW)
    database = EdgeDatabase(journal)
    database.open_stream("ledger", KEY)
    for _ in range(50):
        with database.transaction() as transaction:
            for _ in range(64):
                transaction.append("ledger", "x")
    assert len(journal.streams["ledger"].seqs) == 50


def test_segments_go_only_when_acked_old_and_behind_both_snapshots() -> None:
    """Three conditions, each of which alone keeps a segment."""
    disk, database = streamed(40, segment_bytes=900)
    acked = {"ledger": 40, "jobs": 10}
    assert database.prune(acked, LATER) == 0  # no snapshot: the tables need every segment
    database.checkpoint()
    assert database.prune(acked, LATER) == 0  # one snapshot: if it rots, the log must stand in
    database.checkpoint()
    assert database.prune(acked, LATER - timedelta(seconds=1)) == 0  # too young
    assert database.prune({"ledger": 40}, LATER) == 1  # the second segment holds an unacked job
    assert database.prune({"ledger": 20, "jobs": 10}, LATER) > 0
    first = database.first_kept("ledger")
    assert 2 < first <= 21
    kept = database.events("ledger", 1, 40)
    assert [event.seq for event in kept] == list(range(first, 41))
    assert segment_name(1) not in disk.names()
    database.close()
    database = opened(disk)
    assert database.first_kept("ledger") == first
    assert verify_disk(disk).problems == []
    database.prune(acked, LATER)
    assert database.first_kept("ledger") == 41
    assert database.hash_at("ledger", 40) == database.head("ledger").hash
    assert list(database.events("ledger", 1, 40)) == []


def test_segments_that_could_not_be_removed_go_at_the_next_start() -> None:
    """Pruning is durable before a file goes, so that a leftover is no riddle but rubbish."""
    disk, database = streamed(40, segment_bytes=900)
    database.checkpoint()
    database.checkpoint()

    def fault(operation: str, _name: str) -> None:
        if operation == "remove":
            raise OSError(errno.EIO, "as told")

    disk.faults = fault
    assert database.prune({"ledger": 40, "jobs": 10}, LATER) > 0
    assert segment_name(1) in disk.names()
    database.close()
    disk.faults = lambda _operation, _name: None
    opened(disk).close()
    assert segment_name(1) not in disk.names()


def test_verify_finds_a_changed_event_behind_a_right_checksum() -> None:
    """The chain shows what the checksums, made anew, no longer do."""
    disk, database = streamed(3)
    database.close()
    report = verify_disk(disk, chained=lambda _key, before, _envelope: before.seq != 1)
    assert [problem.split(": ")[1] for problem in report.problems] == [
        "event 2 breaks ledger's chain"
    ]
    assert verify_disk(disk).holds
    assert verify_disk(disk).events == 3


def test_verify_finds_rot_where_a_start_does_not_look() -> None:
    """A start reads from the snapshot on; verify reads all that is kept."""
    disk, database = streamed(40, segment_bytes=900)
    database.checkpoint()
    database.close()
    content = bytearray(disk.content(segment_name(2)))
    content[300] ^= 1
    disk.damage(segment_name(2), bytes(content))
    database = opened(disk)
    database.close()
    report = verify_disk(disk)
    assert not report.holds
    assert segment_name(2) in report.problems[0]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=40))
def test_packed_rows_are_a_dictionary_that_can_stand_still(steps: list[tuple[int, int]]) -> None:
    """Frozen rows do not move, and what is read is always the newest."""
    rows, model = PackedRows(), dict[int, bytes]()
    frozen: tuple[object, dict[int, bytes]] | None = None
    thawed = True
    for number, (kind, doc_id) in enumerate(steps):
        if kind == 0 and frozen is None and thawed:
            frozen = rows.freeze(), dict(model)
        elif kind == 1:
            frozen, thawed = None, rows.thaw(2)
        elif kind == 2:
            rows.apply({doc_id: None})
            model.pop(doc_id, None)
        else:
            rows.apply({doc_id: b"%d" % number})
            model[doc_id] = b"%d" % number
        assert {found: rows.get(found) for found in rows} == model
        assert len(rows) == len(model)
        if frozen is not None:
            assert dict(frozen[0]) == frozen[1]  # type: ignore[call-overload]


@pytest.mark.parametrize("milliseconds", [0.25, 1, 2, 7])
def test_a_slice_ends_within_its_budget(milliseconds: float) -> None:
    """No slice is longer than 5 ms, but for one chunk that is longer by itself."""
    journal = Journal(MemoryDisk(), background=at_once)
    journal.commit(Commit(rows={"jobs": dict.fromkeys(range(1, 1000), b"x" * 1024)}))
    fold = Fold(journal.incarnation, tables=dict(journal.tables))
    writer = SnapshotWriter(MemoryDisk(), fold, segment=2, number=9, background=at_once)
    elapsed = itertools.count(step=milliseconds / 1000)
    now = 0.0

    def timer() -> float:
        nonlocal now
        now = next(elapsed)
        return now

    lengths = []
    done = False
    while not done:
        began = now + milliseconds / 1000  # the first look at the clock is not yet work
        done = writer.step(timedelta(milliseconds=5), timer)
        lengths.append(now - began)
    assert max(lengths) <= max(0.005, milliseconds / 1000) + 1e-9
    assert len(lengths) <= 40
