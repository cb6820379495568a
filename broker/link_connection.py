"""One connection to an MQTT broker, from CONNECT to its end; the only file that knows paho.

paho keeps the protocol, the event loop its socket: no thread and no lock once it is dialled. Each
connection is a new paho client, because an old one would by itself send again what it had not got
acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final, TypeVar

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from broker.link_events import Arrived, LinkDown, LinkRefused, Timing, Will

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from config.settings import LinkSettings

T = TypeVar("T")

#: paho reads one packet a call; after so many the loop's other tasks get their turn.
_PACKETS_A_TURN: Final = 64
#: What paho says of a connection that ended without a word.
_UNSPECIFIED: Final = 0x80
#: Keepalive is looked after this often, seconds.
_MISC_EVERY: Final = 1.0


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails: paho lets go of it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  as in ssl
        """Shake hands, or close and raise."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class Connection:
    """One paho client; every callback of it runs on the event loop."""

    def __init__(
        self,
        settings: LinkSettings,
        node: str,
        timing: Timing,
        arrived: Callable[[Arrived, Callable[[], object] | None], bool],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._settings = settings
        self._timing = timing
        self._arrived = arrived
        self._room = asyncio.Semaphore(timing.window)
        self._unacknowledged: dict[int, asyncio.Future[None]] = {}
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._granted: asyncio.Future[list[bool]] = self._loop.create_future()
        self._misc: asyncio.TimerHandle | None = None
        self._progress = 0
        self._descriptor = -1
        self._will: Will | None = None
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=node,
            clean_session=True,
            # A version 5 CONNECT hangs on stock amqtt; 3.1.1 is spoken by every broker.
            protocol=MQTTProtocolVersion.MQTTv311,
            transport="websockets" if settings.websocket else "tcp",
            # Else a refused version makes paho connect again, blocking, from inside a callback.
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.username_pw_set(node, settings.secret.get_secret_value())
        client.connect_timeout = timing.connect
        client.max_inflight_messages_set(0)  # the window is ours: paho would queue behind its own
        if settings.tls:
            authority = str(settings.tls_ca) if settings.tls_ca is not None else None
            context = ssl.create_default_context(cafile=authority)
            context.sslsocket_class = _TlsSocket
            client.tls_set_context(context)

    async def open(self, will: Will | None, subscriptions: tuple[str, ...]) -> None:
        """Connect, log in, subscribe.

        Raises:
            LinkDown: no way there, or no answer in time.
            LinkRefused: the broker said no.
        """
        self._will = will
        if will is not None:
            self._client.will_set(will.topic, will.payload, will.qos, will.retain)
        try:
            async with asyncio.timeout(self._timing.connect):
                await self._dial()
                await self._first(self._accepted)
                await self._subscribe(subscriptions)
        except TimeoutError as error:
            raise LinkDown(f"no answer within {self._timing.connect:g} s") from error

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        """Send when the window allows it; return on the acknowledgement (QoS 0: when written)."""
        async with self._room:
            if self.ended.done():
                raise LinkDown(self.ended.result())
            handed = self._client.publish(topic, payload, qos, retain)
            if handed.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise LinkDown(paho.error_string(handed.rc))
            written: asyncio.Future[None] = self._loop.create_future()
            self._unacknowledged[handed.mid] = written
            await written

    async def goodbye(self) -> None:
        """Publish the will ourselves, for a clean DISCONNECT drops it, then disconnect."""
        if (will := self._will) is not None:
            await self.publish(will.topic, will.payload, qos=will.qos, retain=will.retain)
        self._client.disconnect()
        await self.ended

    def close(self, reason: str) -> None:
        """Let go of the socket and of everybody who waits; closing twice is fine."""
        if self._misc is not None:
            self._misc.cancel()
        self._unlisten()
        if (sock := self._client.socket()) is not None:
            sock.close()
        if not self.ended.done():
            self.ended.set_result(reason)
        for waiting in self._unacknowledged.values():
            if not waiting.done():
                waiting.set_exception(LinkDown(self.ended.result()))
        self._unacknowledged.clear()

    async def _dial(self) -> None:
        """Connect the socket in a thread (names, TLS and WebSocket block), then take it over."""
        settings, keepalive = self._settings, self._timing.keepalive
        dialling = asyncio.ensure_future(
            asyncio.to_thread(self._client.connect, settings.host, settings.port, keepalive)
        )
        try:
            code = await asyncio.shield(dialling)
        except asyncio.CancelledError:
            dialling.add_done_callback(self._hang_up)
            raise
        except ssl.SSLCertVerificationError as error:
            raise LinkRefused(f"the broker's certificate: {error.verify_message}") from error
        except (OSError, ValueError) as error:
            raise LinkDown(f"{type(error).__name__}: {error}") from error
        sock = self._client.socket()
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or sock is None:
            raise LinkDown(paho.error_string(code))
        _send_at_once(sock.fileno())
        self._listen(sock.fileno())

    def _hang_up(self, dialled: asyncio.Future[MQTTErrorCode]) -> None:
        """Close what was connected when nobody waited for it any more."""
        if not dialled.cancelled():
            dialled.exception()
        self.close("canceled")

    def _listen(self, descriptor: int) -> None:
        client, loop = self._client, self._loop
        self._descriptor = descriptor
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_socket_register_write = lambda *_: self._want_to_write()
        client.on_socket_unregister_write = lambda *_: self._nothing_to_write()
        client.on_socket_close = lambda *_: self._unlisten()
        loop.add_reader(descriptor, self._readable)
        if client.want_write():
            self._want_to_write()
        self._misc = loop.call_later(_MISC_EVERY, self._look_after)

    def _unlisten(self) -> None:
        """Forget the socket at once: its number will be given to another."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
            self._descriptor = -1

    def _want_to_write(self) -> None:
        if self._descriptor >= 0:
            self._loop.add_writer(self._descriptor, self._client.loop_write)

    def _nothing_to_write(self) -> None:
        if self._descriptor >= 0:
            self._loop.remove_writer(self._descriptor)

    async def _subscribe(self, subscriptions: tuple[str, ...]) -> None:
        if not subscriptions:
            return
        self._client.subscribe([(one, 1) for one in subscriptions])
        granted = await self._first(self._granted)
        denied = [one for one, good in zip(subscriptions, granted, strict=False) if not good]
        if denied:
            raise LinkRefused(f"subscription denied: {', '.join(denied)}")

    async def _first(self, awaited: asyncio.Future[T]) -> T:
        """Wait for an answer of the broker, or for the end."""
        both: set[asyncio.Future[Any]] = {awaited, self.ended}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not awaited.done():
            raise LinkDown(self.ended.result())
        return awaited.result()

    # called by the event loop

    def _readable(self) -> None:
        """Read packets until none is whole; select knows nothing of what TLS has decrypted."""
        for _ in range(_PACKETS_A_TURN):
            before = self._progress
            self._client.loop_read()
            sock = self._client.socket()
            if sock is None:
                return
            pending = sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
            if self._progress == before and not pending:
                return
        self._loop.call_soon(self._readable)

    def _look_after(self) -> None:
        self._client.loop_misc()
        if not self.ended.done():
            self._misc = self._loop.call_later(_MISC_EVERY, self._look_after)

    # called by paho

    def _on_connect(
        self,
        _client: paho.Client,
        _userdata: object,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._accepted.done():
            return
        if reason.is_failure:
            self._accepted.set_exception(LinkRefused(f"the broker says: {reason}"))
        else:
            self._accepted.set_result(None)

    def _on_subscribe(
        self,
        _client: paho.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._progress += 1
        if not self._granted.done():
            self._granted.set_result([not reason.is_failure for reason in reasons])

    def _on_publish(
        self,
        _client: paho.Client,
        _userdata: object,
        mid: int,
        _reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        self._progress += 1
        waiting = self._unacknowledged.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _on_message(
        self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage
    ) -> None:
        self._progress += 1
        mid, acknowledge = message.mid, None
        if message.qos:

            def acknowledge() -> None:
                if not self.ended.done():
                    self._client.ack(mid, 1)

        try:
            event = Arrived(message.topic, bytes(message.payload), message.qos, message.retain)
        except UnicodeDecodeError:
            self.close("the broker sent a topic that is no text")
            return
        if not self._arrived(event, acknowledge) and message.qos:
            self.close("too many messages wait to be taken here")

    def _on_disconnect(
        self,
        _client: paho.Client,
        _userdata: object,
        _flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        said = reason.value != _UNSPECIFIED
        self.close(f"the connection ended: {reason}" if said else "the connection broke off")


def _send_at_once(descriptor: int) -> None:
    """Turn Nagle's algorithm off.

    paho leaves it on: a question right behind an acknowledgement would wait for the peer's delayed
    ACK, 40 ms. The option is the connection's, whatever TLS or WebSocket is wrapped around it.
    """
    with socket.socket(fileno=os.dup(descriptor)) as twin:
        twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
