"""What is found again after the power went, wherever it went (edge.store)."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.stream import StreamKey
from edge.store.database import EdgeDatabase
from edge.store.errors import StoreDamagedError
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk, PowerCutError
from edge.store.names import segment_name, segment_number, snapshot_name
from edge.store.verify import verify_disk

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = StreamKey("edge-a", UUID(int=1), "central", UUID(int=2), "ledger")
#: Small enough that a few transactions fill several segments.
SEGMENT_BYTES = 600


def at_once(work: Callable[[], None]) -> Future[None]:
    """Run what waits for the disk now; a power cut in it is the process's."""
    done: Future[None] = Future()
    try:
        work()
    except OSError as error:
        done.set_exception(error)
    else:
        done.set_result(None)
    return done


def opened(disk: MemoryDisk, now: datetime = NOW) -> EdgeDatabase:
    """Open the store on a disk."""
    journal = Journal(
        disk,
        segment_bytes=SEGMENT_BYTES,
        clock=lambda: now,
        mint=lambda: UUID(int=7),
        background=at_once,
    )
    return EdgeDatabase(journal, indexes={"accounts": ("key",)})


State = tuple[dict[str, dict[int, Any]], list[str]]


def state_of(database: EdgeDatabase) -> State:
    """Return all tables and all events, decoded."""
    tables = {
        name: {row.doc_id: dict(row) for row in database.table(name)}
        for name in sorted(database.tables())
    }
    events: list[str] = []
    if "ledger" in database.streams():
        found = database.events("ledger", 1, database.head("ledger").seq)
        # Pruned events are gone for good, so those still there are told with their place.
        events = [f"{event.seq} {event.data}" for event in found]
    return tables, events


@dataclass
class Life:
    """A workload; remembers what was acknowledged and what was under way."""

    acknowledged: State = field(default_factory=lambda: ({}, []))
    attempted: State | None = None

    def run(self, database: EdgeDatabase, steps: list[tuple[str, int]]) -> None:
        """Do the steps until they end or the power does."""
        for kind, value in steps:
            if kind == "checkpoint":
                database.checkpoint_step(timedelta(0))
            elif kind == "prune":
                self.prune(database, value)
            else:
                self.transact(database, value, drop=kind == "drop")

    def prune(self, database: EdgeDatabase, acked: int) -> None:
        """Give up old segments; what is read before and after shows that only acked ones went."""
        tables, before = state_of(database)
        allowed = [event for event in before if int(event.split()[0]) > acked]
        self.attempted = tables, allowed
        database.prune({"ledger": acked}, NOW + timedelta(days=31))
        found, after = state_of(database)
        assert found == tables
        assert after == before[len(before) - len(after) :]
        assert len(after) >= len(allowed)
        self.acknowledged = self.attempted = tables, after

    def transact(self, database: EdgeDatabase, value: int, *, drop: bool) -> None:
        """Write to two tables and a stream at once; what it will be is read before its end."""
        with database.transaction() as transaction:
            transaction.open_stream("ledger", KEY)
            if drop:
                database.drop_table("jobs")
            accounts, jobs = database.table("accounts"), database.table("jobs")
            accounts.upsert({"key": f"user:{value % 5}", "micros": value}, doc_ids(value))
            jobs.insert({"state": value})
            jobs.remove(doc_ids=[value])
            transaction.append("ledger", f"event {value}")
            place = transaction.head("ledger")
            tables, events = state_before(database)
            self.attempted = tables, [*events, f"{place.seq} event {value}"]
        assert self.attempted is not None
        self.acknowledged = self.attempted


def doc_ids(value: int) -> Any:  # noqa: ANN401 - a TinyDB query
    """Return the query for the account that a step changes."""
    from tinydb import where  # noqa: PLC0415 - TinyDB's name reads badly at the top

    return where("key") == f"user:{value % 5}"


def state_before(database: EdgeDatabase) -> State:
    """Return the tables as the running transaction sees them, and the durable events."""
    if "ledger" in database.streams():
        return state_of(database)
    tables, _ = state_of(database)
    return tables, []


steps = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "write", "checkpoint", "checkpoint", "prune", "drop"]),
        st.integers(0, 20),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.lists(st.tuples(steps, st.integers(0, 60)), min_size=1, max_size=4))
def test_a_power_cut_at_any_operation_keeps_whole_transactions_and_all_acknowledged(
    data: st.DataObject, lives: list[tuple[list[tuple[str, int]], int]]
) -> None:
    """After each of several crashes the store is what was acknowledged, or that and the last."""
    disk = MemoryDisk()
    life = Life()
    for life_steps, power in lives:
        disk.power = power
        with suppress(PowerCutError):
            life.run(opened(disk), life_steps)
        disk = disk.crash(lambda most: data.draw(st.integers(0, most)))
        found = state_of(database := opened(disk))
        assert database.recovered is None or database.recovered.passed_over == []
        assert_recovered(found, life)
        assert verify_disk(disk).problems == []
        life.acknowledged = life.attempted = found
        database.close()


def assert_recovered(found: State, life: Life) -> None:
    """Say that the store is what was acknowledged, or that and what was under way."""
    tables, events = found
    tables_before, events_before = life.acknowledged
    tables_after, events_after = life.attempted or life.acknowledged
    assert tables in (tables_before, tables_after)
    if len(events_after) > len(events_before):
        assert (tables, events) in (life.acknowledged, life.attempted)
    else:  # a pruning was under way: some acked ones may be gone
        assert events == events_before[len(events_before) - len(events) :]
        assert len(events) >= len(events_after)


def written(count: int) -> tuple[MemoryDisk, list[State]]:
    """Return a disk with one segment of transactions, and the state after each of them."""
    disk = MemoryDisk()
    database = EdgeDatabase(Journal(disk, clock=lambda: NOW, background=at_once))
    life = Life()
    states = [life.acknowledged]
    for value in range(count):
        life.transact(database, value, drop=False)
        states.append(life.acknowledged)
    database.close()
    return disk, states


def test_a_file_cut_after_any_byte_gives_a_prefix_of_whole_transactions() -> None:
    """Each length of the journal recovers to the transactions that it holds whole."""
    disk, states = written(6)
    whole = disk.content(segment_name(1))
    seen = []
    for length in range(len(whole) + 1):
        disk.damage(segment_name(1), whole[:length])
        database = opened(disk)
        found = states.index(state_of(database))
        seen.append(found)
        database.close()
    assert seen == sorted(seen)
    assert set(seen) == set(range(len(states)))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**30), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing_but_the_unprovable_end(
    where: int, change: int
) -> None:
    """Rot anywhere is refused by name, but in the last record, which a torn one looks like."""
    disk, states = written(6)
    name = segment_name(1)
    content = bytearray(disk.content(name))
    content[where % len(content)] ^= change
    disk.damage(name, bytes(content))
    refused: StoreDamagedError | None = None
    try:
        database = opened(disk)
    except StoreDamagedError as error:
        refused = error
    if refused is not None:
        assert refused.file == f"memory/{name}"
        assert "Recover:" in str(refused)
        return
    assert state_of(database) == states[-2]
    assert database.recovered is not None
    assert [torn.file for torn in database.recovered.torn] == [name]


def checkpointed() -> tuple[MemoryDisk, State]:
    """Return a disk with two snapshots and transactions before, between and after them."""
    disk = MemoryDisk()
    database = opened(disk)
    life = Life()
    for value in range(12):
        life.transact(database, value, drop=False)
        if value in {4, 8}:
            database.checkpoint()
    database.close()
    return disk, life.acknowledged


def test_a_damaged_snapshot_is_stood_in_for_by_the_one_before() -> None:
    """The newest snapshot may rot; the store says so, comes back whole, and replaces it."""
    disk, state = checkpointed()
    newest = max(name for name in disk.names() if name.startswith("snapshot"))
    content = disk.content(newest)
    disk.damage(newest, content[: len(content) // 2])
    database = opened(disk)
    assert state_of(database) == state
    assert database.recovered is not None
    assert [flaw.file for flaw in database.recovered.passed_over] == [newest]
    database.checkpoint()
    database.close()
    assert state_of(opened(disk)) == state


def test_a_missing_segment_is_refused_by_name() -> None:
    """Any segment that is needed stops the start, and the words say which and what to do."""
    disk, _ = checkpointed()
    segments = sorted(name for name in disk.names() if segment_number(name))
    assert len(segments) > 3
    for name in segments[:-1]:
        lame, _ = checkpointed()
        lame.remove(name)
        with pytest.raises(StoreDamagedError, match=f"{name}, byte 0: .*missing.*Recover:"):
            opened(lame)


def test_no_snapshot_whole_and_no_beginning_is_refused() -> None:
    """With nothing to begin from, the store does not begin from nothing."""
    disk, _ = checkpointed()
    for name in disk.names():
        if name.startswith("snapshot"):
            disk.damage(name, b"")
    disk.remove(segment_name(1))
    with pytest.raises(StoreDamagedError, match="no other snapshot is whole"):
        opened(disk)


def test_a_segment_of_another_journal_is_refused() -> None:
    """A file copied in from elsewhere is not folded in."""
    disk, _ = checkpointed()
    stranger = MemoryDisk()
    Journal(stranger, mint=lambda: UUID(int=8), clock=lambda: NOW).close()
    last = max(number for name in disk.names() if (number := segment_number(name)))
    disk.create(segment_name(last + 1))
    disk.damage(segment_name(last + 1), stranger.content(segment_name(1)))
    with pytest.raises(StoreDamagedError):
        opened(disk)


def test_a_replica_that_is_damaged_starts_empty_and_says_why() -> None:
    """What can be fetched again is not worth refusing to start for."""
    disk, _ = checkpointed()
    disk.remove(segment_name(max(n for name in disk.names() if (n := segment_number(name))) - 1))
    for name in disk.names():
        if name.startswith("snapshot"):
            disk.damage(name, b"rot")
    journal = Journal(disk, durable=False, clock=lambda: NOW, background=at_once)
    assert journal.tables == {}
    assert isinstance(journal.restarted, StoreDamagedError)
    assert snapshot_name(1) not in disk.names()


def test_a_replica_does_not_wait_for_the_disk() -> None:
    """A write to what can be fetched again costs no sync."""
    disk = MemoryDisk()
    database = EdgeDatabase(Journal(disk, durable=False, clock=lambda: NOW, background=at_once))
    before = disk.synced_writes
    for value in range(10):
        database.table("users").insert({"value": value})
    assert disk.synced_writes == before
