"""How a request reads the books: in a thread, a few at a time, and only with a token."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from central.store import tokens
from central.web.problems import TooBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from central.store.books import Books, Transaction

T = TypeVar("T")

#: Readers at once: the coordinator shares the processor and the database's connections with them.
_READERS: Final = 4
#: Requests that may wait for a reader.
_WAITING: Final = 64


class Reader:
    """The books as requests see them: one consistent moment for each question."""

    def __init__(self, books: Books, token: SecretStr | None) -> None:
        self._books = books
        # an empty token would be anybody's
        self._digest = _digest(token.get_secret_value()) if token else None
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

    async def may_read(self, secret: str) -> bool:
        """Say whether a secret is the settings' token or one that the books know.

        Both are compared as SHA-256, so that the time it takes tells nothing of a token.
        """
        if self._digest and hmac.compare_digest(self._digest, _digest(secret)):
            return True
        return await self.ask(lambda tx: tokens.holder(tx, secret)) is not None


def reader(request: Request) -> Reader:
    """Return the reader of the application that was asked."""
    found: Reader = request.app.state.reader
    return found


Read = Annotated[Reader, Depends(reader)]

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token made by `printmesh central token add`, or that of the settings.",
)


async def guard(
    read: Read,
    shown: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> None:
    """Let a request through that shows a token (RFC 6750 §2.1).

    Raises:
        HTTPException: 401, it shows none or a wrong one (RFC 6750 §3).
    """
    if shown is None:
        raise HTTPException(
            401,
            "Show a token: `Authorization: Bearer …`; `printmesh central token add` makes one.",
            {"WWW-Authenticate": 'Bearer realm="printmesh"'},
        )
    if not await read.may_read(shown.credentials.strip()):
        raise HTTPException(
            401,
            "This token is not known here, or no longer; `printmesh central token add` makes one.",
            {"WWW-Authenticate": 'Bearer realm="printmesh", error="invalid_token"'},
        )


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
