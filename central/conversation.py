"""One born node as the coordinator speaks with it: its streams both ways, and its directory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from broker.messages import WIRE, Batch, Birth, BirthAccepted, Position, StreamName
from broker.stream import place, start
from broker.stream_inbound import Agreed, Apply, Inbound, SenderBehind, WeAreBehind
from broker.stream_outbound import Opened, Outbound, PeerBehind, fitting
from central.proving import WIRE as WIRE_OF_PROOF
from central.proving import Unproven
from central.store import streams
from central.store.intake import Run
from central.store.streams import StreamState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from broker.messages import Ack, Envelope
    from broker.stream_inbound import BatchOutcome
    from broker.stream_outbound import AckOutcome
    from central.store.books import Books
    from central.store.nodes import Accepted


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a birth came to."""

    conversation: Conversation
    """From now on."""
    trouble: str | None
    """The heads contradict ours: the node must be frozen, for this reason."""
    remark: str | None
    """Something a person should know, though the streams go on as far as they can."""
    unproven: tuple[Unproven, ...] = ()
    """What the node has to show before it is believed to be whole."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What comparing the heads of one stream came to."""

    trouble: str | None = None
    remark: str | None = None
    unproven: Unproven | None = None


Envelopes: TypeAlias = "list[Envelope]"


@dataclass(slots=True)
class _Inbox:
    """A stream from the node, and what of it waits for the transaction of this round."""

    id: int
    core: Inbound
    taken: Envelopes = field(default_factory=list)


class Conversation:
    """The streams of one node in one session; made anew from what is durable at each birth."""

    def __init__(self, books: Books, node: str, accepted: Accepted, session: UUID) -> None:
        self.node = node
        self.directory_n: int | None = None
        """The version this node was brought to; None until it was told anything."""
        self._books = books
        self._down_id = accepted.down.id
        epoch = books.identity.epoch
        self._inboxes: dict[StreamName, _Inbox] = {
            name: _Inbox(
                state.id,
                Inbound(state.key, applied=state.at, hash_at=self._hashes(state.id), epoch=epoch),
            )
            for name, state in accepted.up.items()
        }
        self.outbound = Outbound(
            accepted.down.key,
            head=accepted.down.at,
            acked=accepted.down.acked,
            hash_at=self._hashes(accepted.down.id),
            epoch=epoch,
        )
        self.outbound.peer_online(session)

    @classmethod
    def greet(
        cls, books: Books, node: str, accepted: Accepted, birth: Birth, now: float
    ) -> Greeting:
        """Begin to speak with a node that was accepted: compare heads both ways."""
        here = cls(books, node, accepted, birth.session)
        found = here._compare_up(birth)
        if not accepted.closed:  # what is closed is given nothing
            found += here._compare_down(accepted, birth, now)
        return Greeting(
            here,
            next((each.trouble for each in reversed(found) if each.trouble is not None), None),
            next((each.remark for each in reversed(found) if each.remark is not None), None),
            tuple(each.unproven for each in found if each.unproven is not None),
        )

    def _compare_up(self, birth: Birth) -> list[_Found]:
        found: list[_Found] = []
        for name, inbox in self._inboxes.items():
            heads, ours = birth.up.get(name), inbox.core.applied
            if heads is None:
                continue
            if heads.acked.seq < ours.seq and heads.sent != ours:
                found.append(_Found(unproven=Unproven(name, ours)))
            match inbox.core.on_birth(heads.sent, acked=heads.acked):
                case Agreed():
                    pass
                case SenderBehind(sent, applied):
                    remark = (
                        f"{name}: its journal ends at {sent.seq}, {applied.seq} were booked; "
                        "it was rolled back or cloned"
                    )
                    # who can answer is asked: the birth may only be late
                    found += [_Found(remark=remark)] if birth.wire < WIRE_OF_PROOF else []
                case WeAreBehind(acked, applied):
                    remark = (
                        f"{name}: it was told that {acked.seq} are booked, here are "
                        f"{applied.seq}; were these books restored from a backup?"
                    )
                    found.append(_Found(remark=remark))
                case other:
                    found.append(_Found(trouble=f"{name} up: {other}"))
        return found

    def _compare_down(self, accepted: Accepted, birth: Birth, now: float) -> list[_Found]:
        applied = birth.down.get("ledger", start(accepted.down.key))
        match self.outbound.on_birth(applied, epoch=self._books.identity.epoch, now=now):
            case Opened():
                return []
            case PeerBehind(acked, theirs):
                remark = (
                    f"ledger down: it had applied {acked.seq}, now it has {theirs.seq}; "
                    "its journal was rolled back"
                )
                old = birth.wire < WIRE_OF_PROOF
                unproven = Unproven("ledger", acked, down=True)
                return [_Found(remark=remark if old else None, unproven=unproven)]
            case halted:
                return [_Found(trouble=f"ledger down: {halted}")]

    def accepted(self, courier_key: str | None = None) -> BirthAccepted:
        """Return the answer to the birth; the key is a secret of this node's and ours."""
        identity = self._books.identity
        return BirthAccepted(
            epoch=identity.epoch,
            incarnation=identity.incarnation,
            up={name: inbox.core.applied for name, inbox in self._inboxes.items()},
            down={"ledger": self.outbound.head},
            wire=WIRE,
            courier_key=courier_key,
        )

    # upwards

    def receive(self, name: StreamName, batch: Batch, now: float) -> BatchOutcome:
        """Judge a batch; what follows the watermark is kept for this round's transaction."""
        inbox = self._inboxes[name]
        outcome = inbox.core.receive(batch, now)
        if isinstance(outcome, Apply):
            inbox.taken.extend(outcome.events)
        return outcome

    def unreadable(self, name: StreamName, reason: str, now: float) -> BatchOutcome:
        """Note that a payload on a stream's topic could not be read."""
        return self._inboxes[name].core.unreadable(reason, now)

    def runs(self) -> Iterator[tuple[StreamName, Run]]:
        """Return what this round is to take in."""
        for name, inbox in self._inboxes.items():
            if inbox.taken:
                at = inbox.core.applied
                yield name, Run(StreamState(inbox.id, inbox.core.key, at, at), inbox.taken)

    def committed(self, name: StreamName, upto: Position, now: float) -> Ack:
        """Note that a run is durable; return the ack to send."""
        inbox = self._inboxes[name]
        inbox.taken = []
        return inbox.core.committed(upto, now)

    def abandoned(self, name: StreamName) -> None:
        """Note that a run was not taken in; it will come again."""
        inbox = self._inboxes[name]
        inbox.taken = []
        inbox.core.abandoned()

    def reread(self, name: StreamName) -> None:
        """Go on from what is durable: it is not what was believed; the node sends the rest again.

        Raises:
            BooksUnwritable: it cannot be read at present.
        """
        inbox = self._inboxes[name]
        with self._books.read() as tx:
            state = streams.find(tx, inbox.id)
        epoch = self._books.identity.epoch
        core = Inbound(state.key, applied=state.at, hash_at=self._hashes(state.id), epoch=epoch)
        self._inboxes[name] = _Inbox(inbox.id, core)

    # downwards

    def on_ack(self, ack: Ack, now: float) -> AckOutcome:
        """Take the node's ack of its down stream in."""
        return self.outbound.on_ack(ack, now)

    @property
    def down_id(self) -> int:
        """The row of its down stream."""
        return self._down_id

    def batches(self, now: float) -> Iterator[Batch]:
        """Return everything that may be sent now, read from the books."""
        key = self.outbound.key
        while (wanted := self.outbound.next_batch(now)) is not None:
            with self._books.read() as tx:
                kept = streams.envelopes(tx, self._down_id, wanted.start, wanted.stop - 1)
            events = fitting(kept)
            if not events:
                return
            yield Batch(
                stream=key.name,
                sender_incarnation=key.sender_incarnation,
                receiver_incarnation=key.receiver_incarnation,
                epoch=self.outbound.epoch,
                events=events,
            )
            self.outbound.sent(place(events[-1]).seq, now)

    def _hashes(self, stream_id: int) -> Callable[[int], str | None]:
        def hash_at(seq: int) -> str | None:
            with self._books.read() as tx:
                return streams.hash_at(tx, stream_id, seq)

        return hash_at
