"""The pages as one ASGI application: who asks is found out, what they need is held against it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from central.rights import Right
from central.store import organisation, web_sessions
from central.store.books import BooksUnwritable
from central.web.pages import every, forms, guarding, rendering, sentences
from central.web.pages.standing import Over, Who, who_is
from central.web.pages.table import Page, checked
from central.web.pages.views import Notice
from central.web.pages.visit import (
    LANGUAGE,
    THEME,
    Visit,
    new_cookie,
    query_of,
    session_cookie,
    token_of,
)
from central.web.problems import TooBusy
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from central.store.books import Transaction
    from central.web.pages.centre import Centre

_log = logger("central.pages")

_GZIP_FROM: Final = 800
_COOKIE_MOST: Final = 200
_HALF_WAY: Final = "/second"
_THEMES: Final[Mapping[str, Literal["", "light", "dark"]]] = {"light": "light", "dark": "dark"}
#: What more there is to say beside a sentence.
_MORE: Final = {
    sentences.NOT_YOURS: sentences.NOT_YOURS_MORE,
    sentences.SORRY: sentences.SORRY_MORE,
    sentences.TOO_OLD: sentences.TOO_OLD_MORE,
    sentences.NOT_FROM_HERE: sentences.NOT_FROM_HERE_MORE,
    sentences.BUSY: sentences.BUSY_MORE,
}
_LATER: Final = "5"


def make_pages(centre: Centre, pages: Iterable[Page] | None = None) -> ASGIApp:
    """Return the pages' application.

    Args:
        centre: what they work with.
        pages: which; None: all there are.

    Raises:
        NoRight: one of them does not say what it needs.
    """
    known = checked(every.pages(centre.settings) if pages is None else pages)
    nav = tuple(
        sorted(
            (each for each in known if each.nav), key=lambda each: each.nav.order if each.nav else 0
        )
    )
    centre.lives |= {each.name: each for each in every.LIVES}
    search = any(each.path == "/search" for each in known)
    app = Starlette(
        routes=[
            Route("/static/{name}", _static),
            Route("/robots.txt", _robots),
            *(
                Route(
                    page.path, _answering(centre, page, nav, search=search), methods=[*page.methods]
                )
                for page in known
            ),
        ],
        exception_handlers={
            HTTPException: _problem,
            TooBusy: _busy,
            BooksUnwritable: _busy,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )
    app.router.redirect_slashes = False
    app.state.centre = centre
    app.state.nav = nav
    app.state.search = search
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM, compresslevel=4)
    return app


class Guarded:
    """Answers to our own names only, and tells browsers what they may not do with what we send."""

    def __init__(self, app: ASGIApp, names: guarding.Names, *, secure: bool) -> None:
        self._app = app
        self._names = names
        headers = dict(guarding.HEADERS)
        if secure:
            headers["strict-transport-security"] = guarding.STRICT_TRANSPORT
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what does not name us; dress the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
            await send(message)

        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._names.knows(hosts[0].decode("latin-1")):
            text = "This is not the name of this centre; `address` under [web] says what is.\n"
            refusal = PlainTextResponse(text, HTTPStatus.MISDIRECTED_REQUEST)
            await refusal(scope, receive, dressed)
            return
        await self._app(scope, receive, dressed)


# ── one request ─────────────────────────────────────────────────────────────────────────────


def _answering(
    centre: Centre, page: Page, nav: tuple[Page, ...], *, search: bool
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers at a page's address."""

    async def answer(request: Request) -> Response:
        # the body is bounded before anybody reads it
        bounded = Request(request.scope, _bounded(request.receive, page.body_most))
        visit = await _visit(centre, bounded, page, nav, search=search)
        # a page that says what went wrong has the same shell
        request.scope.setdefault("state", {})["visit"] = visit
        refused = _refused(visit, page)
        if refused is not None:
            return refused
        if request.method not in {"GET", "HEAD"}:
            visit.form = await forms.read(
                bounded,
                token="" if visit.fresh else token_of(centre, visit.cookie),
                files=page.files,
                origin_known=_is_own(request),
            )
        return await page.endpoint(visit)

    return answer


def _refused(visit: Visit, page: Page) -> Response | None:
    """Return what is answered to who may not be here, None to who may.

    Raises:
        HTTPException: 403, they are signed in and lack the right.
    """
    if page.right is Right.PUBLIC:
        return None
    who = visit.who
    there = visit.request.url.path
    if visit.request.url.query:
        there += f"?{visit.request.url.query}"
    following = query_of({"next": there if there not in {"/", "/me"} else ""})
    more = f"?{following}" if following and visit.request.method == "GET" else ""
    if who is None:
        return visit.go(f"/sign-in{more}", visit.cleared)
    if not who.full:
        return None if page.half_way else visit.go(f"{_HALF_WAY}{more}")
    if not visit.may(page.right):
        if page.path == "/":
            return visit.go("/me")
        raise HTTPException(403, sentences.NOT_YOURS)
    return None


async def _visit(
    centre: Centre, request: Request, page: Page, nav: tuple[Page, ...], *, search: bool
) -> Visit:
    cookie = request.cookies.get(session_cookie(centre), "")
    fresh = not cookie or len(cookie) > _COOKIE_MOST
    found: Who | Over | None = None
    if not fresh:
        found = await centre.reader.ask(lambda tx: who_is(tx, cookie, centre.manners))
    cleared = None
    who: Who | None = None
    match found:
        case Who():
            who = found
            if found.stale:
                n = found.session.n
                await _noted(centre, lambda tx: web_sessions.seen(tx, n))
        case Over(session=session, why=why):
            await _noted(centre, lambda tx: web_sessions.end(tx, session.user, session.n))
            fresh = True
            said = sentences.TIMED_OUT if why == "idle" else sentences.ENDED
            cleared = Notice("unknown", said)
        case None:
            pass
    words = rendering.words_of(_language(centre, request, who))
    if cleared is not None:
        cleared = Notice(cleared.tone, words.gettext(cleared.text))
    return Visit(
        request=request,
        centre=centre,
        page_=page,
        nav=nav,
        search=search,
        who=who,
        cookie=new_cookie() if fresh else cookie,
        fresh=fresh,
        words=words,
        theme=_THEMES.get(request.cookies.get(THEME, ""), ""),
        cleared=cleared,
    )


async def _noted(centre: Centre, act: Callable[[Transaction], object]) -> None:
    """Write something down that a page does not depend on: it is shown while nothing can be."""
    try:
        await centre.writer.do(act)
    except (BooksUnwritable, TooBusy) as error:
        _log.info(f"not noted: {error!r}", action="session-not-noted")


def _language(centre: Centre, request: Request, who: Who | None) -> str:
    """Return what a page is written in: chosen here, the person's, the browser's, the first."""
    offered: tuple[str, ...] = centre.settings.web.languages
    said = request.headers.get("accept-language", "")
    wishes = [
        request.cookies.get(LANGUAGE, ""),
        who.language if who else "",
        *(part.strip()[:2].lower() for part in said.split(",")[:10]),
    ]
    return next((wish for wish in wishes if wish in offered), offered[0])


def _is_own(request: Request) -> bool:
    headers = request.headers
    return guarding.is_own(
        site=headers.get("sec-fetch-site"),
        origin=headers.get("origin"),
        host=headers.get("host", ""),
    )


def _bounded(receive: Receive, most: int) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413, sentences.TOO_MUCH)
        return message

    return bounded


# ── what is no page ─────────────────────────────────────────────────────────────────────────


async def _static(request: Request) -> Response:
    asset = rendering.assets().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404, sentences.NO_PAGE)
    headers = {"cache-control": guarding.FOR_EVER}
    return Response(asset.content, media_type=asset.media_type, headers=headers)


async def _robots(_: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = str(error.detail) if isinstance(error, HTTPException) else sentences.SORRY
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED} and text in _STARLETTES:
        text = sentences.NO_PAGE
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return await _telling(request, status, text, headers)


_STARLETTES: Final = frozenset({"Not Found", "Method Not Allowed"})


async def _busy(request: Request, error: Exception) -> Response:
    _log.warning(f"not answered: {error!r}", action="pages-busy", path=request.url.path)
    return await _telling(request, 503, sentences.BUSY, {"retry-after": _LATER})


async def _gone(_: Request, __: Exception) -> Response:
    """Answer a browser that left before its form was here; nobody reads it."""
    return Response(status_code=400)


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("a page failed", action="page-error", path=request.url.path, exc_info=error)
    return await _telling(request, 500, sentences.SORRY, {})


async def _telling(
    request: Request, status: int, text: str, headers: Mapping[str, str]
) -> Response:
    """Return the page that says what went wrong, with its shell where we know who asks."""
    state: dict[str, Any] = request.scope.get("state", {})
    visit: Visit | None = state.get("visit")
    language = request.headers.get("accept-language", "")[:2]
    words = visit.words if visit is not None else rendering.words_of(language)
    said, more = words.gettext(text), _MORE.get(text)
    view = {"status": status, "text": said, "more": words.gettext(more) if more else ""}
    shell = visit.shell() if visit is not None and visit.who is not None else None
    html = rendering.page("problem.html", words, shell, view, language=words.language)
    return HTMLResponse(html, status, {"cache-control": guarding.FRESH, **headers})


def learn_organisation(centre: Centre) -> None:
    """Read what people call this centre; call it in a thread."""
    with centre.books.read() as tx:
        centre.organisation = organisation.name(tx)
