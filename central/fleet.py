"""What the coordinator holds in memory: who speaks with it, who is heard, and its own voice."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from broker import topics
from broker.codec import encode
from broker.exporters.figures import IngestTally
from broker.messages import FeedAlert, FeedNode, Note
from central.presence import Presence
from central.reconciling import Limits
from central.store import happenings, link_history, nodes, recovery
from central.store.books import BooksUnwritable
from config.ids import uuid7
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from broker.messages import Message
    from broker.topics import Topic
    from central.conversation import Conversation
    from central.proving import Doubt
    from central.recovering import Adoption
    from central.store.books import Books
    from central.uploads.files import UploadFiles
    from config.settings_privacy import PrivacySettings

_log = logger("central.fleet")

#: The same alert about the same node is raised at most this often, in seconds.
_ALERT_EVERY: Final = 60.0
_LINE_LIMIT: Final = 1000
#: Alerts that wait for the next look; beyond them the oldest are not noted.
_RAISED: Final = 1000
_CRITICAL: Final = frozenset({"fork", "parked", "books", "epoch", "recovery"})


@dataclass(frozen=True, slots=True)
class Say:
    """A message to publish; what it says is durable already."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Fleet:
    """The books, and everybody the coordinator speaks with."""

    books: Books
    clock: Callable[[], datetime] = _now
    """The time of day, for what people read; deciding uses what is passed in."""
    dice: Callable[[int], bytes] = os.urandom
    presence: Presence = field(default_factory=Presence)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    """Nodes that were accepted in the present session of the coordinator."""
    adoptions: dict[str, Adoption] = field(default_factory=dict)
    """Edges that hand back what these restored books have forgotten."""
    doubts: dict[UUID, Doubt] = field(default_factory=dict)
    """Questions to nodes whose journals may have been rolled back, by command."""
    fenced_by: int | None = None
    """A higher epoch that a node has met: these books must not be used any more."""
    spent: set[str] = field(default_factory=set)
    """Accounts that were charged: their money may belong elsewhere now."""
    limits: Limits = field(default_factory=Limits)
    """From when on unexplained pages are worth an alert."""
    kept: PrivacySettings | None = None
    """What is kept of people, and for how long; None: nothing is ever deleted."""
    uploads: UploadFiles | None = None
    """Where documents of people lie; None: none are taken to sites."""
    tally: IngestTally = field(default_factory=IngestTally)
    """What was taken in and told since the start, for monitoring."""
    unwritable: bool = False
    """The books could not be written when events or states were last to be."""
    raised: deque[tuple[str, Note]] = field(default_factory=lambda: deque(maxlen=_RAISED))
    """Alerts by node, to be noted for whoever asks to be told (`central.webhooks.noting`)."""
    to_say: list[Say] = field(default_factory=list)
    """What is to be published, in order."""
    _alerts: dict[tuple[str, str], float] = field(default_factory=dict)

    def mint(self) -> UUID:
        """Return a new id."""
        return uuid7(self.clock(), self.dice(10))

    def say(self, topic: Topic, message: Message, **levels: str) -> None:
        """Publish a message when this call's work is done."""
        source = self.books.identity.node
        payload = encode(message, source=source, id_=self.mint(), now=self.clock())
        self.to_say.append(Say(topic.of(**levels), payload, topic.qos, topic.retain))

    def said(self) -> list[Say]:
        """Return what is to be published, once."""
        said, self.to_say = self.to_say, []
        return said

    def linked(self, now: float) -> frozenset[str]:
        """Return the nodes that can be reached and may be spoken with."""
        return self.presence.linked(now) & self.conversations.keys()

    def alert(self, node: str, code: str, detail: str, now: float, *, subject: str = "") -> None:
        """Tell people of a trouble with a node: log and feed; not more than once a minute."""
        before = self._alerts.get((node, code))
        if before is not None and now - before < _ALERT_EVERY:
            return
        self._alerts[node, code] = now
        _log.warning(detail, action=f"alert-{code}", node=node)
        self.tally.alerts["critical" if code in _CRITICAL else "warning"] += 1
        note = Note(
            severity="critical" if code in _CRITICAL else "warning",
            code=code,
            subject=subject,
            detail=detail[:_LINE_LIMIT],
        )
        self.raised.append((node, note))
        self.say(topics.FEED, FeedAlert(node=node, note=note), kind="alerts")

    def pass_on(self, node: str, note: Note) -> None:
        """Publish a node's own note, and log it: an alert must not hang on who subscribes."""
        level = {"info": "info", "warning": "warning", "critical": "error"}[note.severity]
        self.tally.alerts["cleared" if note.cleared else note.severity] += 1
        getattr(_log, level)(
            note.detail, action="note", node=node, alert=note.code, subject=note.subject
        )
        self.raised.append((node, note))
        self.say(topics.FEED, FeedAlert(node=node, note=note), kind="alerts")

    def halt(self, node: str, state: nodes.NodeState, reason: str, now: float) -> None:
        """Freeze or park a node: store it, stop speaking with it, alert people."""
        with self.books.write() as tx:
            nodes.set_state(tx, node, state, reason)
        self.conversations.pop(node, None)
        self.presence.forget(node)
        self.alert(node, "fork" if state == "frozen" else "parked", reason, now)

    def fence(self, epoch: int) -> None:
        """These books are an old copy: note it for ever, and speak with nobody any more."""
        with self.books.write() as tx:
            recovery.fence(tx, epoch)
        self.fenced_by = epoch
        self.conversations.clear()
        self.adoptions.clear()

    def grown(self, node_ids: Iterable[str]) -> None:
        """Notice that down streams have grown, here or by another process."""
        here = [node for node in node_ids if node in self.conversations]
        if not here:
            return
        with self.books.read() as tx:
            states = nodes.down_streams(tx, here)
        for state in states:
            self.conversations[state.key.receiver].outbound.grown(state.at)

    def send_down(self, now: float) -> None:
        """Send every event that may be sent."""
        for node, conversation in self.conversations.items():
            for batch in conversation.batches(now):
                self.say(topics.DOWN_LOG, batch, node=node, stream=batch.stream)

    def tell_presence(self, now: float) -> frozenset[str]:
        """Store and publish who became linked or cut off; return who became linked."""
        changes = self.presence.changes(now)
        if not changes:
            return frozenset()
        try:
            with self.books.write() as tx:
                nodes.seen(tx, changes)
                link_history.note(tx, changes)
                happenings.links(tx, changes)
        except BooksUnwritable as error:
            self.alert(self.books.identity.node, "books", str(error), now)
        for node, linked in sorted(changes.items()):
            told = FeedNode(node=node, linked=linked, since=self.clock())
            self.say(topics.FEED, told, kind="fleet")
            _log.info("linked" if linked else "cut off", action="presence", node=node)
        return frozenset(node for node, linked in changes.items() if linked)
