"""TLS and WebSocket listeners: encrypted, client certificates required, bounded, ports told."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from broker.acl import OPEN
from broker.credentials import CredentialMemory, anybody
from broker.exchange import Limits
from broker.listeners import Listener, Tls
from broker.server import BrokerServer, BrokerServerError
from broker.topics import Party
from tests.contract.mqtt.wire import PATIENCE, Client, close_all, free_port, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LEDGER = "pm/v1/up/edge-1/log/ledger"


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    yield
    close_all()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority, a server's certificate and two clients', one of them a stranger's."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    home = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=home, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for authority in ("ca", "other-ca"):
        made = ("-keyout", f"{authority}.key", "-out", f"{authority}.pem")
        openssl("req", "-x509", *key, *made, "-subj", f"/CN={authority}", "-days", "2")
    (home / "names").write_text("subjectAltName=DNS:localhost\n")
    for name, authority in (("localhost", "ca"), ("edge-1", "ca"), ("stranger", "other-ca")):
        made = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("req", *key, *made, "-subj", f"/CN={name}")
        signer = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-out", f"{name}.pem", "-days", "2")
    return home


def client_tls(home: Path, name: str | None = None) -> ssl.SSLContext:
    """Return the client's side, perhaps with a certificate."""
    context = ssl.create_default_context(cafile=home / "ca.pem")
    if name is not None:
        context.load_cert_chain(home / f"{name}.pem", home / f"{name}.key")
    return context


async def test_tls_carries_mqtt(certificates: Path) -> None:
    """A TLS listener serves who trusts its certificate, and nobody in plain text."""
    people = CredentialMemory()
    secret = people.add("edge-1", Party.NODE)
    tls = Tls(certificates / "localhost.pem", certificates / "localhost.key")
    async with BrokerServer([Listener(tls=tls)], people.authenticate) as server:
        client = await Client.open(server.port(), client_tls(certificates))
        await client.hello("edge-1", "edge-1", secret)
        assert client.code == 0
        assert await client.alive()
        plain = await Client.open(server.port())
        plain.send(0x10, text("MQTT") + b"\4\2\0\x3c" + text("x"))
        assert await plain.ended()
        assert await client.alive()


async def test_a_client_certificate_is_required_and_must_fit(certificates: Path) -> None:
    """With a client authority only its certificates connect, each under its own name only."""
    people = CredentialMemory()
    secrets = {name: people.add(name, Party.NODE) for name in ("edge-1", "edge-2")}
    tls = Tls(
        certificates / "localhost.pem", certificates / "localhost.key", certificates / "ca.pem"
    )

    async def code(certificate: str | None, name: str) -> int:
        try:
            client = await Client.open(server.port(), client_tls(certificates, certificate))
            await client.hello(name, name, secrets[name])
        except OSError:  # the handshake failed, or what followed it
            return -1
        return client.code

    async with BrokerServer([Listener(tls=tls)], people.authenticate) as server:
        assert await code("edge-1", "edge-1") == 0
        assert await code("edge-1", "edge-2") == 5, "a stolen secret with one's own certificate"
        assert await code(None, "edge-1") == -1
        assert await code("stranger", "edge-1") == -1


async def test_websocket_and_tcp_clients_hear_one_another() -> None:
    """MQTT over WebSocket (subprotocol mqtt) is the same broker; messages may split packets."""
    people = CredentialMemory()
    edge, centre = people.add("edge-1", Party.NODE), people.add("coordinator", Party.COORDINATOR)
    listeners = [Listener(), Listener(websocket=True)]
    async with BrokerServer(listeners, people.authenticate) as server:
        tcp = await Client.open(server.port(0))
        await tcp.hello("coordinator", "coordinator", centre)
        await tcp.subscribe("pm/v1/up/#")
        uri = f"ws://127.0.0.1:{server.port(1)}"
        async with connect(uri, subprotocols=["mqtt"], compression=None) as socket:  # type: ignore[list-item]
            login = text("edge-1") + text("edge-1") + text(edge)
            hello = text("MQTT") + b"\4\xc2\0\x3c" + login
            packet = bytes((0x10, len(hello))) + hello
            await socket.send(packet[:5])
            await socket.send(packet[5:])
            assert await socket.recv() == b"\x20\2\0\0"
            body = text(LEDGER) + b"\0\1over a socket of the web"
            await socket.send(bytes((0x32, len(body))) + body + b"\xc0\0")
            answer = b""
            while len(answer) < 6:
                answer += bytes(await socket.recv())  # type: ignore[arg-type]
            assert answer == b"\x40\2\0\1\xd0\0"
            assert (await tcp.message()).payload == b"over a socket of the web"


@pytest.mark.parametrize("bad", ["text", b"\x30\xff\xff\x7f", bytes(300_000)])
async def test_a_websocket_that_breaks_the_rules_is_closed(bad: str | bytes) -> None:
    """Text, a packet that is too big, a message that is too big: the end, for that one only."""
    async with BrokerServer([Listener(websocket=True)], CredentialMemory().authenticate) as server:
        uri = f"ws://127.0.0.1:{server.port()}"
        async with connect(uri, subprotocols=["mqtt"], compression=None) as socket:  # type: ignore[list-item]
            with contextlib.suppress(ConnectionClosed):
                await socket.send(bad)
            async with asyncio.timeout(PATIENCE):
                await socket.wait_closed()
        with pytest.raises(InvalidHandshake):
            await connect(uri, subprotocols=["chat"])  # type: ignore[list-item]


async def test_who_says_nothing_is_not_waited_for() -> None:
    """A connection without a CONNECT ends after the time for it, half a CONNECT too."""
    limits = Limits(connect_seconds=0.2)
    async with BrokerServer([Listener()], CredentialMemory().authenticate, limits=limits) as server:
        for said in (b"", b"\x10\x7f\0\4MQTT"):
            client = await Client.open(server.port())
            client.writer.write(said)
            assert await client.ended()


async def test_connections_are_bounded() -> None:
    """One more than may be is closed at once; when one goes, there is room again."""
    people = CredentialMemory()
    secret = people.add("edge-1", Party.NODE)
    limits = Limits(max_connections=2)
    async with BrokerServer([Listener()], people.authenticate, limits=limits) as server:
        first, second = await Client.open(server.port()), await Client.open(server.port())
        await first.hello("edge-1", "edge-1", secret)
        third = await Client.open(server.port())
        assert await third.ended()
        second.vanish()
        async with asyncio.timeout(PATIENCE):
            while True:  # how soon the broker sees the end is the system's affair
                again = await Client.open(server.port())
                await again.hello("edge-1", "edge-1", secret)
                if again.code == 0:
                    break


async def test_a_removed_client_is_cut_off() -> None:
    """A connected client whose credential goes is disconnected within seconds."""
    people = CredentialMemory()
    secret = people.add("edge-1", Party.NODE)
    async with BrokerServer([Listener()], people.authenticate, knows=people.knows) as server:
        client = await Client.open(server.port())
        await client.hello("edge-1", "edge-1", secret)
        assert [identity.name for identity in server.connected()] == ["edge-1"]
        people.remove("edge-1")
        assert await client.ended()
        assert server.connected() == []


async def test_what_cannot_be_opened_is_said_and_leaves_nothing_open(tmp_path: Path) -> None:
    """A port in use or a missing certificate is an error, and the other listeners are closed."""
    people = CredentialMemory()
    taken, free = free_port(), free_port()
    async with BrokerServer([Listener(port=taken)], people.authenticate):
        with pytest.raises(BrokerServerError, match="in use"):
            await BrokerServer(
                [Listener(port=free), Listener(port=taken)], people.authenticate
            ).start()
        with pytest.raises(ConnectionError):
            await Client.open(free)
    missing = Tls(tmp_path / "none.pem", tmp_path / "none.key")
    with pytest.raises(BrokerServerError, match=r"none\.pem"):
        await BrokerServer([Listener(tls=missing)], people.authenticate).start()


async def test_starting_again_after_a_stop_is_a_new_broker() -> None:
    """A stopped server ends its clients without their wills and can be started again."""
    people = CredentialMemory()
    secret = people.add("edge-1", Party.NODE)
    server = BrokerServer([Listener()], people.authenticate)
    for _ in range(2):
        await server.start()
        client = await Client.open(server.port())
        await client.hello("edge-1", "edge-1", secret)
        assert client.code == 0
        await server.stop()
        assert await client.ended()
        await server.stop()


async def test_an_open_broker_serves_any_client() -> None:
    """With `anybody` and `OPEN` a client without a name or a secret gets in and is heard."""
    async with BrokerServer([Listener()], anybody, OPEN) as server:
        client = await Client.open(server.port())
        client.send(0x10, text("MQTT") + b"\4\2\0\x3c" + text(""))
        answer = await client.packet()
        assert answer is not None
        assert answer.body == b"\0\0"
        assert await client.subscribe("any/+/topic", 2) == 2
        client.publish("any/old/topic", b"heard")
        assert (await client.message()).payload == b"heard"
