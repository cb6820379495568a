"""The link against brokers that say no, say nothing, or lie; and over TLS and WebSocket."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from broker.acl import OPEN
from broker.credentials import CredentialMemory
from broker.link import Arrived, Connected, Disconnected, Link, LinkDown, Timing, Will
from broker.listeners import Listener, Tls
from broker.server import BrokerServer
from broker.topics import Party
from config.settings import LinkSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

T = TypeVar("T")

PATIENCE = 10.0
#: How long nothing must come before "nothing came" is believed, seconds.
SILENCE = 0.3
QUICK = Timing(
    connect=0.5, first_pause=0.01, pause=0.02, refused_pause=0.05, longest_pause=0.1, window=5
)
CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 12, 14
ACCEPT, GRANT = b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x01"


class Script:
    """A broker that answers by a table: kind of packet → bytes to send back."""

    def __init__(self, answers: dict[int, bytes]) -> None:
        self.answers = answers
        self.packets: list[tuple[int, bytes]] = []
        self.logins = 0
        self.changed = asyncio.Condition()
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read packets and answer them until the client goes."""
        self.writers.append(writer)
        try:
            while True:
                first = (await reader.readexactly(1))[0]
                size = shift = 0
                while True:
                    byte = (await reader.readexactly(1))[0]
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if not byte & 0x80:
                        break
                await self.take(first >> 4, await reader.readexactly(size), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def take(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        """Note a packet and answer it."""
        answer = self.answers.get(kind, b"")
        if kind == SUBSCRIBE and answer:
            answer = answer[:2] + body[:2] + answer[4:]  # the packet's own id
        async with self.changed:
            self.packets.append((kind, body))
            self.logins += kind == CONNECT
            self.changed.notify_all()
        writer.write(answer)

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait until the packets that came fulfil a condition."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(enough)

    def of(self, kind: int) -> list[bytes]:
        """Return the bodies of one kind."""
        return [body for one, body in self.packets if one == kind]


@asynccontextmanager
async def scripted(answers: dict[int, bytes]) -> AsyncIterator[Script]:
    """Run a scripted broker."""
    script = Script(answers)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        for writer in script.writers:
            writer.transport.abort()
        await server.wait_closed()


def link_to(port: int, *, timing: Timing = QUICK, will: Will | None = None) -> Link:
    """Return a link with one subscription."""
    settings = LinkSettings(port=port, secret="secret")
    last_word = None if will is None else lambda _: will
    return Link(settings, "edge-1", subscriptions=("a/#",), timing=timing, will=last_word)


async def soon(awaitable: Awaitable[T]) -> T:
    """Wait, but not for ever."""
    async with asyncio.timeout(PATIENCE):
        return await awaitable


def delivery(number: int) -> bytes:
    """Return a QoS 1 PUBLISH on `a/b` whose packet id is the number."""
    return b"\x32\x07\x00\x03a/b" + number.to_bytes(2, "big")


@pytest.mark.parametrize(
    "answers",
    [
        {CONNECT: b"\x20\x02\x00\x04"},  # bad user name or password
        {CONNECT: b"\x20\x02\x00\x05"},  # not authorized
        {CONNECT: ACCEPT, SUBSCRIBE: b"\x90\x03\x00\x01\x80"},  # subscription denied
    ],
)
async def test_link_that_is_refused_says_so_and_waits(
    answers: dict[int, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal is an error in the log, never Connected, and tried again with pauses only."""
    slow = Timing(refused_pause=60.0)
    async with scripted(answers) as script, link_to(script.port, timing=slow) as link:
        await script.until(lambda: script.logins == 1)
        await asyncio.sleep(SILENCE)  # nothing more must happen
        assert script.logins == 1
        assert not link.connected.is_set()
        assert "link-refused" in capsys.readouterr().out


async def test_link_tries_again_after_a_refusal() -> None:
    """When the administrator has mended it, the node comes in without help."""
    async with (
        scripted({CONNECT: b"\x20\x02\x00\x05"}) as script,
        link_to(script.port) as link,
    ):
        await script.until(lambda: script.logins == 3)
        script.answers = {CONNECT: ACCEPT, SUBSCRIBE: GRANT}
        await soon(link.connected.wait())


@pytest.mark.parametrize("answers", [{}, {CONNECT: ACCEPT}])
async def test_link_gives_up_a_broker_that_says_nothing(answers: dict[int, bytes]) -> None:
    """A broker that never answers CONNECT or SUBSCRIBE is left and tried again."""
    async with scripted(answers) as script, link_to(script.port) as link:
        await script.until(lambda: script.logins == 2)
        assert not link.connected.is_set()


async def test_link_publish_fails_when_the_acknowledgement_never_comes() -> None:
    """Who waits for a PUBACK is told when the connection ends, and the window is free again."""
    async with (
        scripted({CONNECT: ACCEPT, SUBSCRIBE: GRANT}) as script,
        link_to(script.port) as link,
    ):
        await soon(link.connected.wait())
        publishing = [asyncio.create_task(link.publish("a/b", b"%d" % n)) for n in range(8)]
        await script.until(lambda: len(script.of(PUBLISH)) == QUICK.window)
        await asyncio.sleep(SILENCE)  # nothing beyond the window must come
        assert len(script.of(PUBLISH)) == QUICK.window
        assert not any(task.done() for task in publishing)
        script.writers[-1].transport.abort()
        results = await soon(asyncio.gather(*publishing, return_exceptions=True))
        assert [type(result) for result in results] == [LinkDown] * 8
        await script.until(lambda: script.logins == 2)
        await soon(link.connected.wait())
        await asyncio.sleep(SILENCE)  # what failed must not be sent again by itself
        assert len(script.of(PUBLISH)) == QUICK.window


async def test_link_acknowledges_only_what_was_taken() -> None:
    """A slow reader slows the broker down instead of filling memory."""
    async with (
        scripted({CONNECT: ACCEPT, SUBSCRIBE: GRANT}) as script,
        link_to(script.port) as link,
    ):
        events = link.events()
        assert isinstance(await soon(anext(events)), Connected)
        script.writers[-1].write(delivery(1) + delivery(2) + delivery(3))
        assert await soon(anext(events)) == Arrived("a/b", b"", qos=1)
        await script.until(lambda: script.of(PUBACK) == [b"\x00\x01"])
        assert await soon(anext(events)) == Arrived("a/b", b"", qos=1)
        await script.until(lambda: script.of(PUBACK) == [b"\x00\x01", b"\x00\x02"])


async def test_link_ends_a_connection_that_floods_it() -> None:
    """A broker that sends on without acknowledgements is cut off; memory stays bounded."""
    few = Timing(backlog=10, connect=0.5, first_pause=0.01, pause=0.02, longest_pause=0.1)
    async with (
        scripted({CONNECT: ACCEPT, SUBSCRIBE: GRANT}) as script,
        link_to(script.port, timing=few) as link,
    ):
        await soon(link.connected.wait())
        script.writers[-1].write(b"".join(delivery(number) for number in range(1, 50)))
        await script.until(lambda: script.logins == 2)
        events = link.events()
        kinds = [type(await soon(anext(events))) for _ in range(11)]
        assert kinds == [Connected, *[Arrived] * 9, Disconnected]


async def test_link_notices_a_frozen_broker() -> None:
    """A connection that is open but dead is given up after two keep alives and made again."""
    nervous = Timing(keepalive=1, first_pause=0.01)
    async with (
        scripted({CONNECT: ACCEPT, SUBSCRIBE: GRANT}) as script,
        link_to(script.port, timing=nervous) as link,
    ):
        await soon(link.connected.wait())
        await script.until(lambda: script.logins == 2)
        assert script.of(PINGREQ)


async def test_link_says_goodbye_itself() -> None:
    """A clean end publishes the last word before DISCONNECT, for DISCONNECT drops the will."""
    answers = {CONNECT: ACCEPT, SUBSCRIBE: GRANT, PUBLISH: b"\x40\x02\x00\x02"}
    async with scripted(answers) as script:
        async with link_to(script.port, will=Will("a/status", b"gone")) as link:
            await soon(link.connected.wait())
        await script.until(lambda: bool(script.of(DISCONNECT)))
        assert [kind for kind, _ in script.packets][-2:] == [PUBLISH, DISCONNECT]
        assert script.of(PUBLISH)[0].endswith(b"gone")


async def test_link_ends_its_events_when_it_is_closed() -> None:
    """A reader of events is let go when the link's context ends, connected or not."""
    async with scripted({}) as script:
        async with link_to(script.port) as link:
            reading = asyncio.create_task(_all_of(link))
            await script.until(lambda: script.logins == 1)
        assert await soon(reading) == []


async def _all_of(link: Link) -> list[object]:
    return [event async for event in link.events()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two authorities, and a server's certificate for localhost by the first."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    directory = tmp_path_factory.mktemp("link-certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for name in ("ca", "other"):
        made = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
        _openssl(directory, "req", "-x509", *key, *made)
    made = ("-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=localhost")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost")
    _openssl(directory, "req", "-x509", *key, *made, *signed)
    return directory


def _openssl(directory: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)


@pytest.mark.parametrize("websocket", [False, True])
async def test_link_works_over_tls_and_websocket(home: Path, websocket: bool) -> None:  # noqa: FBT001
    """Large messages go both ways through TLS, plain and in WebSocket frames."""
    people = CredentialMemory()
    secret = people.add("edge-1", Party.NODE)
    tls = Tls(home / "server.pem", home / "server.key")
    listener = Listener(tls=tls, websocket=websocket)
    async with BrokerServer([listener], people.authenticate, OPEN) as server:
        settings = LinkSettings(
            host="localhost",
            port=server.port(),
            secret=secret,
            tls=True,
            tls_ca=home / "ca.pem",
            websocket=websocket,
        )
        async with Link(settings, "edge-1", subscriptions=("a/#",), timing=Timing()) as link:
            events = link.events()
            assert isinstance(await soon(anext(events)), Connected)
            texts = [b"%05d" % number * 12_000 for number in range(30)]
            sending = [asyncio.create_task(link.publish("a/b", text)) for text in texts]
            heard = [await soon(anext(events)) for _ in texts]
            assert heard == [Arrived("a/b", text, qos=1) for text in texts]
            await soon(asyncio.gather(*sending))


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("localhost", "other.pem"),  # signed by somebody else
        ("127.0.0.1", "ca.pem"),  # another name than the certificate's
    ],
)
async def test_link_trusts_no_other_broker(
    home: Path, host: str, authority: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate of another authority or name is refused before any secret is sent."""
    seen: list[object] = []
    tls = Tls(home / "server.pem", home / "server.key")
    async with BrokerServer([Listener(tls=tls)], seen.append, OPEN) as server:
        settings = LinkSettings(
            host=host, port=server.port(), secret="x", tls=True, tls_ca=home / authority
        )
        quick = Timing(refused_pause=0.01, longest_pause=0.05)
        async with Link(settings, "edge-1", subscriptions=(), timing=quick) as link:
            await asyncio.sleep(SILENCE)  # several tries
            assert not link.connected.is_set()
    assert seen == []
    assert "certificate" in capsys.readouterr().out
