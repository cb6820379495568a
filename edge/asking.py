"""Asks a running edge over its site's broker, as terminals do; for the command line and the lab."""

from __future__ import annotations

import asyncio
import fcntl
import secrets
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from broker import topics
from broker.codec import Unreadable, decode, encode
from broker.link import Arrived, Disconnected, Link, LinkDown, TimedOut
from broker.messages import CoordinatorStatus, Reply
from config.errors import PrintmeshError
from config.ids import uuid7
from config.settings import LinkSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from broker.messages import Request
    from config.settings import EdgeSettings

#: The node that the site's own command line speaks as; its secret lies beside the journal.
OPERATOR = "operator"
OPERATOR_SECRET = "operator.secret"  # noqa: S105  the name of a file
#: A site's broker has few clients, and people wait in front of them.
SITE_LONGEST_PAUSE = timedelta(seconds=1)
_CONNECT_SECONDS = 5.0


class NoAnswer(PrintmeshError):
    """The edge does not run, or does not answer in time."""


class Asker:
    """The site's operator on the site's broker."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._link: Link | None = None
        self._listening = asyncio.Event()
        """Set while the edge says on this broker that it is on line."""

    async def open(self) -> None:
        """Connect.

        Raises:
            NoAnswer: there is no edge to connect to.
        """
        site = self._settings.site_broker
        try:
            secret = (self._settings.data / OPERATOR_SECRET).read_text().strip()
        except OSError as error:
            raise NoAnswer(
                f"{self._settings.data / OPERATOR_SECRET} cannot be read: {error.strerror}; "
                "the edge writes it when it starts, for its own user"
            ) from error
        link = LinkSettings(
            host=site.host if site.host not in {"", "0.0.0.0", "::"} else "127.0.0.1",  # noqa: S104
            port=site.port,
            secret=SecretStr(secret),
            tls=site.tls_certificate is not None,
            longest_pause=SITE_LONGEST_PAUSE,
        )
        filters = (topics.node_subscriptions(OPERATOR)[0], topics.ALL_COORDINATOR.of())
        self._link = await self._stack.enter_async_context(
            Link(link, OPERATOR, subscriptions=filters)
        )
        hearing = asyncio.create_task(self._hear(self._link), name="asker")
        self._stack.callback(hearing.cancel)

    async def close(self) -> None:
        """Disconnect."""
        await self._stack.aclose()
        self._link = None

    async def ask(self, method: str, question: Request, *, seconds: float = 30.0) -> Reply:
        """Put one question.

        Raises:
            NoAnswer: nobody answered in time.
        """
        if self._link is None:
            raise RuntimeError("open first")
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    # a broker takes what nobody listens to yet, and drops it
                    await self._listening.wait()
                now = datetime.now(UTC)
                payload = encode(
                    question, source=OPERATOR, id_=uuid7(now, secrets.token_bytes(10)), now=now
                )
                topic = topics.REQUEST.of(node=OPERATOR, method=method)
                left = max(0.0, until - loop.time())
                answer = await self._link.request(topic, payload, corr=question.corr, within=left)
                break
            except LinkDown:
                # asked again when it is back: the edge acts once, however often a question comes
                self._listening.clear()
            except (TimeoutError, ConnectionError) as error:
                site = self._settings.site_broker
                raise NoAnswer(
                    f"the edge does not answer at {site.host}:{site.port}; is it running? "
                    "(`printmesh edge run`)"
                ) from error
        if isinstance(answer, TimedOut):
            raise NoAnswer(f"the edge did not answer within {seconds:g} s")
        received = decode(answer, (Reply,))
        if isinstance(received, Unreadable):
            raise NoAnswer(f"the edge answered what cannot be read: {received.reason}")
        return received.message

    async def _hear(self, link: Link) -> None:
        """Follow whether the edge is there; the farewell of an older session means nothing."""
        session: UUID | None = None
        async for event in link.events():
            match event:
                case Arrived(topic=topic, payload=payload) if topic == topics.ALL_COORDINATOR.of():
                    said = decode(payload, (CoordinatorStatus,))
                    if isinstance(said, Unreadable):
                        continue
                    if said.message.online:
                        session = said.message.session
                        self._listening.set()
                    elif said.message.session == session:
                        self._listening.clear()
                case Disconnected():
                    self._listening.clear()
                case _:
                    pass  # an answer that came too late


async def ask(
    settings: EdgeSettings, method: str, model: type[Request], fields: dict[str, Any]
) -> Reply:
    """Connect, put one question, disconnect; commands on one machine take turns.

    All of them are the one operator, and a broker lets only the newest client of a name live.

    Raises:
        NoAnswer: the edge does not run or does not answer.
    """
    with _turn(settings.data / OPERATOR_SECRET):
        return await _ask_alone(settings, method, model, fields)


@contextmanager
def _turn(file: Path) -> Iterator[None]:
    """Hold a lock on the operator's secret, which the system takes back if we die."""
    try:
        secret = file.open("rb")
    except OSError:
        yield  # said in words when the secret is read
        return
    with secret:
        fcntl.flock(secret, fcntl.LOCK_EX)  # this process does nothing else meanwhile
        yield


async def _ask_alone(
    settings: EdgeSettings, method: str, model: type[Request], fields: dict[str, Any]
) -> Reply:
    now = datetime.now(UTC)
    question = model(
        corr=uuid7(now, secrets.token_bytes(10)), expires_at=now + timedelta(seconds=60), **fields
    )
    asker = Asker(settings)
    await asker.open()
    try:
        return await asker.ask(method, question)
    finally:
        await asker.close()
