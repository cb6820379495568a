"""An edge on the wire for tests and measurements: a journal in memory, the real link and stream."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Self, TypeVar

from broker import topics
from broker.codec import Received, decode, encode
from broker.link import Arrived, Connected, Disconnected, Link, LinkDown, Will
from broker.messages import (
    AccountAmount,
    Ack,
    Batch,
    Birth,
    BirthAccepted,
    Command,
    CommandState,
    CoordinatorStatus,
    DirectoryCursor,
    DirectoryRows,
    EdgeDigest,
    FundsRequest,
    Granted,
    Message,
    Position,
    Reclaim,
    Reply,
    Request,
    Status,
    StreamName,
    UpHeads,
)
from broker.stream import StreamKey, place, start
from broker.stream_inbound import AlreadyApplied, Apply, Gap, Inbound
from broker.stream_outbound import Opened, Outbound, Pace, fitting

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from broker.link import LinkEvent
    from config.settings import LinkSettings
    from tests.integration.books_lab import MemoryEdge

M = TypeVar("M", bound=Message)

#: Seconds within which anything a test waits for must happen.
PATIENCE = 20.0


class WireEdge:
    """Speaks for a MemoryEdge. Enter the context to connect; wait with `until`."""

    def __init__(
        self,
        memory: MemoryEdge,
        settings: LinkSettings,
        *,
        code: str | None,
        pace: Pace | None = None,
    ) -> None:
        self.memory = memory
        self.code = code
        self.refused: str | None = None
        self.directory: list[DirectoryRows] = []
        self.heard: list[Message] = []
        self.accepted: BirthAccepted | None = None
        self.answers: dict[UUID, Reply] = {}
        self.wrong_digest = False
        self.cursor: DirectoryCursor | None = None
        """How far its copy of the directory goes; None: it asks for all of it."""
        self._changed = asyncio.Condition()
        self._birth: Birth | None = None
        self._session = memory.mint()
        self._coordinator: UUID | None = None
        self._told: CoordinatorStatus | None = None
        ours = memory.books.identity
        down = StreamKey(ours.node, ours.incarnation, memory.node, memory.incarnation, "ledger")
        self._hashes: dict[int, str] = {}
        self.inbound = Inbound(
            down, applied=start(down), hash_at=self._hashes.get, from_coordinator=True
        )
        self.outbound: dict[StreamName, Outbound] = {
            name: Outbound(
                memory.key(name),
                head=memory.head(name),
                acked=start(memory.key(name)),
                hash_at=lambda seq, name=name: self._hash(name, seq),  # type: ignore[misc]
                pace=pace or Pace(),
            )
            for name in memory.journal
        }
        self.link = Link(
            settings,
            memory.node,
            subscriptions=topics.node_subscriptions(memory.node),
            will=self._will,
        )

    async def __aenter__(self) -> Self:
        """Connect and go on by itself."""
        await self.link.__aenter__()
        self._task = asyncio.create_task(self._run())
        self._pulse = asyncio.create_task(self._again())
        return self

    async def __aexit__(self, *error: object) -> None:
        """Say goodbye."""
        for task in (self._task, self._pulse):
            task.cancel()
        await asyncio.gather(self._task, self._pulse, return_exceptions=True)
        await self.link.__aexit__(None, None, None)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; fail when it takes too long."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(true)

    async def say(self, *messages: Message, name: StreamName = "ledger") -> None:
        """Journal events and send them when it may be."""
        self.memory.say(*messages, name=name)
        await self.flush()

    async def flush(self) -> None:
        """Send what is in the journal."""
        for name, out in self.outbound.items():
            out.grown(self.memory.head(name))
        await self._send()

    async def ask(self, method: str, question: Request) -> Reply:
        """Ask and wait for the answer."""
        await self.publish(topics.REQUEST, question, method=method)
        await self.until(lambda: question.corr in self.answers)
        return self.answers[question.corr]

    async def ask_funds(self, micros: int, account: str = "user:ana") -> Reply:
        """Ask for funds."""
        question = FundsRequest(
            corr=self.memory.mint(),
            expires_at=self.memory.clock.now.replace(year=2096),
            account=account,
            unit="EUR",
            micros=micros,
        )
        return await self.ask("funds", question)

    async def publish(self, topic: topics.Topic, message: Message, **levels: str) -> None:
        """Publish a message of this node."""
        where = topic.of(node=self.memory.node, **levels)
        await self.link.publish(where, self._encoded(message), qos=topic.qos, retain=topic.retain)

    def all_acked(self) -> bool:
        """Say whether the centre has committed everything."""
        return all(out.acked == self.memory.head(name) for name, out in self.outbound.items())

    def _encoded(self, message: Message) -> bytes:
        edge = self.memory
        return encode(message, source=edge.node, id_=edge.mint(), now=edge.clock())

    def _will(self, session: UUID) -> Will:
        self._session = session
        told = Status(online=False, session=session, incarnation=self.memory.incarnation)
        return Will(topics.STATUS.of(node=self.memory.node), self._encoded(told))

    def _hash(self, name: StreamName, seq: int) -> str | None:
        kept = self.memory.journal[name]
        return kept[seq - 1].hash if 1 <= seq <= len(kept) else None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _again(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            await self._send()

    async def _send(self) -> None:
        try:
            for name, out in self.outbound.items():
                while (wanted := out.next_batch(self._now())) is not None:
                    kept = self.memory.journal[name][wanted.start - 1 : wanted.stop - 1]
                    events = fitting(kept)
                    out.sent(events[-1].seq, self._now())
                    batch = Batch(
                        stream=name,
                        sender_incarnation=self.memory.incarnation,
                        receiver_incarnation=self.memory.books.identity.incarnation,
                        events=events,
                    )
                    await self.publish(topics.UP_LOG, batch, stream=name)
        except LinkDown:
            return

    async def _run(self) -> None:
        async for event in self.link.events():
            # what happened may be over already: then the next event says so
            with suppress(LinkDown):
                await self._heed(event)
            async with self._changed:
                self._changed.notify_all()
            await self._send()

    async def _heed(self, event: LinkEvent) -> None:
        match event:
            case Connected(session):
                self._session, self._coordinator = session, None
                told = Status(online=True, session=session, incarnation=self.memory.incarnation)
                await self.publish(topics.STATUS, told)
                await self._greet()
            case Disconnected():
                self._told = None
                for out in self.outbound.values():
                    out.peer_offline()
            case Arrived(topic=topic, payload=payload):
                await self._arrived(topic, payload)

    async def _arrived(self, topic: str, payload: bytes) -> None:
        if topics.ALL_COORDINATOR.match(topic) is not None:
            await self._coordinator_says(_read(payload, CoordinatorStatus))
        elif topics.REPLY.match(topic) is not None:
            self._reply(_read(payload, Reply))
        elif (levels := topics.DOWN_ACK.match(topic)) is not None:
            name: StreamName = "ledger" if levels["stream"] == "ledger" else "jobs"
            self.outbound[name].on_ack(_read(payload, Ack), self._now())
        elif topics.DOWN_LOG.match(topic) is not None:
            await self._down(_read(payload, Batch))
        elif topics.DIRECTORY.match(topic) is not None:
            self.directory.append(_read(payload, DirectoryRows))
        elif topics.COMMAND.match(topic) is not None:
            await self._command(_read(payload, Command))

    async def _coordinator_says(self, told: CoordinatorStatus) -> None:
        self._told = told
        if self.link.connected.is_set():
            await self._greet()

    async def _greet(self) -> None:
        # what the broker had kept may come before the link reports that it is connected
        told = self._told
        if told is None or not told.online or told.session == self._coordinator:
            return
        self._coordinator = told.session
        for name, out in self.outbound.items():
            out.grown(self.memory.head(name))
            out.peer_online(told.session)
        self._birth = Birth(
            corr=self.memory.mint(),
            session=self._session,
            incarnation=self.memory.incarnation,
            software="test",
            role="remote",
            enrolment=self.code,
            epoch=self.inbound.epoch,
            up={
                name: UpHeads(sent=out.head, acked=out.acked) for name, out in self.outbound.items()
            },
            down={"ledger": self.inbound.applied},
            directory=self.cursor,
        )
        await self.publish(topics.BIRTH, self._birth)

    def _reply(self, reply: Reply) -> None:
        self.answers[reply.corr] = reply
        if self._birth is None or reply.corr != self._birth.corr:
            return
        if reply.status != "ok":
            self.refused = reply.problem.detail if reply.problem else reply.status
            return
        self.accepted = accepted = BirthAccepted.model_validate(reply.data)
        self.inbound.on_birth(accepted.down["ledger"], epoch=accepted.epoch)
        for name, out in self.outbound.items():
            opened = out.on_birth(accepted.up[name], epoch=accepted.epoch, now=self._now())
            assert isinstance(opened, Opened)

    async def _down(self, batch: Batch) -> None:
        match self.inbound.receive(batch, self._now()):
            case Apply(events):
                for envelope in events:
                    self._hashes[envelope.seq] = envelope.hash
                    message = _read(str(envelope.data).encode(), *topics.STREAMS_DOWN["ledger"])
                    self._apply(message)
                    self.heard.append(message)
                ack = self.inbound.committed(place(events[-1]), self._now())
            case AlreadyApplied(ack) | Gap(ack):
                pass
            case other:
                raise AssertionError(other)
        if ack is not None:
            await self.publish(topics.UP_ACK, ack, stream="ledger")
        reclaims, self.memory.reclaims = self.memory.reclaims, []
        for asked in reclaims:
            await self.say(self.memory.give_back(asked))

    def _apply(self, message: Message) -> None:
        here = self.memory.here
        match message:
            case Granted(account=account, micros=micros):
                here[account] = here.get(account, 0) + micros
            case Reclaim() as asked:
                self.memory.reclaims.append(asked)
            case _:
                pass

    async def _command(self, command: Command) -> None:
        rows = tuple(
            AccountAmount(account=account, unit="EUR", micros=micros)
            for account, micros in sorted(self.memory.here.items())
            if micros
        )
        lines = "".join(f"{r.account} {r.unit} {r.micros}\n" for r in rows)
        digest = sha256(lines.encode()).hexdigest()
        part = command.args.get("part")
        wanted = [r for r in rows if sha256(r.account.encode()).digest()[0] == part]
        told = EdgeDigest(
            up=self.memory.head("ledger"),
            down=self.inbound.applied,
            accounts=len(rows),
            digest="0" * 64 if self.wrong_digest else digest,
            part=part or 0,
            rows=tuple(wanted),
        )
        state = CommandState(id=command.id, state="successful", data=told.model_dump(mode="json"))
        await self.publish(topics.COMMAND_STATE, state, id=str(command.id))


def _read(payload: bytes, *kinds: type[M]) -> M:
    read = decode(payload, kinds)
    assert isinstance(read, Received), read
    message: M = read.message
    return message


__all__ = ["PATIENCE", "Position", "WireEdge"]
