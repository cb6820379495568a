"""A site in the random histories: the edge's production parts, driven by hand in virtual time.

Only the task that carries between them (`edge.uplink`) and the spooler are played here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from benchmarks.simulation import facts
from benchmarks.simulation.billing import for_less
from broker import topics
from broker.codec import Unreadable, decode
from broker.messages import (
    AccountAmount,
    Ack,
    Batch,
    Charged,
    Command,
    CoordinatorStatus,
    FundsAnswer,
    FundsRequest,
    Message,
    Reply,
    Status,
)
from broker.stream_gate import Gate, GateClosed, GateOpened
from config.policy.decisions import Allowed, Denied, PointOfPrint
from config.policy.jobs import Source, came_out
from edge.changing import Changing
from edge.deciding import Deciding
from edge.downward import Downward
from edge.intent import intended, released
from edge.jobs import JobRecord
from edge.meeting import Introduction, Meetings, Met, Stopped
from edge.redeeming import Redeeming
from edge.release import Phase
from edge.reporting import report
from edge.standing import SiteStanding
from edge.store.books import INDEXES, Books
from edge.store.database import EdgeDatabase
from edge.store.journal import Journal
from edge.upward import Upward, is_ahead
from edge.wishes import Wish

if TYPE_CHECKING:
    from uuid import UUID

    from benchmarks.simulation.world import World
    from broker.topics import Topic
    from central.store.nodes import Accepted
    from config.policy.jobs import Figures
    from edge.downward import Came
    from edge.store.memory_disk import MemoryDisk

CODE: Final = "a-code-for-once"
#: Seconds that somebody waits at the printer for money from elsewhere.
_PATIENCE: Final = 8.0
#: Seconds until a birth that nobody answered is said again; doubled up to the longest.
_BIRTH: Final = 5.0
_LONGEST: Final = 60.0


class Site:
    """One edge and its journal."""

    def __init__(self, world: World, node: str, disk: MemoryDisk) -> None:
        self.world = world
        self.node = node
        self.disk = disk
        self.connected = False
        self.stopped: str | None = None
        """Why its streams stand still, until it is met again."""
        self.paper: dict[UUID, int] = {}
        """What the printers have put out, by job: they forget nothing."""
        self.waiting: dict[UUID, FundsRequest] = {}
        """What was asked for jobs whose owner waits for money."""
        self.start()

    # ── life ────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin from what is on the disk."""
        world = self.world
        self._database = EdgeDatabase(Journal(self.disk), indexes=INDEXES)
        self.books = Books(
            self._database,
            node=self.node,
            coordinator=topics.COORDINATOR,
            coordinator_incarnation=world.centre_incarnation,
            mint=world.mint_at,
        )
        self.books.open(world.wall())
        epoch = int(self.books.note("epoch") or 0)
        self.gate = Gate(epoch)
        self.up = Upward(self.books, epoch=epoch)
        self.down = Downward(self.books, world.replica, epoch=epoch)
        self.meetings = Meetings(
            Introduction(self.node, "simulated", CODE),
            world.centre_incarnation,
            books=self.books,
            up=self.up,
            down=self.down,
        )
        self.books.on_growth = self.up.grown
        self._changing = Changing(self.books, clock=world.wall)
        standing = SiteStanding(self.books, reachable=lambda: self.agreed, alone_for=timedelta)
        self._deciding = Deciding(
            replica=world.replica,
            standing=standing,
            printers={facts.PRINTER: PointOfPrint(tags=())},
            clock=world.wall,
        )
        self._redeeming = Redeeming(
            books=self.books, replica=world.replica, clock=world.wall, monotonic=lambda: world.now
        )
        self.agreed = False
        self._session: UUID | None = None
        self._born_at, self._patience = float("-inf"), _BIRTH
        self.waiting = {}

    def crash(self, disk: MemoryDisk) -> None:
        """Die; begin again from what the disk has kept."""
        self.disconnect()
        self.disk = disk
        self.start()

    def connect(self) -> None:
        """The line is there."""
        if self.connected:
            return
        self.connected = True
        self._session = self.world.mint()
        self._say(topics.STATUS, self._status(online=True))
        self.world.greet(self.node)

    def met(self, accepted: Accepted) -> UUID:
        """Be connected and agreed with the centre as it was; return the session."""
        world, self.connected, self._session = self.world, True, self.world.mint()
        online = world.fleet_status()
        self.gate.says(online, world.now)
        self.up.online(online.session)
        committed = {name: state.at for name, state in accepted.up.items()}
        self.up.on_birth(committed, epoch=online.epoch, now=world.now)
        self.down.on_birth(accepted.down.at, epoch=online.epoch)
        self.agreed = True
        return self._session

    def disconnect(self) -> None:
        """The line is gone, and whatever was on it; the broker speaks our will."""
        if not self.connected:
            return
        self.world.lose(self.node)
        self._say(topics.STATUS, self._status(online=False))
        self.connected = False
        self._session = None
        self.gate.link_down()
        self._shut()

    def tick(self) -> None:
        """Do what only time asks for."""
        world = self.world
        if isinstance(self.gate.tick(world.now), GateClosed):
            self._shut()
        due = self._born_at + self._patience <= world.now
        if self._session and self.gate.session and not self.agreed and due:
            self._patience = min(2 * self._patience, _LONGEST)
            self._birth()
        self.up.store_acked()
        if not self._changing.step(world.now):
            return
        for job, asked in list(self.waiting.items()):
            if asked.expires_at <= world.wall():
                del self.waiting[job]

    def pump(self) -> None:
        """Send what the streams allow."""
        while self.agreed:
            batches = [self.up.next_batch(name, self.world.now) for name in self.up.names]
            if not any(batches):
                return
            for batch in batches:
                if batch is not None:
                    self._say(topics.UP_LOG, batch, stream=batch.stream)

    # ── people ──────────────────────────────────────────────────────────────────────────────

    def print(self, user: str, figures: Figures) -> None:
        """Somebody prints and releases; a refusal asks the centre if it can be asked."""
        now = self.world.wall()
        record = JobRecord(
            job=self.world.mint(),
            queue="pull",
            user=user,
            name="a document",
            received_at=now,
            phase=Phase.HELD,
            role=self.books.terms.taken.name,
            planned=figures,
        )
        self.books.hold(record, facts.held(record, figures), now)
        self._release(record)

    def settle(self, came: float) -> None:
        """The oldest job that prints has ended: so much of it came out."""
        printing = self.books.jobs(Phase.RELEASING)
        if printing:
            self.end(printing[0], came)

    def end(self, record: JobRecord, came: float) -> None:
        """Settle a job as `edge.settling` does, by the printer's count."""
        planned, hold = record.expected, record.hold
        if planned is None or hold is None:
            raise RuntimeError("a job that prints was counted")
        # what is on paper is there: an edge that died in between reads the same count again
        count = self.paper.setdefault(record.job, round(came * planned.impressions))
        billed = came_out(planned, count, Source.DEVICE_JOB)
        amounts = hold.amounts
        if billed.impressions != planned.impressions:
            amounts = for_less(hold, billed, self.world.replica)
        charge = self.charge(record, amounts, billed) if amounts else None
        now = self.world.wall()
        after = record.with_(
            phase=Phase.SETTLED, billed=billed, charged=amounts, hold=None, ended_at=now
        )
        told = facts.settled(record, billed, charge)
        self.books.settle(after, hold.amounts, told, charge, now)

    def charge(
        self, record: JobRecord, amounts: tuple[AccountAmount, ...], billed: Figures
    ) -> Charged:
        """Return the event that says what a job cost."""
        charge, at = self.world.mint(), self.world.wall()
        return facts.charged(record, amounts, billed, charge=charge, at=at)

    def redeem(self, code: str, user: str) -> None:
        """Somebody types a courier code."""
        row = self.world.replica.user(user)
        if row is not None:
            self._redeeming.redeem(code, row)

    def _release(self, record: JobRecord) -> None:
        now = self.world.wall()
        wish = Wish(facts.PRINTER, record.user)
        decision = self._deciding.decide(record, wish)
        match decision:
            case Allowed():
                after = intended(record, decision, wish, alone=not self.agreed, now=now)
                self.books.release(after, released(after), now)
                self.waiting.pop(record.job, None)
            case Denied(short=short) if short and self.agreed and record.job not in self.waiting:
                self.waiting[record.job] = asked = FundsRequest(
                    corr=self.world.mint(),
                    expires_at=now + timedelta(seconds=_PATIENCE),
                    account=short.account,
                    unit=short.missing.unit,
                    micros=short.missing.micros,
                    job=record.job,
                )
                self._say(topics.REQUEST, asked, method="funds")
            case Denied() if record.job not in self.waiting:
                self._refuse(record, decision.reason, decision.detail)
            case _:
                pass

    def _refuse(self, record: JobRecord, reason: str, detail: str) -> None:
        event = facts.refused(record, reason, detail, alone=not self.agreed)
        self.books.refuse(record, event, self.world.wall())

    # ── the line ────────────────────────────────────────────────────────────────────────────

    def hear(self, topic: str, payload: bytes) -> None:
        """Take one message of the coordinator in."""
        self.gate.heard(self.world.now)
        for known in topics.TABLE:
            if topics.Party.NODE in known.readers and known.match(topic) is not None:
                received = decode(payload, known.messages)
                if not isinstance(received, Unreadable):
                    self._act(received.message)
                return

    def _act(self, message: Message) -> None:
        now = self.world.now
        match message:
            case CoordinatorStatus():
                self._told(message)
            case Reply(corr=corr) if self.meetings.awaits(corr):
                met = self.meetings.answered(message, now, self.gate.epoch)
                if isinstance(met, Met):
                    self.agreed, self.stopped = True, None
                elif isinstance(met, Stopped):
                    self._stop(f"{met.stream}: {met.why}")
            case Reply(corr=corr):
                self._answered(corr, message)
            case Batch():
                self._came(self.down.batch(message, now, self.world.wall()))
            case Ack():
                if is_ahead(self.up.on_ack(message, now)) and self.agreed:
                    self._meet()
            case Command():
                state = report(self.books, message)
                self._say(topics.COMMAND_STATE, state, id=str(message.id))
            case _:
                pass

    def _answered(self, corr: UUID, reply: Reply) -> None:
        """Refuse at once when what comes is not enough, as `edge.funds` does."""
        found = next((job for job, asked in self.waiting.items() if asked.corr == corr), None)
        if found is None:
            return
        coming = FundsAnswer.model_validate(reply.data).coming if reply.status == "ok" else 0
        record = self.books.job(found)
        if coming < self.waiting[found].micros and record is not None:
            del self.waiting[found]
            self._refuse(record, "account-limit-reached", "not enough comes")

    def _told(self, status: CoordinatorStatus) -> None:
        outcome = self.gate.says(status, self.world.now)
        if isinstance(outcome, GateOpened):
            self.up.online(outcome.session)
            self._meet()
        elif isinstance(outcome, GateClosed):
            self._shut()

    def _came(self, came: Came) -> None:
        if came.halted is not None:
            self._stop(f"down: {came.halted}")
        if came.ack is not None:
            self._say(topics.UP_ACK, came.ack, stream="ledger")
        if came.meet_again and self.agreed:
            self._meet()
        if came.granted:
            for job in list(self.waiting):
                record = self.books.job(job)
                if record is not None and record.phase is Phase.HELD:
                    self._release(record)

    def _stop(self, why: str) -> None:
        self.agreed = False
        self.stopped = why

    def _meet(self) -> None:
        self.agreed = False
        self._patience = _BIRTH
        self._birth()

    def _birth(self) -> None:
        if self._session is not None:
            self._born_at = self.world.now
            birth = self.meetings.birth(self.world.mint(), self._session, self.gate.epoch)
            self._say(topics.BIRTH, birth)

    def _shut(self) -> None:
        self.agreed = False
        self.down.offline()
        self.up.offline()

    def _status(self, *, online: bool) -> Status:
        if self._session is None:
            raise RuntimeError("a status is of a session")
        return Status(online=online, session=self._session, incarnation=self.books.incarnation)

    def _say(self, topic: Topic, message: Message, **levels: str) -> None:
        if self.connected:
            self.world.send(self.node, topic.of(node=self.node, **levels), message)
