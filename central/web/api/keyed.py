"""Acts that are asked for twice and done once, by their key (`Idempotency-Key`).

The header as of draft-ietf-httpapi-idempotency-key-header. The answer is kept in the transaction
of the act, sealed with the token itself: whoever has the books reads no secret in it.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from central.sealing import Sealer
from central.store import kept_answers
from central.store.kept_answers import Kept
from central.web.kinds import Kind
from central.web.problems import NotAnswered

if TYPE_CHECKING:
    from starlette.requests import Request

    from central.store.books import Transaction
    from central.web.reading import Caller

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_ABOUT: Final = "an answer of the interface"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    body: str
    """JSON; empty: none."""
    etag: str | None = None
    again: bool = False
    """It was answered before."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that came with a key."""

    caller: Caller
    key: str
    """SHA-256 of the key."""
    request: str
    """SHA-256 of the request."""

    def before(self, tx: Transaction) -> Reply | None:
        """Return what was answered to it before; None: it is new.

        Raises:
            NotAnswered: the key came with another request.
        """
        kept = kept_answers.find(tx, self.caller.digest, self.key)
        if kept is None:
            return None
        if kept.request != self.request:
            raise NotAnswered(
                Kind.KEY_USED,
                "This Idempotency-Key came with another request within the last day; take a new "
                "one for each act.",
            )
        told = json.loads(self._sealer.open(kept.sealed, _ABOUT))
        return Reply(told["status"], told["body"], told["etag"], again=True)

    def keep(self, tx: Transaction, reply: Reply) -> None:
        """Keep what is answered."""
        sealed = self._sealer.seal(json.dumps(asdict(reply)), _ABOUT)
        kept_answers.keep(tx, self.caller.digest, self.key, Kept(self.request, sealed))

    @property
    def _sealer(self) -> Sealer:
        return Sealer(self.caller.secret, os.urandom)


def keyed(request: Request, caller: Caller, raw: bytes) -> Keyed | None:
    """Return a request with its key; None: it has none.

    Raises:
        NotAnswered: the key is none.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    key = given.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise NotAnswered(
            Kind.NOT_UNDERSTOOD,
            "Idempotency-Key: it is 1 to 255 visible ASCII characters, such as a UUID.",
        )
    url = request.url
    what = (request.method, url.path, url.query, request.headers.get("if-match", ""))
    digest = sha256("\n".join(what).encode("utf-8", "surrogateescape") + b"\n" + raw)
    return Keyed(caller, sha256(key.encode()).hexdigest(), digest.hexdigest())
