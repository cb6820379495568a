"""An MQTT 3.1.1 client made of bytes, so that a test can also misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

if TYPE_CHECKING:
    import ssl

    from broker.server import BrokerServer

#: How long an answer may take on a busy machine, seconds.
PATIENCE = 10.0
#: How long nothing must come before "nothing came" is believed, seconds.
SILENCE = 0.3

CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, PINGRESP = 2, 3, 4, 5, 6, 7, 9, 13


@dataclass
class Site:
    """A broker under test."""

    kind: str
    """`amqtt` (ours) or `mosquitto`."""
    port: int
    secrets: dict[str, str]
    server: BrokerServer | None = None
    pid: int = 0


class Packet(NamedTuple):
    """One packet as it came."""

    kind: int
    flags: int
    body: bytes

    @property
    def qos(self) -> int:
        """Of a PUBLISH."""
        return self.flags >> 1 & 3

    @property
    def topic(self) -> str:
        """Of a PUBLISH."""
        return self.body[2 : 2 + int.from_bytes(self.body[:2], "big")].decode()

    @property
    def packet_id(self) -> int:
        """Of a PUBLISH with QoS 1 or 2."""
        start = 2 + int.from_bytes(self.body[:2], "big")
        return int.from_bytes(self.body[start : start + 2], "big")

    @property
    def payload(self) -> bytes:
        """Of a PUBLISH."""
        start = 2 + int.from_bytes(self.body[:2], "big") + (2 if self.qos else 0)
        return self.body[start:]


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    code: int = -1
    """Return code of the CONNACK."""
    resumed: bool = False
    last_id: int = 0
    acknowledging: bool = True
    """Whether deliveries are acknowledged at once."""
    kept: list[Packet] = field(default_factory=list)
    """Came while another packet was waited for."""

    opened: ClassVar[list[Client]] = []
    """Every client of a test, for its fixture to close."""

    @classmethod
    async def open(cls, port: int, tls: ssl.SSLContext | None = None) -> Self:
        """Connect the socket, say nothing."""
        name = "localhost" if tls else None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname=name
        )
        client = cls(reader, writer)
        cls.opened.append(client)
        return client

    @classmethod
    async def login(
        cls,
        site: Site,
        name: str,
        *,
        secret: str | None = None,
        client_id: str | None = None,
        keep_alive: int = 60,
        clean: bool = True,
        will: tuple[str, bytes, int, bool] | None = None,
    ) -> Self:
        """Connect and read the CONNACK; the code is -1 when the connection just ended."""
        client = await cls.open(site.port)
        await client.hello(
            client_id or name,
            name,
            site.secrets[name] if secret is None else secret,
            keep_alive=keep_alive,
            clean=clean,
            will=will,
        )
        return client

    async def hello(
        self,
        client_id: str,
        user: str,
        secret: str,
        *,
        keep_alive: int = 60,
        clean: bool = True,
        will: tuple[str, bytes, int, bool] | None = None,
    ) -> None:
        """Say CONNECT and read the CONNACK."""
        flags, payload = 0xC0 | clean << 1, text(client_id)
        if will is not None:
            topic, data, qos, retain = will
            flags |= 0x04 | qos << 3 | retain << 5
            payload += text(topic) + len(data).to_bytes(2, "big") + data
        payload += text(user) + text(secret)
        head = text("MQTT") + bytes((4, flags)) + keep_alive.to_bytes(2, "big")
        self.send(0x10, head + payload)
        answer = await self.packet()
        if answer is not None:
            assert answer.kind == CONNACK
            self.resumed, self.code = bool(answer.body[0]), answer.body[1]

    def send(self, first: int, body: bytes) -> None:
        """Send one packet."""
        self.writer.write(bytes((first,)) + length(len(body)) + body)

    async def packet(self, patience: float = PATIENCE) -> Packet | None:
        """Return the next packet, or None when the connection ended."""
        try:
            async with asyncio.timeout(patience):
                first = (await self.reader.readexactly(1))[0]
                size = shift = 0
                while True:
                    byte = (await self.reader.readexactly(1))[0]
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if not byte & 0x80:
                        break
                body = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Packet(first >> 4, first & 15, body)

    async def wait_for(self, kind: int) -> Packet:
        """Return the next packet of a kind; others are kept for `message`."""
        for index, packet in enumerate(self.kept):
            if packet.kind == kind:
                return self.kept.pop(index)
        while (packet_ := await self.packet()) is not None:
            self._acknowledge(packet_)
            if packet_.kind == kind:
                return packet_
            self.kept.append(packet_)
        raise AssertionError(f"the connection ended while a packet of kind {kind} was awaited")

    async def message(self) -> Packet:
        """Return the next delivery."""
        return await self.wait_for(PUBLISH)

    async def nothing(self) -> bool:
        """Say whether no delivery comes for a while (a broken connection is not silence)."""
        if any(packet.kind == PUBLISH for packet in self.kept):
            return False
        with contextlib.suppress(TimeoutError):
            return (await self.packet(SILENCE)) is not None and False
        return True

    async def ended(self) -> bool:
        """Say whether the broker ends the connection, whatever comes before."""
        with contextlib.suppress(TimeoutError):
            while (await self.packet()) is not None:
                pass
            return True
        return False

    async def alive(self) -> bool:
        """Say whether a PINGREQ is answered."""
        self.send(0xC0, b"")
        try:
            await self.wait_for(PINGRESP)
        except (AssertionError, TimeoutError):
            return False
        return True

    async def subscribe(self, topic_filter: str, qos: int = 1) -> int:
        """Subscribe; return the code: the QoS granted or 0x80."""
        packet_id = self._next_id()
        self.send(0x82, packet_id + text(topic_filter) + bytes((qos,)))
        return (await self.wait_for(SUBACK)).body[2]

    def publish(
        self, topic: str, payload: bytes = b"x", *, qos: int = 0, retain: bool = False
    ) -> bytes:
        """Publish without waiting; return the packet id."""
        packet_id = self._next_id() if qos else b""
        self.send(0x30 | qos << 1 | retain, text(topic) + packet_id + payload)
        return packet_id

    async def publish_surely(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with QoS 1 and wait for its PUBACK."""
        packet_id = self.publish(topic, payload, qos=1, retain=retain)
        while (await self.wait_for(PUBACK)).body != packet_id:
            pass

    def bye(self) -> None:
        """Say DISCONNECT and close."""
        self.send(0xE0, b"")
        self.writer.close()

    def vanish(self) -> None:
        """Break the connection, with a reset and without a word."""
        own: socket.socket = self.writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()

    def _next_id(self) -> bytes:
        self.last_id += 1
        return self.last_id.to_bytes(2, "big")

    def _acknowledge(self, packet: Packet) -> None:
        if packet.kind == PUBLISH and packet.qos == 1 and self.acknowledging:
            self.send(0x40, packet.packet_id.to_bytes(2, "big"))


def close_all() -> None:
    """Close what a test left open."""
    for client in Client.opened:
        client.writer.close()
    Client.opened.clear()


def text(words: str) -> bytes:
    """Return an MQTT string."""
    return len(words.encode()).to_bytes(2, "big") + words.encode()


def length(size: int) -> bytes:
    """Return an MQTT remaining length."""
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
