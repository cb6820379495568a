"""What goes wrong, told as RFC 9457 problem details, with a sentence a person can act on."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from central.store.books import BooksUnwritable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

MEDIA_TYPE: Final = "application/problem+json"
#: Characters of a wrong value that are shown again.
_SHOWN: Final = 60
#: Seconds after which a caller may try again.
_LATER: Final = "5"


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: str = "about:blank"
    """RFC 9457 §3.1.1: `about:blank`, so that `status` says all about the kind of problem."""
    title: str
    """The phrase of the status."""
    status: int
    """The HTTP status code."""
    detail: str
    """What is wrong here, and what would be right."""


class NotFound(Exception):
    """There is no such thing in the books; the sentence says what was looked for."""


class TooBusy(Exception):
    """More requests wait for the books than is worth queueing."""


def refusal(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that carries a problem."""
    problem = Problem(title=status.phrase, status=status, detail=detail)
    return Response(
        problem.model_dump_json(), status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of routes that may end so, for the OpenAPI document."""
    return {int(each): {"model": Problem, "description": each.phrase} for each in statuses}


NOT_FOUND: Final = documented(HTTPStatus.NOT_FOUND)


def install(app: FastAPI) -> None:
    """Have every way in which a request can fail end in a problem."""
    app.add_exception_handler(RequestValidationError, _wrong_parameter)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(TooBusy, _too_busy)
    app.add_exception_handler(BooksUnwritable, _books_fail)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(Exception, _unplanned)


async def _wrong_parameter(_: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else ()
    return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, _sentence(errors))


async def _not_found(_: Request, error: Exception) -> Response:
    return refusal(HTTPStatus.NOT_FOUND, str(error))


async def _too_busy(_: Request, __: Exception) -> Response:
    detail = "Too many requests wait for the books; try again in a few seconds."
    return refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": _LATER})


async def _books_fail(_: Request, __: Exception) -> Response:
    # the error names files and servers; the log has it, callers need not
    detail = "The books cannot be read at present; try again in a few seconds."
    return refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": _LATER})


async def _by_status(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    match status:
        case HTTPStatus.NOT_FOUND:
            detail = "There is nothing at this address; /api/v1/openapi.json lists what there is."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail = "This interface only reads: use GET."
        case _:
            detail = str(error.detail)
    return refusal(status, detail, error.headers)


async def _unplanned(_: Request, __: Exception) -> Response:
    # the server logs it with its traceback, once
    detail = "This is a fault of the program; its log tells what happened."
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _sentence(errors: Sequence[Mapping[str, Any]]) -> str:
    """Say of each wrong parameter what is wrong with it."""
    return " ".join(_one(error) for error in errors) or "The request cannot be understood."


def _one(error: Mapping[str, Any]) -> str:
    name = error["loc"][-1] if error.get("loc") else "request"
    if error.get("type") == "extra_forbidden":
        return f"{name}: there is no such parameter here."
    why = str(error.get("msg", "it is wrong")).removeprefix("Value error, ")
    given = repr(error.get("input"))
    shown = given if len(given) <= _SHOWN else given[:_SHOWN] + "…"
    return f"{name}: {why[:1].lower()}{why[1:]}; given was {shown}."
