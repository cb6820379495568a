"""The edge's line to the centre: it meets, sends, applies and survives what goes wrong between."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, cast
from uuid import UUID

from broker import topics
from broker.codec import text_of
from broker.link import Connected, Disconnected
from broker.messages import (
    Ack,
    Batch,
    Birth,
    BirthAccepted,
    Command,
    CommandState,
    CoordinatorStatus,
    DirectoryRequest,
    Envelope,
    FundsRequest,
    Granted,
    JobRefused,
    Message,
    Note,
    Opening,
    Position,
    Reply,
    StreamName,
)
from broker.stream import StreamKey, place, seal, start
from broker.stream_gate import SILENCE
from edge.calm import Calm
from edge.downward import FETCH_AGAIN
from edge.meeting import Introduction
from edge.store.books import DOWN, UP, Books
from edge.store.memory_disk import MemoryDisk
from edge.store.orders import Orders
from edge.uplink import Uplink
from tests.unit.edge_lab import (
    ANA,
    CENTRE,
    NOW,
    FakeLink,
    directory,
    held_job,
    minting,
    open_books,
    open_replica,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from broker.link import Link
    from broker.messages import Message, Rejected, Role
    from broker.topics import Topic
    from edge.store.transaction import Transaction

SESSION, OTHER_SESSION = UUID(int=50), UUID(int=51)


class FragileOrders(Orders):
    """What the centre says, carried out but for one account, as nobody foresaw."""

    def _carry_out(
        self,
        txn: Transaction,
        event: Message,
        granted: list[Granted],
        rejected: list[Rejected],
        now: datetime,
    ) -> None:
        if isinstance(event, Granted) and event.account == "user:poison":
            raise ZeroDivisionError
        super()._carry_out(txn, event, granted, rejected, now)


class FragileBooks(Books):
    """Books that break over that account."""

    def open(self, now: datetime, *, role: Role = "remote") -> None:
        """Begin, with what will break."""
        sound = {each.name: getattr(self._orders, each.name) for each in fields(Orders)}
        self._orders = FragileOrders(**sound)
        super().open(now, role=role)


class Centre:
    """The coordinator's part, played by the test."""

    def __init__(self, disk: MemoryDisk | None = None) -> None:
        self.disk = disk or MemoryDisk()
        self.books = open_books(self.disk, FragileBooks)
        self.replica_disk = MemoryDisk()
        self.replica = open_replica(self.replica_disk)
        self.link = FakeLink()
        self.granted: list[Granted] = []
        self.epoch = 1
        self.committed: dict[StreamName, Position] = {
            name: start(key) for name, key in self.books.keys.items()
        }
        self.head = start(self.books.down_key)
        self.calm = Calm()
        self.uplink = self._uplink()

    def _uplink(self) -> Uplink:
        async def obey(command: Command) -> CommandState:
            return CommandState(id=command.id, state="successful")

        return Uplink(
            cast("Link", self.link),
            books=self.books,
            replica=self.replica,
            introduction=Introduction("north", "test", None),
            calm=self.calm,
            coordinator_incarnation=CENTRE,
            mint=minting(),
            clock=lambda: NOW,
            commands=obey,
            on_granted=self.granted.extend,
            on_rejected=lambda _: None,
        )

    async def hears(self) -> None:
        """Wait until the edge has worked on all that arrived, and has sent what it may."""
        await self.link.inbox.join()
        for _ in range(20):
            await asyncio.sleep(0)

    async def tells(self, topic: Topic, message: Message, **levels: str) -> None:
        """Say something and wait until the edge has heard it."""
        self.link.arrive(topic, message, **levels)
        await self.hears()

    async def online(self, session: UUID = SESSION, *, online: bool = True) -> None:
        """Say that we are on line, or that a session of ours no longer is."""
        status = CoordinatorStatus(online=online, session=session, epoch=self.epoch)
        await self.tells(topics.ALL_COORDINATOR, status)

    async def answers(self) -> None:
        """Answer the latest birth."""
        birth = self.births[-1]
        accepted = BirthAccepted(
            epoch=self.epoch, incarnation=CENTRE, up=self.committed, down={"ledger": self.head}
        )
        reply = Reply(corr=birth.corr, status="ok", data=accepted.model_dump(mode="json"))
        await self.tells(topics.REPLY, reply, corr=str(birth.corr))

    async def meets(self) -> None:
        """Be connected, on line and met."""
        self.link.inbox.put_nowait(Connected(UUID(int=40)))
        await self.online()
        await self.answers()
        assert self.uplink.linked

    async def acks(self, name: StreamName, epoch: int | None = None) -> None:
        """Commit everything that the edge has of a stream and say so."""
        head = self.books.head(name)
        self.committed[name] = head
        ack = Ack(
            stream=name,
            incarnation=self.books.incarnation,
            epoch=self.epoch if epoch is None else epoch,
            upto=head.seq,
            hash=head.hash,
        )
        await self.tells(topics.DOWN_ACK, ack, stream=name)

    def sealed(self, *messages: Message) -> tuple[Envelope, ...]:
        """Append to our ledger."""
        said = messages if self.head.seq else (Opening(), *messages)
        envelopes = []
        for message in said:
            text = text_of(message, source="coordinator", id_=UUID(int=3), now=NOW)
            envelopes.append(seal(self.books.down_key, self.head, text))
            self.head = place(envelopes[-1])
        return tuple(envelopes)

    async def sends(self, events: tuple[Envelope, ...]) -> None:
        """Send events of our ledger."""
        key: StreamKey = self.books.down_key
        batch = Batch(
            stream="ledger",
            sender_incarnation=key.sender_incarnation,
            receiver_incarnation=key.receiver_incarnation,
            epoch=self.epoch,
            events=events,
        )
        await self.tells(topics.DOWN_LOG, batch, stream="ledger")

    def is_met(self) -> bool:
        """Say whether the edge takes itself for linked."""
        return self.uplink.linked

    def happens(self) -> None:
        """Let something happen at the site."""
        event = JobRefused(
            job=UUID(int=1), user="ana", printer=None, reason="no-price", detail="", alone=False
        )
        self.books.refuse(held_job(), event, NOW)

    @property
    def births(self) -> list[Birth]:
        """What the edge said of itself."""
        return [each for each in self.link.said(topics.BIRTH) if isinstance(each, Birth)]

    @property
    def batches(self) -> list[Batch]:
        """What came up."""
        return [each for each in self.link.said(topics.UP_LOG) if isinstance(each, Batch)]

    @property
    def alerts(self) -> list[str]:
        """Codes of the notes that came up."""
        return [each.code for each in self.link.said(topics.OPS) if isinstance(each, Note)]


@asynccontextmanager
async def serving(centre: Centre) -> AsyncIterator[Centre]:
    """Let the edge's line run."""
    task = asyncio.create_task(centre.uplink.run())
    try:
        yield centre
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def granted(micros: int = 500) -> Granted:
    """Return a grant to Ana."""
    return Granted(grant=UUID(int=8), account=ANA, unit="EUR", micros=micros, reason="parked")


async def test_who_tells_of_devices_hears_of_each_connection() -> None:
    """A broker may have forgotten what it kept: said anew each time, whether the centre listens."""
    centre = Centre()
    calls: list[int] = []
    centre.uplink.on_connected = lambda: calls.append(1)
    task = asyncio.create_task(centre.uplink.run())
    for number in (1, 2):
        centre.link.inbox.put_nowait(Connected(UUID(int=number)))
        centre.link.inbox.put_nowait(Disconnected("gone"))
    await centre.link.inbox.join()
    assert calls == [1, 1]
    task.cancel()


async def test_nothing_goes_up_before_both_have_met() -> None:
    """Events wait until the coordinator is on line and has said what it has."""
    async with serving(Centre()) as centre:
        centre.link.inbox.put_nowait(Connected(UUID(int=40)))
        await centre.hears()
        assert centre.births == []
        await centre.online()
        assert len(centre.births) == 1
        assert centre.batches == []
        await centre.answers()
        assert {batch.stream for batch in centre.batches} == set(UP)


async def test_news_wait_until_the_person_is_served() -> None:
    """What a release writes goes up behind it, not beside it; and it does go up."""
    async with serving(Centre()) as centre:
        await centre.meets()
        await centre.acks("jobs")
        before = len(centre.batches)
        with centre.calm.serving():
            centre.happens()
            centre.uplink.grown()
            await centre.hears()
            during = len(centre.batches)
        await centre.hears()
    assert (before, before + 1) == (during, len(centre.batches))


async def test_an_answer_to_an_older_birth_is_not_believed() -> None:
    """Only the answer to the latest birth counts: an older one may be from before a restore."""
    async with serving(Centre()) as centre:
        centre.link.inbox.put_nowait(Connected(UUID(int=40)))
        await centre.online()
        await centre.online(OTHER_SESSION)
        assert len(centre.births) == 2
        accepted = BirthAccepted(
            epoch=1, incarnation=CENTRE, up=centre.committed, down={"ledger": centre.head}
        )
        late = Reply(corr=centre.births[0].corr, status="ok", data=accepted.model_dump(mode="json"))
        await centre.tells(topics.REPLY, late, corr=str(late.corr))
        assert not centre.is_met()


async def test_the_last_will_of_an_older_session_cuts_nobody_off() -> None:
    """An `offline` of another session of the coordinator is late, and ignored (PROTOCOL 7)."""
    async with serving(Centre()) as centre:
        await centre.meets()
        await centre.online(OTHER_SESSION)
        await centre.answers()
        await centre.online(SESSION, online=False)
        assert centre.is_met()
        await centre.online(OTHER_SESSION, online=False)
        assert not centre.is_met()


async def test_a_coordinator_that_falls_silent_counts_as_gone() -> None:
    """Liveness is the last message: a frozen centre leaves no will, and nobody waits for it."""
    async with serving(Centre()) as centre:
        await centre.meets()
        await centre.uplink.tick(asyncio.get_running_loop().time() + SILENCE + 1)
        assert not centre.is_met()
        await centre.online()
        await centre.answers()
        assert centre.is_met()


async def test_an_old_coordinator_is_not_listened_to() -> None:
    """A lower epoch than was seen is refused and reported; the line to the right one stays."""
    async with serving(Centre()) as centre:
        centre.epoch = 2
        await centre.meets()
        centre.epoch = 1
        await centre.online(OTHER_SESSION)
        assert centre.is_met()
        assert "old-coordinator" in centre.alerts


async def test_an_old_coordinator_is_told_that_it_is_one() -> None:
    """Its status is answered with a birth that names the newer epoch, so that it can end."""
    async with serving(Centre()) as centre:
        centre.epoch = 2
        await centre.meets()
        centre.epoch = 1
        born = len(centre.births)
        await centre.online(OTHER_SESSION)
        assert [birth.epoch for birth in centre.births[born:]] == [2]


async def test_an_old_coordinator_grants_nothing_once_a_newer_one_has_spoken() -> None:
    """Between the newer one's first word and the meeting, the old one's money is not taken."""
    async with serving(Centre()) as centre:
        await centre.meets()
        events = centre.sealed(granted())
        centre.epoch = 2
        await centre.online(OTHER_SESSION)
        centre.epoch = 1
        await centre.sends(events)
        assert centre.books.free(ANA, "EUR") == 0
        assert centre.books.head(DOWN).seq == 0


async def test_an_old_coordinator_cannot_talk_the_edge_back() -> None:
    """Its answer to the birth that was meant for the newer one is refused."""
    async with serving(Centre()) as centre:
        await centre.meets()
        centre.epoch = 2
        await centre.online(OTHER_SESSION)
        assert centre.births[-1].epoch == 2
        centre.epoch = 1
        await centre.answers()
        assert not centre.is_met()
        centre.epoch = 2
        await centre.uplink.tick(asyncio.get_running_loop().time())
        await centre.answers()
        assert centre.is_met()


async def test_an_old_coordinator_acknowledges_nothing() -> None:
    """An ack from below the epoch that was seen releases no event."""
    async with serving(Centre()) as centre:
        await centre.meets()
        centre.happens()
        centre.epoch = 2
        await centre.online(OTHER_SESSION)
        before = centre.uplink.acked["jobs"]
        await centre.acks("jobs", epoch=1)
        assert centre.uplink.acked["jobs"] == before


async def test_a_higher_epoch_that_could_not_be_stored_is_stored_later() -> None:
    """A full disk at the meeting must not let an old coordinator in after the next start."""
    async with serving(Centre()) as centre:
        centre.epoch = 2
        centre.link.inbox.put_nowait(Connected(UUID(int=40)))
        await centre.online()
        centre.disk.space = 0
        await centre.answers()
        assert not centre.is_met()
        centre.disk.space = None
        await centre.uplink.tick(asyncio.get_running_loop().time())
        await centre.answers()
        assert centre.is_met()
        assert centre.books.note("epoch") == "2"


async def test_a_watermark_that_a_restored_centre_took_back_outlives_a_crash() -> None:
    """After a restore the edge sends again, even if it dies before the next ack is stored."""
    centre = Centre()
    async with serving(centre):
        await centre.meets()
        for _ in range(3):
            centre.happens()
        await centre.acks("jobs")
        await centre.uplink.tick(asyncio.get_running_loop().time())
        assert centre.books.acked("jobs").seq == 4
        centre.epoch = 2
        centre.committed["jobs"] = start(centre.books.keys["jobs"])
        await centre.online(OTHER_SESSION)
        await centre.answers()
    again = Centre(centre.disk.crash(lambda _: 0))
    again.epoch = 2
    async with serving(again):
        await again.meets()
        assert [batch.events[0].seq for batch in again.batches if batch.stream == "jobs"] == [1]


async def test_an_ack_of_a_higher_epoch_makes_the_edge_meet_again() -> None:
    """A late answer may hide a restore; the ack that shows it must not leave the stream shut."""
    async with serving(Centre()) as centre:
        await centre.meets()
        born = len(centre.births)
        centre.epoch = 2
        await centre.acks("ledger")
        assert len(centre.births) == born + 1
        await centre.answers()
        assert centre.is_met()


async def test_a_batch_of_a_higher_epoch_makes_the_edge_meet_again() -> None:
    """Nor may a restore that shows itself in what comes down leave the ledger deaf."""
    async with serving(Centre()) as centre:
        await centre.meets()
        centre.epoch = 2
        events = centre.sealed(granted())
        await centre.sends(events)
        await centre.answers()
        await centre.sends(events)
        assert centre.books.free(ANA, "EUR") == 500


async def test_what_comes_before_an_answer_makes_no_birth_more() -> None:
    """What a restored centre sends before its answer is heard must not make that answer stale."""
    async with serving(Centre()) as centre:
        await centre.meets()
        centre.epoch = 2
        events = centre.sealed(granted())
        await centre.sends(events)
        born = len(centre.births)
        await centre.sends(events)
        await centre.acks("ledger")
        assert len(centre.births) == born
        await centre.answers()
        assert centre.is_met()


async def test_a_full_disk_leaves_the_line_up() -> None:
    """Watermarks that cannot be stored are stored later; what comes down is taken when it fits."""
    async with serving(Centre()) as centre:
        await centre.meets()
        await centre.acks("ledger")
        await centre.acks("jobs")
        centre.disk.space = 0
        await centre.uplink.tick(asyncio.get_running_loop().time())
        events = centre.sealed(granted())
        await centre.sends(events)
        assert centre.books.free(ANA, "EUR") == 0
        assert centre.is_met()
        assert "store-unwritable" in centre.alerts
        centre.disk.space = None
        await centre.sends(events)
        assert centre.books.free(ANA, "EUR") == 500
        await centre.uplink.tick(asyncio.get_running_loop().time())
        assert centre.books.acked("jobs") == centre.committed["jobs"]


async def test_an_event_that_breaks_its_transaction_blocks_nothing() -> None:
    """It is put aside with what broke; the events before and after it take effect, once."""
    async with serving(Centre()) as centre:
        await centre.meets()
        poison = granted().model_copy(update={"account": "user:poison"})
        events = centre.sealed(granted(1), poison, granted(70))
        await centre.sends(events)
        await centre.sends(events)
        assert centre.books.head(DOWN).seq == events[-1].seq
        assert centre.alerts == ["quarantine"]
        assert [each.micros for each in centre.granted] == [1, 70]
        assert centre.books.free(ANA, "EUR") == 71


async def test_a_grant_that_comes_twice_is_credited_once() -> None:
    """Delivery may repeat, effect may not; the repeated batch is acknowledged all the same."""
    async with serving(Centre()) as centre:
        await centre.meets()
        events = centre.sealed(granted())
        await centre.sends(events)
        await centre.sends(events)
        assert centre.books.free(ANA, "EUR") == 500
        acks = [each for each in centre.link.said(topics.UP_ACK) if isinstance(each, Ack)]
        assert acks[0].upto == 2


async def test_a_directory_that_was_asked_for_and_did_not_come_is_asked_for_again() -> None:
    """One lost question must not leave the site with old people and prices while it is linked."""
    async with serving(Centre()) as centre:
        await centre.meets()
        delta = directory(9).model_copy(update={"kind": "delta", "since": 8, "snapshot": None})
        await centre.tells(topics.DIRECTORY, delta)
        await centre.tells(topics.DIRECTORY, delta)
        asked = centre.link.said(topics.REQUEST)
        assert [type(each) for each in asked] == [DirectoryRequest]
        await centre.uplink.tick(asyncio.get_running_loop().time() + FETCH_AGAIN + 1)
        assert len(centre.link.said(topics.REQUEST)) == 2
        await centre.tells(topics.DIRECTORY, directory(9))
        await centre.uplink.tick(asyncio.get_running_loop().time() + FETCH_AGAIN + 1)
        assert len(centre.link.said(topics.REQUEST)) == 2


async def test_directory_rows_that_found_the_disk_full_are_asked_for() -> None:
    """A change that could not be written does not come by itself a second time."""
    async with serving(Centre()) as centre:
        await centre.meets()
        centre.replica_disk.space = 0
        await centre.tells(topics.DIRECTORY, directory())
        assert centre.replica.cursor is None
        centre.replica_disk.space = None
        await centre.uplink.tick(asyncio.get_running_loop().time() + FETCH_AGAIN + 1)
        assert len(centre.link.said(topics.REQUEST)) == 1


async def test_a_question_nobody_can_hear_is_answered_at_once() -> None:
    """Nobody at a printer waits for a line that is down."""
    async with serving(Centre()) as centre:
        await centre.meets()
        centre.link.inbox.put_nowait(Disconnected("cut"))
        await centre.hears()
        question = FundsRequest(
            corr=UUID(int=77), expires_at=NOW, account=ANA, unit="EUR", micros=5
        )
        assert await centre.uplink.request("funds", question, seconds=60) is None
