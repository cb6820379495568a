"""How a request reads the books: in a thread, a few at a time, and only with a token."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, to_thread

from central.rights import Scope
from central.store import tokens
from central.web.kinds import Kind
from central.web.problems import NotAnswered, TooBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr
    from starlette.requests import Request

    from central.store.books import Books, Transaction

T = TypeVar("T")

#: Readers at once: the coordinator shares the processor and the database's connections with them.
_READERS: Final = 4
#: Requests that may wait for a reader.
_WAITING: Final = 64
_NOTHING_SHOWN: Final = (
    "Show a token: `Authorization: Bearer …`; `printmesh central token add` makes one."
)
_NOT_KNOWN: Final = (
    "This token is not known here, or no longer; `printmesh central token add` makes one."
)
_REALM: Final = 'Bearer realm="printmesh"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, by the token shown."""

    name: str
    """What the token is for; that of the settings: `settings`."""
    scope: Scope
    secret: str = field(repr=False)
    """The token itself."""

    @property
    def digest(self) -> str:
        """What stands for the token."""
        return tokens.digest_of(self.secret)


class Reader:
    """The books as requests see them: one consistent moment for each question."""

    def __init__(self, books: Books, token: SecretStr | None) -> None:
        self._books = books
        # an empty token would be anybody's
        self._digest = tokens.digest_of(token.get_secret_value()) if token else None
        self._room = CapacityLimiter(_READERS)
        self._asked = 0

    async def ask(self, question: Callable[[Transaction], T]) -> T:
        """Return the answer to a question, asked in a thread.

        Raises:
            TooBusy: too many wait already.
            BooksUnwritable: the database fails at present.
        """
        if self._asked >= _READERS + _WAITING:
            raise TooBusy
        self._asked += 1
        try:
            return await to_thread.run_sync(self._ask_here, question, limiter=self._room)
        finally:
            self._asked -= 1

    def _ask_here(self, question: Callable[[Transaction], T]) -> T:
        with self._books.read() as tx:
            return question(tx)

    async def caller(self, secret: str) -> Caller:
        """Return whose token a secret is: that of the settings, or one that the books know.

        Both are compared as SHA-256, so that the time it takes tells nothing of a token.

        Raises:
            NotAnswered: it is nobody's, or its time is over.
        """
        digest = tokens.digest_of(secret)
        if self._digest and hmac.compare_digest(self._digest, digest):
            return Caller("settings", Scope(), secret)
        found, now = await self.ask(lambda tx: (tokens.holder(tx, secret), tx.now))
        if found is None:
            raise _unknown(_NOT_KNOWN)
        if found.expires_at is not None and found.expires_at <= now:
            raise _unknown(
                f"This token was good until {found.expires_at.astimezone(UTC):%F %T} UTC; "
                "`printmesh central token add` makes another one."
            )
        return Caller(found.name, found.scope, secret)


async def caller_of(request: Request, read: Reader) -> Caller:
    """Return whose token a request shows (RFC 6750 §2.1).

    Raises:
        NotAnswered: it shows none or a wrong one (RFC 6750 §3).
    """
    shown = request.headers.get("authorization", "")
    scheme, _, secret = shown.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise NotAnswered(Kind.TOKEN, _NOTHING_SHOWN, {"WWW-Authenticate": _REALM})
    return await read.caller(secret.strip())


def _unknown(detail: str) -> NotAnswered:
    headers = {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'}
    return NotAnswered(Kind.TOKEN, detail, headers)
