"""Kinds of problems: what each is called for ever, its status, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A kind's `type` (RFC 9457 §3.1.1) is an address below this, where it is described.
BASE: Final = "/api/v1/problems/"


class Kind(StrEnum):
    """What went wrong, for programs."""

    TOKEN = "token"  # noqa: S105  a word, no secret
    """No token, or one that lets nobody in."""
    RIGHT = "right"
    """The token may not do that."""
    NOT_THERE = "not-there"
    METHOD = "method"
    REFUSED = "refused"
    """An act that cannot be done as things are."""
    CHANGED = "changed"
    """If-Match names an older state."""
    TOO_LONG = "too-long"
    MEDIA_TYPE = "media-type"
    NOT_UNDERSTOOD = "not-understood"
    KEY_USED = "key-used"
    """An Idempotency-Key that came with another request."""
    STATE_WANTED = "state-wanted"
    """If-Match has to be given."""
    TOO_MANY = "too-many"
    """More requests than the token may send."""
    FAULT = "fault"
    BUSY = "busy"
    """The books cannot be used at present."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind means."""

    status: HTTPStatus
    title: str
    """The same for all of the kind."""
    advice: str
    """What a program does about it."""


MEANINGS: Final[Mapping[Kind, Meaning]] = MappingProxyType(
    {
        Kind.TOKEN: Meaning(
            HTTPStatus.UNAUTHORIZED,
            "A token is wanted",
            "Send `Authorization: Bearer …` with a token of `printmesh central token add`.",
        ),
        Kind.RIGHT: Meaning(
            HTTPStatus.FORBIDDEN,
            "The token may not do this",
            "Use a token with the right that `detail` names.",
        ),
        Kind.NOT_THERE: Meaning(
            HTTPStatus.NOT_FOUND,
            "There is no such thing",
            "It was never there, is gone, or is at a site that the token does not reach.",
        ),
        Kind.METHOD: Meaning(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "Not with this method",
            "`Allow` says which methods there are.",
        ),
        Kind.REFUSED: Meaning(
            HTTPStatus.CONFLICT,
            "It cannot be done as things are",
            "`detail` is the reason, for people. Nothing was changed; with the same "
            "Idempotency-Key it is tried anew.",
        ),
        Kind.CHANGED: Meaning(
            HTTPStatus.PRECONDITION_FAILED,
            "Somebody else has changed it meanwhile",
            "Read it again, look at what is other, and send the change with the new ETag.",
        ),
        Kind.TOO_LONG: Meaning(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "The request is too long",
            "Send less at once; nothing needs so much.",
        ),
        Kind.MEDIA_TYPE: Meaning(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "JSON is wanted",
            "Send `Content-Type: application/json`.",
        ),
        Kind.NOT_UNDERSTOOD: Meaning(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The request cannot be understood",
            "`detail` names each field that is wrong; sending it again changes nothing.",
        ),
        Kind.KEY_USED: Meaning(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "This Idempotency-Key was another request's",
            "Take a new key for each act; the same one only to repeat the same request.",
        ),
        Kind.STATE_WANTED: Meaning(
            HTTPStatus.PRECONDITION_REQUIRED,
            "Say which state is to be changed",
            "Read it, and send its ETag as If-Match.",
        ),
        Kind.TOO_MANY: Meaning(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many requests of this token",
            "Wait as many seconds as `Retry-After` says.",
        ),
        Kind.FAULT: Meaning(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "A fault of the program",
            "The centre's log has it; somebody has to look.",
        ),
        Kind.BUSY: Meaning(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Not at present",
            "Try again after `Retry-After` seconds; acts with the same Idempotency-Key.",
        ),
        Kind.OTHER: Meaning(HTTPStatus.BAD_REQUEST, "Not answered", "`detail` says why."),
    }
)
#: By which a status alone is told.
_BY_STATUS: Final = {
    meaning.status: kind for kind, meaning in MEANINGS.items() if kind is not Kind.KEY_USED
}


def kind_of(status: int) -> Kind:
    """Return the kind that a status stands for."""
    return _BY_STATUS.get(HTTPStatus(status), Kind.OTHER)
