"""One request as an endpoint sees it: who asks, in which language, the books, and how to answer."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar
from urllib.parse import quote, unquote, urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from central import rights
from central.acts.by import By, signed
from central.rights import Right
from central.web.pages import guarding, rendering, sentences
from central.web.pages.forms import Form
from central.web.pages.views import NavItem, Notice, Shell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from starlette.requests import Request

    from central.store.books import Transaction
    from central.web.pages.centre import Centre
    from central.web.pages.standing import Who
    from central.web.pages.table import Page
    from central.web.pages.views import Tone
    from config.words import Words

T = TypeVar("T")

#: Cookies beside the session's: what a browser chose, what the next page tells.
LANGUAGE: Final = "printmesh-language"
THEME: Final = "printmesh-theme"
_TOLD: Final = "printmesh-told"
_YEAR: Final = int(timedelta(days=365).total_seconds())
_TOLD_SECONDS: Final = 60
_COOKIE_BYTES: Final = 32
_TOLD_MOST: Final = 1500


@dataclass(slots=True)
class Visit:
    """One request."""

    request: Request
    centre: Centre
    page_: Page
    """What was asked for."""
    nav: tuple[Page, ...]
    """All pages with a place in the navigation, from the top."""
    search: bool
    """Whether there is a page that searches."""
    who: Who | None
    """Whoever is signed in, also half-way; None: nobody."""
    cookie: str
    """Names the browser; a secret of its own."""
    fresh: bool
    """It had none yet."""
    words: Words
    theme: Literal["", "light", "dark"]
    form: Form = field(default_factory=Form)
    """What was sent; empty unless it is a POST."""
    cleared: Notice | None = None
    """What to tell though nobody asked: that they were signed off."""
    _set: list[tuple[str, str, int | None]] = field(default_factory=list)
    """Cookies to give: name, value, seconds."""

    # ── who ─────────────────────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        """The user name of whoever is signed in; empty: nobody."""
        return self.who.name if self.who is not None else ""

    @property
    def me(self) -> Who:
        """Whoever is signed in, on pages that let nobody else in."""
        if self.who is None:
            raise HTTPException(403, sentences.NOT_YOURS)
        return self.who

    @property
    def by(self) -> By:
        """Who does an act."""
        return By(f"web:{self.name}" if self.name else "web", self.address)

    @property
    def address(self) -> str:
        """Where the request comes from."""
        request, trusted = self.request, self.centre.settings.web.trusted_proxies
        return guarding.caller(
            request.client.host if request.client else "",
            request.headers.getlist("forwarded"),
            request.headers.getlist("x-forwarded-for"),
            trusted,
        )

    def may(self, right: Right, site: str | None = None) -> bool:
        """Say whether whoever asks has a right, at a site or anywhere (`rights.may`)."""
        if right is Right.PUBLIC:
            return True
        if self.who is None or not self.who.full:
            return False
        return rights.may(self.who.grants, right, site)

    def sites(self, right: Right) -> frozenset[str] | None:
        """Return the sites at which whoever asks has a right; None: at all."""
        return rights.sites_of(self.who.grants if self.who else (), right)

    def check(self, right: Right, site: str | None = None) -> None:
        """Go on only with a right to a thing; who has none is not told that there is one.

        Raises:
            HTTPException: 404.
        """
        if not self.may(right, site):
            raise HTTPException(404, sentences.NO_PAGE)

    # ── what was asked ──────────────────────────────────────────────────────────────────────

    def path(self, name: str) -> str:
        """Return a part of the path."""
        found: str = self.request.path_params[name]
        return found

    def uuid(self, name: str) -> UUID:
        """Return a part of the path that names something by its UUID.

        Raises:
            HTTPException: 404, it is none.
        """
        try:
            return UUID(self.path(name))
        except ValueError:
            raise HTTPException(404, sentences.NO_PAGE) from None

    def asked(self, name: str, most: int = 200) -> str:
        """Return a parameter of the address, trimmed; empty when it is not there."""
        return self.request.query_params.get(name, "").replace("\0", "").strip()[:most]

    @property
    def now(self) -> datetime:
        """The time, in the organisation's zone."""
        return self.centre.clock().astimezone(self.centre.zone)

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the organisation's zone."""
        return moment.astimezone(self.centre.zone)

    # ── the books ───────────────────────────────────────────────────────────────────────────

    async def read(self, question: Callable[[Transaction], T]) -> T:
        """Return the answer of the books, at one moment."""
        return await self.centre.reader.ask(question)

    async def write(self, act: Callable[[Transaction], T]) -> T:
        """Do something in the books, in one transaction that knows where it comes from."""
        by = self.by
        return await self.centre.writer.do(lambda tx: act(signed(tx, by)))

    # ── answers ─────────────────────────────────────────────────────────────────────────────

    def say(self, sentence: str, **holes: object) -> str:
        """Translate a marked sentence, and fill it."""
        said = self.words.gettext(sentence)
        return said % holes if holes else said

    def say_of(self, one: str, many: str, number: int, **holes: object) -> str:
        """Translate one of two sentences, by a number: `%(num)s`. Both stand here as they are."""
        filled = {"num": self.words.number(number), **holes}
        return self.words.ngettext(one, many, number) % filled

    def page(
        self, template: str, view: object = None, *, status: int = 200, **more: object
    ) -> Response:
        """Answer with a page.

        Args:
            template: its file; it extends `shell.html` and shows `page`, the view.
            view: frozen.
            status: of HTTP.
            more: what the template wants besides.
        """
        html = rendering.page(template, self.words, self.shell(), view, **more)
        return self.dress(HTMLResponse(html, status, {"cache-control": guarding.FRESH}))

    def go(self, path: str, notice: Notice | None = None) -> Response:
        """Answer a POST: go on to a page of ours, which tells the notice once."""
        if notice is not None:
            text = json.dumps([notice.tone, notice.text, notice.detail], ensure_ascii=True)
            if len(text) <= _TOLD_MOST:
                signed = f"{self.centre.sealer.keyed('told', self.cookie + text)}.{quote(text)}"
                self._set.append((_TOLD, signed, _TOLD_SECONDS))
        headers = {"location": guarding.safe_path(path), "cache-control": guarding.FRESH}
        return self.dress(Response(status_code=303, headers=headers))

    def leave(self, address: str) -> Response:
        """Send people to another server; nothing that they sent may say where that is."""
        headers = {"location": address, "cache-control": guarding.FRESH}
        return self.dress(Response(status_code=303, headers=headers))

    def told(self, tone: Tone, sentence: str, **holes: object) -> Notice:
        """Return a notice for `go`."""
        return Notice(tone, self.say(sentence, **holes))

    def refuse(self, status: int, sentence: str) -> HTTPException:
        """Return what to raise when a page cannot be shown: a marked sentence on a page."""
        return HTTPException(status, sentence)

    def here(self, **changes: str | None) -> str:
        """Return the address asked for with some parameters changed; None takes one out."""
        kept = {k: v for k, v in self.request.query_params.items() if k not in changes}
        query = urlencode(kept | {k: v for k, v in changes.items() if v})
        return self.request.url.path + (f"?{query}" if query else "")

    # ── cookies ─────────────────────────────────────────────────────────────────────────────

    @property
    def token(self) -> str:
        """What our forms carry; no other page can know it."""
        return token_of(self.centre, self.cookie)

    def renew(self, *, seconds: int | None, cookie: str = "") -> str:
        """Give the browser another name and return it: whoever knows the old one has nothing.

        Args:
            seconds: how long it keeps it; None: until it is closed.
            cookie: that name; empty: it is made here.
        """
        self.cookie = cookie or new_cookie()
        self.fresh = False
        self._set.append((session_cookie(self.centre), self.cookie, seconds))
        return self.cookie

    def choose(self, name: str, value: str) -> None:
        """Have the browser keep a choice for a year."""
        self._set.append((name, value, _YEAR))

    def keep(self, name: str, value: str, *, seconds: int | None) -> None:
        """Have the browser keep something; None: until it is closed."""
        self._set.append((name, value, seconds))

    def forget(self, name: str) -> None:
        """Have the browser forget what it kept, if it did."""
        if name in self.request.cookies:
            self._set.append((name, "", 0))

    def dress(self, response: Response) -> Response:
        """Give an answer the cookies that go with it."""
        if self.fresh:
            self._set.append((session_cookie(self.centre), self.cookie, None))
            self.fresh = False
        for name, value, seconds in self._set:
            response.set_cookie(
                name,
                value,
                max_age=seconds,
                secure=self.centre.settings.web.secure,
                httponly=True,
                samesite="lax",
            )
        self._set.clear()
        return response

    def shell(self) -> Shell:
        """Return what stands around a page; a notice is told once."""
        who = self.who if self.who is not None and self.who.full else None
        section = self.page_.section
        items = tuple(
            NavItem(
                each.path,
                self.words.gettext(each.nav.label),
                each.nav.icon,
                here=each.section == section,
                phone=each.nav.phone,
            )
            for each in self.nav
            if each.nav is not None and who is not None and self._in_nav(each)
        )
        return Shell(
            language=self.words.language,
            languages=self.centre.settings.web.languages,
            theme=self.theme,
            organisation=self.centre.organisation,
            token=self.token,
            name=who.name if who else "",
            display=who.display if who else "",
            roles=tuple(each.role.value for each in who.grants) if who else (),
            scope=self._scope(),
            nav=items,
            search=self.search and self.may(Right.STAFF),
            notice=self.cleared or self._notice(),
            now=self.now,
            here=self.here(),
            home=self.home,
        )

    @property
    def home(self) -> str:
        """Where whoever asks begins."""
        return "/" if self.may(Right.STAFF) else "/me"

    def _in_nav(self, page: Page) -> bool:
        return self.may(page.right)

    def _scope(self) -> tuple[str, ...]:
        """Return the sites somebody is confined to; none: they are not."""
        if self.who is None or not self.who.staff:
            return ()
        found = rights.sites_of(self.who.grants, Right.SEE_FLEET)
        return () if found is None else tuple(sorted(found))

    def _notice(self) -> Notice | None:
        mark, _, text = self.request.cookies.get(_TOLD, "").partition(".")
        if not mark:
            return None
        self._set.append((_TOLD, "", 0))
        try:
            plain = unquote(text)
            if not guarding.same_text(mark, self.centre.sealer.keyed("told", self.cookie + plain)):
                return None
            tone, said, detail = json.loads(plain)
            return Notice(tone, said, detail)
        except ValueError:
            return None


def new_cookie() -> str:
    """Return 256 random bits."""
    return secrets.token_urlsafe(_COOKIE_BYTES)


def session_cookie(centre: Centre) -> str:
    """Return the name of the cookie that names a browser.

    `__Host-` has browsers take it from us alone: not from a neighbour's name, nor without TLS.
    """
    return "__Host-printmesh" if centre.settings.web.secure else "printmesh"


def token_of(centre: Centre, cookie: str) -> str:
    """Return what forms of a browser carry."""
    return centre.sealer.keyed("form", cookie)


def query_of(parameters: Mapping[str, Any]) -> str:
    """Return parameters as an address has them, those without a value left out."""
    return urlencode({name: value for name, value in parameters.items() if value})
