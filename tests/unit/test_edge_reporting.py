"""Promises of what an edge hands back to restored books: whole, in order, in messages that fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.codec import encode, text_of
from broker.messages import Command, CommandState, EdgeDigest, Granted, Opening, ReportedEvents
from broker.stream import follows, place, seal, start
from edge.reporting import report
from edge.store.memory_disk import MemoryDisk
from tests.unit.edge_lab import ANA, NOW, open_books

if TYPE_CHECKING:
    from broker.messages import Envelope, Message
    from edge.store.books import Books

#: What a broker passes on at most, less what MQTT adds.
MESSAGE_LIMIT = 64 * 1024


def books_with(grants: int) -> tuple[Books, list[Envelope]]:
    """Return books that have applied so many grants, and our stream as it was sent."""
    books = open_books(MemoryDisk())
    head, sent = start(books.down_key), []
    messages: list[Message] = [Opening()]
    messages += [
        Granted(grant=UUID(int=n), account=ANA, unit="EUR", micros=n, reason="parked")
        for n in range(1, grants + 1)
    ]
    for message in messages:
        text = text_of(message, source="coordinator", id_=UUID(int=3), now=NOW)
        sent.append(seal(books.down_key, head, text))
        head = place(sent[-1])
    books.apply(sent, NOW)
    return books, sent


def asked(command: str, **args: object) -> Command:
    """Return a question of the centre's."""
    fields = {"id": UUID(int=5), "command": command, "args": args, "expires_at": NOW}
    return Command.model_validate(fields)


def pages(books: Books, after: int) -> list[ReportedEvents]:
    """Ask until nothing is left; every answer must fit a message."""
    told = []
    while True:
        state = report(books, asked("report-applied", stream="ledger", after=after))
        assert state.state == "successful"
        assert len(encode(state, source="north", id_=UUID(int=6), now=NOW)) <= MESSAGE_LIMIT
        page = ReportedEvents.model_validate(json.loads(json.dumps(state.data)))
        told.append(page)
        if not page.events:
            return told
        after = page.events[-1].seq


def test_everything_after_a_place_is_handed_back_in_pages() -> None:
    """The pages join into the stream as it was sent, and end at its head."""
    books, sent = books_with(600)
    told = pages(books, 100)
    events = [event for page in told for event in page.events]
    assert events == sent[100:]
    assert len(told) > 3
    assert {page.head for page in told} == {place(sent[-1])}
    at = place(sent[99])
    for event in events:
        assert follows(books.down_key, at, event)
        at = place(event)


@pytest.mark.parametrize("after", [None, "x", -1, 10**9])
def test_a_place_that_is_none_is_no_fault(after: object) -> None:
    """Nonsense is answered from the beginning, a place beyond the end with nothing."""
    books, sent = books_with(3)
    told = ReportedEvents.model_validate(report(books, asked("report-applied", after=after)).data)
    assert list(told.events) == ([] if after == 10**9 else sent)


def test_the_digest_is_told_as_before() -> None:
    """The question that programs of the first version know has its answer."""
    books, sent = books_with(2)
    told = EdgeDigest.model_validate(report(books, asked("report-digest")).data)
    assert told.down == place(sent[-1])
    assert told.accounts == 1


def test_what_this_program_does_not_know_fails_in_words() -> None:
    """A command of a later version is answered, not left open."""
    books, _ = books_with(1)
    state: CommandState = report(books, asked("retire-journal"))
    assert (state.state, "retire-journal" in state.detail) == ("failed", True)
