"""The streams up: what of the journal is sent next, and what the coordinator has committed.

It says nothing itself; `uplink` carries. A watermark is stored now and then: an old one costs a
resend, not an event. Only one that went back (a restored centre) is stored at once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from broker.messages import Batch, UpHeads
from broker.stream_outbound import (
    EventsGone,
    ForkSeen,
    Opened,
    OtherEpoch,
    Outbound,
    PeerAhead,
    Released,
    fitting,
)
from edge.store.books import UP

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from broker.messages import Ack, Position, StreamName
    from broker.stream_outbound import AckOutcome, BirthOutcome
    from edge.store.books import Books


class Upward:
    """Every stream of this edge up, on its books."""

    def __init__(self, books: Books, *, epoch: int) -> None:
        self._books = books
        self._unstored: dict[StreamName, Position] = {}
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

    # ── how it stands ───────────────────────────────────────────────────────────────────────

    @property
    def waiting(self) -> int:
        """Events that the centre is not known to have committed."""
        return sum(self._books.head(name).seq - out.acked.seq for name, out in self._out.items())

    @property
    def acked(self) -> dict[str, int]:
        """Highest committed seq of each stream."""
        return {name: out.acked.seq for name, out in self._out.items()}

    @property
    def heads(self) -> dict[StreamName, UpHeads]:
        """What a birth says of them."""
        return {
            name: UpHeads(sent=self._books.head(name), acked=out.acked)
            for name, out in self._out.items()
        }

    @property
    def wake_at(self) -> float | None:
        """When to look again though nothing has happened."""
        times = [out.wake_at for out in self._out.values() if out.wake_at is not None]
        return min(times, default=None)

    # ── what happened ───────────────────────────────────────────────────────────────────────

    def grown(self) -> None:
        """The books have new events."""
        for name, out in self._out.items():
            out.grown(self._books.head(name))

    def online(self, session: UUID) -> None:
        """The coordinator listens under this session; births come first."""
        for out in self._out.values():
            out.peer_online(session)

    def offline(self) -> None:
        """The coordinator, or the way to it, is gone."""
        for out in self._out.values():
            out.peer_offline()

    def on_birth(
        self, committed: Mapping[StreamName, Position], *, epoch: int, now: float
    ) -> dict[StreamName, BirthOutcome]:
        """Compare with what the centre says it has; return what stands in the way, by stream."""
        outcomes = {
            name: out.on_birth(committed[name], epoch=epoch, now=now)
            for name, out in self._out.items()
        }
        return {name: each for name, each in outcomes.items() if not isinstance(each, Opened)}

    def store_lowered(self) -> None:
        """Store the watermarks that a restored centre took back.

        Before the new epoch is remembered: with the epoch alone, the next start would take the
        centre for one that lost what it had committed, and stop.

        Raises:
            StoreUnwritableError: try again; nothing may be remembered before this is done.
        """
        for name, out in self._out.items():
            if self._books.acked(name).seq > out.acked.seq:
                self._unstored.pop(name, None)
                self._books.remember_acked(name, out.acked)

    def on_ack(self, ack: Ack, now: float) -> AckOutcome | None:
        """Take an ack in; return what it means, None when it is of no stream of ours."""
        out = self._out.get(ack.stream)
        if out is None:
            return None
        outcome = out.on_ack(ack, now)
        if isinstance(outcome, Released):
            self._unstored[ack.stream] = outcome.upto
        return outcome

    # ── what to do ──────────────────────────────────────────────────────────────────────────

    @property
    def names(self) -> tuple[StreamName, ...]:
        """The streams, money first."""
        return tuple(self._out)

    def next_batch(self, name: StreamName, now: float) -> Batch | None:
        """Return what is to be sent now, counted as sent; None: nothing yet.

        Raises:
            StoreDamagedError: the disk no longer gives back what was written.
        """
        out = self._out[name]
        seqs = out.next_batch(now)
        events = fitting(self._books.events(name, seqs[0], seqs[-1])) if seqs else ()
        if not events:
            return None
        out.sent(events[-1].seq, now)
        return Batch(
            stream=name,
            sender_incarnation=out.key.sender_incarnation,
            receiver_incarnation=out.key.receiver_incarnation,
            events=events,
        )

    def store_acked(self) -> None:
        """Store the watermarks that rose since the last call.

        Raises:
            StoreUnwritableError: those not stored are stored next time.
        """
        for name, upto in list(self._unstored.items()):
            self._books.remember_acked(name, upto)
            del self._unstored[name]


def is_halt(outcome: AckOutcome | None) -> bool:
    """Say whether an ack showed that the two journals are not of one history."""
    return isinstance(outcome, ForkSeen | PeerAhead | EventsGone)


def is_ahead(outcome: object) -> bool:
    """Say whether the centre speaks under a higher epoch than the one agreed: meet it again."""
    return isinstance(outcome, OtherEpoch) and outcome.theirs > outcome.ours
