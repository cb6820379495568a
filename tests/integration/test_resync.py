"""Promises of sending a site everything again: once it is there, whole, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker import topics
from broker.codec import Received, decode, encode
from broker.messages import DirectoryRows
from central.acts import nodes
from central.acts.by import By
from central.coordinator import Coordinator
from central.fleet import Fleet
from central.mailboxes import Mail
from central.store.ledger import Refused
from tests.integration.books_lab import Clock, Dice, open_books
from tests.integration.jobs_lab import Office, office

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from central.fleet import Say


@pytest.fixture
def here() -> Iterator[Office]:
    """Return books with a site."""
    books = open_books()
    yield office(books)
    books.close()


def snapshots(said: Sequence[Say]) -> list[DirectoryRows]:
    """Return the whole directories among what was said."""
    found = []
    for each in said:
        read = decode(each.payload, (DirectoryRows,)) if topics.DIRECTORY.match(each.topic) else 0
        if isinstance(read, Received) and read.message.kind == "snapshot":
            found.append(read.message)
    return found


def test_a_site_gets_everything_again_when_it_is_there_and_once(here: Office) -> None:
    """The wish waits for the site; what it gets is all there is; then nothing more is sent."""
    mind = Coordinator(Fleet(here.books, clock=Clock(), dice=Dice()))
    mind.connected(here.edge.mint(), 0.0)
    with here.books.write() as tx:
        assert not isinstance(nodes.resync(tx, By("web:eva"), "north"), Refused)
    assert snapshots(mind.look(1.0)) == []
    birth = encode(
        here.edge.birth(None), source="north", id_=here.edge.mint(), now=here.edge.clock()
    )
    mind.heard([Mail("north", topics.BIRTH.of(node="north"), birth)], 2.0)
    (whole,) = snapshots(mind.look(3.0))
    assert {row.kind for row in whole.rows} >= {"user", "account", "printer", "tariff", "setting"}
    assert snapshots(mind.look(4.0)) == []
