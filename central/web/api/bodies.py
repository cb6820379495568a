"""Reading what a request carries: bounded, as JSON, into a shape; nothing of it can hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from central.web.kinds import Kind
from central.web.problems import NotAnswered, sentence_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from central.web.api.table import Route

_NUL: Final = "a text has the character NUL in it; nothing here can have one."
_TYPES: Final = frozenset({"application/json", "text/json"})


async def raw_of(request: Request, most: int) -> bytes:
    """Return a body of so many bytes at most.

    Raises:
        NotAnswered: it is too long; the rest is not read.
    """
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > most:
        raise _too_long(most)
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > most:
            raise _too_long(most)
        parts.append(part)
    return b"".join(parts)


def body_of(route: Route, raw: bytes, media_type: str) -> BaseModel | None:
    """Return a body as the route's shape; None: it takes none.

    Raises:
        NotAnswered: it is no JSON, or of another shape.
    """
    if route.takes is None:
        return None
    if media_type.partition(";")[0].strip().lower() not in _TYPES:
        raise NotAnswered(Kind.MEDIA_TYPE, "Send a body of `Content-Type: application/json`.")
    try:
        # deep nesting and endless numbers are refused here, before any shape is looked at
        if _has_nul(from_json(raw, allow_inf_nan=False)):
            raise NotAnswered(Kind.NOT_UNDERSTOOD, f"body: {_NUL}")
        return route.takes.model_validate_json(raw)
    except ValidationError as error:
        said = sentence_of(error.errors(include_url=False, include_input=False), given=False)
        raise NotAnswered(Kind.NOT_UNDERSTOOD, said) from error
    except ValueError as error:
        raise NotAnswered(Kind.NOT_UNDERSTOOD, f"body: this is no JSON: {error}.") from error


def path_of(route: Route, given: Mapping[str, str], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an address, each as its kind.

    Raises:
        NotAnswered: one cannot be so.
    """
    found: dict[str, Any] = {}
    for name in route.parts:
        try:
            found[name] = parts[name].kind.validate_python(given[name])
        except ValidationError as error:
            errors = [{**each, "loc": (name,)} for each in error.errors(include_url=False)]
            raise NotAnswered(Kind.NOT_UNDERSTOOD, sentence_of(errors)) from error
        if isinstance(found[name], str) and "\0" in found[name]:
            raise NotAnswered(Kind.NOT_UNDERSTOOD, f"{name}: {_NUL}")
    return found


def asked_of(route: Route, request: Request) -> BaseModel:
    """Return the parameters of an address.

    Raises:
        NotAnswered: one is not known here, or cannot be so.
    """
    given = dict(request.query_params)
    for name, value in given.items():
        if "\0" in name or "\0" in value:
            raise NotAnswered(Kind.NOT_UNDERSTOOD, f"{name!r}: {_NUL}")
    try:
        return route.asks.model_validate(given)
    except ValidationError as error:
        said = sentence_of(error.errors(include_url=False))
        raise NotAnswered(Kind.NOT_UNDERSTOOD, said) from error


def _has_nul(value: Any) -> bool:  # noqa: ANN401  whatever JSON can be
    """Say whether any text of it has a NUL; not by recursion, however deep it is."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if "\0" in each:
                return True
        elif isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            waiting += each
    return False


def _too_long(most: int) -> NotAnswered:
    return NotAnswered(Kind.TOO_LONG, f"A body may have {most} bytes.")
