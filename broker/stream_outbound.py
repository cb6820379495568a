"""The sender's end of a stream: what to send next, and what an ack or a birth means (PROTOCOL 1).

Pure: the caller keeps the events, does the sending, and passes the time in. Nothing is sent before
the peer is online and has said, in a birth or in its answer to ours, how far it has applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from broker.messages import Position
from broker.stream import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, start, wire_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from broker.messages import Ack, Envelope
    from broker.stream import StreamKey


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a sender goes and how long it waits; seconds and events."""

    window: int = 800
    """Events that may be sent and not yet acknowledged: two full rounds of the coordinator, so that
    one is there when the other is done."""
    batch: int = MAX_BATCH_EVENTS
    """Most events in one batch."""
    worth_sending: int = 20
    """While something is under way, fewer events than this wait for company."""
    patience: float = 5.0
    """Without progress for so long, send again from the watermark; doubled each time."""
    longest_patience: float = 60.0
    """Where the doubling ends."""
    between_rewinds: float = 1.0
    """A repeated ack makes us send again at most this often."""


@dataclass(frozen=True, slots=True)
class Released:
    """The peer has committed more: store the watermark, let go of what is before it."""

    upto: Position
    """The new watermark."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """The ack says what we knew; a repeated one may have made us send again."""


@dataclass(frozen=True, slots=True)
class StaleAck:
    """An ack from before the watermark, late or doubled: ignored."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Meant for another stream or incarnation: ignored."""


@dataclass(frozen=True, slots=True)
class OtherEpoch:
    """Spoken under another epoch than the one agreed.

    Lower: an old coordinator, refused (fencing). Higher: births must be exchanged anew, until
    then nothing is sent.
    """

    ours: int
    """The epoch agreed."""
    theirs: int
    """The epoch of what came."""


@dataclass(frozen=True, slots=True)
class ForkSeen:
    """The peer has another event at this place than we have: nothing more is sent."""

    seq: int
    """The place."""
    ours: str
    """Our hash there."""
    theirs: str
    """The peer's hash there."""


@dataclass(frozen=True, slots=True)
class PeerAhead:
    """The peer has applied events we do not have: our store was rolled back or restored."""

    head: Position
    """Our last event."""
    theirs: Position
    """What the peer has applied."""


@dataclass(frozen=True, slots=True)
class EventsGone:
    """A restored peer needs events that we no longer keep."""

    first: int
    """The first seq it needs."""


@dataclass(frozen=True, slots=True)
class PeerBehind:
    """Without a new epoch the peer claims less than it acknowledged; the watermark stays.

    A late answer, or a peer that lost what it had committed; the stream stays shut.
    """

    acked: Position
    """What it had acknowledged."""
    theirs: Position
    """What it claims now."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Both ends agree; sending may begin after `acked`, which is to be stored."""

    acked: Position
    """The watermark."""
    lowered: bool
    """A restored peer made us go back."""


Halt: TypeAlias = ForkSeen | PeerAhead | EventsGone
AckOutcome: TypeAlias = Released | Nothing | StaleAck | Stray | OtherEpoch | Halt
BirthOutcome: TypeAlias = Opened | PeerBehind | OtherEpoch | Halt

_DEFAULT_PACE: Final = Pace()


class Outbound:
    """One stream as its sender sees it.

    `now` is in seconds on a clock that never jumps (an event loop's `time()`): a wall clock set
    back would stall the resending.
    """

    def __init__(
        self,
        key: StreamKey,
        *,
        head: Position,
        acked: Position,
        hash_at: Callable[[int], str | None],
        epoch: int = 0,
        pace: Pace = _DEFAULT_PACE,
    ) -> None:
        """Begin from what is durable.

        Args:
            key: which stream.
            head: the last event in our journal, or `start(key)`.
            acked: the stored watermark; an old one does no harm.
            hash_at: our hash of a kept event by seq; None when it is not kept any more.
            epoch: the highest epoch of the coordinator that was seen (at the centre: its own).
            pace: window and waits.
        """
        self.key = key
        self.head = head
        self.acked = acked
        self.epoch = epoch
        self.halted: Halt | None = None
        """Why nothing is sent any more; a person resolves it, then a new Outbound is made."""
        self._hash_at = hash_at
        self._pace = pace
        self._cursor = acked.seq
        self._session: UUID | None = None
        self._agreed = False
        self._one_at_a_time = False
        self._patience = pace.patience
        self._deadline: float | None = None
        self._rewind_from = 0.0

    # what happened

    def grown(self, head: Position) -> None:
        """The journal has durably grown to `head`."""
        self.head = head

    def peer_online(self, session: UUID) -> bool:
        """The peer listens; return True when births must be exchanged before anything is sent."""
        if session != self._session:
            self._session = session
            self._shut()
        return not self._agreed

    def peer_offline(self) -> None:
        """The peer, or the way to it, is gone; nothing is sent until it is met again."""
        self._session = None
        self._shut()

    def on_birth(self, applied: Position, *, epoch: int, now: float) -> BirthOutcome:
        """The peer says how far it has applied, in its birth or in its answer to ours.

        An answer must be the one to our latest birth (its corr): an older one may be from before
        a restore. Only here, and only under a higher epoch, may the watermark go back.
        """
        if self.halted is not None:
            return self.halted
        if epoch < self.epoch:
            return OtherEpoch(self.epoch, epoch)
        if (halt := self._compared(applied)) is not None:
            return self._halt(halt)
        lowered = applied.seq < self.acked.seq
        if lowered and epoch == self.epoch:
            return PeerBehind(self.acked, applied)
        if applied.seq < self.head.seq and self._hash(applied.seq + 1) is None:
            return self._halt(EventsGone(applied.seq + 1))
        self.epoch = epoch
        self.acked = applied
        self._shut()
        self._agreed = self._session is not None
        self._rewind_from = now
        return Opened(applied, lowered)

    def on_ack(self, ack: Ack, now: float) -> AckOutcome:
        """The peer says what it has committed; a watermark never goes back by it."""
        if (refusal := self._refusal(ack)) is not None:
            return refusal
        upto = Position(seq=ack.upto, hash=ack.hash)
        if (halt := self._compared(upto)) is not None:
            return self._halt(halt)
        if upto.seq < self.acked.seq:
            return StaleAck()
        if ack.one_at_a_time and not self._one_at_a_time:
            self._cursor, self._deadline = upto.seq, None
        self._one_at_a_time = ack.one_at_a_time
        if upto.seq == self.acked.seq:
            if now >= self._rewind_from and self._cursor > self.acked.seq:
                self._rewind(now)
            return Nothing()
        self.acked = upto
        self._cursor = max(self._cursor, upto.seq)
        self._patience = self._pace.patience
        self._deadline = now + self._patience if self._cursor > upto.seq else None
        self._rewind_from = now + self._pace.between_rewinds
        return Released(upto)

    # what to do

    def next_batch(self, now: float) -> range | None:
        """Return the seqs to send now; None means wait for something, or until `wake_at`.

        Read these events, take `fitting(…)` of them, publish, then say `sent(last)`.
        """
        if not self._agreed or self.halted is not None:
            return None
        if self._deadline is not None and now >= self._deadline:
            self._patience = min(self._patience * 2, self._pace.longest_patience)
            self._rewind(now)
        under_way = self._cursor - self.acked.seq
        room = 1 - under_way if self._one_at_a_time else self._pace.window - under_way
        count = min(self.head.seq - self._cursor, room, self._pace.batch)
        least = 1 if self._one_at_a_time or not under_way else self._pace.worth_sending
        if count < least:
            return None
        return range(self._cursor + 1, self._cursor + count + 1)

    def sent(self, last: int, now: float) -> None:
        """Everything up to `last` was handed to the network; that it arrives nobody promises."""
        self._cursor = max(self._cursor, last)
        if self._deadline is None:
            self._deadline = now + self._patience

    @property
    def wake_at(self) -> float | None:
        """When to ask `next_batch` again though nothing has happened."""
        return self._deadline if self._agreed and self.halted is None else None

    @property
    def waiting(self) -> int:
        """Events that are not known to be committed at the peer."""
        return self.head.seq - self.acked.seq

    # inside

    def _refusal(self, ack: Ack) -> Halt | Stray | OtherEpoch | None:
        if self.halted is not None:
            return self.halted
        if ack.incarnation != self.key.sender_incarnation or ack.stream != self.key.name:
            return Stray()
        if ack.epoch > self.epoch:
            self._shut()  # an answer from before the restore was believed: meet again
        if ack.epoch != self.epoch:
            return OtherEpoch(self.epoch, ack.epoch)
        return None

    def _compared(self, theirs: Position) -> ForkSeen | PeerAhead | None:
        if theirs.seq > self.head.seq:
            return PeerAhead(self.head, theirs)
        ours = self._hash(theirs.seq)
        if ours is not None and ours != theirs.hash:
            return ForkSeen(theirs.seq, ours, theirs.hash)
        return None

    def _hash(self, seq: int) -> str | None:
        for known in (self.head, self.acked):
            if known.seq == seq:
                return known.hash
        return start(self.key).hash if seq == 0 else self._hash_at(seq)

    def _halt(self, halt: Halt) -> Halt:
        self.halted = halt
        return halt

    def _rewind(self, now: float) -> None:
        self._cursor = self.acked.seq
        self._deadline = None
        self._rewind_from = now + self._pace.between_rewinds

    def _shut(self) -> None:
        self._agreed = False
        self._one_at_a_time = False
        self._cursor = self.acked.seq
        self._deadline = None
        self._patience = self._pace.patience


def fitting(envelopes: Iterable[Envelope], limit: int = MAX_BATCH_BYTES) -> tuple[Envelope, ...]:
    """Return as many leading events as fit one message; at least one, if there is one."""
    taken: list[Envelope] = []
    size = 0
    for envelope in envelopes:
        size += wire_bytes(envelope.data)
        if taken and size > limit:
            break
        taken.append(envelope)
    return tuple(taken)
