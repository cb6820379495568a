"""What is plugged into amqtt in place of its own parts: socket adapters, one client's handler."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from amqtt.adapters import BufferReader, ReaderAdapter, WriterAdapter
from amqtt.mqtt.packet import MQTTFixedHeader
from amqtt.mqtt.pingreq import PingReqPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket
from websockets.exceptions import ConnectionClosed

from broker import frames
from broker.exchange import REFUSED
from broker.frames import ProtocolViolation
from config.logs import logger

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from websockets.asyncio.server import ServerConnection

    from broker.exchange import Exchange, Seat
    from broker.frames import Frame, FrameReader

_log = logger("broker.plugin")

_CHUNK_BYTES = 65_536
#: A client that does not read its last bytes is cut off after this many seconds.
_LINGER_SECONDS = 5.0
#: MQTT 3.1.1 §3.1.2.10: a client is gone after one and a half times its keep alive.
_KEEP_ALIVE_FACTOR = 1.5
_MAX_QOS = 2


class ChunkReader(ReaderAdapter):
    """A reader that gives what has come; amqtt's own give exact counts, at an await a field."""

    async def chunk(self) -> bytes:
        """Return some bytes, or none at the end."""
        raise NotImplementedError

    async def read(self, n: int = -1) -> bytes:
        """Refuse: nothing here reads amqtt's way."""
        raise NotImplementedError

    def feed_eof(self) -> None:
        """Do nothing: the transport says when it ends."""


class SocketReader(ChunkReader):
    """Reads TCP and TLS."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def chunk(self) -> bytes:
        """Return some bytes, or none at the end."""
        try:
            return await self._reader.read(_CHUNK_BYTES)
        except OSError:
            return b""


class WebSocketReader(ChunkReader):
    """Reads binary messages, which need not end where packets end."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def chunk(self) -> bytes:
        """Return some bytes, or none at the end; text is a violation (MQTT 3.1.1 §6)."""
        try:
            message = b""
            while not message:
                received = await self._connection.recv()
                if isinstance(received, str):
                    raise ProtocolViolation("a text message on a WebSocket")
                message = received
        except ConnectionClosed:
            return b""
        return message


class BufferedWriter(WriterAdapter):
    """Gathers what one turn of the event loop writes, sends it at once, and bounds the backlog."""

    def __init__(self, transport: asyncio.WriteTransport, max_backlog: int) -> None:
        self.on_full: Callable[[], None] = self.abort
        self._transport = transport
        self._max_backlog = max_backlog
        self._gathered: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes) -> None:
        """Send soon; never waits."""
        if data:
            if not self._gathered:
                self._loop.call_soon(self.flush)
            self._gathered.append(data)

    def flush(self) -> None:
        """Send now what was gathered; past the bound, say so to `on_full`."""
        data = b"".join(self._gathered)
        self._gathered.clear()
        if data and not self._transport.is_closing():
            self.send(data)
            if self.backlog() > self._max_backlog:
                self.on_full()

    def send(self, data: bytes) -> None:
        """Hand bytes to the transport."""
        self._transport.write(data)

    def backlog(self) -> int:
        """Return how many bytes the peer has not taken."""
        return self._transport.get_write_buffer_size()

    async def drain(self) -> None:
        """Return at once: the backlog is bounded, nobody waits for a slow client."""

    def abort(self) -> None:
        """Cut the connection without waiting for the peer."""
        self._gathered.clear()
        self._transport.abort()

    def get_peer_info(self) -> tuple[str, int] | None:
        """Return address and port of the peer."""
        peer = self._transport.get_extra_info("peername")
        return (peer[0], peer[1]) if peer else None

    def get_ssl_info(self) -> ssl.SSLObject | None:
        """Return what TLS knows of the peer."""
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return found

    async def close(self) -> None:
        """End the connection when the last bytes are out, or after a while without them."""
        self.flush()
        if not self._transport.is_closing():
            self._transport.close()
            self._loop.call_later(_LINGER_SECONDS, self._transport.abort)


class WebSocketWriter(BufferedWriter):
    """Writes binary messages, in order, from one task."""

    def __init__(self, connection: ServerConnection, max_backlog: int) -> None:
        super().__init__(connection.transport, max_backlog)
        self._connection = connection
        self._unsent = bytearray()
        self._sender: asyncio.Task[None] | None = None

    def send(self, data: bytes) -> None:
        """Hand bytes to the task that sends."""
        self._unsent += data
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all(), name="websocket-sender")

    def backlog(self) -> int:
        """Return how many bytes the peer has not taken."""
        return len(self._unsent) + super().backlog()

    async def close(self) -> None:
        """Say goodbye as WebSockets do, after the last bytes, within a bounded time."""
        self.flush()
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                if self._sender is not None:
                    await self._sender
                await self._connection.close()
        except TimeoutError:
            self.abort()

    async def _send_all(self) -> None:
        try:
            while self._unsent:
                data = bytes(self._unsent)
                self._unsent.clear()
                await self._connection.send(data)
        except ConnectionClosed:
            self._unsent.clear()


class ClientHandler(BrokerProtocolHandler):
    """One connection of one client, from its CONNACK to its end.

    Packets are taken one by one in the connection's own task, so a PUBACK goes out after the
    message was passed on, and nothing overtakes. amqtt's own loop makes a task a packet.
    """

    seat: Seat
    exchange: Exchange
    writer: BufferedWriter

    def sit(self, seat: Seat, exchange: Exchange, writer: BufferedWriter, keep_alive: int) -> None:
        """Take the seat, and listen for silence (keep_alive in seconds; 0: never mind)."""
        self.seat, self.exchange, self.writer = seat, exchange, writer
        self._heard = self._loop.time()
        self._patience = keep_alive * _KEEP_ALIVE_FACTOR
        self._watch: asyncio.TimerHandle | None = None
        if self._patience:
            self._watch = self._loop.call_later(self._patience, self._check_silence)

    def rise(self) -> None:
        """Stop listening for silence."""
        if self._watch is not None:
            self._watch.cancel()

    async def serve(self, reader: ChunkReader, cutter: FrameReader) -> bool:
        """Take packets to the end; True when the client said DISCONNECT, False when it just ended.

        Raises:
            ProtocolViolation: it broke the protocol; the connection is to be closed.
        """
        while True:
            while (frame := cutter.next()) is not None:
                if self.seat.connection is not self.writer:
                    return False  # replaced or cut off: what it still had to say is not heard
                self._heard = self._loop.time()
                if frame.kind == frames.DISCONNECT:
                    return True
                if frame.kind == frames.PUBLISH:
                    self._take_publish(frame)
                elif frames.PUBACK <= frame.kind <= frames.PUBCOMP:
                    self._take_acknowledgement(frame)
                else:
                    await self._take_rare(frame)
            data = await reader.chunk()
            if not data:
                return False
            cutter.feed(data)
            await asyncio.sleep(0)  # a client that never pauses leaves the others their turn

    def _take_publish(self, frame: Frame) -> None:
        message, packet_id = frames.parse_publish(frame.flags, frame.body)
        if message.qos < _MAX_QOS:
            self.exchange.accept(self.seat, message)
            if message.qos:
                self.writer.write(frames.acknowledgement(frames.PUBACK, packet_id))
            return
        if packet_id not in self.seat.received:
            self.seat.received.add(packet_id)
            self.exchange.accept(self.seat, message)
        self.writer.write(frames.acknowledgement(frames.PUBREC, packet_id))

    def _take_acknowledgement(self, frame: Frame) -> None:
        packet_id = frames.packet_id_of(frame.body)
        outbox = self.seat.outbox
        if frame.kind == frames.PUBACK:
            self.writer.write(outbox.puback(packet_id))
        elif frame.kind == frames.PUBREC:
            self.writer.write(outbox.pubrec(packet_id))
        elif frame.kind == frames.PUBCOMP:
            self.writer.write(outbox.pubcomp(packet_id))
        else:
            self.seat.received.discard(packet_id)
            self.writer.write(frames.acknowledgement(frames.PUBCOMP, packet_id))

    async def _take_rare(self, frame: Frame) -> None:
        header = MQTTFixedHeader(frame.kind, frame.flags, len(frame.body))
        if frame.kind == frames.PINGREQ:
            await self.handle_pingreq(PingReqPacket(header))
        elif frame.kind == frames.SUBSCRIBE:
            await self._take_subscribe(
                await SubscribePacket.from_stream(BufferReader(frame.body), header)
            )
        elif frame.kind == frames.UNSUBSCRIBE:
            await self._take_unsubscribe(
                await UnsubscribePacket.from_stream(BufferReader(frame.body), header)
            )
        else:
            raise ProtocolViolation("a second CONNECT")

    async def _take_subscribe(self, packet: SubscribePacket) -> None:
        wanted = packet.payload.topics if packet.payload else []
        if not wanted or any(qos > _MAX_QOS for _, qos in wanted):
            raise ProtocolViolation("a SUBSCRIBE without filters, or with QoS 3")
        codes = [self.exchange.subscribe(self.seat, filter_, qos) for filter_, qos in wanted]
        await self.mqtt_acknowledge_subscription(_packet_id(packet), codes)
        for (topic_filter, _), code in zip(wanted, codes, strict=True):
            if code != REFUSED:
                self.exchange.show_retained(self.seat, topic_filter, code)

    async def _take_unsubscribe(self, packet: UnsubscribePacket) -> None:
        for topic_filter in packet.payload.topics if packet.payload else []:
            self.exchange.unsubscribe(self.seat, topic_filter)
        await self.mqtt_acknowledge_unsubscription(_packet_id(packet))

    def _check_silence(self) -> None:
        left = self._heard + self._patience - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._check_silence)
            return
        _log.info("silent too long", action="mqtt-dropped", node=self.seat.identity.name)
        self.writer.abort()  # `serve` sees the end; the will is published there


def _packet_id(packet: SubscribePacket | UnsubscribePacket) -> int:
    header: Any = packet.variable_header
    packet_id: int = header.packet_id
    if not packet_id:
        raise ProtocolViolation("packet id 0")
    return packet_id
