"""Promises of the coordinator with a real broker, real books and edges that speak the protocol."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from broker import topics
from broker.credentials import CredentialFile
from broker.directory import CardRow, UserRow
from broker.link import Arrived, Link
from broker.messages import Counted, FundsAnswer, JobHeld, Rejected
from broker.topics import Party
from central.app import Running, serve
from central.edge_check import Edge, EdgeCheck
from central.store import accounts, cards, directory, ledger, nodes
from central.store.books import Books
from central.store.verify import Counts, verify
from config.policy.money import Money
from config.settings import CentralSettings, LinkSettings
from edge.store.memory_disk import MemoryDisk
from tests.integration.books_lab import CODE, MORNING, MemoryEdge, euros, open_account
from tests.integration.dialects import books_url, on_postgresql
from tests.integration.wire_edge import PATIENCE, WireEdge
from tests.unit.edge_lab import open_replica

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from central.store.verify_charges import Finding

SECRET = "s" * 43


class Centre:
    """A coordinator with its broker in this process, and a second handle on its books."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.credentials = CredentialFile(path / "credentials.json")
        self.url = books_url(path / "books.db")
        self.books = Books.open(self.url)
        self.port = 0
        self._stop = asyncio.Event()

    def settings(self) -> CentralSettings:
        """Return the coordinator's settings."""
        return CentralSettings.model_validate(
            {
                "data": self.path,
                **({"database_url": self.url} if on_postgresql() else {}),
                "credentials": self.path / "credentials.json",
                "broker": {"secret": SECRET, "port": 1},
                "embedded_broker": {
                    "port": self.port,
                    "credentials": self.path / "credentials.json",
                },
            }
        )

    async def start(self) -> None:
        """Run until on line."""
        self._stop = asyncio.Event()
        online: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(serve(self.settings(), self._stop, online.set_result))
        self._task.add_done_callback(lambda _: online.done() or online.cancel())
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(online, return_exceptions=True)
        if self._task.done():
            await self._task
        self.port = online.result().broker_port or 0

    async def stop(self) -> None:
        """End as on SIGTERM."""
        self._stop.set()
        await self._task

    async def crash(self) -> None:
        """End without a word, in the middle of whatever is done."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def link(self, name: str, party: Party = Party.NODE) -> LinkSettings:
        """Let somebody in."""
        secret = self.credentials.add(name, party)
        return LinkSettings(port=self.port, secret=SecretStr(secret))

    def edge(self, name: str, *, code: str | None = CODE) -> WireEdge:
        """Enter an edge; it has still to be connected."""
        with self.books.write() as tx:
            nodes.add(tx, name, site=name, role="remote", kind="edge", code=CODE)
        return WireEdge(MemoryEdge(self.books, node=name), self.link(name), code=code)

    def top_up(self, amount: str, account: str = "user:ana") -> None:
        """Put money on an account, as the command does in another process."""
        with self.books.write() as tx:
            done = accounts.top_up(tx, account, Money.parse(amount, "EUR"), note="", author="t")
        assert isinstance(done, ledger.Posted)

    def places(self, account: str = "user:ana") -> dict[str, int]:
        """Return where an account's money sits."""
        with self.books.read() as tx:
            found = ledger.places_of(tx, account, "EUR")
        return {place: micros for place, micros in found.items() if micros}

    def assert_sound(self) -> None:
        """Check that a full verification finds nothing."""
        with self.books.read() as tx:
            assert list(verify(tx, Counts(), lambda _done, _all: None)) == []


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    """Run a coordinator with one account of Ana's."""
    running = Centre(tmp_path)
    open_account(running.books)
    await running.start()
    yield running
    await running.stop()
    running.books.close()


@asynccontextmanager
async def joined(*edges: WireEdge) -> AsyncIterator[None]:
    """Connect edges and wait until they are accepted."""
    for edge in edges:
        await edge.__aenter__()
    try:
        for edge in edges:
            await edge.until(lambda edge=edge: edge.accepted is not None)  # type: ignore[misc]
        yield
    finally:
        for edge in edges:
            await edge.__aexit__()


async def test_money_put_on_by_another_process_arrives_at_the_edge(centre: Centre) -> None:
    """A top-up is noticed, parked, granted and applied without anybody asking."""
    north = centre.edge("north")
    async with joined(north):
        centre.top_up("4.00")
        await north.until(lambda: north.memory.here.get("user:ana") == euros("4.00"))
        assert centre.places() == {"north": euros("4.00")}
    centre.assert_sound()


async def test_events_are_booked_and_acked(centre: Centre) -> None:
    """What an edge charges and tells is in the books once it is acked."""
    north = centre.edge("north")
    async with joined(north):
        centre.top_up("4.00")
        await north.until(lambda: bool(north.memory.here))
        held = JobHeld(
            job=north.memory.mint(),
            queue="q",
            user="ana",
            name="n",
            received_at=MORNING,
            counted=Counted(source="analysis", impressions=1),
        )
        await north.say(held, name="jobs")
        await north.say(*(north.memory.charge(10_000) for _ in range(250)))
        await north.until(north.all_acked)
        assert centre.places() == {"north": euros("1.50")}
        assert centre.places("income:print") == {"": euros("2.50")}
    centre.assert_sound()


async def test_a_refused_event_is_told_back_and_the_stream_goes_on(centre: Centre) -> None:
    """A charge that contradicts another is quarantined; the edge hears of it; the next counts."""
    north = centre.edge("north")
    async with joined(north):
        centre.top_up("1.00")
        await north.until(lambda: bool(north.memory.here))
        first = north.memory.charge(euros("0.10"))
        other = first.model_copy(update={"printed_above": 1})
        await north.say(first, other, north.memory.charge(euros("0.40")))
        await north.until(lambda: any(isinstance(each, Rejected) for each in north.heard))
        await north.until(north.all_acked)
        assert centre.places() == {"north": euros("0.50")}
    centre.assert_sound()


async def test_an_edge_that_spends_what_it_was_never_given_is_frozen(centre: Centre) -> None:
    """No honest edge does: its charge is put aside, and it is granted nothing any more."""
    north = centre.edge("north")
    async with joined(north):
        centre.top_up("1.00")
        await north.until(lambda: bool(north.memory.here))
        await north.say(north.memory.charge(euros("1.01")))
        await north.until(north.all_acked)
        centre.top_up("2.00")
        reply = await north.ask_funds(euros("0.50"))
        assert reply.status == "refused"
        assert centre.places()["north"] == euros("1.00")
    centre.assert_sound()


async def test_a_job_that_costs_more_than_is_here_is_paid_from_another_site(
    centre: Centre,
) -> None:
    """What lacks is reclaimed from the other linked site and granted on, at once."""
    north, south = centre.edge("north"), centre.edge("south")
    async with joined(north, south):
        centre.top_up("4.00")
        await north.until(lambda: bool(north.memory.here))
        await south.until(lambda: bool(south.memory.here))
        assert centre.places() == {"north": euros("2.00"), "south": euros("2.00")}
        reply = await north.ask_funds(euros("1.50"))
        answer = FundsAnswer.model_validate(reply.data)
        assert answer.coming == euros("1.50")
        assert {each.site for each in answer.where} == {"north", "south"}
        await north.until(lambda: north.memory.here["user:ana"] == euros("3.50"))
        assert centre.places() == {"north": euros("3.50"), "south": euros("0.50")}
    centre.assert_sound()


async def test_what_nobody_has_does_not_come(centre: Centre) -> None:
    """A request beyond everything that can be reached moves nothing and says where money is."""
    north, south = centre.edge("north"), centre.edge("south")
    async with joined(north, south):
        centre.top_up("4.00")
        await south.until(lambda: bool(south.memory.here))
        reply = await north.ask_funds(euros("2.01"))
        assert FundsAnswer.model_validate(reply.data).coming == 0
        assert centre.places() == {"north": euros("2.00"), "south": euros("2.00")}


async def test_without_a_valid_code_a_new_journal_is_parked(centre: Centre) -> None:
    """A stranger's journal is told why, the node is parked, and nobody else waits."""
    north, south = centre.edge("north", code="wrong"), centre.edge("south")
    async with north, joined(south):
        await north.until(lambda: north.refused is not None)
        assert "enrolment code" in str(north.refused)
        with centre.books.read() as tx:
            found = nodes.find(tx, "north")
        assert found is not None
        assert found.state == "parked"


async def test_directory_changes_reach_the_edge_revocations_first(centre: Centre) -> None:
    """A snapshot at birth; afterwards deltas, and what takes away before what gives."""
    north = centre.edge("north")
    async with joined(north):
        await north.until(lambda: bool(north.directory))
        assert north.directory[0].kind == "snapshot"
        assert north.directory[0].last
        with centre.books.write() as tx:
            directory.put(tx, "user", "bob", UserRow(name="bob"))
            directory.put(tx, "card", "c1", CardRow(user="bob"))
        await north.until(lambda: north.directory[-1].kind == "delta")
        north.directory.clear()
        with centre.books.write() as tx:
            directory.put(tx, "user", "cleo", UserRow(name="cleo"))
            directory.remove(tx, "card", "c1")
        await north.until(lambda: len(north.directory) >= 2)
        first, second = north.directory[:2]
        assert (first.kind, [row.key for row in first.rows]) == ("revocations", ["c1"])
        assert (second.kind, [row.key for row in second.rows]) == ("delta", ["cleo", "c1"])


async def test_who_is_removed_disabled_or_lost_a_card_stops_at_linked_sites(
    centre: Centre,
) -> None:
    """What a site is told first is enough to know them no more; all else comes after."""
    people = ("bob", "cleo", "dan")
    with centre.books.write() as tx:
        for name in people:
            directory.put(tx, "user", name, UserRow(name=name))
            cards.give(tx, f"card of {name}", name, author="test")
    north, replica = centre.edge("north"), open_replica(MemoryDisk())
    async with joined(north):
        await north.until(lambda: bool(north.directory))
        for part in north.directory:
            replica.apply(part)
        assert all(replica.user_of_card(f"card of {name}", MORNING) for name in people)
        north.directory.clear()
        with centre.books.write() as tx:
            directory.put(tx, "user", "eve", UserRow(name="eve"))
            lost = cards.by_number(tx, "card of bob")
            assert lost is not None
            cards.block(tx, lost, reason="lost", author="test")
            directory.put(tx, "user", "cleo", UserRow(name="cleo", enabled=False))
            directory.remove(tx, "user", "dan")
            cards.forget(tx, "dan")
        await north.until(lambda: bool(north.directory))
        assert north.directory[0].kind == "revocations"
        replica.apply(north.directory[0])
        assert replica.user_of_card("card of bob", MORNING) is None
        cleo = replica.user_of_card("card of cleo", MORNING)
        assert cleo is not None
        assert not cleo.enabled
        assert replica.user("dan") is None
        assert replica.card("card of dan") is None


async def test_a_restart_of_the_centre_loses_and_doubles_nothing(centre: Centre) -> None:
    """Whatever was under way when the coordinator vanished is in the books exactly once."""
    north = centre.edge("north")
    async with joined(north):
        centre.top_up("9.00")
        await north.until(lambda: bool(north.memory.here))
        for _ in range(3):
            await north.say(*(north.memory.charge(1000) for _ in range(500)))
            await centre.crash()
            await centre.start()
        await north.until(north.all_acked)
        assert centre.places() == {"north": euros("7.50")}
    centre.assert_sound()


async def test_a_rolled_back_journal_is_frozen(centre: Centre) -> None:
    """An edge that comes back with another event at a booked place is frozen with an alert."""
    north = centre.edge("north")
    async with joined(north):
        centre.top_up("1.00")
        await north.until(lambda: bool(north.memory.here))
        await north.say(north.memory.charge(1))
        await north.until(north.all_acked)
    north.memory.journal["ledger"].pop()
    north.memory.say(north.memory.charge(2))
    twin = WireEdge(north.memory, centre.link("north"), code=None)
    async with twin:
        await twin.until(lambda: twin.refused is not None)
    with centre.books.read() as tx:
        found = nodes.find(tx, "north")
    assert found is not None
    assert found.state == "frozen"
    assert "fork" in found.reason


async def test_an_edge_that_agrees_has_no_findings(centre: Centre) -> None:
    """Digests are asked for over the wire and agree, a quarantined charge included."""
    north = centre.edge("north")
    async with joined(north):
        centre.top_up("4.00")
        await north.until(lambda: bool(north.memory.here))
        first = north.memory.charge(euros("1.00"))
        other = first.model_copy(update={"printed_above": 1})
        north.memory.here["user:ana"] -= euros("1.00")
        await north.say(first, other)
        await north.until(north.all_acked)
        assert centre.places() == {"north": euros("3.00")}
        # an honest edge would not have spent it twice; one that did says so: it is accounted for
        assert await findings(centre, north) == []


async def test_money_that_an_edge_made_up_is_found(centre: Centre) -> None:
    """A balance at an edge that the books cannot explain is named with both figures."""
    north = centre.edge("north")
    async with joined(north):
        centre.top_up("4.00")
        await north.until(lambda: bool(north.memory.here))
        north.memory.here["user:ana"] += 5
        (found,) = await findings(centre, north)
        assert (found.check, found.where) == ("edge", "user:ana@north")
        assert "4000005" in found.detail
        assert "4000000" in found.detail


async def test_an_edge_that_is_silent_is_said_to_be(centre: Centre) -> None:
    """No answer in time is a finding, not a hang."""
    north = centre.edge("north")
    async with joined(north):
        pass
    check = EdgeCheck(centre.books, Edge("north", north.memory.incarnation), patience=0.5)
    (found,) = await asyncio.to_thread(lambda: list(check.findings()))
    assert found.check == "unanswered"


async def findings(centre: Centre, edge: WireEdge) -> list[Finding]:
    """Compare an edge with the books, as the command does in another process."""
    check = EdgeCheck(centre.books, Edge(edge.memory.node, edge.memory.incarnation))
    return await asyncio.to_thread(lambda: list(check.findings()))


async def test_the_feed_tells_of_jobs_without_names(centre: Centre) -> None:
    """A dashboard hears that a job was held; whose it is stays out."""
    north = centre.edge("north")
    board = Link(centre.link("board", Party.DASHBOARD), "board", subscriptions=("pm/v1/feed/jobs",))
    async with joined(north), board:
        await board.connected.wait()
        held = JobHeld(
            job=north.memory.mint(),
            queue="q",
            user="ana",
            name="secret-name",
            received_at=MORNING,
            counted=None,
        )
        await north.say(held, name="jobs")
        async with asyncio.timeout(PATIENCE):
            async for event in board.events():
                if isinstance(event, Arrived):
                    assert str(held.job).encode() in event.payload
                    assert b"ana" not in event.payload
                    assert b"secret-name" not in event.payload
                    break


async def test_it_says_offline_when_it_ends(tmp_path: Path) -> None:
    """On a clean end the retained status says offline, and no node counts as linked."""
    running = Centre(tmp_path)
    await running.start()
    board = Link(
        running.link("board", Party.DASHBOARD),
        "board",
        subscriptions=(topics.ALL_COORDINATOR.of(),),
    )
    said: list[bool] = []
    async with board:
        stopping: asyncio.Task[None] | None = None
        async with asyncio.timeout(PATIENCE):
            async for event in board.events():
                if isinstance(event, Arrived):
                    said.append(b'"online":true' in event.payload)
                    if stopping is None:
                        stopping = asyncio.create_task(running.stop())
                if said[-1:] == [False]:
                    break
        assert stopping is not None
        await stopping
    assert said == [True, False]
    with running.books.read() as tx:
        assert not any(node.linked for node in nodes.every(tx))
    running.books.close()
