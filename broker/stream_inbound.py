"""The receiver's end of a stream: what a batch means, what to answer, when to stop (PROTOCOL 1).

Pure: the caller applies events and watermark in one transaction, then says `committed`, and sends
the ack that comes back. Whether an event's data is any good is the caller's judgement (`sift` and
its own rules): bad data is quarantined and the chain goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from broker.codec import EVENT_LIMIT, Received, Unreadable, decode
from broker.messages import Ack, Message, Opening, Position
from broker.stream import follows, place, start
from broker.stream_outbound import OtherEpoch, Stray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from broker.messages import Batch, Envelope
    from broker.stream import StreamKey

#: Seconds between two acks that no progress asked for.
ACK_EVERY: Final = 1.0
#: An unreadable envelope is asked for this often, then the node is parked.
STRIKES: Final = 3
#: After so many good events one at a time, the unreadable batch is surely passed.
SURELY_PASSED: Final = 500


@dataclass(frozen=True, slots=True)
class Apply:
    """New events that follow the last: apply each once, with the watermark, then `committed`."""

    events: tuple[Envelope, ...]
    """In order, at least one."""


@dataclass(frozen=True, slots=True)
class AlreadyApplied:
    """Nothing new: the ack may have been lost."""

    ack: Ack | None
    """To send; None when one was sent a moment ago."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Events before these are missing: the current ack asks for them."""

    ack: Ack | None
    """To send; None when one was sent a moment ago."""


@dataclass(frozen=True, slots=True)
class AskSingly:
    """The batch cannot be read: the ack asks for one event at a time."""

    ack: Ack | None
    """To send; None when one was sent a moment ago."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Two different events at one place: freeze the node, raise an alert."""

    seq: int
    """The place."""
    ours: str
    """The hash that was applied."""
    theirs: str
    """The hash that came."""


@dataclass(frozen=True, slots=True)
class Park:
    """The node cannot make itself understood: stop listening to it, raise an alert."""

    reason: str
    """One line, for people."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """The sender's heads and ours do not contradict each other."""


@dataclass(frozen=True, slots=True)
class SenderBehind:
    """The sender's head is before what was applied: a late birth, or a store rolled back.

    No proof of a fork yet; the sender, told our watermark, finds out and stops itself.
    """

    sent: Position
    """The sender's head."""
    applied: Position
    """What was applied here."""


@dataclass(frozen=True, slots=True)
class WeAreBehind:
    """The sender knows of acks beyond what we have: our store was restored from a backup."""

    acked: Position
    """What we had acknowledged."""
    applied: Position
    """What is here now."""


Halt: TypeAlias = Fork | Park
BatchOutcome: TypeAlias = Apply | AlreadyApplied | Gap | AskSingly | Stray | OtherEpoch | Halt
HeadsOutcome: TypeAlias = Agreed | SenderBehind | WeAreBehind | OtherEpoch | Halt


class Inbound:
    """One stream as its receiver sees it; `now` in seconds on a clock that never jumps."""

    def __init__(
        self,
        key: StreamKey,
        *,
        applied: Position,
        hash_at: Callable[[int], str | None],
        epoch: int = 0,
        from_coordinator: bool = False,
        halted: Halt | None = None,
    ) -> None:
        """Begin from what is durable.

        Args:
            key: which stream.
            applied: the watermark stored with the effects, or `start(key)`.
            hash_at: hash of an applied event by seq; None when it is no longer kept (30 days).
            epoch: the highest epoch that was seen; at the centre its own.
            from_coordinator: batches come down and carry the epoch; others are refused.
            halted: a fork or a parking that was stored and that nobody has resolved.
        """
        self.key = key
        self.applied = applied
        self.epoch = epoch
        self.halted: Halt | None = halted
        """Why nothing is taken any more; a person resolves it, then a new Inbound is made."""
        self._hash_at = hash_at
        self._from_coordinator = from_coordinator
        self._taken = applied
        self._taken_hashes: dict[int, str] = {}
        self._singly = 0
        self._strikes = 0
        self._quiet_until = float("-inf")

    def receive(self, batch: Batch, now: float) -> BatchOutcome:
        """Judge one batch. After `Apply`, say `committed` or `abandoned`; more may come before."""
        if (refusal := self._refusal(batch)) is not None:
            return refusal
        taken = self._taken.seq
        news = [envelope for envelope in batch.events if envelope.seq > taken]
        if len(news) < len(batch.events):
            for envelope in batch.events:
                if (fork := self._compared(place(envelope))) is not None:
                    return self._halt(fork)
        if not news:
            return AlreadyApplied(self._ack_now_and_then(now))
        if news[0].seq > self._taken.seq + 1:
            return Gap(self._ack_now_and_then(now))
        good = self._following(news)
        if not good:
            return self.unreadable(f"event {news[0].seq} does not follow the one before it", now)
        if len(good) < len(news):
            self._singly = SURELY_PASSED
        return Apply(good)

    def unreadable(self, reason: str, now: float) -> AskSingly | Halt:
        """A payload on this stream's topic, from the authenticated node, could not be read."""
        if self.halted is not None:
            return self.halted
        if not self._singly:
            self._singly = SURELY_PASSED
            self._quiet_until = now
        elif now >= self._quiet_until:
            self._strikes += 1
            if self._strikes >= STRIKES:
                return self._halt(Park(f"after event {self.applied.seq}: {reason}"))
        return AskSingly(self._ack_now_and_then(now))

    def committed(self, upto: Position, now: float) -> Ack:
        """Effects and watermark up to here are durable; send the ack that is returned."""
        passed = upto.seq - self.applied.seq
        self._singly = max(0, self._singly - passed)
        self._strikes = 0
        self.applied = upto
        self._taken_hashes = {s: h for s, h in self._taken_hashes.items() if s > upto.seq}
        self._quiet_until = now + ACK_EVERY
        return self.current_ack()

    def abandoned(self) -> None:
        """The transaction failed: what was handed out since `applied` will be taken again."""
        self._taken = self.applied
        self._taken_hashes.clear()

    def on_birth(
        self, sent: Position, *, acked: Position | None = None, epoch: int | None = None
    ) -> HeadsOutcome:
        """Compare the sender's heads, from its birth or its answer to ours, with what is here.

        Args:
            sent: the sender's last event.
            acked: what the sender believes to be committed here.
            epoch: the coordinator's, when it is the sender; a higher one is adopted.
        """
        if self.halted is not None:
            return self.halted
        if epoch is not None:
            if epoch < self.epoch:
                return OtherEpoch(self.epoch, epoch)
            self.epoch = epoch
        for theirs in (sent,) if acked is None else (sent, acked):
            if (fork := self._compared(theirs)) is not None:
                return self._halt(fork)
        if acked is not None and acked.seq > self.applied.seq:
            return WeAreBehind(acked, self.applied)
        if sent.seq < self.applied.seq:
            return SenderBehind(sent, self.applied)
        return Agreed()

    def current_ack(self) -> Ack:
        """Return the ack of everything that is durable here."""
        return Ack(
            stream=self.key.name,
            incarnation=self.key.sender_incarnation,
            epoch=self.epoch,
            upto=self.applied.seq,
            hash=self.applied.hash,
            one_at_a_time=self._singly > 0,
        )

    def _refusal(self, batch: Batch) -> Halt | Stray | OtherEpoch | None:
        if self.halted is not None:
            return self.halted
        meant = (batch.stream, batch.sender_incarnation, batch.receiver_incarnation)
        if meant != (self.key.name, self.key.sender_incarnation, self.key.receiver_incarnation):
            return Stray()
        if self._from_coordinator and batch.epoch != self.epoch:
            return OtherEpoch(self.epoch, batch.epoch)
        return None

    def _following(self, news: Iterable[Envelope]) -> tuple[Envelope, ...]:
        good: list[Envelope] = []
        for envelope in news:
            if not follows(self.key, good[-1] if good else self._taken, envelope):
                break
            good.append(envelope)
        if good:
            self._taken = place(good[-1])
            self._taken_hashes.update((envelope.seq, envelope.hash) for envelope in good)
        return tuple(good)

    def _compared(self, theirs: Position) -> Fork | None:
        if theirs.seq > self._taken.seq:
            return None
        if theirs.seq == 0:
            ours: str | None = start(self.key).hash
        elif theirs.seq == self.applied.seq:
            ours = self.applied.hash
        else:
            ours = self._taken_hashes.get(theirs.seq) or self._hash_at(theirs.seq)
        if ours is None or ours == theirs.hash:
            return None
        return Fork(theirs.seq, ours, theirs.hash)

    def _halt(self, halt: Halt) -> Halt:
        self.halted = halt
        return halt

    def _ack_now_and_then(self, now: float) -> Ack | None:
        if now < self._quiet_until:
            return None
        self._quiet_until = now + ACK_EVERY
        return self.current_ack()


class Readable(NamedTuple):
    """An event of a good envelope, understood; whether the books accept it is not said here."""

    envelope: Envelope
    """As it came; its text is what is stored."""
    event: Received[Message]
    """What it says."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event of a good envelope that cannot be used: kept raw, visible, repairable."""

    envelope: Envelope
    """As it came."""
    reason: str
    """One line, for people."""


def sift(
    events: Iterable[Envelope], kinds: tuple[type[Message], ...]
) -> Iterator[Readable | Quarantined]:
    """Read each event's data; the chain goes on over what cannot be read.

    The first event of a stream is its Opening, and no other is (PROTOCOL 1).
    """
    for envelope in events:
        if envelope.data is None:
            yield Quarantined(envelope, "its data was erased before it came")
            continue
        event: Received[Message] | Unreadable = decode(envelope.data, kinds, limit=EVENT_LIMIT)
        if isinstance(event, Unreadable):
            yield Quarantined(envelope, event.reason)
        elif (envelope.seq == 1) is not isinstance(event.message, Opening):
            problem = "begins without" if envelope.seq == 1 else "has gone on and repeats"
            yield Quarantined(envelope, f"the stream {problem} its Opening")
        else:
            yield Readable(envelope, event)
