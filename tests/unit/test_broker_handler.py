"""One client's packets without a socket: what a replaced connection still says is not heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from broker.acl import OPEN, Identity
from broker.exchange import Exchange, Limits, Seat
from broker.frames import FrameReader, Message, ProtocolViolation, publish
from broker.plugin import BufferedWriter, ChunkReader, ClientHandler
from broker.topics import Party

if TYPE_CHECKING:
    from amqtt.broker import BrokerContext
    from amqtt.plugins.manager import PluginManager

SUBSCRIBE = b"\x82\x08\0\1\0\3a/b\1"
ME = Identity("n", Party.NODE)


class Script(ChunkReader):
    """Gives one chunk after another, then the end."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)

    async def chunk(self) -> bytes:
        """Return the next."""
        return self.chunks.pop(0) if self.chunks else b""


class Ears(BufferedWriter):
    """Remembers what is written and whether it was cut."""

    def __init__(self) -> None:
        self.heard = b""
        self.cut = False

    def write(self, data: bytes) -> None:
        """Remember."""
        self.heard += data

    def abort(self) -> None:
        """Remember."""
        self.cut = True


class NoPlugins:
    """Nobody listens to amqtt's events."""

    async def fire_event(self, *_: object, **__: object) -> None:
        """Do nothing."""


def sit(exchange: Exchange) -> tuple[ClientHandler, Seat, Ears]:
    """Connect."""
    ears = Ears()
    seat, _ = exchange.sit("n", ME, ears, clean=True, will=None, now=0.0)
    handler = ClientHandler(cast("PluginManager[BrokerContext]", NoPlugins()))
    handler.sit(seat, exchange, ears, keep_alive=0)
    return handler, seat, ears


async def test_a_replaced_connection_is_not_heard() -> None:
    """Packets that were read before a take-over, and come after it, change nothing."""
    exchange = Exchange(OPEN, Limits())
    old, _, old_ears = sit(exchange)
    _, seat, ears = sit(exchange)
    assert old_ears.cut
    exchange.subscribe(seat, "t", 1)
    late = SUBSCRIBE + publish(Message("t", b"late", 1), 1, 7, retain=False)
    assert not await old.serve(Script(late), FrameReader(1000))
    assert old_ears.heard == ears.heard == b""


async def test_a_publish_is_passed_on_before_it_is_acknowledged() -> None:
    """The PUBACK is written after the message went to its subscribers."""
    exchange = Exchange(OPEN, Limits())
    handler, seat, ears = sit(exchange)
    exchange.subscribe(seat, "t", 0)
    sent = publish(Message("t", b"m", 1), 1, 7, retain=False)
    assert not await handler.serve(Script(sent[:3], sent[3:]), FrameReader(1000))
    assert ears.heard == publish(Message("t", b"m", 0), 0, 0, retain=False) + b"\x40\2\0\7"


async def test_a_goodbye_is_told_from_an_end() -> None:
    """DISCONNECT ends with True and nothing after it counts; the end of the stream with False."""
    exchange = Exchange(OPEN, Limits())
    handler, _, ears = sit(exchange)
    assert await handler.serve(Script(b"\xe0\0" + SUBSCRIBE), FrameReader(1000))
    assert ears.heard == b""
    assert not await sit(exchange)[0].serve(Script(), FrameReader(1000))


async def test_a_violation_goes_up() -> None:
    """What breaks the protocol raises; the supervisor of the connection closes it."""
    handler, _, _ = sit(Exchange(OPEN, Limits()))
    with pytest.raises(ProtocolViolation, match="QoS 3"):
        await handler.serve(Script(SUBSCRIBE[:-1] + b"\3"), FrameReader(1000))
