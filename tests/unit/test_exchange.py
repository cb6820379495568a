"""Sessions without a socket: who has the seat, what wills do, when a session is ended."""

from __future__ import annotations

from broker.acl import OPEN, Authoriser, Identity
from broker.exchange import REFUSED, Exchange, Limits, Seat
from broker.frames import FrameReader, Message, parse_publish
from broker.topics import Party

NODE = Identity("n", Party.NODE)
WILL = Message("will", b"gone", 1)


class Wire:
    """A connection that only remembers."""

    def __init__(self) -> None:
        self.cutter = FrameReader(1_000_000)
        self.aborted = False

    def write(self, data: bytes) -> None:
        """Remember."""
        assert not self.aborted or not data, "nothing is written to a connection that was cut"
        self.cutter.feed(data)

    def abort(self) -> None:
        """Remember."""
        self.aborted = True

    def payloads(self) -> list[bytes]:
        """Return what was delivered since the last call."""
        found = []
        while (frame := self.cutter.next()) is not None:
            found.append(parse_publish(frame.flags, frame.body)[0].payload)
        return found


def sit(
    exchange: Exchange,
    name: str = "n",
    *,
    clean: bool = True,
    will: Message | None = None,
    identity: Identity = NODE,
    subscribe: str | None = None,
) -> tuple[Seat, Wire, bool]:
    """Connect a client; perhaps subscribe it."""
    wire = Wire()
    seat, resumed = exchange.sit(name, identity, wire, clean=clean, will=will, now=0.0)
    if subscribe is not None:
        assert exchange.subscribe(seat, subscribe, 1) == 1
    return seat, wire, resumed


def say(exchange: Exchange, payload: bytes, topic: str = "t", *, retain: bool = False) -> None:
    """Publish as somebody else."""
    seat, wire, _ = sit(exchange, "somebody")
    exchange.accept(seat, Message(topic, payload, 1, retain))
    exchange.leave(seat, wire, said_goodbye=True, now=0.0)


def test_an_old_connection_cannot_end_its_successor() -> None:
    """What a connection does after it was replaced changes nothing for the newer one."""
    exchange = Exchange(OPEN, Limits())
    old_seat, old, _ = sit(exchange, subscribe="t", will=WILL)
    _, new, _ = sit(exchange, subscribe="t")
    assert old.aborted
    exchange.leave(old_seat, old, said_goodbye=False, now=1.0)
    say(exchange, b"heard")
    assert new.payloads() == [b"heard"]


def test_a_will_is_said_once_and_only_without_a_goodbye() -> None:
    """Vanishing, being replaced or cut off says the will once; a goodbye never."""
    exchange = Exchange(OPEN, Limits())
    _, watcher, _ = sit(exchange, "watcher", subscribe="will")
    for end, expected in (("vanish", 1), ("bye", 0), ("replace", 1), ("cut", 1), ("quiet", 0)):
        seat, wire, _ = sit(exchange, will=WILL)
        if end == "replace":
            seat, wire = sit(exchange)[:2]
        elif end == "cut":
            assert exchange.cut_off("n")
        elif end == "quiet":
            exchange.keep_quiet()
        for _ in range(2):
            exchange.leave(seat, wire, said_goodbye=end == "bye", now=0.0)
        assert watcher.payloads() == [b"gone"] * expected, end


def test_a_session_of_another_identity_is_not_resumed() -> None:
    """A kept session belongs to who proved itself; a new kind of identity starts afresh."""
    exchange = Exchange(OPEN, Limits())
    seat, wire, _ = sit(exchange, clean=False, subscribe="t")
    exchange.leave(seat, wire, said_goodbye=True, now=0.0)
    _, other, resumed = sit(exchange, clean=False, identity=Identity("n", Party.DASHBOARD))
    say(exchange, b"not for you")
    assert (resumed, other.payloads()) == (False, [])


def test_a_kept_session_expires() -> None:
    """A client that stays away too long finds nothing; one that is connected never expires."""
    exchange = Exchange(OPEN, Limits())
    seat, wire, _ = sit(exchange, clean=False)
    sit(exchange, "here", clean=False)
    exchange.leave(seat, wire, said_goodbye=True, now=100.0)
    exchange.expire(before=100.0)
    seat, wire, resumed = sit(exchange, clean=False)
    assert resumed
    exchange.leave(seat, wire, said_goodbye=True, now=100.0)
    exchange.expire(before=101.0)
    assert not sit(exchange, clean=False)[2]
    assert [identity.name for identity in exchange.connected()] == ["n", "n"]


def test_who_does_not_read_is_ended_and_the_rest_hears_on() -> None:
    """Past its bound a session ends, with its will; other subscribers miss nothing."""
    exchange = Exchange(OPEN, Limits(max_queued_messages=5, max_in_flight=2))
    _, watcher, _ = sit(exchange, "watcher", subscribe="will")
    sleeper, wire, _ = sit(exchange, subscribe="t", will=WILL)
    reader, ears, _ = sit(exchange, "reader", subscribe="t")
    for number in range(10):
        say(exchange, str(number).encode())
        reader.outbox.puback(number + 1)
    assert wire.aborted
    assert sleeper.connection is None
    assert ears.payloads() == [str(number).encode() for number in range(10)]
    assert watcher.payloads() == [b"gone"]


def test_an_absent_session_is_ended_rather_than_thinned() -> None:
    """A kept session that is owed too much starts anew: its client can tell, nothing is skipped."""
    exchange = Exchange(OPEN, Limits(max_queued_messages=5))
    seat, wire, _ = sit(exchange, clean=False, subscribe="t")
    exchange.leave(seat, wire, said_goodbye=True, now=0.0)
    for number in range(6):
        say(exchange, str(number).encode())
    assert not sit(exchange, clean=False)[2]


def test_filters_and_share_are_bounded() -> None:
    """A client has so many filters; a known one may be renewed; `$share` is refused."""
    exchange = Exchange(OPEN, Limits(max_filters=2))
    seat, _, _ = sit(exchange)
    codes = [exchange.subscribe(seat, filter_, 1) for filter_ in ("a", "b", "c", "a", "$share/g/x")]
    assert codes == [1, 1, REFUSED, 1, REFUSED]


def test_a_refused_publish_is_neither_heard_nor_kept() -> None:
    """What the authoriser denies reaches no subscriber and no retained store; `$` is always so."""
    exchange = Exchange(Authoriser(lambda _, topic: topic != "no", OPEN.may_subscribe), Limits())
    _, ears, _ = sit(exchange, "ears", subscribe="#")
    for topic in ("no", "$SYS/x", "$x"):
        say(exchange, b"bad", topic, retain=True)
    seat, late, _ = sit(exchange, "late")
    for filter_ in ("no", "$SYS/x", "$x"):
        exchange.show_retained(seat, filter_, 1)
    assert ears.payloads() == late.payloads() == []
