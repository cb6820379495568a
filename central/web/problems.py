"""What goes wrong, told as RFC 9457 problem details, with a sentence a person can act on."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from central.store.books import BooksUnwritable
from central.web.kinds import BASE, MEANINGS, Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

MEDIA_TYPE: Final = "application/problem+json"
#: Characters of a wrong value that are shown again.
_SHOWN: Final = 60
#: Wrong fields that are named.
_NAMED: Final = 20
#: Seconds after which a caller may try again.
_LATER: Final = "5"


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: str
    """Which kind of problem, for programs; what is at this address describes it."""
    title: str
    """The kind, for people."""
    status: int
    """The HTTP status code."""
    detail: str
    """What is wrong here, and what would be right."""


class NotFound(Exception):
    """There is no such thing in the books; the sentence says what was looked for."""


class TooBusy(Exception):
    """More requests wait for the books than is worth queueing."""


class NotAnswered(Exception):
    """A request ends in a problem of some kind; the sentence is its detail."""

    def __init__(self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}


def problem_of(kind: Kind, detail: str, status: HTTPStatus | None = None) -> Problem:
    """Return a problem; `status` where it is not the kind's own."""
    meaning = MEANINGS[kind]
    return Problem(
        type=BASE + kind, title=meaning.title, status=status or meaning.status, detail=detail
    )


def refusal(
    kind: Kind,
    detail: str,
    headers: Mapping[str, str] | None = None,
    status: HTTPStatus | None = None,
) -> Response:
    """Return the answer that carries a problem."""
    problem = problem_of(kind, detail, status)
    return Response(
        problem.model_dump_json(),
        problem.status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI) -> None:
    """Have every way in which a request can fail end in a problem."""
    app.add_exception_handler(RequestValidationError, _wrong_parameter)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(NotAnswered, _not_answered)
    app.add_exception_handler(TooBusy, _too_busy)
    app.add_exception_handler(BooksUnwritable, _books_fail)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(Exception, _unplanned)


async def _wrong_parameter(_: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else ()
    return refusal(Kind.NOT_UNDERSTOOD, sentence_of(errors))


async def _not_found(_: Request, error: Exception) -> Response:
    return refusal(Kind.NOT_THERE, str(error))


async def _not_answered(_: Request, error: Exception) -> Response:
    if not isinstance(error, NotAnswered):
        raise error
    return refusal(error.kind, error.detail, error.headers)


async def _too_busy(_: Request, __: Exception) -> Response:
    detail = "Too many requests wait for the books; try again in a few seconds."
    return refusal(Kind.BUSY, detail, {"Retry-After": _LATER})


async def _books_fail(_: Request, __: Exception) -> Response:
    # the error names files and servers; the log has it, callers need not
    detail = "The books cannot be used at present; try again in a few seconds."
    return refusal(Kind.BUSY, detail, {"Retry-After": _LATER})


async def _by_status(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    match status:
        case HTTPStatus.NOT_FOUND:
            detail = "There is nothing at this address; /api/v1/openapi.json lists what there is."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail = "This is only read: use GET."
        case _:
            detail = str(error.detail)
    return refusal(kind_of(status), detail, error.headers, status)


async def _unplanned(_: Request, __: Exception) -> Response:
    # the server logs it with its traceback, once
    detail = "This is a fault of the program; its log tells what happened."
    return refusal(Kind.FAULT, detail)


def sentence_of(errors: Sequence[Mapping[str, Any]], *, given: bool = True) -> str:
    """Say of each wrong field what is wrong with it.

    Args:
        errors: pydantic's.
        given: show again what was given; not where it may be a secret.
    """
    said = [_one(error, given=given) for error in errors[:_NAMED]]
    return " ".join(said) or "The request cannot be understood."


def _one(error: Mapping[str, Any], *, given: bool) -> str:
    loc = error.get("loc") or ("request",)
    # where a parameter stands needs not be said; where in a body a field is, does
    name = str(loc[-1]) if given else ".".join(map(str, loc))
    if error.get("type") == "extra_forbidden":
        return f"{name}: there is no such parameter here."
    why = str(error.get("msg", "it is wrong")).removeprefix("Value error, ")
    said = f"{name}: {why[:1].lower()}{why[1:]}"
    if not given:
        return f"{said}."
    value = repr(error.get("input"))
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return f"{said}; given was {shown}."
