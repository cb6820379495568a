"""Answering a request by its line of the table: who, what, in one transaction, and the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from central.acts.by import By, signed
from central.rights import Right, Scope
from central.store.ledger import Refused
from central.web.api.bodies import asked_of, body_of, path_of, raw_of
from central.web.api.keyed import Keyed, Reply, keyed
from central.web.api.parts import PARTS
from central.web.api.table import Call, Desk
from central.web.kinds import Kind
from central.web.pages import guarding
from central.web.problems import NotAnswered, TooBusy
from central.web.reading import Caller, caller_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import BaseModel
    from starlette.types import Receive, Send
    from starlette.types import Scope as Connection

    from central.store.books import Transaction
    from central.web.api.pace import Pace
    from central.web.api.table import AtLength, Method, Route
    from central.web.pages.guarding import Network
    from central.web.reading import Reader
    from central.web.writing import Writer

#: Requests a minute that a token may send, unless the settings say otherwise.
PER_MINUTE: Final = 1200
#: Hashes that are made at once.
_HASHING: Final = 2
_FRESH: Final = "no-store"
_NOBODY: Final = Caller("", Scope(frozenset()), "")


@dataclass(slots=True)
class Centre:
    """What requests are answered with; one of it per application."""

    reader: Reader
    writer: Writer
    desk: Desk
    pace: Pace
    trusted: Sequence[Network] = ()
    """Proxies whose word on who asks is taken."""
    clock: Callable[[], float] = monotonic
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_HASHING))
    lengthy: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    """What takes several transactions."""


class Endpoint:
    """All methods of one address, as an ASGI application."""

    def __init__(self, centre: Centre, routes: Mapping[Method, Route]) -> None:
        self._centre = centre
        self._routes: dict[str, Route] = {str(name): route for name, route in routes.items()}

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        route = self._routes.get(request.method)
        if route is None:
            allowed = ", ".join(sorted(self._routes))
            detail = f"{request.method} is nothing here; there is {allowed}."
            raise NotAnswered(Kind.METHOD, detail, {"Allow": allowed})
        try:
            response = await _answer(self._centre, route, request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)


async def _answer(centre: Centre, route: Route, request: Request) -> Response:
    caller = await _admitted(centre, route, request)
    path = path_of(route, request.path_params, PARTS)
    asked = asked_of(route, request)
    raw = await raw_of(request, route.body_most) if route.takes is not None else b""
    body = body_of(route, raw, request.headers.get("content-type", ""))
    by = By(f"api:{caller.name}", _address(request, centre.trusted))
    call: Call[Any, Any] = Call(caller, route.right, by, path, body, asked, centre.desk)
    if route.at_length is not None:
        given = keyed(request, caller, raw) if route.writes else None
        return _shown(await _at_length(centre, route.at_length, route, call, given))
    if route.tries:
        return _shown(await centre.writer.tried(lambda tx: _read(tx, route, call)))
    if not route.writes:
        answer = await centre.reader.ask(lambda tx: _read(tx, route, call))
        return _shown(answer, request)
    given = keyed(request, caller, raw)
    if route.before is not None:
        ready = await to_thread.run_sync(route.before, call, limiter=centre.hashing)
        if isinstance(ready, Refused):
            raise NotAnswered(Kind.REFUSED, ready.reason)
        call = replace(call, ready=ready)
    state = request.headers.get("if-match")
    return _shown(await centre.writer.do(lambda tx: _act(tx, route, call, state, given)))


async def _admitted(centre: Centre, route: Route, request: Request) -> Caller:
    """Return who asks, if they may."""
    if route.right is Right.PUBLIC:
        return _NOBODY
    caller = await caller_of(request, centre.reader)
    if wait := centre.pace.take(caller.digest, centre.clock()):
        seconds = math.ceil(wait)
        raise NotAnswered(
            Kind.TOO_MANY,
            f"The token {caller.name!r} has sent too many requests; wait {seconds} s.",
            {"Retry-After": str(seconds)},
        )
    if not caller.scope.may(route.right):
        raise NotAnswered(
            Kind.RIGHT,
            f"The token {caller.name!r} has not the right {route.right.value}; `printmesh central "
            f"token add … --right {route.right.value}` makes one that has.",
        )
    return caller


def _read(tx: Transaction, route: Route, call: Call[Any, Any]) -> Reply:
    return _reply(route, _good(route.do(tx, call)), tag=route.tagged)


def _act(
    tx: Transaction, route: Route, call: Call[Any, Any], state: str | None, given: Keyed | None
) -> Reply:
    """Do what is asked; whatever ends otherwise than well leaves nothing of it."""
    if given is not None and (before := given.before(tx)) is not None:
        return before
    mine = signed(tx, call.by)
    if route.row is not None:
        _same_state(_etag(route.row(mine, call)), state, wanted=route.state_wanted)
    done = _good(route.do(mine, call))
    reply = _reply(route, done, tag=False)
    if route.row is not None and done is not None:
        reply = replace(reply, etag=_etag(route.row(mine, call)))
    if given is not None:
        given.keep(mine, reply)
    return reply


async def _at_length(
    centre: Centre,
    at_length: AtLength,
    route: Route,
    call: Call[Any, Any],
    given: Keyed | None,
) -> Reply:
    """Do what takes several transactions; its answer is kept in one of its own, after them."""
    if centre.lengthy.borrowed_tokens:
        raise TooBusy
    async with centre.lengthy:
        if given is not None and (before := await centre.reader.ask(given.before)) is not None:
            return before
        done = await to_thread.run_sync(at_length, centre.writer.books, call)
        reply = _reply(route, _good(done), tag=False)
        if given is not None:
            await centre.writer.do(lambda tx: given.keep(signed(tx, call.by), reply))
    return reply


def _good(done: BaseModel | Refused | None) -> BaseModel | None:
    """Return what was done; a refusal ends the transaction, so that nothing of it stays."""
    if isinstance(done, Refused):
        raise NotAnswered(Kind.REFUSED, done.reason)
    return done


def _same_state(now: str, given: str | None, *, wanted: bool) -> None:
    if given is None:
        if wanted:
            raise NotAnswered(Kind.STATE_WANTED, "Read it first, and send its ETag as If-Match.")
        return
    if given.strip() != "*" and now not in {each.strip() for each in given.split(",")}:
        raise NotAnswered(
            Kind.CHANGED,
            "It is not as If-Match says any more; read it again before you change it.",
        )


def _reply(route: Route, done: BaseModel | None, *, tag: bool) -> Reply:
    if done is None:
        return Reply(204, "")
    return Reply(route.status, done.model_dump_json(), _etag(done) if tag else None)


def _shown(reply: Reply, request: Request | None = None) -> Response:
    headers = {"cache-control": _FRESH}
    if reply.etag is not None:
        headers["etag"] = reply.etag
    if reply.again:
        headers["idempotency-replayed"] = "true"
    if request is not None and reply.etag is not None:
        known = request.headers.get("if-none-match", "")
        if reply.etag in {each.strip() for each in known.split(",")}:
            return Response(status_code=304, headers=headers)
    if not reply.body:
        return Response(status_code=reply.status, headers=headers)
    return Response(reply.body, reply.status, headers, "application/json")


def _etag(state: BaseModel) -> str:
    return f'"{sha256(state.model_dump_json().encode()).hexdigest()[:32]}"'


def _address(request: Request, trusted: Sequence[Network]) -> str:
    return guarding.caller(
        request.client.host if request.client else "",
        request.headers.getlist("forwarded"),
        request.headers.getlist("x-forwarded-for"),
        trusted,
    )
