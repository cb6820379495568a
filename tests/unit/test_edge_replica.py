"""The directory replica: whole or as before, whatever rows come and whatever the disk does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from broker.directory import CARD_KEY, CardRow, SettingRow, UserRow, card_digest, keyed_card
from broker.messages import DirectoryRow, DirectoryRows
from edge.store.errors import StoreUnwritableError
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import Moved, NeedSnapshot, Replica, Taken
from tests.unit.edge_lab import NOW, directory, open_replica, tariff

if TYPE_CHECKING:
    from pydantic import BaseModel

KEY = bytes(range(32))


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


def card(n: int, key: str, row: BaseModel | None) -> DirectoryRow:
    """Return a card's row at a version."""
    return DirectoryRow(
        kind="card", key=key, n=n, row=None if row is None else row.model_dump(mode="json")
    )


def key_row(n: int) -> DirectoryRow:
    """Return the organisation's card key at a version."""
    row = SettingRow(value=KEY.hex())
    return DirectoryRow(kind="setting", key=CARD_KEY, n=n, row=row.model_dump(mode="json"))


def test_a_blocked_card_identifies_nobody_at_once(replica: Replica) -> None:
    """A block sent early counts, and can be told from a card that nobody knows."""
    assert replica.user_of_card("4711", NOW) is not None
    blocked = card(9, card_digest("4711"), CardRow(user="ana", blocked=True))
    early = DirectoryRows(epoch=1, kind="revocations", since=1, upto=1, rows=(blocked,))
    replica.apply(early)
    assert replica.user_of_card("4711", NOW) is None
    found = replica.card("4711")
    assert found is not None
    assert found.trouble(NOW) == "blocked"
    assert replica.card("4712") is None


def test_a_card_is_good_until_its_day(replica: Replica) -> None:
    """It identifies its owner up to the moment, and nobody from then on, line or no line."""
    until = NOW + timedelta(days=1)
    row = CardRow(user="ana", expires_at=until)
    replica.apply(delta(2, card(2, card_digest("4711"), row)))
    assert replica.user_of_card("4711", until - timedelta(seconds=1)) is not None
    assert replica.user_of_card("4711", until) is None


def test_a_card_is_found_under_the_key_and_by_its_older_digest(replica: Replica) -> None:
    """One that was entered at a site before the key came goes on working after it."""
    replica.apply(delta(2, key_row(2)))
    assert replica.card_names("4711") == (keyed_card("4711", KEY), card_digest("4711"))
    assert replica.user_of_card("4711", NOW) is not None
    keyed = card(3, keyed_card("4711", KEY), CardRow(user="ana", blocked=True))
    replica.apply(delta(3, keyed))
    assert replica.user_of_card("4711", NOW) is None


def test_a_card_of_nobody_identifies_nobody(replica: Replica) -> None:
    """A card whose owner is gone, or whose row cannot be read, opens nothing."""
    replica.apply(delta(2, card(2, card_digest("1"), CardRow(user="ghost"))))
    bad = DirectoryRow(kind="card", key=card_digest("4711"), n=3, row={"blocked": "perhaps"})
    replica.apply(delta(3, bad))
    assert replica.user_of_card("1", NOW) is None
    assert replica.user_of_card("4711", NOW) is None
