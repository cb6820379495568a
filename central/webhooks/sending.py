"""Sending one message: to the address that was looked at, over checked TLS, in bounded time.

The only place of the centre that uses httpx. No proxy of the environment is taken, no redirect is
followed, no answer is read beyond a little.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

import httpx

from central.webhooks.addresses import Target, may_reach, target_of
from central.webhooks.retrying import Answered, Unreached

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from central.webhooks.retrying import Outcome
    from config.settings_webhooks import WebhookSettings

    #: Looks a host and a port up; returns addresses as texts. Called in a thread.
    Resolve = Callable[[str, int], list[str]]

#: Octets of an answer that are read, so that the line can be used again.
_READ: Final = 16_384
#: Addresses of one name that are tried.
_TRIED: Final = 3
#: Names that are looked up at once: a service that hangs must not hold all up.
_LOOKING: Final = 8
_AGENT: Final = "printmesh-webhooks/1"


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system has them.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Sender:
    """Sends messages; several at once, none in the way of another."""

    def __init__(self, settings: WebhookSettings, lookup: Resolve = resolve) -> None:
        self._settings = settings
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(_LOOKING, thread_name_prefix="webhook-names")

    def close(self) -> None:
        """Let the threads go; who still looks a name up is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """Open what several messages to one receiver share."""
        async with httpx.AsyncClient(
            verify=self._trust,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113  all of it together is bounded, here below
            limits=httpx.Limits(max_connections=_TRIED, max_keepalive_connections=1),
        ) as client:
            yield Line(self, client)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        # made once: reading the system's authorities takes longer than sending
        made = ssl.create_default_context()
        if self._settings.ca is not None:
            made.load_verify_locations(self._settings.ca)
        return made

    async def addresses(self, target: Target) -> list[str] | str:
        """Look a receiver up; return where to connect to, or why nowhere."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._threads, self._lookup, target.host, target.port
            )
        except (OSError, UnicodeError) as error:
            return f"{target.host} is not found: {_words(error)}"
        return may_reach(found, target, self._settings.allow_private)

    @property
    def patience(self) -> timedelta:
        """How long one message may take."""
        return self._settings.timeout

    @property
    def plain(self) -> bool:
        """Whether `http://` may be, to machines of the house."""
        return bool(self._settings.allow_private)


@dataclass(frozen=True, slots=True)
class Line:
    """A connection to a receiver, or none yet."""

    _sender: Sender
    _client: httpx.AsyncClient

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send a message; whatever comes of it is an outcome."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(self._sender.patience.total_seconds()):
                said = await self._send(url, headers, body)
        except TimeoutError:
            said = f"no answer within {self._sender.patience.total_seconds():g} s"
        took = timedelta(seconds=clock() - began)
        if isinstance(said, str):
            return Unreached(said, took)
        return Answered(said.status_code, took, said.headers.get("retry-after", "")[:100])

    async def _send(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response | str:
        target = target_of(url, plain=self._sender.plain)
        if isinstance(target, str):
            return target
        found = await self._sender.addresses(target)
        if isinstance(found, str):
            return found
        said: httpx.Response | str = ""
        for address in found[:_TRIED]:
            try:
                said = await self._answer(self._request(target, address, headers, body))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                said = f"{target.authority} cannot be reached: {_words(error)}"
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                return f"{target.authority} broke off: {_words(error)}"
            else:
                break
        return said

    def _request(
        self, target: Target, address: str, headers: Mapping[str, str], body: bytes
    ) -> httpx.Request:
        where = httpx.URL(
            scheme=target.scheme, host=address, port=target.port, raw_path=target.rest.encode()
        )
        dressed = {
            "host": target.authority,
            "content-type": "application/json",
            "user-agent": _AGENT,
            "accept": "*/*",
            "accept-encoding": "identity",
            **headers,
        }
        # the certificate is held against the name, though the connection goes to the address
        more = {"sni_hostname": target.host}
        return httpx.Request("POST", where, headers=dressed, content=body, extensions=more)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._client.send(request, stream=True)
        try:
            read = 0
            async for piece in answer.aiter_raw():
                read += len(piece)
                if read > _READ:
                    break
        except httpx.HTTPError:
            pass  # its status is here, and is what counts
        finally:
            await answer.aclose()
        return answer


def _words(error: BaseException) -> str:
    """Return what an error says, in one line; its kind where it says nothing."""
    text = " ".join(str(error).split())[:200]
    return text or type(error).__name__
