"""What is owed to a client: nothing lost, nothing reordered, bounded, whatever it acknowledges."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from broker import frames
from broker.frames import FrameReader, Message
from broker.outbox import Outbox


def outbox(*, messages: int = 1000, size: int = 10_000_000, window: int = 3) -> Outbox:
    """Return an outbox with a small window."""
    return Outbox(max_messages=messages, max_bytes=size, window=window)


def read(data: bytes) -> list[frames.Frame]:
    """Return the frames in some bytes."""
    reader, found = FrameReader(10_000), []
    reader.feed(data)
    while (frame := reader.next()) is not None:
        found.append(frame)
    return found


class OneSubscriber(RuleBasedStateMachine):
    """A client that reads, acknowledges in any order, vanishes and comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.box = outbox()
        self.sent = 0
        self.first_seen: list[int] = []
        self.unacknowledged: dict[int, int] = {}
        """Packet id → QoS, on the client's side."""

    def _take(self, data: bytes) -> None:
        for frame in read(data):
            if frame.kind == frames.PUBLISH:
                message, packet_id = frames.parse_publish(frame.flags, frame.body)
                if not frame.flags & 8:
                    self.first_seen.append(int(message.payload))
                    assert packet_id not in self.unacknowledged
                self.unacknowledged[packet_id] = message.qos

    @rule(qos=st.sampled_from([1, 2]), here=st.booleans())
    def deliver(self, *, qos: int, here: bool) -> None:
        """Something is published for it, while it is connected or away."""
        message = Message("t", str(self.sent).encode(), qos)
        self.sent += 1
        if here:
            self._take(self.box.send(message, qos))
        else:
            self.box.keep(message, qos)

    @precondition(lambda self: self.unacknowledged)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        """It acknowledges any one of what it has."""
        packet_id = data.draw(st.sampled_from(sorted(self.unacknowledged)))
        if self.unacknowledged.pop(packet_id) == 1:
            self._take(self.box.puback(packet_id))
        else:
            assert self.box.pubrec(packet_id) == bytes((0x62, 2, 0, packet_id))
            self._take(self.box.pubcomp(packet_id))

    @rule(packet_id=st.integers(1, 9))
    def acknowledge_nonsense(self, packet_id: int) -> None:
        """It acknowledges what it was never sent, or in the wrong way."""
        qos = self.unacknowledged.get(packet_id)
        answers = [] if qos == 1 else [self.box.puback(packet_id)]
        answers += [] if qos == 2 else [self.box.pubcomp(packet_id)]
        assert not any(answers)

    @rule()
    def come_back(self) -> None:
        """It reconnects: everything unacknowledged comes again, before anything new."""
        owed = set(self.unacknowledged)
        data = self.box.resume()
        again = [f for f in read(data) if f.kind == frames.PUBLISH and f.flags & 8]
        assert owed == {frames.parse_publish(f.flags, f.body)[1] for f in again}
        self._take(data)

    @invariant()
    def order_is_kept(self) -> None:
        """Each message is first seen once, in the order of publishing."""
        assert self.first_seen == list(range(len(self.first_seen)))

    @invariant()
    def window_holds(self) -> None:
        """Never more than the window is unacknowledged."""
        assert len(self.unacknowledged) <= 3

    def teardown(self) -> None:
        """Acknowledge everything: then everything must have come."""
        self._take(self.box.resume())
        while self.unacknowledged:
            packet_id, qos = self.unacknowledged.popitem()
            if qos == 1:
                self._take(self.box.puback(packet_id))
            else:
                self.box.pubrec(packet_id)
                self._take(self.box.pubcomp(packet_id))
        assert self.first_seen == list(range(self.sent))
        assert not self.box.full


OneSubscriber.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestOneSubscriber = OneSubscriber.TestCase


def test_too_many_or_too_much_is_full() -> None:
    """Past its messages or its bytes an outbox says so; settled ones no longer count."""
    by_count, by_size, seen = outbox(messages=5), outbox(size=1000), []
    for _ in range(6):
        by_count.send(Message("t", b"x", 1), 1)
        seen.append(by_count.full)
    assert seen == [False, False, False, False, False, True]
    by_size.send(Message("t", bytes(1001), 1), 1)
    seen = [by_size.full]
    by_size.puback(1)
    assert [*seen, by_size.full] == [True, False]


def test_telemetry_does_not_wait() -> None:
    """QoS 0 goes out though the window is shut, and is not counted."""
    box = outbox(window=1, messages=1)
    box.send(Message("t", b"1", 1), 1)
    assert read(box.send(Message("t", b"now", 0), 0))[0].body == b"\0\1tnow"
    assert not box.full


def test_packet_ids_wrap_without_taking_one_in_flight() -> None:
    """After 65,535 messages ids start again and skip those still unacknowledged."""
    box = outbox(window=10)
    box.send(Message("t", b"held", 1), 1)  # id 1 stays in flight
    seen = set()
    for _ in range(65_600):
        (frame,) = read(box.send(Message("t", b"", 1), 1))
        packet_id = frames.parse_publish(frame.flags, frame.body)[1]
        assert packet_id > 1
        seen.add(packet_id)
        box.puback(packet_id)
    assert len(seen) == 65_534
