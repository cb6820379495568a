"""The directory replica: whole or as before, whatever rows come and whatever the disk does."""

from __future__ import annotations

import pytest

from broker.directory import UserRow
from broker.messages import DirectoryRow, DirectoryRows
from edge.store.errors import StoreUnwritableError
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import Moved, NeedSnapshot, Replica, Taken
from tests.unit.edge_lab import NOW, directory, open_replica, tariff


def delta(n: int, *rows: DirectoryRow, since: int | None = None) -> DirectoryRows:
    """Return a change that leads to version n."""
    return DirectoryRows(
        epoch=1, kind="delta", since=n - 1 if since is None else since, upto=n, rows=rows
    )


def user(n: int, *, enabled: bool = True) -> DirectoryRow:
    """Return Ana at a version."""
    row = UserRow(name="ana", accounts=("user:ana",), enabled=enabled)
    return DirectoryRow(kind="user", key="ana", n=n, row=row.model_dump(mode="json"))


@pytest.fixture
def disk() -> MemoryDisk:
    """Make the replica's disk."""
    return MemoryDisk()


@pytest.fixture
def replica(disk: MemoryDisk) -> Replica:
    """Make a replica at version 1."""
    made = open_replica(disk)
    assert isinstance(made.apply(directory()), Moved)
    return made


def test_a_row_applies_only_if_it_is_newer(replica: Replica) -> None:
    """A late copy of an old row brings nobody back."""
    replica.apply(delta(2, user(2, enabled=False)))
    assert isinstance(replica.apply(delta(2, user(1))), Taken)
    found = replica.user("ANA")
    assert found is not None
    assert not found.enabled


def test_a_gap_asks_for_the_whole(replica: Replica) -> None:
    """What does not join is not applied."""
    assert isinstance(replica.apply(delta(5, user(5, enabled=False))), NeedSnapshot)
    found = replica.user("ana")
    assert found is not None
    assert found.enabled


def test_a_row_that_cannot_be_read_blocks_no_other(replica: Replica) -> None:
    """It means nothing, so it denies; rows beside it count, and a good one takes its place."""
    bad = DirectoryRow(kind="user", key="ana", n=2, row={"name": 5})
    new = DirectoryRow(kind="user", key="eve", n=3, row={"name": "eve"})
    worse = DirectoryRow(kind="tariff", key="2", n=4, row={"version": "x"})
    assert isinstance(replica.apply(delta(4, bad, new, worse, since=1)), Moved)
    assert replica.user("ana") is None
    assert replica.user("eve") is not None
    assert replica.tariff(NOW) == tariff()
    assert isinstance(replica.apply(delta(5, user(5))), Moved)
    assert replica.user("ana") is not None


def test_a_full_disk_leaves_version_and_rows_as_they_were(
    replica: Replica, disk: MemoryDisk
) -> None:
    """A change that was rolled back is not believed: its version is not claimed at the birth."""
    before = replica.cursor
    disk.space = 0
    for change in (delta(2, user(2, enabled=False)), directory(9)):
        with pytest.raises(StoreUnwritableError):
            replica.apply(change)
        assert replica.cursor == before
    disk.space = None
    assert isinstance(replica.apply(delta(2, user(2, enabled=False))), Moved)
    found = replica.user("ana")
    assert found is not None
    assert not found.enabled


def test_a_revocation_sent_early_counts_at_once(replica: Replica) -> None:
    """Who may no longer print is denied before the backlog of changes is through."""
    before = replica.cursor
    early = DirectoryRows(
        epoch=1, kind="revocations", since=1, upto=1, rows=(user(7, enabled=False),)
    )
    replica.apply(early)
    found = replica.user("ana")
    assert found is not None
    assert not found.enabled
    assert before is not None
    assert replica.cursor is not None
    assert replica.cursor.n == before.n
