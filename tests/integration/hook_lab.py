"""Receivers of webhooks on real sockets, each behaving as a test wants, and what sends to them."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from central.acts import webhooks as acts
from central.acts.by import By
from central.sealing import Sealer
from central.store import webhooks
from central.store.webhooks import Subscription, Try, Wanted
from central.webhooks import signing
from central.webhooks.rounds import Rounds
from central.webhooks.sending import Sender, resolve
from config.settings_webhooks import WebhookSettings

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from central.store.books import Books
    from central.store.webhooks import Message
    from tests.integration.books_lab import Clock

BY: Final = By("cli:test")
SEALER: Final = Sealer("the centre's own, long and random", os.urandom)
LOOPBACK: Final = (ip_network("127.0.0.1/32"),)
_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Got:
    """One request that came."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The message's id."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        """What it tells."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def kind(self) -> str:
        """Of what kind it is."""
        return str(self.told["type"])

    def signed_with(self, secret: str) -> bool:
        """Say whether one of its signatures is of a secret, as the specification has it."""
        key = b64decode(secret.removeprefix("whsec_"))
        head = f"{self.id}.{self.headers['webhook-timestamp']}.".encode()
        mine = b64encode(hmac.digest(key, head + self.body, "sha256")).decode()
        return f"v1,{mine}" in self.headers["webhook-signature"].split(" ")


def answer(status: int = 204, *more: str) -> bytes:
    """Return an answer with a status and more headers."""
    lines = [f"HTTP/1.1 {status} Said", "content-length: 0", *more]
    return "\r\n".join([*lines, "", ""]).encode()


#: What hangs up without an answer.
NOTHING: Final = b""


@dataclass
class Receiver:
    """A server that takes messages."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    says: list[bytes | Callable[[], Awaitable[bytes]]] = field(default_factory=list)
    """What it answers next, in order; afterwards 204."""
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/in"

    def kinds(self) -> list[str]:
        """Return of what kinds the messages are, in order."""
        return [each.kind for each in self.got]

    async def until(self, count: int) -> None:
        """Wait until so many messages came."""
        async with asyncio.timeout(_PATIENCE), self.came:
            await self.came.wait_for(lambda: len(self.got) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) is not None:
                line, *rest = head.decode().strip().split("\r\n")
                headers = {
                    k.lower(): v.strip() for k, _, v in (each.partition(":") for each in rest)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                said = self.says.pop(0) if self.says else answer()
                async with self.came:
                    self.got.append(Got(line, headers, body))
                    self.came.notify_all()
                text = said if isinstance(said, bytes) else await said()
                if not text:
                    return
                writer.write(text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it hung up, as clients do
        finally:
            writer.close()


@asynccontextmanager
async def receiver(
    *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a receiver."""
    made = Receiver()
    server = await asyncio.start_server(made._serve, host, port, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@dataclass
class Alerts:
    """What was raised: name and why; no reason: it is over."""

    raised: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, name: str, why: str) -> None:
        """Take one."""
        self.raised.append((name, why))


@dataclass
class Telling:
    """What sends, turn by turn as a test wants."""

    books: Books
    clock: Clock
    rounds: Rounds
    alerts: Alerts

    async def turn(self) -> None:
        """Make messages, send what is due, and wait until nothing is under way."""
        await self.rounds.look()
        await self.rounds.settled()

    async def later(self, **time: float) -> None:
        """Let time go on, and take a turn."""
        self.clock.now += timedelta(**time)
        await self.turn()

    def subscription(self, name: str = "erp") -> Subscription:
        """Return a subscription as it stands."""
        with self.books.read() as tx:
            found = webhooks.find(tx, name)
        assert found is not None
        return found

    def messages(self, name: str = "erp") -> list[Message]:
        """Return its messages, oldest first."""
        n = self.subscription(name).n
        with self.books.read() as tx:
            return webhooks.last(tx, n=n, limit=1000)[::-1]


@asynccontextmanager
async def telling(
    books: Books,
    clock: Clock,
    lookup: Callable[[str, int], list[str]] = resolve,
    sealer: Sealer = SEALER,
    **settings: Any,  # noqa: ANN401  settings are anything
) -> AsyncIterator[Telling]:
    """Open what sends; messages may go to this machine unless the settings say otherwise."""
    sender = Sender(WebhookSettings(**{"allow_private": LOOPBACK, **settings}), lookup)
    alerts = Alerts()
    rounds = Rounds(books, sender, sealer, alert=alerts, clock=clock, dice=lambda n: b"\x80" * n)
    try:
        yield Telling(books, clock, rounds, alerts)
    finally:
        await rounds.close()


def subscribe(
    books: Books,
    url: str,
    *events: str,
    name: str = "erp",
    above: int | None = None,
    people: bool = False,
) -> str:
    """Enter a subscription; return its secret."""
    secret = signing.new_secret(os.urandom)
    kinds = acts.kinds_of(events or ("*",))
    assert isinstance(kinds, tuple)
    with books.write() as tx:
        wanted = Wanted(name, url, kinds, above, people)
        done = acts.add(tx, BY, wanted, secret, SEALER, plain=True)
    assert isinstance(done, Subscription), done
    return secret


def one_that_failed(books: Books, trouble: str) -> None:
    """Have a message of the first program fail once, and another arrive before it."""
    with books.write() as tx:
        n = webhooks.every(tx)[0].n
        webhooks.enter(tx, n, [("a", "job.held", "{}"), ("b", "job.held", "{}")], {})
        first, second = webhooks.waiting(tx, n, 2)
        took = timedelta(milliseconds=31)
        webhooks.arrived(tx, n, [Try(first.n, first.id, tx.now, took, 204, "")])
        again = tx.now + timedelta(minutes=1)
        webhooks.failed(tx, n, Try(second.n, second.id, tx.now, took, 500, trouble), again)
