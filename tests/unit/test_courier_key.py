"""The key of courier codes at the edge: durable before the edge goes on, and told to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.messages import WIRE, BirthAccepted, Reply
from broker.stream import start
from edge.downward import Downward
from edge.meeting import Introduction, Meetings, Met
from edge.store.errors import StoreUnwritableError
from edge.store.memory_disk import MemoryDisk
from edge.upward import Upward
from tests.unit.edge_lab import CENTRE, open_books, open_replica

if TYPE_CHECKING:
    from edge.store.books import Books

KEY = "ab" * 32
OTHER = "cd" * 32


def meetings(books: Books) -> Meetings:
    """Return what compares heads with the centre."""
    who = Introduction("north", "test", None)
    down = Downward(books, open_replica(MemoryDisk()), epoch=0)
    return Meetings(who, CENTRE, books=books, up=Upward(books, epoch=0), down=down)


def answer(books: Books, key: str | None) -> Reply:
    """Return what the centre says to a birth."""
    said = BirthAccepted(
        epoch=1,
        incarnation=CENTRE,
        up={name: start(stream) for name, stream in books.keys.items()},
        down={"ledger": start(books.down_key)},
        wire=WIRE,
        courier_key=key,
    )
    return Reply(corr=UUID(int=1), status="ok", data=said.model_dump(mode="json"))


def test_the_key_is_on_the_disk_when_the_edge_goes_on() -> None:
    """Whoever pulls the plug right after the meeting finds it again."""
    disk = MemoryDisk()
    books = open_books(disk)
    assert isinstance(meetings(books).answered(answer(books, KEY), 0.0), Met)
    assert open_books(disk.crash(lambda _: 0)).codes.key == bytes.fromhex(KEY)


def test_an_edge_that_cannot_write_the_key_down_has_not_met_the_centre() -> None:
    """It meets it again when there is room: nobody is promised codes that it could not check."""
    disk = MemoryDisk()
    books = open_books(disk)
    disk.space = 0
    with pytest.raises(StoreUnwritableError):
        meetings(books).answered(answer(books, KEY), 0.0)
    disk.space = None
    assert books.codes.key is None


def test_a_centre_of_the_version_before_sends_no_key_and_takes_none_away() -> None:
    """The key stays what it was until another one comes."""
    books = open_books(MemoryDisk())
    for sent, kept in ((None, None), (KEY, KEY), (None, KEY), (OTHER, OTHER)):
        assert isinstance(meetings(books).answered(answer(books, sent), 0.0), Met)
        assert books.codes.key == (bytes.fromhex(kept) if kept else None)


def test_a_birth_says_that_codes_are_known_here() -> None:
    """Only who says so is sent keys and epochs."""
    books = open_books(MemoryDisk())
    assert meetings(books).birth(UUID(int=1), UUID(int=2)).wire == WIRE >= 2
