"""A disk that is full, read-only or failing: nothing half, and back to work by itself."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.stream import StreamKey
from edge.store.database import EdgeDatabase
from edge.store.errors import StoreInUseError, StoreUnwritableError
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk
from edge.store.names import segment_name
from edge.store.verify import verify_disk

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST = segment_name(1)
KEY = StreamKey("edge-a", UUID(int=1), "central", UUID(int=2), "ledger")


def opened(disk: MemoryDisk) -> EdgeDatabase:
    """Open the store with one stream."""
    database = EdgeDatabase(
        Journal(disk, clock=lambda: NOW, segment_bytes=2000), indexes={"accounts": ("key",)}
    )
    database.open_stream("ledger", KEY)
    return database


def charge(database: EdgeDatabase, count: int) -> None:
    """Write one row and one event in one transaction."""
    with database.transaction() as transaction:
        database.table("accounts").insert({"key": f"user:{count}"})
        transaction.append("ledger", f"charge {count}")


def everything(database: EdgeDatabase) -> tuple[list[dict[str, str]], list[str | None]]:
    """Return all rows and events."""
    events = database.events("ledger", 1, database.head("ledger").seq)
    return [dict(row) for row in database.table("accounts")], [event.data for event in events]


def charged(done: list[int]) -> tuple[list[dict[str, str]], list[str | None]]:
    """Return what there is after these charges."""
    return [{"key": f"user:{count}"} for count in done], [f"charge {count}" for count in done]


def failing(operation: str, code: int) -> MemoryDisk:
    """Return a disk on which one operation fails from now on."""
    disk = MemoryDisk()

    def fault(asked: str, _name: str) -> None:
        if asked == operation:
            raise OSError(code, "as told")

    disk.faults = fault
    return disk


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3000))
def test_a_full_disk_refuses_whole_transactions_and_works_again_with_space(space: int) -> None:
    """Refused transactions leave no trace in memory or on disk; later ones need no restart."""
    disk = MemoryDisk()
    database = opened(disk)
    disk.space = space
    done = []
    for count in range(12):
        try:
            charge(database, count)
        except StoreUnwritableError:
            pass
        else:
            done.append(count)
    assert everything(database) == charged(done)
    disk.space = None
    charge(database, 99)
    assert everything(database) == charged([*done, 99])
    database.close()
    assert everything(opened(disk)) == charged([*done, 99])
    assert verify_disk(disk).problems == []


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("write", errno.EROFS),  # remounted read-only after an error
        ("sync", errno.EIO),  # a failing disk: the kernel forgets which pages were dirty
        ("sync", errno.ENOSPC),  # delayed allocation finds no room
    ],
)
def test_a_failed_write_or_sync_is_undone_and_mended(operation: str, code: int) -> None:
    """Whatever fails, memory is as before, and a crash right after finds what memory says."""
    disk = MemoryDisk()
    database = opened(disk)
    charge(database, 1)
    before = everything(database)
    disk.faults = failing(operation, code).faults
    for _ in range(3):
        with pytest.raises(StoreUnwritableError, match="nothing was changed"):
            charge(database, 2)
    assert everything(database) == before
    disk.faults = lambda _operation, _name: None
    charge(database, 3)
    after = everything(database)
    assert after[1] == ["charge 1", "charge 3"]
    # The power goes at once, and nothing of what was not synced is there.
    assert everything(opened(disk.crash(lambda _most: 0))) == after


def test_after_a_failed_sync_nothing_is_appended_behind_the_doubtful_end() -> None:
    """Even when the failed record reaches the disk after all, it does not count."""
    disk = MemoryDisk()
    database = opened(disk)
    charge(database, 1)

    def fault(operation: str, _name: str) -> None:
        if operation in {"sync", "truncate"}:
            raise OSError(errno.EIO, "as told")

    disk.faults = fault
    with pytest.raises(StoreUnwritableError):
        charge(database, 2)
    disk.faults = lambda _operation, _name: None
    charge(database, 3)
    # Everything that was ever written is found again, the failed record among it.
    assert everything(opened(disk.crash(lambda most: most)))[1] == ["charge 1", "charge 3"]


def test_a_checkpoint_that_cannot_be_written_is_given_up() -> None:
    """The journal goes on without it, and the next checkpoint works."""
    disk = MemoryDisk()
    database = opened(disk)
    charge(database, 1)
    database.checkpoint_step(timedelta(0))
    charge(database, 2)
    disk.space = 10
    with pytest.raises(StoreUnwritableError, match="checkpoint"):
        database.checkpoint()
    disk.space = None
    assert [name for name in disk.names() if not name.startswith("journal")] == []
    charge(database, 3)
    database.checkpoint()
    database.close()
    assert everything(opened(disk))[1] == ["charge 1", "charge 2", "charge 3"]


def test_a_directory_that_cannot_be_opened_is_unwritable_not_damaged() -> None:
    """A full or read-only disk at the start is told from damage: it heals by itself."""
    with pytest.raises(StoreUnwritableError, match="cannot be"):
        Journal(failing("create", errno.EROFS))
    with pytest.raises(StoreUnwritableError, match="cannot be"):
        Journal(failing("write", errno.ENOSPC))


def test_a_second_owner_is_told_whose_it_is() -> None:
    """Two processes never write one journal; the words name the first."""
    disk = MemoryDisk()
    first = Journal(disk)
    with pytest.raises(StoreInUseError, match=r"memory is in use by process \d+"):
        Journal(disk)
    first.close()


def test_room_is_made_for_many_records_and_given_back() -> None:
    """A record lies in zeros made before it, no more than 64 KiB of them; closing cuts them off."""
    disk = MemoryDisk()
    database = EdgeDatabase(Journal(disk))
    made: list[int] = []
    for _ in range(200):
        database.table("jobs").insert({"name": "x" * 1000})
        size, length = disk.size(FIRST), len(disk.content(FIRST))
        assert 0 < length - size <= 64 * 1024
        made.append(length)
    assert len(set(made)) == 4
    database.close()
    assert len(disk.content(FIRST)) == disk.size(FIRST)
