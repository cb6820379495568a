"""The panels' pages over HTTP: what is common to all of them, and the server."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from config.errors import PrintmeshError
from config.logs import logger
from terminal_bridge.panel import render, routes_copy, routes_jobs, routes_money, routes_people
from terminal_bridge.panel.connections import BoundedConnection, Door
from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.views import Problem
from terminal_bridge.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from config.panel_settings import WebSettings
    from terminal_bridge.panel.desk import Desk

_log = logger("terminal.panel")

#: Seconds that answers under way get when the process ends.
_GRACE: Final = 2
#: Connections that wait to be taken.
_BACKLOG: Final = 512
#: Octets of a form: more is nobody's typing.
_BODY_MOST: Final = 16_384
_GZIP_FROM: Final = 600
#: Nothing from elsewhere, nothing inline, framed by nobody.
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_NO_PAGE: Final = mark("There is no such page here.")
_FRESH: Final = {"cache-control": "no-store"}
_SORRY: Final = mark("That did not work. Your jobs and your money are as they were.")


class CannotServe(PrintmeshError):
    """The address of the panels cannot be had, or their certificate cannot be read."""


def application(desks: Mapping[str, Desk], address: str = "") -> Starlette:
    """Return the panels' application.

    Args:
        desks: terminal's id → its panel.
        address: what people's browsers call it; empty: as each names it.
    """
    app = Starlette(
        routes=[
            Route("/static/{name}", _static),
            Route("/healthz", _health),
            *routes_people.routes(),
            *routes_jobs.routes(),
            *routes_money.routes(),
            *routes_copy.routes(),
        ],
        exception_handlers={
            HTTPException: _problem,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )
    app.state.desks = desks
    app.state.address = address.rstrip("/")
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM, compresslevel=5)
    app.add_middleware(_Guarded)
    return app


async def serve(
    settings: WebSettings,
    desks: Mapping[str, Desk],
    *,
    listening: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve panels until canceled.

    Args:
        settings: where.
        desks: which.
        listening: told the address, once connections are taken.

    Raises:
        CannotServe: the address or the certificate cannot be had.
    """
    bound = await _bind(settings)
    secure = settings.tls_certificate is not None
    config = uvicorn.Config(
        application(desks, str(settings.address or "")),
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        http=BoundedConnection,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:
        bound.close()
        raise CannotServe(f"the panels' certificate cannot be read: {error}") from error
    if config.ssl is not None:
        # hands are shaken behind a door that counts who comes
        config.http_protocol_class = cast("Any", partial(Door, config.ssl))
        config.ssl = None
    server = _Server(config)
    with bound:
        host, port = bound.getsockname()[:2]
        listening(f"http{'s' if secure else ''}://{host}:{port}")
        serving = asyncio.create_task(server.serve([bound]), name="panels")
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            for desk in desks.values():
                desk.hang_up()
            await serving


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to the process around it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take none."""
        yield


async def _bind(settings: WebSettings) -> socket.socket:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotServe(
            f"the panels cannot listen at {settings.host} port {settings.port}: {error.strerror}; "
            "change host or port under [web]"
        ) from error


# ── what is common to all ───────────────────────────────────────────────────────────────────


class _Guarded:
    """Bounds what is sent to us, and tells browsers what they may not do with what we send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > _BODY_MOST:
                raise HTTPException(413, "That is more than any page here asks for.")
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ())]
                headers += [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, bounded, dressed)


async def _static(request: Request) -> Response:
    asset = render.assets().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404, "There is no such file here.")
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(asset.content, media_type=asset.media_type, headers=headers)


async def _health(_: Request) -> Response:
    return Response("ok\n", media_type="text/plain")


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == HTTPStatus.SEE_OTHER and isinstance(error, HTTPException):
        return Response(status_code=status, headers={**_FRESH, **(error.headers or {})})
    text = error.detail if isinstance(error, HTTPException) else _SORRY
    if status == HTTPStatus.NOT_FOUND and text == "Not Found":
        text = _NO_PAGE
    return _page(request, status, text)


async def _gone(_: Request, __: Exception) -> Response:
    """Answer a browser that left before its form was here; nobody reads it."""
    return Response(status_code=400)


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("a page failed", action="panel-error", path=request.url.path, exc_info=error)
    answer = _page(request, 500, _SORRY)
    answer.headers.update(_HEADERS)  # it is made outside of what dresses the others
    return answer


def _page(request: Request, status: int, text: str) -> Response:
    desks: Mapping[str, Desk] = request.app.state.desks
    named = request.url.path.split("/")[1:2]
    back = f"/{named[0]}/" if named and named[0] in desks else "/"
    words = words_of(request.headers.get("accept-language", "")[:2])
    view = Problem(status, words.gettext(text), back)
    page = render.page("problem.html", words, None, view, language=words.language)
    headers = dict(_FRESH)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["refresh"] = f"5; url={back}"  # a screen that nobody touches comes back by itself
    return HTMLResponse(page, status, headers)
