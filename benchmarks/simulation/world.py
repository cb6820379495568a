"""The world of a random history: one centre, some sites, and a network that does its worst.

The centre is the production coordinator on production books (SQLite in memory, the schema made
once and reused); the sites are `site.Site`. Time and dice are the world's own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from benchmarks.simulation.site import CODE, Site
from broker import topics
from broker.codec import encode
from broker.directory import PrinterRow, UserRow
from broker.messages import CoordinatorStatus
from central.conversation import Conversation
from central.coordinator import Coordinator
from central.fleet import Fleet
from central.mailboxes import Mail
from central.slices import snapshot
from central.store import accounts, codes, directory, nodes, recovery, streams, terms
from central.store.books import Books, Identity
from central.store.nodes import Accepted
from central.store.streams import StreamState
from config.ids import uuid7
from config.policy.money import Money
from config.policy.tariffs import Tariff, TariffLine
from edge.store.database import EdgeDatabase
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import INDEXES, Replica

if TYPE_CHECKING:
    import sqlite3

    from broker.messages import Message
    from central.fleet import Say
    from central.store.books import Transaction

UNIT: Final = "EUR"
USERS: Final = ("ana", "bob")
NODES: Final = ("east", "north", "south", "west")
CENT: Final = 10_000
#: More messages than this, with nobody doing anything, are a storm that feeds itself.
_STORM: Final = 1500
_BEGIN: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)


class MemoryBooks(Books):
    """Books in memory, which notice their own changes: the one connection is everybody's."""

    def change_token(self) -> object:
        """Return a value that differs once anything was committed since the last call."""
        return raw(self).total_changes


@dataclass(slots=True)
class Packet:
    """A message under way."""

    node: str
    """The site's end of the line."""
    up: bool
    topic: str
    payload: bytes


class World:
    """Everything there is."""

    def __init__(self, books: Books, replica: Replica, seed: int) -> None:
        self.now = 0.0
        self.dice = random.Random(seed)  # noqa: S311  a simulation
        self.books = books
        self.replica = replica
        self.sites: dict[str, Site] = {}
        self.packets: list[Packet] = []
        self.topped: dict[str, int] = dict.fromkeys(USERS, 0)
        """What people have really paid in."""
        self.codes: list[tuple[str, str, str]] = []
        """(node, user, digits) of every code that was shown."""
        self.wishes: list[tuple[str, str, UUID]] = []
        """(node, user, wish) of codes whose money is still being fetched."""
        self.copies: list[bytes] = []
        """Backups of the centre's books."""
        self.epoch = books.identity.epoch
        self.forgot = False
        """The centre was restored without its second log at least once."""
        self.coordinator: Coordinator | None = None
        self._online: bytes | None = None

    # ── time and dice ───────────────────────────────────────────────────────────────────────

    def wall(self) -> datetime:
        """Return the time of day."""
        return _BEGIN + timedelta(seconds=self.now)

    def random_bytes(self, count: int) -> bytes:
        """Return so many."""
        return self.dice.randbytes(count)

    def mint(self) -> UUID:
        """Return a new id."""
        return uuid7(self.wall(), self.dice.randbytes(10))

    def mint_at(self, now: datetime) -> UUID:
        """Return a new id of a moment."""
        return uuid7(now, self.dice.randbytes(10))

    @property
    def centre_incarnation(self) -> UUID:
        """Whose sites these are."""
        return self.books.identity.incarnation

    # ── the centre ──────────────────────────────────────────────────────────────────────────

    def start_centre(self) -> None:
        """Begin to listen."""
        fleet = Fleet(self.books, clock=self.wall, dice=self.random_bytes)
        self.coordinator = Coordinator(fleet)
        self._session = self.mint()
        self._publish(self.coordinator.connected(self._session, self.now))

    def fleet_status(self) -> CoordinatorStatus:
        """Return what the centre says of itself."""
        return CoordinatorStatus(online=True, session=self._session, epoch=self.epoch)

    @property
    def fleet(self) -> Fleet:
        """Return whom the centre speaks with; it must be running."""
        if self.coordinator is None:
            raise RuntimeError("the centre does not run")
        return self.coordinator.fleet

    def stop_centre(self) -> None:
        """Die; whatever was committed stays, and the broker dies with it."""
        self.coordinator, self._online = None, None
        for site in self.sites.values():
            site.disconnect()
        self.packets = [packet for packet in self.packets if not packet.up]

    def look(self) -> None:
        """Let the centre look at its books, as it does every little while."""
        if self.coordinator is None:
            return
        self._publish(self.coordinator.look(self.now))
        for node, user, wish in self.wishes:
            with self.books.read(self.wall()) as tx:
                done = codes.outcome(tx, wish)
            if isinstance(done, codes.Issued):
                self.codes.append((node, user, done.digits))
            if not isinstance(done, codes.Waiting):
                self.wishes = [each for each in self.wishes if each[2] != wish]

    def top_up(self, user: str, cents: int) -> None:
        """Somebody pays in."""
        with self.books.write(self.wall()) as tx:
            accounts.top_up(
                tx, f"user:{user}", Money(cents * CENT, UNIT), note="", author="simulation"
            )
        self.topped[user] += cents * CENT

    def code(self, node: str, user: str, tenths: int) -> None:
        """Somebody asks for a courier code on their phone."""
        wish = codes.Wish(node, user, f"user:{user}", Money(tenths * 10 * CENT, UNIT), user)
        if self.coordinator is None:
            return
        linked = self.fleet.linked(self.now)
        with self.books.write(self.wall()) as tx:
            done = codes.issue(tx, wish, linked, timedelta(seconds=20))
        if isinstance(done, codes.Issued):
            self.codes.append((node, user, done.digits))
        elif isinstance(done, codes.Waiting):
            self.wishes.append((node, user, done.id))

    def wish(self, node: str, wish: terms.Wish) -> None:
        """The operator changes what a site is."""
        with self.books.write(self.wall()) as tx:
            terms.set_wish(tx, node, wish, author="simulation")

    def back_up(self) -> None:
        """Keep a copy of the books."""
        self.copies.append(self._raw().serialize())

    def restore(self, copy: bytes | None) -> None:
        """The centre falls; it begins again under a higher epoch.

        Args:
            copy: what it has, without the second log; None: the second log brings all of it back.
        """
        self.stop_centre()
        if copy is not None:
            load(self.books, copy)
            self.forgot, self.wishes = True, []
        with self.books.write(self.wall()) as tx:
            tx.sql.exec_driver_sql("UPDATE meta SET epoch = ?", (self.epoch,))
        self.identify(self.epoch)
        with self.books.write(self.wall()) as tx:
            if copy is None:
                self.epoch += 1
                tx.sql.exec_driver_sql("UPDATE meta SET epoch = ?", (self.epoch,))
                tx.sql.exec_driver_sql("UPDATE node SET linked = 0")
            else:
                self.epoch = recovery.begin(tx)
        self.identify(self.epoch)

    # ── the network ─────────────────────────────────────────────────────────────────────────

    def greet(self, node: str) -> None:
        """Give a new connection what the broker has retained."""
        if self._online is not None:
            self.packets.append(
                Packet(node, up=False, topic=topics.ALL_COORDINATOR.of(), payload=self._online)
            )

    def send(self, node: str, topic: str, message: Message) -> None:
        """Put a site's message on its line."""
        payload = encode(message, source=node, id_=self.mint(), now=self.wall())
        self.packets.append(Packet(node, up=True, topic=topic, payload=payload))

    def lose(self, node: str) -> None:
        """Everything on a line is gone."""
        self.packets = [packet for packet in self.packets if packet.node != node]

    def deliver(self, at: int) -> None:
        """Let one message arrive."""
        packet = self.packets.pop(at)
        self.arrive(packet)

    def arrive(self, packet: Packet) -> None:
        """Let a message arrive, maybe again."""
        site = self.sites[packet.node]
        if not packet.up:
            if site.connected:
                site.hear(packet.topic, packet.payload)
                site.pump()
        elif self.coordinator is not None:
            mail = Mail(packet.node, packet.topic, packet.payload)
            self._publish(self.coordinator.heard([mail], self.now))

    def _publish(self, says: list[Say]) -> None:
        for say in says:
            levels = say.topic.split("/")
            if levels[2] == "all":
                self._online = say.payload
                for site in self.sites.values():
                    if site.connected:
                        self.packets.append(
                            Packet(site.node, up=False, topic=say.topic, payload=say.payload)
                        )
            elif levels[2] == "down" and self.sites[levels[3]].connected:
                self.packets.append(
                    Packet(levels[3], up=False, topic=say.topic, payload=say.payload)
                )

    # ── inside ──────────────────────────────────────────────────────────────────────────────

    def identify(self, epoch: int) -> None:
        """Take the books for those of an epoch."""
        known = self.books.identity
        self.books.identity = Identity(known.node, known.incarnation, epoch, known.currency)

    def _raw(self) -> sqlite3.Connection:
        return raw(self.books)


def raw(books: Books) -> sqlite3.Connection:
    """Return the one connection of books in memory."""
    with books.read() as tx:
        return cast("sqlite3.Connection", tx.sql.connection.driver_connection)


def load(books: Books, image: bytes) -> None:
    """Put other contents in the books' place."""
    raw(books).deserialize(image)


@dataclass(frozen=True, slots=True)
class Template:
    """A world in which everybody has met everybody: histories begin from copies of it."""

    books: Books
    image: bytes
    replica: Replica
    disks: dict[str, MemoryDisk]
    topped: dict[str, int]
    met: dict[str, Accepted]
    """Where the streams of each site stand, as a birth would say."""
    directory_n: int

    def world(self, seed: int) -> World:
        """Return a fresh copy; the one before must not be used any more."""
        load(self.books, self.image)
        world = World(self.books, self.replica, seed)
        world.identify(1)
        world.epoch = 1
        world.topped = dict(self.topped)
        world.copies.append(self.image)
        world.now = 10_000.0
        world.start_centre()
        for node, disk in self.disks.items():
            world.sites[node] = Site(world, node, disk.crash(lambda most: most))
            self._meet(world, node)
        return world

    def _meet(self, world: World, node: str) -> None:
        """Have the centre and a site agree without a word: a birth costs most of a history."""
        site, accepted, fleet = world.sites[node], self.met[node], world.fleet
        session = site.met(accepted)
        conversation = Conversation(self.books, node, accepted, session)
        conversation.outbound.on_birth(accepted.down.at, epoch=1, now=world.now)
        conversation.directory_n = self.directory_n
        fleet.conversations[node] = conversation
        fleet.presence.born(node, session, world.now)


def make_template(sites: int) -> Template:
    """Make the schema, the people, the sites; let them meet."""
    dice = random.Random(0)  # noqa: S311  a simulation
    books = MemoryBooks.open("sqlite://", clock=lambda: _BEGIN, dice=dice.randbytes)
    line = TariffLine(service="print", per_impression=CENT)
    tariff = Tariff(version=1, unit=UNIT, effective_from=_BEGIN - timedelta(days=1), lines=(line,))
    names = NODES[:sites]
    with books.write() as tx:
        for user in USERS:
            accounts.put(tx, f"user:{user}", UNIT, floor=0, enabled=True)
            row = UserRow(name=user, accounts=(f"user:{user}",))
            directory.put(tx, "user", user, row)
        directory.put(tx, "tariff", "1", tariff)
        for name in names:
            nodes.add(tx, name, site=name, role="remote", kind="edge", code=CODE)
            directory.put(tx, "printer", f"{name}-1", PrinterRow(device=f"{name}-1", node=name))
    replica = Replica(EdgeDatabase(Journal(MemoryDisk(), durable=False), indexes=INDEXES))
    world = World(books, replica, 1)
    world.start_centre()
    for name in names:
        world.sites[name] = Site(world, name, MemoryDisk())
    _bring_directory(books, replica)
    for user in USERS:
        world.top_up(user, 300)
    for site in world.sites.values():
        site.connect()
    quieten(world)
    image = raw(books).serialize()
    disks = {name: site.disk for name, site in world.sites.items()}
    with books.read() as tx:
        newest = directory.version(tx)
        met = {name: _accepted(tx, name, site) for name, site in world.sites.items()}
    return Template(books, image, replica, disks, dict(world.topped), met, newest)


def _accepted(tx: Transaction, name: str, site: Site) -> Accepted:
    journal = site.books.incarnation
    up = {each: streams.open_stream(tx, name, journal, "up", each) for each in nodes.UP_STREAMS}
    down = streams.open_stream(tx, name, journal, "down", "ledger")
    return Accepted(up, StreamState(down.id, down.key, down.at, down.at), first=False)


def _bring_directory(books: Books, replica: Replica) -> None:
    """Give the sites' one replica what the centre has: people and prices do not change here."""
    with books.read() as tx:
        found = directory.snapshot(tx)
        digest = directory.digest(tx)[1]
    for message in snapshot(found.rows, epoch=1, upto=found.upto, name=UUID(int=1), digest=digest):
        replica.apply(message)


def quieten(world: World, rounds: int = 400) -> bool:
    """Let everything happen that is on its way; return whether all is quiet."""
    most = _STORM
    for _ in range(rounds):
        world.look()
        for site in world.sites.values():
            site.tick()
            site.pump()
        restless = world.coordinator is not None and world.coordinator.restless
        if not world.packets and not restless:
            return True
        while world.packets:
            if not most:
                return False
            most -= 1
            world.deliver(0)
        world.now += 0.2
    return False
