"""The edge's end of the line to the centre: births, streams both ways, directory, questions.

It carries; it does not decide. Offline is not a mode: with the link down the books go on growing,
and when it is back the streams go on from where they were.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from broker import topics
from broker.codec import Unreadable, decode
from broker.link import Arrived, Connected, Disconnected
from broker.messages import (
    Ack,
    Batch,
    Command,
    CommandState,
    CoordinatorStatus,
    DirectoryRequest,
    DirectoryRows,
    Message,
    Reply,
    Request,
)
from broker.stream_gate import Gate, GateClosed, GateOpened, OldCoordinator, Unchanged
from config.logs import logger
from edge.downward import Came, Downward
from edge.meeting import Introduction, Meetings, Met, Stopped, Turned
from edge.questions import Questions
from edge.store.errors import StoreDamagedError, StoreUnwritableError
from edge.upward import Upward, is_ahead, is_halt
from edge.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from uuid import UUID

    from broker.link import Link
    from broker.messages import Granted, Note, Rejected, StreamName
    from edge.calm import Calm
    from edge.ports import Clock
    from edge.store.books import Books
    from edge.store.replica import Replica

_log = logger("edge.uplink")

_STATUS_EVERY = 30.0
#: Events let people and what prints go first, but for no longer than this a batch.
_PEOPLE_FIRST = 0.25
_BIRTH_PATIENCE = 5.0
_BIRTH_LONGEST = 60.0


class Uplink:
    """The line between this edge and the coordinator: births, streams, directory, questions."""

    def __init__(
        self,
        link: Link,
        *,
        books: Books,
        replica: Replica,
        introduction: Introduction,
        calm: Calm,
        coordinator_incarnation: UUID,
        mint: Callable[[datetime], UUID],
        clock: Clock,
        commands: Callable[[Command], Awaitable[CommandState]],
        on_granted: Callable[[tuple[Granted, ...]], None],
        on_rejected: Callable[[tuple[Rejected, ...]], None],
    ) -> None:
        self._link = link
        self._calm = calm
        self._books = books
        self._mint = mint
        self._clock = clock
        self._commands = commands
        self._on_granted = on_granted
        self._on_rejected = on_rejected
        self._voice = Voice(link, introduction.node, mint=mint, clock=clock)
        self.told = self._voice.told
        """Tell the centre how far a command is."""
        self._me = introduction
        self._questions = Questions(self._voice, clock=clock)
        self.centre_now = self._questions.centre_now
        self._wake = asyncio.Event()
        self._session: UUID | None = None
        self._birth_patience = _BIRTH_PATIENCE
        self._agreed = False
        self.on_linked: Callable[[], None] = lambda: None
        """Called when both sides agree."""
        self.on_connected: Callable[[], None] = lambda: None
        """Called when the broker is reached, each time: it may have forgotten what it kept."""
        self.on_heard: Callable[[], None] = lambda: None
        """Called with each message while they do: it is no word that a broker kept."""
        self.since = clock()
        """Since when it is linked, or works alone."""
        self._damaged: set[StreamName] = set()
        epoch = int(books.note("epoch") or 0)
        self._gate = Gate(epoch)
        self._up = Upward(books, epoch=epoch)
        self._down = Downward(books, replica, epoch=epoch)
        self._meetings = Meetings(
            introduction, coordinator_incarnation, books=books, up=self._up, down=self._down
        )
        books.on_growth = self.grown

    # ── what others ask ─────────────────────────────────────────────────────────────────────

    @property
    def node(self) -> str:
        """This edge's id."""
        return self._voice.node

    @property
    def linked(self) -> bool:
        """Whether the centre listens and both sides agree where the streams stand."""
        return self._agreed

    @property
    def waiting(self) -> int:
        """Events that the centre is not known to have committed."""
        return self._up.waiting

    @property
    def acked(self) -> dict[str, int]:
        """Highest committed seq of each stream up."""
        return self._up.acked

    def grown(self) -> None:
        """Say that the books have new events."""
        self._up.grown()
        self._wake.set()

    def note(self, note: Note) -> None:
        """Tell the centre of something, now or when it is there; the newest of its kind wins."""
        self._voice.note(note)
        self._wake.set()

    async def request(self, method: str, question: Request, *, seconds: float) -> Reply | None:
        """Ask the centre; None when it is not there or does not answer in time."""
        ask = self._questions.ask
        return await ask(method, question, seconds=seconds) if self._agreed else None

    # ── tasks ───────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Serve the link until canceled; a failing message never stops it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive(), name="uplink receive")
            tasks.create_task(self._pump(), name="uplink pump")
            tasks.create_task(self._beat(), name="uplink beat")

    async def _beat(self) -> None:
        """Repeat the status, and whatever nobody has answered; notice a centre that is silent."""
        loop = asyncio.get_running_loop()
        while True:
            await self._try(self._say_status())
            waited = 0.0
            while waited < _STATUS_EVERY:
                pause = min(self._birth_patience, _STATUS_EVERY - waited)
                await asyncio.sleep(pause)
                waited += pause
                await self.tick(loop.time())

    async def tick(self, now: float) -> None:
        """Do what only time asks for: at `now` on the clock of the event loop."""
        await self._try(self._repeat(now))

    async def _repeat(self, now: float) -> None:
        if isinstance(outcome := self._gate.tick(now), GateClosed):
            self._shut(outcome.reason)
        if self._session and self._gate.session and not self._agreed:
            self._birth_patience = min(self._birth_patience * 2, _BIRTH_LONGEST)
            await self._say_birth()
        if self._agreed and self._down.wants_directory(now):
            await self._ask_directory()
        self._up.store_acked()

    async def _pump(self) -> None:
        """Send what the streams allow, whenever something changes or time is up."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            if self._agreed:
                await self._try(self._voice.say_notes())
                for name in self._up.names:
                    if name in self._damaged:
                        continue  # not before the next meeting; the other one goes on
                    await self._try(self._send_batches(name))
            wake_at = self._up.wake_at if self._agreed else None
            pause = None if wake_at is None else max(0.01, wake_at - loop.time())
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _send_batches(self, name: StreamName) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._agreed:
                await self._calm.wait(_PEOPLE_FIRST)
                if (batch := self._up.next_batch(name, loop.time())) is None:
                    break
                await self._voice.say(topics.UP_LOG, batch, stream=name)
        except StoreDamagedError as error:
            self._damaged.add(name)
            self._alert("store-damaged", str(error))

    async def _receive(self) -> None:
        async for event in self._link.events():
            try:
                await self._try(self._take(event))
            except Exception:  # noqa: BLE001  once a message
                _log.exception("a message could not be taken", action="uplink-error")

    async def _try(self, work: Awaitable[None]) -> None:
        """Do it if link and disk let us: what is not said is said again, alerts are raised."""
        try:
            await work
        except ConnectionError as error:
            _log.debug("not said", action="uplink-down", reason=str(error))
        except StoreUnwritableError as error:
            self._alert("store-unwritable", str(error))

    def _agree(self, *, linked: bool) -> None:
        """Note whether both sides agree, and since when it is so."""
        if linked != self._agreed:
            self.since = self._clock()
        self._agreed = linked

    def _alert(self, code: str, detail: str) -> None:
        self._voice.alert(code, detail)
        self._wake.set()

    # ── what comes down ─────────────────────────────────────────────────────────────────────

    async def _take(self, event: Connected | Disconnected | Arrived) -> None:
        match event:
            case Connected(session=session):
                self._session = session
                self._birth_patience = _BIRTH_PATIENCE
                self.on_connected()
                await self._say_status()
                if self._gate.session is not None:
                    await self._say_birth()
            case Disconnected(reason=reason):
                self._session = None
                self._gate.link_down()
                self._shut(reason)
            case Arrived(topic=topic, payload=payload):
                self._gate.heard(asyncio.get_running_loop().time())
                await self._hear(topic, payload)
                if self._agreed:
                    self.on_heard()
            case _:
                assert_never(event)

    async def _hear(self, topic: str, payload: bytes) -> None:
        for known in topics.TABLE:
            if topics.Party.NODE in known.readers and known.match(topic) is not None:
                received = decode(payload, known.messages)
                if isinstance(received, Unreadable):
                    await self._unreadable(known, received.reason)
                elif not self._gate.is_past(received.message):
                    if isinstance(received.message, Reply):
                        self._questions.learn(received.message, received.time)
                    await self._act(received.message)
                return
        _log.warning("a message on an unknown topic", action="uplink-stray", topic=topic[:200])

    async def _unreadable(self, topic: topics.Topic, reason: str) -> None:
        _log.warning("unreadable", action="uplink-unreadable", topic=topic.name, reason=reason)
        if topic is topics.DOWN_LOG:
            await self._came(self._down.unreadable(reason, asyncio.get_running_loop().time()))

    async def _act(self, message: Message) -> None:
        match message:
            case CoordinatorStatus():
                await self._coordinator_says(message)
            case Reply(corr=corr) if self._meetings.awaits(corr):
                await self._born(message)
            case Reply():
                self._questions.answered(message)
            case Batch():
                now = asyncio.get_running_loop().time()
                await self._came(self._down.batch(message, now, self._clock()))
            case Ack():
                await self._take_ack(message)
            case DirectoryRows():
                if self._down.directory(message, asyncio.get_running_loop().time()):
                    await self._ask_directory()
            case Command():
                await self._obey(message)
            case _:
                _log.warning("not for an edge", action="uplink-stray", type=message.TYPE)

    async def _coordinator_says(self, status: CoordinatorStatus) -> None:
        outcome = self._gate.says(status, asyncio.get_running_loop().time())
        match outcome:
            case GateOpened(session=session):
                self._up.online(session)
                await self._meet()
            case GateClosed(reason=reason):
                self._shut(reason)
            case OldCoordinator(epoch=epoch):
                detail = f"a coordinator of epoch {epoch} speaks, after {self._gate.epoch} was seen"
                self._alert("old-coordinator", detail)
                await self._say_birth()  # it names the epoch, and so ends the old one
            case Unchanged():
                pass
            case _:
                assert_never(outcome)

    async def _meet(self) -> None:
        """Compare heads, anew if need be; nothing goes up a stream before that is done."""
        self._agree(linked=False)
        self._birth_patience = _BIRTH_PATIENCE
        await self._say_birth()

    async def _born(self, reply: Reply) -> None:
        now = asyncio.get_running_loop().time()
        met = self._meetings.answered(reply, now, self._gate.epoch)
        match met:
            case Met():
                self._agree(linked=True)
                self._damaged.clear()
                _log.info("linked", action="linked", waiting=self.waiting)
                self._wake.set()
                self.on_linked()
            case Turned(reason=reason):
                _log.error(reason, action="birth-refused")
            case Stopped(stream=stream, why=why):
                self._stopped(stream, why)
            case _:
                assert_never(met)

    async def _came(self, came: Came) -> None:
        """Tell who waits for it what came down, then acknowledge it."""
        if came.granted:
            self._on_granted(came.granted)
        if came.rejected:
            self._on_rejected(came.rejected)
        for seq, reason in came.quarantined:
            self._alert("quarantine", f"event {seq} from the centre could not be used: {reason}")
        if came.halted is not None:
            self._stopped("ledger", came.halted)
        if came.ack is not None:
            await self._voice.say(topics.UP_ACK, came.ack, stream="ledger")
        # not while meeting: a birth more would make the answer stale, and so on for ever
        if came.meet_again and self._agreed:
            await self._meet()

    async def _take_ack(self, ack: Ack) -> None:
        outcome = self._up.on_ack(ack, asyncio.get_running_loop().time())
        if is_halt(outcome):
            self._stopped(ack.stream, outcome)
        self._wake.set()
        if is_ahead(outcome) and self._agreed:
            await self._meet()

    async def _obey(self, command: Command) -> None:
        late = CommandState(id=command.id, state="expired", detail="it came too late")
        in_time = command.expires_at > self._questions.centre_now()
        await self.told(await self._commands(command) if in_time else late)

    # ── what goes up ────────────────────────────────────────────────────────────────────────

    async def _say_status(self) -> None:
        if self._session is not None:
            status = self._me.status(self._session, self._books.incarnation, online=True)
            await self._voice.say(topics.STATUS, status)

    async def _say_birth(self) -> None:
        if self._session is None:
            return
        birth = self._meetings.birth(self._mint(self._clock()), self._session, self._gate.epoch)
        self._questions.begun(birth.corr)
        await self._voice.say(topics.BIRTH, birth)

    async def _ask_directory(self) -> None:
        until = self._questions.centre_now() + timedelta(seconds=30)
        asked = DirectoryRequest(corr=self._mint(self._clock()), expires_at=until)
        await self._voice.say(topics.REQUEST, asked, method="directory")

    def _stopped(self, stream: str, why: object) -> None:
        """A stream cannot go on by itself: say so, keep working alone."""
        self._agree(linked=False)
        self._alert("stream-stopped", f"stream {stream} is stopped: {why}; this site goes on alone")

    def _shut(self, reason: str) -> None:
        if self._agreed:
            _log.info("cut off", action="cut-off", reason=reason, waiting=self.waiting)
        self._agree(linked=False)
        self._down.offline()
        self._up.offline()
