"""Cards entered at terminals, as the centre takes them: once, or quarantined with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.directory import CARD_KEY, CardRow, SettingRow, UserRow, card_digest, keyed_card
from broker.messages import CardEnrolled, Rejected
from central.store import audit, cards, directory
from tests.integration.books_lab import MORNING, MemoryEdge, open_account, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books

KEY = b"k" * 32
NUMBER = "04A2B3C4"


@pytest.fixture
def books() -> Iterator[Books]:
    """Open books that know Ana and Ben."""
    opened = open_books()
    open_account(opened)
    with opened.write() as tx:
        for name in ("ana", "ben"):
            directory.put(tx, "user", name, UserRow(name=name))
    yield opened
    opened.close()


@pytest.fixture
def north(books: Books) -> MemoryEdge:
    """Return an edge that has joined."""
    edge = MemoryEdge(books)
    edge.join()
    return edge


def entered(card: str = card_digest(NUMBER), user: str = "ana") -> CardEnrolled:
    """Return what an edge says."""
    return CardEnrolled(card=card, user=user, terminal="panel", by="pin", enrolled_at=MORNING)


def rows(books: Books) -> dict[str, str]:
    """Return whose the cards are, by key."""
    with books.read() as tx:
        return {card.key: card.row.user for card in cards.every(tx)}


def test_a_card_joins_the_directory_and_an_administrator_can_see_how(
    books: Books, north: MemoryEdge
) -> None:
    """Row and act are there; neither holds the whole key outside the directory."""
    done = north.send(north.say(entered(), name="jobs"), name="jobs")
    assert done.quarantined == ()
    assert rows(books) == {card_digest(NUMBER): "ana"}
    with books.read() as tx:
        (act,) = audit.acts(tx, target="person:ana")
    assert (act.author, act.act) == ("north", "card enrolled")
    assert card_digest(NUMBER) not in str(act.detail)


def test_the_same_card_of_the_same_person_again_changes_nothing(
    books: Books, north: MemoryEdge
) -> None:
    """From two sites, or twice from one: the row stays, its version too."""
    north.send(north.say(entered(), name="jobs"), name="jobs")
    with books.read() as tx:
        before = directory.version(tx)
    done = north.send(north.say(entered(user="ANA"), name="jobs"), name="jobs")
    assert done.quarantined == ()
    with books.read() as tx:
        assert directory.version(tx) == before


@pytest.mark.parametrize(
    ("row", "user", "reason"),
    [
        (CardRow(user="ben"), "ana", "belongs to ben"),
        (CardRow(user="ana", blocked=True), "ana", "blocked"),
        (None, "zed", "nobody is called zed"),
    ],
)
def test_what_cannot_be_is_quarantined_and_the_site_is_told(
    books: Books, north: MemoryEdge, row: CardRow | None, user: str, reason: str
) -> None:
    """Another's, lost, of nobody: the directory stays as it is, and what follows goes on."""
    key = card_digest(NUMBER)
    with books.write() as tx:
        if row is not None:
            directory.put(tx, "card", key, row)
    north.listen()
    events = north.say(entered(user=user), entered(card_digest("other")), name="jobs")
    done = north.send(events, name="jobs")
    assert [why for _, why in done.quarantined if reason in why]
    assert len(done.quarantined) == 1
    assert rows(books).get(key) == (row.user if row else None)
    assert rows(books)[card_digest("other")] == "ana"
    (told,) = (each for each in north.listen() if isinstance(each, Rejected))
    assert (told.stream, told.seq) == ("jobs", events[-2].seq)


def test_a_disabled_person_gets_no_card(books: Books, north: MemoryEdge) -> None:
    """Whoever was disabled while their site was cut off."""
    with books.write() as tx:
        directory.put(tx, "user", "ana", UserRow(name="ana", enabled=False))
    done = north.send(north.say(entered(), name="jobs"), name="jobs")
    assert [why for _, why in done.quarantined] == ["ana is disabled"]
    assert rows(books) == {}


def test_a_site_that_had_not_heard_of_the_key_enters_no_second_row(
    books: Books, north: MemoryEdge
) -> None:
    """Ben's card under the organisation's key is Ben's, whatever a cut-off site called it."""
    with books.write() as tx:
        directory.put(tx, "setting", CARD_KEY, SettingRow(value=KEY.hex()))
        directory.put(tx, "card", keyed_card(NUMBER, KEY), CardRow(user="ben"))
    done = north.send(north.say(entered(), entered(user="ben"), name="jobs"), name="jobs")
    assert [why for _, why in done.quarantined] == ["that card belongs to ben"]
    assert rows(books) == {keyed_card(NUMBER, KEY): "ben"}
