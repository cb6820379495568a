"""What every random history of money begins with, and what it knows of itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from broker.directory import UserRow
from central.store import accounts, directory, nodes
from central.store.books import Books
from tests.integration.books_lab import CODE, MORNING, Clock, Dice

if TYPE_CHECKING:
    import sqlite3
    from uuid import UUID

    from broker.messages import Ack, Batch, FundsRequest
    from config.policy.money import Unit

AUTHOR = "test"
NODES = ("east", "north", "south")
PEOPLE = ("ana", "bob")
#: Every account and its unit; the project is of both, and who is over it prints on it.
UNITS: dict[str, Unit] = {
    "user:ana": "EUR",
    "user:bob": "EUR",
    "project:x": "EUR",
    "pages:ana": "page",
    "grant:ana": "EUR",
    "grant:bob": "EUR",
}


@dataclass(frozen=True)
class Packet:
    """A message on a site's line."""

    node: str
    up: bool
    what: Batch | Ack | FundsRequest


@dataclass(frozen=True)
class Backup:
    """A copy of the books, and what was true then."""

    image: bytes
    given: Counter[tuple[str, Unit]]


@dataclass
class Told:
    """What the history knows of itself, whatever anybody's books say."""

    given: Counter[tuple[str, Unit]] = field(default_factory=Counter)
    """By house account and unit: what was paid in, and put right."""
    floors: Counter[str] = field(default_factory=Counter)
    """The lowest floor that an account ever had."""
    limitless: set[str] = field(default_factory=set)
    """Accounts that ever were without limit, and where these have gone."""
    printed: dict[UUID, int] = field(default_factory=dict)
    """Price of what is on paper, by job, over all journals."""
    refunded: Counter[UUID] = field(default_factory=Counter)
    """What was given back, by job."""
    forgot: bool = False
    """Books were restored without their second log."""


class Template:
    """Books with a schema, people and sites: each history begins from a copy of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.dice = Dice(5)
        self.books = Books.open("sqlite://", clock=self.clock, dice=self._roll)
        with self.books.write() as tx:
            for key, unit in UNITS.items():
                assert accounts.put(tx, key, unit, floor=0, enabled=True) is None
            for name in PEOPLE:
                own = tuple(key for key in UNITS if key.endswith(f":{name}"))
                row = UserRow(name=name, groups=("students",), accounts=own)
                directory.put(tx, "user", name, row)
            for name in NODES:
                nodes.add(tx, name, site=name, role="remote", kind="edge", code=CODE)
        self.identity = self.books.identity
        with self.books.read() as tx:
            self._raw = cast("sqlite3.Connection", tx.sql.connection.driver_connection)
        self.image = self.raw().serialize()

    def _roll(self, count: int) -> bytes:
        """Return so many bytes of the dice that count now."""
        return self.dice(count)

    def raw(self) -> sqlite3.Connection:
        """Return the one connection."""
        return self._raw

    def fresh(self) -> None:
        """Begin again."""
        self.raw().deserialize(self.image)
        self.clock.now, self.dice = MORNING, Dice(5)
        self.books.identity = self.identity
