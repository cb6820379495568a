"""A small organisation for tests: books with people and money, and edges that speak in memory."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from broker.codec import Received, decode, text_of
from broker.messages import (
    AccountAmount,
    Birth,
    Charged,
    Counted,
    Envelope,
    Granted,
    Message,
    Opening,
    Position,
    Reclaim,
    Returned,
    StreamName,
    UpHeads,
)
from broker.stream import StreamKey, place, seal, start
from broker.topics import STREAMS_DOWN
from central.store import accounts, nodes, streams
from central.store.books import Books
from central.store.ingest import Ingested, ingest
from config.ids import uuid7
from config.policy.money import Money
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from uuid import UUID

    from broker.stream import StreamKey as _Key
    from central.store.books import Transaction

MORNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CODE = "a-code-for-once"


class Dice:
    """Randomness that is the same in every run."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  the same ids in every run

    def __call__(self, count: int) -> bytes:
        """Return so many bytes."""
        return self._random.randbytes(count)


class Clock:
    """A clock that goes on by a millisecond whenever it is read."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        """Return the moment."""
        self.now += timedelta(milliseconds=1)
        return self.now


def open_books(url: str | None = None) -> Books:
    """Open books with a clock and dice of their own; new ones when no address is given."""
    return Books.open(url or books_url(), clock=Clock(), dice=Dice())


def euros(text: str) -> int:
    """Return micros of an amount like 2.50."""
    return Money.parse(text, "EUR").micros


def open_account(books: Books, key: str = "user:ana", top_up: str = "0.00") -> None:
    """Open an account in EUR and put money on it."""
    with books.write() as tx:
        assert accounts.put(tx, key, "EUR", floor=0, enabled=True) is None
        if euros(top_up):
            accounts.top_up(tx, key, Money.parse(top_up, "EUR"), note="", author="test")


@dataclass
class MemoryEdge:
    """An edge with a journal in memory, which keeps its own balances as a real one does."""

    books: Books
    node: str = "north"
    incarnation: UUID = field(init=False)
    here: dict[str, int] = field(default_factory=dict)
    journal: dict[StreamName, list[Envelope]] = field(
        default_factory=lambda: {"ledger": [], "jobs": []}
    )
    applied: int = 0
    reclaims: list[Reclaim] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        """Mint a journal of its own."""
        self.dice = Dice(sum(self.node.encode()))
        self.incarnation = self.mint()

    def mint(self) -> UUID:
        """Return a new id."""
        return uuid7(self.clock(), self.dice(10))

    def key(self, name: StreamName) -> _Key:
        """Return the key of a stream up."""
        ours = self.books.identity
        return StreamKey(self.node, self.incarnation, ours.node, ours.incarnation, name)

    def head(self, name: StreamName) -> Position:
        """Return the last event written."""
        kept = self.journal[name]
        return place(kept[-1]) if kept else start(self.key(name))

    def say(self, *messages: Message, name: StreamName = "ledger") -> list[Envelope]:
        """Journal events; return them sealed."""
        fresh = []
        if not self.journal[name]:
            messages = (Opening(), *messages)
        for message in messages:
            text = text_of(message, source=self.node, id_=self.mint(), now=self.clock())
            fresh.append(self.say_text(text, name))
        return fresh

    def say_text(self, text: str, name: StreamName = "ledger") -> Envelope:
        """Journal a text as it is."""
        envelope = seal(self.key(name), self.head(name), text)
        self.journal[name].append(envelope)
        return envelope

    def birth(self, code: str | None = CODE) -> Birth:
        """Return an introduction."""
        heads = {
            name: UpHeads(sent=self.head(name), acked=start(self.key(name)))
            for name in self.journal
        }
        return Birth(
            corr=self.mint(),
            session=self.mint(),
            incarnation=self.incarnation,
            software="test",
            role="remote",
            enrolment=code,
            epoch=0,
            up=heads,
            down={},
        )

    def join(self) -> None:
        """Be entered and born."""
        with self.books.write() as tx:
            nodes.add(tx, self.node, site=self.node, role="remote", kind="edge", code=CODE)
        with self.books.write() as tx:
            assert isinstance(nodes.accept(tx, self.node, self.birth()), nodes.Accepted)

    def charge(self, micros: int, account: str = "user:ana", **changes: object) -> Charged:
        """Return a charge, and spend it here."""
        self.here[account] = self.here.get(account, 0) - micros
        fields: dict[str, object] = {
            "charge": self.mint(),
            "job": self.mint(),
            "attempt": 1,
            "user": account.partition(":")[2],
            "printer": f"{self.node}-1",
            "service": "print",
            "tariff_version": 1,
            "counted": Counted(source="analysis", impressions=3, color_impressions=0, sheets=2),
            "postings": (AccountAmount(account=account, unit="EUR", micros=micros),),
            "alone": False,
            "settled_at": self.clock(),
        }
        return Charged.model_validate(fields | changes)

    def give_back(self, asked: Reclaim, micros: int | None = None) -> Returned:
        """Return the answer to a reclaim, and take it out here."""
        free = self.here.get(asked.account, 0)
        back = min(asked.up_to, free) if micros is None else micros
        self.here[asked.account] = free - back
        return Returned(reclaim=asked.reclaim, account=asked.account, unit=asked.unit, micros=back)

    def listen(self) -> list[Message]:
        """Apply everything that came down; return it."""
        with self.books.read() as tx:
            state = streams.open_stream(tx, self.node, self.incarnation, "down", "ledger")
            events = streams.envelopes(tx, state.id, self.applied + 1, state.at.seq)
        heard: list[Message] = []
        for envelope in events:
            assert envelope.data is not None
            read = decode(envelope.data, STREAMS_DOWN["ledger"])
            assert isinstance(read, Received)
            match read.message:
                case Granted(account=account, micros=micros):
                    self.here[account] = self.here.get(account, 0) + micros
                case Reclaim() as asked:
                    self.reclaims.append(asked)
                case _:
                    pass
            heard.append(read.message)
            self.applied = envelope.seq
        return heard

    def send(
        self,
        envelopes: list[Envelope],
        linked: frozenset[str] = frozenset(),
        *,
        name: StreamName = "ledger",
    ) -> Ingested:
        """Have the books take events in."""
        with self.books.write() as tx:
            return self.send_in(tx, envelopes, linked, name)

    def send_in(
        self, tx: Transaction, envelopes: list[Envelope], linked: frozenset[str], name: StreamName
    ) -> Ingested:
        """Have the books take events in, in a transaction that is open."""
        state = streams.open_stream(tx, self.node, self.incarnation, "up", name)
        return ingest(tx, state, envelopes, linked)

    def send_rest(self, tx: Transaction, linked: frozenset[str], *, size: int = 50) -> None:
        """Have the books take in what they have not seen of the ledger stream."""
        state = streams.open_stream(tx, self.node, self.incarnation, "up", "ledger")
        unseen = self.journal["ledger"][state.at.seq :]
        if unseen:
            ingest(tx, state, unseen[:size], linked)
