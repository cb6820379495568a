"""Each end of a stream, case by case: what a message means and what is done about it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from broker.codec import text_of
from broker.messages import LEDGER_DOWN, Ack, Batch, Envelope, Opening, Position, Rejected
from broker.stream import StreamKey, erased, place, seal, start
from broker.stream_inbound import (
    ACK_EVERY,
    Agreed,
    AlreadyApplied,
    Apply,
    AskSingly,
    Fork,
    Gap,
    Inbound,
    Park,
    Quarantined,
    Readable,
    SenderBehind,
    WeAreBehind,
    sift,
)
from broker.stream_outbound import (
    EventsGone,
    ForkSeen,
    Nothing,
    Opened,
    OtherEpoch,
    Outbound,
    Pace,
    PeerAhead,
    PeerBehind,
    Released,
    StaleAck,
    Stray,
)

KEY = StreamKey("north", UUID(int=1), "coordinator", UUID(int=2), "ledger")
PACE = Pace(window=10, batch=4, worth_sending=3, patience=5.0, longest_patience=20.0)
SESSION = UUID(int=9)


def chain(*texts: str, after: Position | None = None) -> list[Envelope]:
    """Return sealed events, from the start or after a position."""
    head, events = after or start(KEY), []
    for text in texts:
        events.append(seal(KEY, head, text))
        head = place(events[-1])
    return events


EVENTS = chain(*(f"event {n}" for n in range(1, 31)))
#: What a sender that was rolled back to event 5 wrote afterwards.
BRANCH = EVENTS[:5] + chain(*(f"other {n}" for n in range(6, 31)), after=place(EVENTS[4]))


def at(seq: int, events: list[Envelope] = EVENTS) -> Position:
    """Return a position in the chain."""
    return place(events[seq - 1]) if seq else start(KEY)


def sender(head: int = 30, acked: int = 0, *, kept_from: int = 1, epoch: int = 1) -> Outbound:
    """Return a sender that has met its peer at `acked`."""
    out = Outbound(
        KEY,
        head=at(head),
        acked=at(acked),
        hash_at=lambda seq: EVENTS[seq - 1].hash if kept_from <= seq <= head else None,
        epoch=epoch,
        pace=PACE,
    )
    assert out.peer_online(SESSION)
    assert out.on_birth(at(acked), epoch=epoch, now=0.0) == Opened(at(acked), lowered=False)
    return out


def receiver(applied: int = 0, *, kept_from: int = 1, from_coordinator: bool = False) -> Inbound:
    """Return a receiver that has applied so much."""
    return Inbound(
        KEY,
        applied=at(applied),
        hash_at=lambda seq: EVENTS[seq - 1].hash if kept_from <= seq <= applied else None,
        epoch=1,
        from_coordinator=from_coordinator,
    )


def batch(first: int, last: int, events: list[Envelope] = EVENTS, *, epoch: int = 0) -> Batch:
    """Return a batch of consecutive events."""
    return Batch(
        stream="ledger",
        sender_incarnation=KEY.sender_incarnation,
        receiver_incarnation=KEY.receiver_incarnation,
        epoch=epoch,
        events=tuple(events[first - 1 : last]),
    )


def ack(upto: int, *, one_at_a_time: bool = False, epoch: int = 1) -> Ack:
    """Return a receiver's ack."""
    return Ack(
        stream="ledger",
        incarnation=KEY.sender_incarnation,
        epoch=epoch,
        upto=upto,
        hash=at(upto).hash,
        one_at_a_time=one_at_a_time,
    )


# the sender


def test_stream_sender_is_silent_until_met() -> None:
    """Nothing is sent before the peer is online and has said how far it is."""
    out = Outbound(KEY, head=at(3), acked=at(0), hash_at=lambda _: None, pace=PACE)
    assert out.next_batch(0.0) is None
    assert out.peer_online(SESSION)
    assert out.next_batch(0.0) is None
    assert out.peer_online(SESSION), "the birth was not answered yet"
    out = sender(3)
    assert out.next_batch(0.0) == range(1, 4)
    assert not out.peer_online(SESSION)
    assert out.peer_online(UUID(int=10)), "a new session of the peer needs a new birth"
    assert out.next_batch(0.0) is None


def test_stream_sender_keeps_to_its_window() -> None:
    """Batches follow each other until the window is full; an ack opens it again."""
    out = sender()
    for expected in (range(1, 5), range(5, 9)):
        assert out.next_batch(0.0) == expected
        out.sent(expected[-1], 0.0)
    assert out.next_batch(0.0) is None, "two more would fit, which is not worth a message"
    assert out.on_ack(ack(4), 1.0) == Released(at(4))
    assert out.next_batch(1.0) == range(9, 13)


def test_stream_sender_lets_few_events_wait_for_company() -> None:
    """Alone they go at once; while something is under way, few wait for more or for the ack."""
    out = sender(1)
    assert out.next_batch(0.0) == range(1, 2)
    out.sent(1, 0.0)
    out.grown(at(3))
    assert out.next_batch(0.0) is None
    out.on_ack(ack(1), 0.5)
    assert out.next_batch(0.5) == range(2, 4)


def test_stream_sender_repeats_from_the_watermark_with_growing_patience() -> None:
    """Without progress it sends again, after 5, 10, 20 and at most 20 seconds."""
    out, now = sender(4), 0.0
    for wait in (5.0, 10.0, 20.0, 20.0):
        assert out.next_batch(now) == range(1, 5)
        out.sent(4, now)
        assert out.wake_at == now + wait
        assert out.next_batch(now + wait - 0.1) is None
        now += wait


def test_stream_sender_repeats_at_a_repeated_ack_but_not_twice_a_second() -> None:
    """A repeated ack is how a gap is told; doubled by the network it must not double the load."""
    out = sender()
    out.sent(8, 2.0)
    assert out.on_ack(ack(0), 2.0) == Nothing()
    assert out.next_batch(2.0) == range(1, 5)
    out.sent(8, 2.0)
    assert out.on_ack(ack(0), 2.5) == Nothing()
    assert out.next_batch(2.5) is None


def test_stream_sender_goes_one_at_a_time_when_asked() -> None:
    """Single events, each after the ack of the one before; then batches again."""
    out = sender()
    out.sent(4, 0.0)
    out.on_ack(ack(0, one_at_a_time=True), 0.1)
    assert out.next_batch(0.1) == range(1, 2)
    out.sent(1, 0.1)
    assert out.next_batch(0.1) is None
    out.on_ack(ack(1, one_at_a_time=True), 0.2)
    assert out.next_batch(0.2) == range(2, 3)
    out.on_ack(ack(2), 0.3)
    assert out.next_batch(0.3) == range(3, 7)


def test_stream_sender_ignores_what_is_not_for_it() -> None:
    """Late acks, other incarnations and other epochs change nothing."""
    out = sender(acked=8)
    other = ack(9).model_copy(update={"incarnation": UUID(int=77)})
    assert out.on_ack(ack(7), 0.0) == StaleAck()
    assert out.on_ack(other, 0.0) == Stray()
    assert out.on_ack(ack(9, epoch=0), 0.0) == OtherEpoch(ours=1, theirs=0)
    assert out.on_ack(ack(9, epoch=2), 0.0) == OtherEpoch(ours=1, theirs=2)
    assert out.acked == at(8)


def test_stream_sender_meets_again_when_it_hears_of_a_higher_epoch() -> None:
    """An answer from before a restore came late and was believed: the first ack undoes that."""
    out = sender(acked=8)
    out.on_ack(ack(9, epoch=2), 0.0)
    assert out.next_batch(0.0) is None
    assert out.peer_online(SESSION), "births again"
    assert out.on_birth(at(3), epoch=2, now=1.0) == Opened(at(3), lowered=True)
    assert out.next_batch(1.0) == range(4, 8)


def test_stream_sender_goes_back_only_under_a_higher_epoch() -> None:
    """A restored receiver is made whole; one that merely claims less is not believed."""
    out = sender(acked=8)
    assert out.on_birth(at(3), epoch=0, now=0.0) == OtherEpoch(ours=1, theirs=0)
    assert out.on_birth(at(3), epoch=1, now=0.0) == PeerBehind(at(8), at(3))
    assert out.acked == at(8)
    assert out.on_birth(at(3), epoch=2, now=0.0) == Opened(at(3), lowered=True)
    assert out.next_batch(0.0) == range(4, 8)


def test_stream_sender_says_when_it_no_longer_keeps_what_is_needed() -> None:
    """A receiver restored from a backup older than what is kept is told so, loudly."""
    out = sender(acked=20, kept_from=10)
    assert out.on_birth(at(5), epoch=2, now=0.0) == EventsGone(first=6)
    assert out.next_batch(0.0) is None


@pytest.mark.parametrize("by_birth", [True, False])
def test_stream_sender_that_was_rolled_back_stops_itself(by_birth: bool) -> None:  # noqa: FBT001
    """It learns, from an answer or an ack, that others know more, or other, of its own events."""

    def told(out: Outbound, upto: Position) -> object:
        if by_birth:
            return out.on_birth(upto, epoch=1, now=0.0)
        return out.on_ack(ack(0).model_copy(update={"upto": upto.seq, "hash": upto.hash}), 0.0)

    out = sender(head=5)
    assert told(out, at(9)) == PeerAhead(at(5), at(9))
    assert out.next_batch(0.0) is None
    out = sender(head=12)
    assert told(out, at(9, BRANCH)) == ForkSeen(9, EVENTS[8].hash, BRANCH[8].hash)
    assert out.next_batch(0.0) is None
    assert out.wake_at is None
    assert told(out, at(5)) == out.halted, "only a person resolves it"


# the receiver


def test_stream_receiver_applies_once_and_acks_what_is_durable() -> None:
    """New events are handed out once; the ack names only what was committed."""
    inbound = receiver()
    assert inbound.receive(batch(1, 4), 0.0) == Apply(tuple(EVENTS[:4]))
    assert inbound.receive(batch(3, 6), 0.0) == Apply(tuple(EVENTS[4:6])), "an overlap"
    assert inbound.current_ack() == ack(0)
    assert inbound.committed(at(4), 0.0) == ack(4)
    assert inbound.committed(at(6), 0.0) == ack(6)
    assert inbound.receive(batch(1, 6), ACK_EVERY) == AlreadyApplied(ack(6))
    assert inbound.receive(batch(1, 6), ACK_EVERY) == AlreadyApplied(None), "not twice a second"


def test_stream_receiver_takes_again_what_its_database_refused() -> None:
    """A failed transaction leaves nothing behind."""
    inbound = receiver()
    inbound.receive(batch(1, 4), 0.0)
    inbound.abandoned()
    assert inbound.receive(batch(1, 4), 0.0) == Apply(tuple(EVENTS[:4]))


def test_stream_receiver_answers_a_gap_with_its_ack_now_and_then() -> None:
    """A gap is told by the current ack, at most once a second."""
    inbound = receiver(2)
    assert inbound.receive(batch(5, 6), 0.0) == Gap(ack(2))
    assert inbound.receive(batch(7, 8), 0.1) == Gap(None)
    assert inbound.receive(batch(7, 8), ACK_EVERY) == Gap(ack(2))


@pytest.mark.parametrize("where", ["applied", "kept", "taken"])
def test_stream_receiver_proves_a_fork(where: str) -> None:
    """Another event at a known place freezes the stream, wherever the place is known from."""
    inbound = receiver(6 if where == "taken" else 9 if where == "applied" else 12)
    if where == "taken":
        inbound.receive(batch(7, 9), 0.0)
    found = inbound.receive(batch(9, 9, BRANCH), 0.0)
    assert found == Fork(9, EVENTS[8].hash, BRANCH[8].hash)
    assert inbound.receive(batch(13, 14), 0.0) == found, "only a person resolves it"


def test_stream_receiver_finds_a_fork_in_a_birth() -> None:
    """Heads are compared: a contradiction is a fork, being behind is none."""
    assert receiver(9).on_birth(at(9, BRANCH)) == Fork(9, EVENTS[8].hash, BRANCH[8].hash)
    assert receiver(9).on_birth(at(12, BRANCH), acked=at(9, BRANCH)) == Fork(
        9, EVENTS[8].hash, BRANCH[8].hash
    )
    assert receiver(9).on_birth(at(12), acked=at(9)) == Agreed()
    assert receiver(9).on_birth(at(5)) == SenderBehind(at(5), at(9))
    assert receiver(9).on_birth(at(20), acked=at(12)) == WeAreBehind(at(12), at(9))
    assert receiver(20, kept_from=15).on_birth(at(9, BRANCH)) == SenderBehind(
        at(9, BRANCH), at(20)
    ), "hashes are kept for a time only"


def test_stream_receiver_fences_an_old_coordinator() -> None:
    """Batches under a lower epoch are refused; a higher one is adopted by birth only."""
    inbound = receiver(from_coordinator=True)
    assert inbound.receive(batch(1, 2, epoch=0), 0.0) == OtherEpoch(ours=1, theirs=0)
    assert inbound.receive(batch(1, 2, epoch=2), 0.0) == OtherEpoch(ours=1, theirs=2)
    assert inbound.on_birth(at(5), epoch=2) == Agreed()
    assert inbound.receive(batch(1, 2, epoch=1), 0.0) == OtherEpoch(ours=2, theirs=1)
    assert inbound.receive(batch(1, 2, epoch=2), 0.0) == Apply(tuple(EVENTS[:2]))
    assert inbound.committed(at(2), 0.0).epoch == 2
    assert inbound.on_birth(at(5), epoch=1) == OtherEpoch(ours=2, theirs=1)


def test_stream_receiver_ignores_another_incarnation() -> None:
    """A batch of another pair of incarnations is of another stream, not a fork of this one."""
    stray = batch(1, 2).model_copy(update={"receiver_incarnation": UUID(int=77)})
    assert receiver().receive(stray, 0.0) == Stray()


def test_stream_receiver_asks_singly_then_goes_on() -> None:
    """An unreadable batch is asked for in single events; when they are good, all is well."""
    inbound = receiver()
    assert inbound.unreadable("no JSON", 0.0) == AskSingly(ack(0, one_at_a_time=True))
    for seq in (1, 2, 3):
        assert inbound.receive(batch(seq, seq), 0.0) == Apply((EVENTS[seq - 1],))
        assert inbound.committed(at(seq), 0.0) == ack(seq, one_at_a_time=True)
    assert inbound.halted is None


def test_stream_receiver_takes_what_is_good_before_a_changed_event() -> None:
    """Events before the changed one are applied; their ack asks for single events."""
    events = [*EVENTS[:2], EVENTS[2].model_copy(update={"data": "changed"}), EVENTS[3]]
    inbound = receiver()
    assert inbound.receive(batch(1, 4, events), 0.0) == Apply(tuple(EVENTS[:2]))
    assert inbound.committed(at(2), 0.0) == ack(2, one_at_a_time=True)


def test_stream_receiver_parks_a_node_that_stays_unreadable() -> None:
    """Three unreadable events, each asked for, park it; what came unasked does not count."""
    inbound = receiver(2)
    changed = [EVENTS[2].model_copy(update={"data": "changed"})]
    assert isinstance(inbound.receive(batch(1, 1, changed), 0.0), AskSingly)
    assert inbound.unreadable("no JSON", 0.1) == AskSingly(None), "sent before it was asked"
    assert isinstance(inbound.receive(batch(1, 1, changed), 5.0), AskSingly)
    assert isinstance(inbound.receive(batch(1, 1, changed), 15.0), AskSingly)
    found = inbound.receive(batch(1, 1, changed), 35.0)
    assert found == Park("after event 2: event 3 does not follow the one before it")
    assert inbound.receive(batch(3, 3), 36.0) == found


def test_stream_receiver_applies_erased_events_by_their_digest() -> None:
    """An event whose data was erased still carries the chain on."""
    events = [erased(EVENTS[0]), EVENTS[1]]
    assert receiver().receive(batch(1, 2, events), 0.0) == Apply(tuple(events))


# what events say


def test_stream_sift_quarantines_bad_data_and_goes_on() -> None:
    """One bad record blocks nothing: it comes out raw with its reason, the others are read."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    opening = text_of(Opening(), source="coordinator", id_=UUID(int=5), now=now)
    rejected = Rejected(stream="ledger", seq=3, reason="no such account")
    note = text_of(rejected, source="coordinator", id_=UUID(int=6), now=now)
    events = chain(opening, "rubbish", note, opening, note)
    events[4] = erased(events[4])
    found = list(sift(events, LEDGER_DOWN))
    assert [type(one) for one in found] == [
        Readable,
        Quarantined,
        Readable,
        Quarantined,
        Quarantined,
    ]
    assert [one.envelope for one in found] == events
    third = found[2]
    assert isinstance(third, Readable)
    assert third.event.message == rejected
    assert [
        one.reason for one in sift(chain(note), LEDGER_DOWN) if isinstance(one, Quarantined)
    ] == ["the stream begins without its Opening"]
