"""Courier codes over a real line that is cut: used or not, the money is there once and agrees."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import pytest

from broker import topics
from broker.codec import encode
from broker.directory import UserRow
from broker.link import Link, Will
from broker.messages import Command, CommandState, Status
from central.cli import main
from central.edge_check import Edge, EdgeCheck
from central.store import code_list, codes, directory, nodes
from central.store.codes import Issued, Wish
from config.policy.money import Money
from demo.proxy import CuttableProxy
from edge.calm import Calm
from edge.digest import edge_digest
from edge.meeting import Introduction
from edge.outside import clock, mint
from edge.redeeming import Credited, Redeeming
from edge.store import books as books_room
from edge.store import replica as replica_room
from edge.store.books import DOWN, Books
from edge.store.database import EdgeDatabase
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk
from edge.store.replica import Replica
from edge.uplink import Uplink
from tests.integration.books_lab import CODE, euros, open_account
from tests.integration.test_coordinator import Centre

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path
    from uuid import UUID

PATIENCE = 20.0
ANA = "user:ana"


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so; fail when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never became so"
        await asyncio.sleep(0.02)


class Site:
    """An edge without printers: journal, replica, codes and the real uplink, on a memory disk."""

    def __init__(self, centre: Centre, name: str) -> None:
        self.centre = centre
        self.name = name
        self.disk = MemoryDisk()
        self.proxy = CuttableProxy(centre.port)
        self._code: str | None = CODE
        self._directory = MemoryDisk()
        self._parts = AsyncExitStack()

    async def start(self) -> Self:
        """Begin, with what is on the disk."""
        self._parts = AsyncExitStack()
        database = EdgeDatabase(Journal(self.disk), indexes=books_room.INDEXES)
        self.books = Books(
            database,
            node=self.name,
            coordinator=self.centre.books.identity.node,
            coordinator_incarnation=self.centre.books.identity.incarnation,
            mint=mint,
        )
        self.books.open(clock())
        rows = EdgeDatabase(Journal(self._directory, durable=False), indexes=replica_room.INDEXES)
        self.replica = Replica(rows)
        self.redeeming = Redeeming(
            books=self.books, replica=self.replica, clock=clock, monotonic=time.monotonic
        )
        if not self.proxy.port:
            await self.proxy.start()
        settings = self.centre.link(self.name).model_copy(update={"port": self.proxy.port})
        link = Link(
            settings,
            self.name,
            subscriptions=topics.node_subscriptions(self.name),
            will=self._will,
        )
        self.uplink = Uplink(
            link,
            books=self.books,
            replica=self.replica,
            introduction=Introduction(self.name, "test", self._code),
            calm=Calm(),
            coordinator_incarnation=self.centre.books.identity.incarnation,
            mint=mint,
            clock=clock,
            commands=self._obey,
            on_granted=lambda _: None,
            on_rejected=lambda _: None,
        )
        await self._parts.enter_async_context(link)
        task = asyncio.create_task(self.uplink.run())
        self._parts.push_async_callback(asyncio.wait, [task])
        self._parts.callback(task.cancel)
        return self

    async def kill(self) -> None:
        """Lose the process and what was not durable."""
        await self._parts.aclose()
        self.disk = self.disk.crash(lambda _: 0)
        self._directory = self._directory.crash(lambda most: most)

    async def stop(self) -> None:
        """End."""
        await self._parts.aclose()
        await self.proxy.stop()

    async def cut(self) -> None:
        """Cut the line, and wait until the centre knows."""
        self.proxy.cut()
        await until(lambda: not self.uplink.linked and not self._linked_there())

    async def restore(self) -> None:
        """Mend the line, and wait until both ends agree about everything."""
        before = self.books.codes.epoch
        self.proxy.restore()
        await until(lambda: self.uplink.linked and self.books.codes.epoch != before)
        await until(lambda: self.uplink.waiting == 0 and self._linked_there())
        await until(self.confirmed)

    def confirmed(self) -> bool:
        """Say whether the centre knows that everything it said is durable here."""
        with self.centre.books.read() as tx:
            states = nodes.down_streams(tx, [self.name])
        return all(state.acked == state.at for state in states)

    def free(self, account: str = ANA) -> int:
        """Return what may be spent here."""
        return self.books.free(account, "EUR")

    def types(self, code: str) -> Credited:
        """Let Ana type a code that is right."""
        person = self.replica.user("ana")
        assert person is not None
        found = self.redeeming.redeem(code, person)
        assert isinstance(found, Credited), found
        return found

    def _linked_there(self) -> bool:
        with self.centre.books.read() as tx:
            known = nodes.find(tx, self.name)
        return known is not None and known.linked

    async def _obey(self, command: Command) -> CommandState:
        digest = edge_digest(
            self.books.balances(),
            up=self.books.head("ledger"),
            down=self.books.head(DOWN),
            part=command.args.get("part"),
        )
        return CommandState(id=command.id, state="successful", data=digest.model_dump(mode="json"))

    def _will(self, session: UUID) -> Will:
        status = Status(online=False, session=session, incarnation=self.books.incarnation)
        text = topics.STATUS.of(node=self.name)
        now = clock()
        return Will(text, encode(status, source=self.name, id_=mint(now), now=now))


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    """Run a coordinator that knows Ana."""
    running = Centre(tmp_path)
    open_account(running.books, ANA)
    with running.books.write() as tx:
        directory.put(tx, "user", "ana", UserRow(name="ana", accounts=(ANA,)))
    await running.start()
    yield running
    await running.stop()
    running.books.close()


@asynccontextmanager
async def sites(centre: Centre, *names: str) -> AsyncIterator[list[Site]]:
    """Run sites that have met the centre and know Ana."""
    made = []
    for name in names:
        with centre.books.write() as tx:
            nodes.add(tx, name, site=f"{name} campus", role="remote", kind="edge", code=CODE)
        made.append(await Site(centre, name).start())
    try:
        for site in made:
            await until(lambda site=site: site.books.codes.epoch is not None)  # type: ignore[misc]
            await until(lambda site=site: site.replica.user("ana") is not None)  # type: ignore[misc]
            await until(site.confirmed)
        yield made
    finally:
        for site in made:
            await site.stop()


def issue(centre: Centre, amount: str, node: str = "north") -> str:
    """Return a code for Ana that there is money for."""
    wanted = Wish(node, "ana", ANA, Money.parse(amount, "EUR"), "test")
    with centre.books.write() as tx:
        done = codes.issue(tx, wanted, frozenset(), timedelta(seconds=1))
    assert isinstance(done, Issued), done
    return done.digits


async def assert_agreed(centre: Centre, *agreed: Site) -> None:
    """Check the books, and each edge against them."""
    centre.assert_sound()
    for site in agreed:
        check = EdgeCheck(centre.books, Edge(site.name, site.books.incarnation))
        assert await asyncio.to_thread(lambda check=check: list(check.findings())) == []  # type: ignore[misc]


async def test_a_code_carries_money_over_a_cut_line(centre: Centre) -> None:
    """Topped up after the cut, typed at the site, spent there; afterwards all books agree."""
    async with sites(centre, "north") as (north,):
        await north.cut()
        centre.top_up("5.00")
        code = issue(centre, "3.00")
        assert north.free() == 0
        assert not north.types(code).before
        assert north.free() == euros("3.00")
        await north.restore()
        await until(lambda: north.free() == euros("5.00"))
        assert north.types(code).before
        with centre.books.read() as tx:
            assert [each.state for each in code_list.every(tx)] == ["redeemed"]
        assert centre.places() == {"north": euros("5.00")}
        await assert_agreed(centre, north)


async def test_an_unused_code_comes_by_itself_when_the_line_is_back(centre: Centre) -> None:
    """Nobody need remember it: its money is an ordinary allocation, and the code is void."""
    async with sites(centre, "north") as (north,):
        await north.cut()
        centre.top_up("3.00")
        code = issue(centre, "3.00")
        await north.restore()
        await until(lambda: north.free() == euros("3.00"))
        assert north.types(code).before
        assert north.free() == euros("3.00")
        await assert_agreed(centre, north)


async def test_a_code_outlives_a_site_that_dies_before_and_after_it(centre: Centre) -> None:
    """The key is on the disk, and so is what was credited: killed twice, it is credited once."""
    async with sites(centre, "north") as (north,):
        await north.cut()
        centre.top_up("3.00")
        code = issue(centre, "3.00")
        await north.kill()
        await north.start()
        assert not north.types(code).before
        await north.kill()
        await north.start()
        assert north.types(code).before
        assert north.free() == euros("3.00")
        await north.restore()
        await until(lambda: [each.state for each in _records(centre)] == ["redeemed"])
        await until(lambda: north.books.head(DOWN).seq > 0 and north.uplink.waiting == 0)
        await assert_agreed(centre, north)


async def test_the_command_fetches_money_from_the_other_site(
    centre: Centre, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of it sits at south, north is cut off: the command waits for it, and the code is good."""
    async with sites(centre, "south", "north") as (south, north):
        await north.cut()
        centre.top_up("6.00")
        await until(lambda: south.free() == euros("6.00"))
        settings = centre.path / "central.toml"
        settings.write_text(
            f"data = {json.dumps(str(centre.path))}\n"
            f"credentials = {json.dumps(str(centre.path / 'credentials.json'))}\n"
            f'[broker]\nsecret = "{"s" * 43}"\nport = 1\n'
        )
        words = ["code", "ana", "North campus", "4.00", "--json", "--config", str(settings)]
        assert await asyncio.to_thread(main, words) == 0
        said = capsys.readouterr().out  # the coordinator's log is in the same process
        told = json.loads(said[said.rindex("{") :])
        assert (told["node"], told["micros"]) == ("north", euros("4.00"))
        assert north.types(told["code"]).free == euros("4.00")
        assert centre.places() == {"north": euros("4.00"), "south": euros("2.00")}
        await north.restore()
        await until(lambda: [each.state for each in _records(centre)] == ["redeemed"])
        await assert_agreed(centre, south, north)


async def test_the_key_is_said_in_no_log(
    centre: Centre, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Meeting, issuing and redeeming leave neither the key nor a code in what is logged."""
    caplog.set_level("DEBUG")
    async with sites(centre, "north") as (north,):
        await north.cut()
        centre.top_up("3.00")
        code = issue(centre, "3.00")
        north.types(code)
        await north.restore()
        key = north.books.codes.key
    assert key is not None
    said = capsys.readouterr()
    everything = caplog.text + said.out + said.err
    assert "code taken" in everything
    for secret in (key.hex(), code, code.replace(" ", "")):
        assert secret not in everything


def _records(centre: Centre) -> list[code_list.CodeRecord]:
    with centre.books.read() as tx:
        return code_list.every(tx)
