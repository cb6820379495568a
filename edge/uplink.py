"""The edge's end of the line to the centre: births, streams both ways, directory, questions.

It carries; it does not decide. Offline is not a mode: with the link down the books go on growing,
and when it is back the streams go on from where they were.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, assert_never

from broker import topics
from broker.codec import Unreadable, decode, encode
from broker.link import Arrived, Connected, Disconnected
from broker.messages import (
    Ack,
    Batch,
    Birth,
    BirthAccepted,
    Command,
    CommandState,
    CoordinatorStatus,
    DirectoryRequest,
    DirectoryRows,
    Message,
    Note,
    Reply,
    Request,
    Status,
    UpHeads,
)
from broker.stream_inbound import (
    AlreadyApplied,
    Apply,
    AskSingly,
    Fork,
    Gap,
    Inbound,
    Park,
)
from broker.stream_outbound import (
    EventsGone,
    ForkSeen,
    Opened,
    OtherEpoch,
    Outbound,
    PeerAhead,
    PeerBehind,
    Released,
    Stray,
    fitting,
)
from config.logs import logger
from edge.store.books import DOWN, UP
from edge.store.errors import StoreUnwritableError
from edge.store.replica import Moved, NeedSnapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from uuid import UUID

    from broker.link import Link
    from broker.messages import Granted, Position, Rejected, Role, StreamName
    from edge.ports import Clock
    from edge.store.books import Books
    from edge.store.replica import Replica

_log = logger("edge.uplink")

_STATUS_EVERY = 30.0
_BIRTH_PATIENCE = 5.0
_BIRTH_LONGEST = 60.0


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a birth says of this node."""

    node: str
    role: Role
    software: str
    enrolment: str | None


class Uplink:
    """Streams, directory and questions between this edge and the coordinator."""

    def __init__(
        self,
        link: Link,
        *,
        books: Books,
        replica: Replica,
        introduction: Introduction,
        coordinator_incarnation: UUID,
        mint: Callable[[datetime], UUID],
        clock: Clock,
        commands: Callable[[Command], Awaitable[CommandState]],
        on_granted: Callable[[tuple[Granted, ...]], None],
        on_rejected: Callable[[tuple[Rejected, ...]], None],
    ) -> None:
        self._link = link
        self._books = books
        self._replica = replica
        self._who = introduction
        self._centre = coordinator_incarnation
        self._mint = mint
        self._clock = clock
        self._commands = commands
        self._on_granted = on_granted
        self._on_rejected = on_rejected
        self._questions: dict[UUID, asyncio.Future[Reply]] = {}
        self._notes: dict[tuple[str, str], Note] = {}
        self._wake = asyncio.Event()
        self._session: UUID | None = None
        self._coordinator: CoordinatorStatus | None = None
        self._birth: UUID | None = None
        self._birth_patience = _BIRTH_PATIENCE
        self._agreed = False
        self._fetching = False
        epoch = int(books.note("epoch") or 0)
        self._epoch = epoch
        self._out: dict[StreamName, Outbound] = {
            name: Outbound(
                books.keys[name],
                head=books.head(name),
                acked=books.acked(name),
                hash_at=partial(books.hash_at, name),
                epoch=epoch,
            )
            for name in UP
        }
        self._in = Inbound(
            books.down_key,
            applied=books.head(DOWN),
            hash_at=partial(books.hash_at, DOWN),
            epoch=epoch,
            from_coordinator=True,
        )
        self._unstored: dict[StreamName, Position] = {}
        books.on_growth = self.grown

    # ── what others ask ─────────────────────────────────────────────────────────────────────

    @property
    def node(self) -> str:
        """This edge's id."""
        return self._who.node

    @property
    def linked(self) -> bool:
        """Whether the centre listens and both sides agree where the streams stand."""
        return self._agreed

    @property
    def waiting(self) -> int:
        """Events that the centre is not known to have committed."""
        return sum(self._books.head(name).seq - out.acked.seq for name, out in self._out.items())

    @property
    def acked(self) -> dict[str, int]:
        """Highest committed seq of each stream up."""
        return {name: out.acked.seq for name, out in self._out.items()}

    def grown(self) -> None:
        """Say that the books have new events."""
        for name, out in self._out.items():
            out.grown(self._books.head(name))
        self._wake.set()

    def note(self, note: Note) -> None:
        """Tell the centre of something, now or when it is there; the newest of its kind wins."""
        level = {"info": "info", "warning": "warning", "critical": "error"}[note.severity]
        getattr(_log, level)(note.detail, action="note", code=note.code, subject=note.subject)
        self._notes[note.code, note.subject] = note
        self._wake.set()

    async def request(self, method: str, question: Request, *, seconds: float) -> Reply | None:
        """Ask the centre; None when it is not there or does not answer in time."""
        if not self._agreed:
            return None
        future = asyncio.get_running_loop().create_future()
        self._questions[question.corr] = future
        try:
            await self._publish(topics.REQUEST, question, method=method)
            return await asyncio.wait_for(future, seconds)
        except (TimeoutError, ConnectionError):
            return None
        finally:
            self._questions.pop(question.corr, None)

    # ── tasks ───────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Serve the link until canceled; a failing message never stops it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive(), name="uplink receive")
            tasks.create_task(self._pump(), name="uplink pump")
            tasks.create_task(self._beat(), name="uplink beat")

    async def _beat(self) -> None:
        """Repeat the status, and the birth as long as nobody has answered it."""
        while True:
            await self._try(self._say_status())
            waited = 0.0
            while waited < _STATUS_EVERY:
                pause = min(self._birth_patience, _STATUS_EVERY - waited)
                await asyncio.sleep(pause)
                waited += pause
                if self._session and self._online and not self._agreed:
                    self._birth_patience = min(self._birth_patience * 2, _BIRTH_LONGEST)
                    await self._try(self._say_birth())
                self._store_acked()

    async def _pump(self) -> None:
        """Send what the streams allow, whenever something changes or time is up."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            if self._agreed:
                await self._try(self._send_notes())
                for name, out in self._out.items():
                    await self._try(self._send_batches(name, out))
            times = [out.wake_at for out in self._out.values() if out.wake_at is not None]
            pause = max(0.01, min(times) - loop.time()) if times else None
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    async def _send_batches(self, name: StreamName, out: Outbound) -> None:
        loop = asyncio.get_running_loop()
        while self._agreed and (seqs := out.next_batch(loop.time())) is not None:
            events = fitting(self._books.events(name, seqs[0], seqs[-1]))
            batch = Batch(
                stream=name,
                sender_incarnation=out.key.sender_incarnation,
                receiver_incarnation=out.key.receiver_incarnation,
                events=events,
            )
            out.sent(events[-1].seq, loop.time())
            await self._publish(topics.UP_LOG, batch, stream=name)

    async def _send_notes(self) -> None:
        while self._notes:
            key, note = next(iter(self._notes.items()))
            await self._publish(topics.OPS, note)
            if self._notes.get(key) is note:
                del self._notes[key]

    async def _receive(self) -> None:
        async for event in self._link.events():
            try:
                await self._take(event)
            except ConnectionError:
                pass  # the link went while we answered; the next birth makes up for it
            except StoreUnwritableError as error:
                self._in.abandoned()
                self.note(Note(severity="critical", code="store-unwritable", detail=str(error)))
            except Exception:  # noqa: BLE001  once a message
                _log.exception("a message could not be taken", action="uplink-error")

    @staticmethod
    async def _try(saying: Awaitable[None]) -> None:
        """Say something if the link is there; the streams say it again if it is not."""
        try:
            await saying
        except ConnectionError as error:
            _log.debug("not said", action="uplink-down", reason=str(error))

    # ── what comes down ─────────────────────────────────────────────────────────────────────

    @property
    def _online(self) -> bool:
        return self._coordinator is not None and self._coordinator.online

    async def _take(self, event: Connected | Disconnected | Arrived) -> None:
        match event:
            case Connected(session=session):
                self._session = session
                self._birth_patience = _BIRTH_PATIENCE
                await self._say_status()
                if self._online:
                    await self._say_birth()
            case Disconnected():
                self._session = self._coordinator = None
                self._shut()
            case Arrived(topic=topic, payload=payload):
                await self._hear(topic, payload)
            case _:
                assert_never(event)

    async def _hear(self, topic: str, payload: bytes) -> None:
        for known in topics.TABLE:
            if topics.Party.NODE in known.readers and known.match(topic) is not None:
                received = decode(payload, known.messages)
                if isinstance(received, Unreadable):
                    await self._unreadable(known, received.reason)
                else:
                    await self._act(received.message)
                return
        _log.warning("a message on an unknown topic", action="uplink-stray", topic=topic[:200])

    async def _unreadable(self, topic: topics.Topic, reason: str) -> None:
        _log.warning("unreadable", action="uplink-unreadable", topic=topic.name, reason=reason)
        if topic is topics.DOWN_LOG:
            outcome = self._in.unreadable(reason, asyncio.get_running_loop().time())
            if isinstance(outcome, AskSingly) and outcome.ack is not None:
                await self._publish(topics.UP_ACK, outcome.ack, stream="ledger")

    async def _act(self, message: Message) -> None:
        match message:
            case CoordinatorStatus():
                await self._coordinator_says(message)
            case Reply(corr=corr) if corr == self._birth:
                await self._born(message)
            case Reply(corr=corr):
                future = self._questions.get(corr)
                if future is not None and not future.done():
                    future.set_result(message)
            case Batch():
                await self._take_batch(message)
            case Ack():
                self._take_ack(message)
            case DirectoryRows():
                await self._take_directory(message)
            case Command():
                await self._obey(message)
            case _:
                _log.warning("not for an edge", action="uplink-stray", type=message.TYPE)

    async def _coordinator_says(self, status: CoordinatorStatus) -> None:
        if status.epoch < self._epoch:
            detail = f"a coordinator of epoch {status.epoch} speaks; {self._epoch} was seen already"
            self.note(Note(severity="critical", code="old-coordinator", detail=detail))
            return
        known = self._coordinator
        self._coordinator = status
        if not status.online:
            self._shut()
            return
        for out in self._out.values():
            out.peer_online(status.session)
        if known is None or not known.online or known.session != status.session:
            self._agreed = False
            self._birth_patience = _BIRTH_PATIENCE
            await self._say_birth()

    async def _born(self, reply: Reply) -> None:
        if reply.status != "ok":
            detail = reply.problem.detail if reply.problem else "no reason given"
            _log.error("the centre refuses this node", action="birth-refused", reason=detail)
            return
        accepted = BirthAccepted.model_validate(reply.data)
        if accepted.incarnation != self._centre:
            _log.error(
                "other books than this edge was enrolled with",
                action="birth-refused",
                reason=f"expected {self._centre}, it is {accepted.incarnation}; enrol again",
            )
            return
        now = asyncio.get_running_loop().time()
        for name, out in self._out.items():
            outcome = out.on_birth(accepted.up[name], epoch=accepted.epoch, now=now)
            match outcome:
                case Opened():
                    continue
                case PeerBehind() | OtherEpoch() | ForkSeen() | PeerAhead() | EventsGone():
                    self._stopped(name, outcome)
                    return
                case _:
                    assert_never(outcome)
        heads = self._in.on_birth(accepted.down["ledger"], epoch=accepted.epoch)
        if isinstance(heads, Fork | Park):
            self._stopped("ledger", heads)
            return
        if accepted.epoch > self._epoch:
            self._epoch = accepted.epoch
            self._books.remember("epoch", str(accepted.epoch))
        if self._books.note("accepted") is None:
            self._books.remember("accepted", str(accepted.incarnation))
        self._birth = None
        self._agreed = True
        _log.info("linked", action="linked", waiting=self.waiting, epoch=self._epoch)
        self._wake.set()

    async def _take_batch(self, batch: Batch) -> None:
        loop = asyncio.get_running_loop()
        outcome = self._in.receive(batch, loop.time())
        match outcome:
            case Apply(events=events):
                applied = self._books.apply(events, self._clock())
                ack = self._in.committed(applied.upto, loop.time())
                if applied.granted:
                    self._on_granted(applied.granted)
                if applied.rejected:
                    self._on_rejected(applied.rejected)
                for seq, reason in applied.quarantined:
                    detail = f"event {seq} from the centre could not be used: {reason}"
                    self.note(Note(severity="critical", code="quarantine", detail=detail[:1000]))
                await self._publish(topics.UP_ACK, ack, stream="ledger")
            case AlreadyApplied(ack=answer) | Gap(ack=answer) | AskSingly(ack=answer):
                if answer is not None:
                    await self._publish(topics.UP_ACK, answer, stream="ledger")
            case Fork() | Park():
                self._stopped("ledger", outcome)
            case Stray() | OtherEpoch():
                _log.warning("a batch of others", action="uplink-stray", outcome=repr(outcome))
            case _:
                assert_never(outcome)

    def _take_ack(self, ack: Ack) -> None:
        out = self._out.get(ack.stream)
        if out is None:
            return
        outcome = out.on_ack(ack, asyncio.get_running_loop().time())
        if isinstance(outcome, ForkSeen | PeerAhead | EventsGone):
            self._stopped(ack.stream, outcome)
        elif isinstance(outcome, Released):
            self._unstored[ack.stream] = outcome.upto
        self._wake.set()

    async def _take_directory(self, rows: DirectoryRows) -> None:
        outcome = self._replica.apply(rows)
        match outcome:
            case Moved(cursor=cursor):
                self._fetching = False
                _log.info("directory", action="directory", n=cursor.n, rows=len(rows.rows))
            case NeedSnapshot(reason=reason):
                if self._fetching:
                    return  # asked for already; what comes in between does not join
                _log.warning("directory fetched anew", action="directory", reason=reason)
                self._fetching = True
                await self._publish(
                    topics.REQUEST,
                    DirectoryRequest(corr=self._mint(self._clock()), expires_at=self._soon()),
                    method="directory",
                )
            case _:
                pass

    async def _obey(self, command: Command) -> None:
        topic_id = str(command.id)
        if command.expires_at <= self._clock():
            state = CommandState(id=command.id, state="expired", detail="it came too late")
        else:
            state = await self._commands(command)
        await self._publish(topics.COMMAND_STATE, state, id=topic_id)

    # ── what goes up ────────────────────────────────────────────────────────────────────────

    async def _say_status(self) -> None:
        if self._session is not None:
            status = Status(online=True, session=self._session, incarnation=self._books.incarnation)
            await self._publish(topics.STATUS, status)

    async def _say_birth(self) -> None:
        if self._session is None:
            return
        self._birth = self._mint(self._clock())
        accepted = self._books.note("accepted") is not None
        birth = Birth(
            corr=self._birth,
            session=self._session,
            incarnation=self._books.incarnation,
            software=self._who.software,
            role=self._who.role,
            enrolment=None if accepted else self._who.enrolment,
            epoch=self._epoch,
            up={
                name: UpHeads(sent=self._books.head(name), acked=out.acked)
                for name, out in self._out.items()
            },
            down={"ledger": self._in.applied},
            directory=self._replica.cursor,
        )
        await self._publish(topics.BIRTH, birth)

    async def _publish(self, topic: topics.Topic, message: Message, **levels: str) -> None:
        now = self._clock()
        payload = encode(message, source=self._who.node, id_=self._mint(now), now=now)
        where = topic.of(node=self._who.node, **levels)
        await self._link.publish(where, payload, qos=topic.qos, retain=topic.retain)

    def _stopped(self, stream: str, why: object) -> None:
        """A stream cannot go on by itself: say so, keep working alone."""
        self._agreed = False
        detail = f"stream {stream} is stopped: {why}; this site goes on alone"
        self.note(Note(severity="critical", code="stream-stopped", detail=detail[:1000]))

    def _shut(self) -> None:
        self._agreed = False
        self._fetching = False
        for out in self._out.values():
            out.peer_offline()

    def _store_acked(self) -> None:
        """Store watermarks now and then: an old one costs a resend, not an event."""
        for name, upto in list(self._unstored.items()):
            self._books.remember_acked(name, upto)
            del self._unstored[name]

    def _soon(self) -> datetime:
        return self._clock() + timedelta(seconds=30)
