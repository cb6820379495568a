"""Signatures of what is sent, as Standard Webhooks 1.0.0 has them; pure.

`webhook-id`, `webhook-timestamp` and the body, with full stops between, are signed with
HMAC-SHA-256; several secrets that are in force make several signatures, one of which must be right.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Before each secret, so that it is known for one where it stands.
PREFIX: Final = "whsec_"
_OCTETS: Final = 32


def new_secret(dice: Callable[[int], bytes]) -> str:
    """Return a new secret of 256 bits, as it is shown to people."""
    return PREFIX + b64encode(dice(_OCTETS)).decode()


def signature(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    """Return one signature: `v1,` and its base64.

    Args:
        secret: with its prefix or without.
        id_: of the message; the same whenever it is sent.
        timestamp: of this attempt, in seconds since 1970.
        body: as it is sent, octet by octet.
    """
    key = b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((id_.encode(), str(timestamp).encode(), body))
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()


def headers(secrets: Iterable[str], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers that let a receiver know who sent a message, and which it is."""
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(s, id_, timestamp, body) for s in secrets),
    }
