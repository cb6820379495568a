"""The embedded MQTT 3.1.1 broker: amqtt with its holes closed (the list: tests/contract)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

import websockets

from broker import acl, frames
from broker.credentials import Login
from broker.exchange import Exchange, Limits
from broker.frames import FrameReader, Message, ProtocolViolation
from broker.listeners import common_name, tls_context
from config.errors import PrintmeshError
from config.logs import logger
from config.spared import later

# amqtt reads files with it, in its commands only
with later("yaml"):
    from amqtt.adapters import BufferReader, ReaderAdapter, WriterAdapter
    from amqtt.broker import Broker, Server
    from amqtt.contexts import BrokerConfig, ListenerConfig
    from amqtt.errors import AMQTTError, BrokerError, MQTTError, NoDataError
    from amqtt.mqtt.connack import (
        CONNECTION_ACCEPTED,
        NOT_AUTHORIZED,
        UNACCEPTABLE_PROTOCOL_VERSION,
        ConnackPacket,
    )
    from amqtt.mqtt.packet import MQTTFixedHeader

    from broker.plugin import (
        BufferedWriter,
        ChunkReader,
        ClientHandler,
        SocketReader,
        WebSocketReader,
        WebSocketWriter,
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amqtt.session import Session
    from websockets.asyncio.server import ServerConnection

    from broker.acl import Authoriser, Identity
    from broker.frames import Frame
    from broker.listeners import Listener

_log = logger("broker.server")

_MAX_QOS = 2


class BrokerServerError(PrintmeshError):
    """The broker could not be started: an address in use, an unreadable certificate."""


@dataclass(frozen=True, slots=True)
class _Admitted:
    """What is kept of a CONNECT that was let in (amqtt's Session weighs twenty times as much)."""

    handler: ClientHandler
    identity: Identity
    will: Message | None
    client_id: str
    clean: bool
    keep_alive: int


class EmbeddedBroker(Broker):
    """amqtt's broker with its own door and its own exchange.

    Kept of amqtt: life cycle, listeners' accounts, CONNECT and the other rare packets.
    Replaced, because the holes are in their order of doing things: `_client_connected`, delivery.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        authenticate: Callable[[Login], Identity | None],
        authorise: Authoriser,
        limits: Limits,
        knows: Callable[[Identity], bool] | None,
    ) -> None:
        # amqtt's listeners inherit from `default`, even an address; ours are opened by ourselves.
        super().__init__(BrokerConfig(listeners={"default": ListenerConfig(bind=None)}, plugins={}))
        self.exchange = Exchange(authorise, limits)
        self.guests: dict[asyncio.Task[Any], BufferedWriter] = {}
        self._wanted = listeners
        self._prove = authenticate
        self._knows = knows
        self._limits = limits

    def servers(self) -> list[asyncio.Server | websockets.asyncio.server.Server]:
        """Return what listens, in the order asked for."""
        return [server.instance for server in self._servers.values()]

    async def open(self) -> None:
        """Open every listener.

        Raises:
            OSError: one cannot be opened; the others are closed again.
        """
        try:
            for index, wanted in enumerate(self._wanted):
                server = await self._listen(str(index), wanted)
                self._servers[str(index)] = Server(str(index), server)
        except OSError:
            for server in self.servers():
                server.close()
            raise

    async def _start_listeners(self) -> None:
        """Do nothing: `open` did, where its errors can be told without amqtt's traceback."""

    async def _listen(
        self, name: str, wanted: Listener
    ) -> asyncio.Server | websockets.asyncio.server.Server:
        limits, context = self._limits, tls_context(wanted.tls) if wanted.tls else None
        if wanted.websocket:
            return await websockets.serve(
                partial(self.ws_connected, listener_name=name),
                wanted.host,
                wanted.port,
                ssl=context,
                subprotocols=[websockets.Subprotocol("mqtt")],
                compression=None,
                max_size=2 * limits.max_packet_bytes,
                open_timeout=limits.connect_seconds,
                ping_interval=None,  # MQTT's own keep alive does this
            )
        return await asyncio.start_server(
            partial(self.stream_connected, listener_name=name),
            wanted.host,
            wanted.port,
            ssl=context,
            ssl_handshake_timeout=limits.connect_seconds if context else None,
            backlog=1024,
        )

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Take a TCP or TLS connection."""
        out = BufferedWriter(writer.transport, self._limits.max_queued_bytes)
        await self._client_connected(listener_name, SocketReader(reader), out)

    async def ws_connected(self, websocket: ServerConnection, listener_name: str) -> None:
        """Take a WebSocket connection."""
        out = WebSocketWriter(websocket, self._limits.max_queued_bytes)
        await self._client_connected(listener_name, WebSocketReader(websocket), out)

    async def _client_connected(
        self, listener_name: str, reader: ReaderAdapter, writer: WriterAdapter
    ) -> None:
        """Serve one connection from its first byte to its last; this is its supervisor."""
        if not isinstance(reader, ChunkReader) or not isinstance(writer, BufferedWriter):
            raise BrokerError("this broker takes connections by its own listeners only")
        server, task = self._servers[listener_name], asyncio.current_task()
        if task is None or server.conn_count >= self._limits.max_connections:
            writer.abort()
            return
        await server.acquire_connection()
        self.guests[task] = writer
        peer = writer.get_peer_info()
        try:
            await self._serve(reader, writer)
        except TimeoutError:
            _log.info("no CONNECT in time", action="mqtt-dropped", peer=peer)
        except (ProtocolViolation, AMQTTError, MQTTError, NoDataError) as error:
            _log.warning("protocol broken", action="mqtt-dropped", peer=peer, why=str(error))
        except Exception:  # noqa: BLE001  one connection's trouble is not the broker's
            _log.exception("connection failed", action="mqtt-dropped", peer=peer)
        finally:
            del self.guests[task]
            server.release_connection()
            await writer.close()

    async def _serve(self, reader: ChunkReader, writer: BufferedWriter) -> None:
        cutter = FrameReader(self._limits.max_packet_bytes)
        async with asyncio.timeout(self._limits.connect_seconds):
            first = await _first_frame(reader, cutter)
            admitted = await self._admit(first, writer) if first else None
        if admitted is None:
            return
        seat, resumed = self.exchange.sit(
            admitted.client_id,
            admitted.identity,
            writer,
            clean=admitted.clean,
            will=admitted.will,
            now=self._loop.time(),
        )
        _log.info("connected", action="mqtt-connected", node=seat.client_id, resumed=resumed)
        said_goodbye = False
        writer.on_full = partial(self.exchange.evict_slow, seat)
        admitted.handler.sit(seat, self.exchange, writer, admitted.keep_alive)
        try:
            await ConnackPacket.build(int(resumed), CONNECTION_ACCEPTED).to_stream(writer)
            writer.write(seat.outbox.resume())
            said_goodbye = await admitted.handler.serve(reader, cutter)
        finally:
            admitted.handler.rise()
            self.exchange.leave(seat, writer, said_goodbye=said_goodbye, now=self._loop.time())
            _log.info("gone", action="mqtt-gone", node=seat.client_id, said_goodbye=said_goodbye)

    async def _admit(self, first: Frame, writer: BufferedWriter) -> _Admitted | None:
        """Decide on a CONNECT; a refusal is answered here. No session is touched before that."""
        if not frames.speaks_3_1_1(first):
            await _refuse(writer, UNACCEPTABLE_PROTOCOL_VERSION)
            return None
        packet = MQTTFixedHeader(first.kind, first.flags, len(first.body)).to_bytes() + first.body
        handler, session = await ClientHandler.init_from_connect(
            BufferReader(packet), writer, self.plugins_manager
        )
        will = _will_of(session)
        login = Login(
            session.client_id or "",
            session.username,
            session.password,
            common_name(writer.get_ssl_info()),
            str(session.remote_address),
        )
        identity = self._prove(login)
        if identity is None or (
            will is not None and not self.exchange.may_leave_will(identity, will)
        ):
            _log.warning(
                "not let in" if identity is None else "will refused",
                action="mqtt-refused",
                node=(login.user_name or login.client_id)[:64],
                peer=login.address,
            )
            await _refuse(writer, NOT_AUTHORIZED)
            return None
        return _Admitted(
            cast("ClientHandler", handler),
            identity,
            will,
            client_id=login.client_id,
            clean=bool(session.clean_session),
            keep_alive=session.keep_alive,
        )

    async def _session_monitor(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.exchange.expire(self._loop.time() - self._limits.session_seconds)
            for identity in self.exchange.connected() if self._knows else ():
                if self._knows is not None and not self._knows(identity):
                    self.exchange.cut_off(identity.name)


class BrokerServer:
    """An MQTT broker inside any asyncio program.

    Args:
        listeners: where; at least one.
        authenticate: who a login is, or None; called on the event loop, so it must be quick.
        authorise: what an identity may say and hear (`acl.TOPIC_TABLE`, `acl.OPEN`).
        limits: bounds on what clients may cost.
        knows: asked about each connected client every second; False cuts it off (a credential
            that was removed).
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        authenticate: Callable[[Login], Identity | None],
        authorise: Authoriser = acl.TOPIC_TABLE,
        limits: Limits | None = None,
        knows: Callable[[Identity], bool] | None = None,
    ) -> None:
        self._listeners = tuple(listeners)
        self._authenticate = authenticate
        self._authorise = authorise
        self._limits = limits or Limits()
        self._knows = knows
        self._broker: EmbeddedBroker | None = None

    async def start(self) -> None:
        """Open every listener.

        Raises:
            BrokerServerError: one cannot be opened; then none is.
        """
        broker = EmbeddedBroker(
            self._listeners, self._authenticate, self._authorise, self._limits, self._knows
        )
        try:
            await broker.open()
        except OSError as error:
            raise BrokerServerError(
                f"the broker cannot listen: {error.strerror or error}"
            ) from error
        await broker.start()
        self._broker = broker

    async def stop(self) -> None:
        """Close listeners and connections; no will is published. Stopping twice is fine."""
        broker, self._broker = self._broker, None
        if broker is None:
            return
        for server in broker.servers():
            server.close()
        broker.exchange.keep_quiet()
        for writer in broker.guests.values():
            writer.abort()
        if broker.guests:
            await asyncio.wait(broker.guests, timeout=5)
        await broker.shutdown()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    def ports(self) -> list[int]:
        """Return the real port of each listener, in their order."""
        found = []
        for server in self._running().servers():
            socket = next(iter(server.sockets))
            found.append(int(socket.getsockname()[1]))
        return found

    def port(self, listener: int = 0) -> int:
        """Return the real port of one listener."""
        return self.ports()[listener]

    def connected(self) -> list[Identity]:
        """Return who is connected."""
        return self._running().exchange.connected()

    def disconnect(self, name: str) -> bool:
        """Cut a client off and forget its session (a removed credential); say whether it was on."""
        return self._running().exchange.cut_off(name)

    def _running(self) -> EmbeddedBroker:
        if self._broker is None:
            raise BrokerServerError("the broker is not running")
        return self._broker


async def _first_frame(reader: ChunkReader, cutter: FrameReader) -> Frame | None:
    while (frame := cutter.next()) is None:
        data = await reader.chunk()
        if not data:
            return None
        cutter.feed(data)
    return frame


def _will_of(session: Session) -> Message | None:
    if not session.will_flag:
        return None
    topic, qos = session.will_topic or "", session.will_qos or 0
    if not acl.is_topic(topic) or qos > _MAX_QOS:
        raise ProtocolViolation("a will on what is no topic, or with QoS 3")
    return Message(topic, bytes(session.will_message or b""), qos, bool(session.will_retain))


async def _refuse(writer: BufferedWriter, code: int) -> None:
    await ConnackPacket.build(0, code).to_stream(writer)
