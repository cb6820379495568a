"""The coordinator's mind: mail in, books changed, answers out. It never waits; `app` carries it.

Every call runs in the one thread that writes the books. What a call returns is to be published,
in order; whatever it says is durable by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

from broker import topics
from broker.codec import Unreadable, decode
from broker.messages import (
    Ack,
    Birth,
    CommandState,
    CoordinatorStatus,
    Message,
    Note,
    SiteTerminals,
    Status,
)
from broker.stream_outbound import EventsGone, ForkSeen, PeerAhead, Released
from central import proving, recovering
from central.births import greet
from central.devices import Devices
from central.figuring import Figuring
from central.granting import Granting
from central.keeping import Keeping
from central.metering import Metering
from central.news import News
from central.peopling import Peopling
from central.questions import answer
from central.retiring import Retiring
from central.rounds import hear_batch, take_round
from central.store import (
    accounts,
    commands,
    link_history,
    nodes,
    recovery,
    site_terminals,
    streams,
)
from central.uploading import Uploading
from central.webhooks.noting import Noting
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from broker.messages import StreamName, TerminalHere
    from central.fleet import Fleet, Say
    from central.mailboxes import Mail

_log = logger("central.coordinator")

M = TypeVar("M", bound=Message)
#: What is done about one kind of message: (node, levels of the topic, payload, now).
_Act: TypeAlias = "Callable[[str, dict[str, str], bytes, float], None]"

#: Seconds between two sayings that we are on line, and two notes of who is heard.
BEAT: Final = 30.0
#: Seconds between two looks at commands that nobody answered, and at money left at the centre.
SWEEP: Final = 3600.0


class Coordinator:
    """Takes in what nodes say. Times are seconds on a clock that never jumps."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._news = News(fleet)
        self._granting = Granting(fleet)
        self._retiring = Retiring(fleet)
        self._metering = Metering(fleet)
        self._figuring = Figuring(fleet)
        self._devices = Devices(fleet)
        self._peopling = Peopling(fleet)
        self._noting = Noting(fleet)
        self._keeping = None if fleet.kept is None else Keeping(fleet, fleet.kept)
        self._uploading = None if fleet.uploads is None else Uploading(fleet, fleet.uploads)
        self._session: UUID | None = None
        self._beat = float("-inf")
        self._sweep = float("-inf")
        self._terminals_at: dict[str, tuple[TerminalHere, ...]] = {}
        self._someone_born = False
        self._acts: tuple[tuple[topics.Topic, _Act], ...] = (
            (topics.UP_LOG, self._log_batch),
            (topics.UP_ACK, self._ack),
            (topics.STATUS, self._status),
            (topics.DEVICE, self._device),
            (topics.TERMINALS, self._terminals),
            (topics.REQUEST, self._request),
            (topics.COMMAND_STATE, self._command),
            (topics.OPS, self._ops),
            (topics.BIRTH, self._birth),
        )
        with fleet.books.write() as tx:
            link_history.lost(tx)
            nodes.nobody_linked(tx)
            accounts.tell_labels(tx)
            fleet.fenced_by = recovery.find(tx).fenced_by

    @property
    def restless(self) -> bool:
        """Whether `look` should be called again at once."""
        return (
            self._news.restless
            or self._someone_born
            or self._granting.restless
            or self._retiring.restless
            or self._metering.restless
            or self._figuring.restless
            or self._peopling.restless
        )

    # our own link

    def status(self, session: UUID, *, online: bool) -> CoordinatorStatus:
        """Return what to say of ourselves; also the will."""
        epoch = self.fleet.books.identity.epoch
        return CoordinatorStatus(online=online, session=session, epoch=epoch)

    def connected(self, session: UUID, now: float) -> list[Say]:
        """Our subscriptions are confirmed: say so, and expect everybody's birth."""
        self._everybody_gone(now)
        self._session = session
        self._beat = now
        self.fleet.say(topics.ALL_COORDINATOR, self.status(session, online=True))
        return self.fleet.said()

    def disconnected(self, now: float) -> None:
        """Our own link is gone, so nobody is heard."""
        self._everybody_gone(now)
        self._session = None
        self.fleet.said()

    def goodbye(self, now: float) -> list[Say]:
        """We end: say so."""
        session, self._session = self._session, None
        self._everybody_gone(now)
        self.fleet.said()
        if session is not None:
            self.fleet.say(topics.ALL_COORDINATOR, self.status(session, online=False))
        return self.fleet.said()

    # what comes in

    def heard(self, mails: Sequence[Mail], now: float) -> list[Say]:
        """Work on a round of mail."""
        for mail in mails:
            try:
                self._one(mail, now)
            except Exception:  # noqa: BLE001  once per message: one bad one blocks nobody
                _log.exception("a message failed", action="message-failed", topic=mail.topic)
        take_round(self.fleet, now)
        self.fleet.tell_presence(now)
        self.fleet.send_down(now)
        return self.fleet.said()

    def look(self, now: float) -> list[Say]:
        """Pass on what changed in the books, whoever changed it; keep time."""
        # grants are due whether anybody can be told or not
        self._granting.look(now)
        self._figuring.look(now)
        self._peopling.look(now)
        self._noting.look(now)
        if self._keeping is not None:
            self._keeping.look(now)
        if self._session is None:
            return []
        self.fleet.tell_presence(now)
        if now - self._beat >= BEAT:
            self._beat = now
            self.fleet.say(topics.ALL_COORDINATOR, self.status(self._session, online=True))
            with self.fleet.books.write() as tx:
                nodes.seen(tx, dict.fromkeys(self.fleet.linked(now), True))
                commands.expire(tx)
        if self._uploading is not None:
            self._uploading.look(now)
        due = now - self._sweep >= SWEEP
        if due:
            self._sweep = now
        self._news.look(now, anyway=self._someone_born or due)
        self._someone_born = False
        self._retiring.look(now)
        proving.ask_again(self.fleet, now)
        self._devices.look(now)
        self._metering.look(now)
        self.fleet.send_down(now)
        return self.fleet.said()

    def _one(self, mail: Mail, now: float) -> None:
        self.fleet.presence.message(mail.node, now)
        for topic, act in self._acts:
            levels = topic.match(mail.topic)
            if levels is not None:
                act(mail.node, levels, mail.payload, now)
                return
        _log.debug("nothing is said there", action="unknown-topic", topic=mail.topic)

    def _log_batch(self, node: str, levels: dict[str, str], payload: bytes, now: float) -> None:
        if levels["stream"] in topics.STREAMS_UP:
            hear_batch(self.fleet, node, cast("StreamName", levels["stream"]), payload, now)

    def _birth(self, node: str, _levels: dict[str, str], payload: bytes, now: float) -> None:
        birth = self._read(node, payload, Birth, now)
        if birth is not None:
            greet(self.fleet, node, birth, now)
            self._retiring.born(node, now)
            self._someone_born = True

    def _status(self, node: str, _levels: dict[str, str], payload: bytes, now: float) -> None:
        told = self._read(node, payload, Status, now)
        if told is None:
            return
        ended = self.fleet.presence.status(node, told.session, now, online=told.online)
        if ended and (conversation := self.fleet.conversations.get(node)) is not None:
            conversation.outbound.peer_offline()

    def _ack(self, node: str, _levels: dict[str, str], payload: bytes, now: float) -> None:
        conversation = self.fleet.conversations.get(node)
        ack = self._read(node, payload, Ack, now)
        if conversation is None or ack is None:
            return
        match conversation.on_ack(ack, now):
            case Released(upto):
                with self.fleet.books.write() as tx:
                    streams.acknowledged(tx, conversation.down_id, upto)
            case ForkSeen() | PeerAhead() | EventsGone() as halt:
                self.fleet.halt(node, "frozen", f"fork: ledger down: {halt}", now)
            case _:
                pass

    def _request(self, node: str, levels: dict[str, str], payload: bytes, now: float) -> None:
        answer(self.fleet, node, levels["method"], payload, now, self._uploading)

    def _command(self, node: str, _levels: dict[str, str], payload: bytes, now: float) -> None:
        told = self._read(node, payload, CommandState, now)
        if told is not None and recovering.takes(self.fleet, node, told):
            birth = recovering.told(self.fleet, node, told, now)
            if birth is not None:
                greet(self.fleet, node, birth, now)
                self._someone_born = True
        elif told is not None and proving.takes(self.fleet, told):
            proving.answered(self.fleet, node, told, now)
        elif told is not None:
            with self.fleet.books.write() as tx:
                commands.answered(tx, node, told)
            self._retiring.told(node, told)
            if self._uploading is not None:
                self._uploading.told(node, told)

    def _ops(self, node: str, _levels: dict[str, str], payload: bytes, now: float) -> None:
        note = self._read(node, payload, Note, now)
        if note is not None:
            self.fleet.pass_on(node, note)

    def _device(self, node: str, levels: dict[str, str], payload: bytes, now: float) -> None:
        self._devices.heard(node, levels["device"], payload, now)

    def _terminals(self, node: str, _levels: dict[str, str], payload: bytes, now: float) -> None:
        told = self._read(node, payload, SiteTerminals, now)
        if told is not None and self._terminals_at.get(node) != told.terminals:
            with self.fleet.books.write() as tx:
                site_terminals.put(tx, node, told)
            self._terminals_at[node] = told.terminals

    def _read(self, node: str, payload: bytes, kind: type[M], now: float) -> M | None:
        read = decode(payload, (kind,))
        if isinstance(read, Unreadable):
            self.fleet.alert(node, "unreadable", f"{kind.TYPE}: {read.reason}", now)
            return None
        return read.message

    def _everybody_gone(self, now: float) -> None:
        self.fleet.conversations.clear()
        self.fleet.presence.forget_all()
        self.fleet.tell_presence(now)
