"""Books on a file with a second log, a random life for them, and a look at every row."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.messages import FundsRequest, JobHeld
from central.store import accounts, audit, commands, funds, nodes, streams
from central.store.books import Books, sqlite_url
from central.store.log_files import read_only
from config.policy.money import Money
from tests.integration.books_lab import MORNING, Clock, Dice, MemoryEdge, open_account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NODES = ("east", "north", "south")
PEOPLE = ("user:ana", "user:bob")


class OnPurpose(Exception):
    """A transaction is given up half-way."""


def rows_of(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, but for where the log itself is."""
    with closing(sqlite3.connect(read_only(file), uri=True)) as sql:
        names = [
            name
            for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name not in {"second_log", "carried_file"}
        ]
        return {
            name: sorted(sql.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)  # noqa: S608  our own names
            for name in names
        }


@dataclass
class Life:
    """An organisation with three edges, whose books live through whatever comes."""

    home: Path
    seed: int = 0
    log: Path = field(init=False)
    file: Path = field(init=False)

    def __post_init__(self) -> None:
        """Open books, twice: the coordinator's and the command line's."""
        self.file = self.home / "books.db"
        self.log = self.home / "other-volume"
        self.random = random.Random(self.seed)  # noqa: S311  the same life in every run
        self.clock = Clock()
        self.books = self.open()
        self.other = self.open()
        for key in PEOPLE:
            open_account(self.books, key, "20.00")
        self.edges = {name: MemoryEdge(self.books, node=name) for name in NODES}
        for edge in self.edges.values():
            edge.join()

    def open(self) -> Books:
        """Open the books once more."""
        dice = Dice(self.random.getrandbits(32))
        url = sqlite_url(self.file)
        return Books.open(url, second_log=self.log, clock=self.clock, dice=dice)

    def close(self) -> None:
        """Close both handles."""
        self.books.close()
        self.other.close()

    def go_on(self, steps: int) -> None:
        """Live through so many random things."""
        things: list[Callable[[], None]] = [
            self.top_up,
            self.park,
            self.spend,
            self.spend,
            self.ask,
            self.answer,
            self.hold,
            self.give_up,
            self.forbidden,
            self.administer,
        ]
        for _ in range(steps):
            self.random.choice(things)()

    def top_up(self) -> None:
        """Pay in, by another process than the coordinator's."""
        money = Money(self.random.randrange(1, 2_000_000), "EUR")
        with self.other.write() as tx:
            accounts.top_up(tx, self.random.choice(PEOPLE), money, note="é \n '", author="test")

    def park(self) -> None:
        """Spread what is free, and let everybody hear of it."""
        with self.books.write() as tx:
            funds.park_free(tx, frozenset(NODES))
        for edge in self.edges.values():
            edge.listen()

    def spend(self) -> None:
        """Charge what an edge has; now and then what it has not."""
        edge = self.edges[self.random.choice(NODES)]
        account = self.random.choice(PEOPLE)
        here = edge.here.get(account, 0)
        many = [edge.charge(max(1, here // 10), account) for _ in range(3) if here > 10]
        if self.random.random() < 0.2:
            many.append(edge.charge(10**12, account))
            edge.here[account] += 10**12
        edge.say(*many)
        self.report(edge)

    def ask(self) -> None:
        """Ask for funds, which may reclaim them elsewhere."""
        edge = self.edges[self.random.choice(NODES)]
        asked = FundsRequest(
            corr=edge.mint(),
            expires_at=MORNING.replace(year=2027),
            account=self.random.choice(PEOPLE),
            unit="EUR",
            micros=self.random.randrange(1, 5_000_000),
        )
        with self.books.write() as tx:
            funds.ask(tx, edge.node, asked, frozenset(NODES))

    def answer(self) -> None:
        """Give back what was asked for."""
        for edge in self.edges.values():
            edge.listen()
            edge.say(*(edge.give_back(asked) for asked in edge.reclaims))
            edge.reclaims.clear()
            self.report(edge)

    def hold(self) -> None:
        """Tell of a job."""
        edge = self.edges[self.random.choice(NODES)]
        held = JobHeld(
            job=edge.mint(),
            user="ana",
            queue="pull",
            name="Brief \u2013 \u201cä\u201d",
            counted=None,
            received_at=edge.clock(),
        )
        edge.say(held, name="jobs")
        with self.books.write() as tx:
            state = streams.open_stream(tx, edge.node, edge.incarnation, "up", "jobs")
            edge.send_in(tx, edge.journal["jobs"][state.at.seq :], frozenset(), "jobs")

    def give_up(self) -> None:
        """Write a good deal and leave no trace."""
        with suppress(OnPurpose), self.books.write() as tx:
            accounts.top_up(tx, PEOPLE[0], Money(5, "EUR"), note="", author="test")
            raise OnPurpose

    def forbidden(self) -> None:
        """Have an entry refused inside a transaction that goes on."""
        with self.books.write() as tx:
            funds.grant(tx, "north", PEOPLE[1], "EUR", 10**13, "parked")
            audit.note(tx, author="test", act="try", target="north")

    def administer(self) -> None:
        """Do what administrators do."""
        with self.other.write() as tx:
            commands.order(tx, "north", "report-digest", {"part": 1}, tx.now)
            commands.expire(tx)
            nodes.seen(tx, {"north": self.random.random() < 0.5})

    def report(self, edge: MemoryEdge) -> None:
        """Send everything the centre has not seen of a ledger stream."""
        with self.books.write() as tx:
            edge.send_rest(tx, frozenset(NODES))
