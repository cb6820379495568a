"""Who sends a request: the screen at the machine, a phone, or a page of somebody else's."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException

from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.visit import NOBODY
from terminal_bridge.words import LANGUAGES, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from terminal_bridge.panel.desk import Desk
    from terminal_bridge.panel.visit import Visit
    from terminal_bridge.words import Words

#: Cookies: who a browser is, that it is a paired screen, which language and theme it chose.
BROWSER: Final = "printmesh"
SCREEN: Final = "printmesh-screen"
LANGUAGE: Final = "printmesh-language"
THEME: Final = "printmesh-theme"
_YEAR: Final = 365 * 24 * 3600
_FIELD_MOST: Final = 500
_THEMES: Final[Mapping[str, Literal["", "light", "dark"]]] = {"light": "light", "dark": "dark"}
_TOO_OLD: Final = mark("This page is too old; please begin again.")
_BEGINS_AGAIN: Final = mark("This terminal is being started again; please wait a moment.")
#: Of this process: forms of the one before are asked for again.
_KEY: Final = os.urandom(32)


@dataclass(frozen=True, slots=True)
class Browser:
    """Whoever asks, as far as a request tells."""

    desk: Desk
    cookie: str
    """Names the browser."""
    fresh: bool
    """It had none yet."""
    screen: bool
    """It is the screen at the machine."""
    visit: Visit | None
    """Its session; None: a phone at which nobody has signed in yet."""
    live: str
    """Who was signed in when it asked, as `Visit.live`."""
    words: Words
    theme: Literal["", "light", "dark"]
    secure: bool
    """It came over TLS."""

    @property
    def mark(self) -> str:
        """What no other page can know."""
        return hmac.new(_KEY, self.cookie.encode(), hashlib.sha256).hexdigest()[:32]

    @property
    def token(self) -> str:
        """What its forms carry: that they are ours, and whose page they stand on."""
        return f"{self.mark}.{self.live}"

    @property
    def same(self) -> bool:
        """Whoever was signed in when it asked still is; or nobody was, and is."""
        return self.live == _live(self.visit)

    def dress(self, response: Response) -> Response:
        """Give a new browser its name."""
        if self.fresh:
            self.remember(response, BROWSER, self.cookie)
        return response

    def remember(self, response: Response, name: str, value: str, *, path: str = "/") -> None:
        """Have the browser keep something that no script reads and no other site sends."""
        lasts = None if name == BROWSER else _YEAR
        response.set_cookie(
            name,
            value,
            max_age=lasts,
            path=path,
            secure=self.secure,
            httponly=True,
            samesite="strict" if name == SCREEN else "lax",
        )


def browser_of(request: Request, desk: Desk) -> Browser:
    """Return who asks."""
    cookie = request.cookies.get(BROWSER, "")
    fresh = not cookie or len(cookie) > _FIELD_MOST
    address = request.client.host if request.client and _by_our_name(request) else ""
    screen = desk.pairing.is_screen(request.cookies.get(SCREEN, ""), address)
    visit = desk.screen if screen else desk.phone(cookie)
    if visit is not None:
        visit.lapse(desk.habits.idle)
    return Browser(
        desk,
        secrets.token_urlsafe(24) if fresh else cookie,
        fresh,
        screen,
        visit,
        _live(visit),
        words_of(_language(request, desk, visit, screen=screen)),
        _THEMES.get(request.cookies.get(THEME, ""), ""),
        request.url.scheme == "https",
    )


async def form_of(request: Request, browser: Browser) -> dict[str, str]:
    """Return the fields of a form that one of our own pages sent.

    Raises:
        HTTPException: 403, another page sent it, or one of a process before this; 413, too much;
            303, it was shown to somebody else than who is signed in; 503, as `desk_of`.
    """
    if not _own(request):
        raise HTTPException(403, "This form was not sent by a page of this terminal.")
    sent = await request.form(max_files=0, max_fields=40, max_part_size=4096)
    fields = {name: value.strip() for name, value in sent.items() if isinstance(value, str)}
    mark, _, live = fields.pop("token", "").partition(".")
    if not hmac.compare_digest(mark.encode(), browser.mark.encode()):
        raise HTTPException(403, _TOO_OLD)
    check_works(browser.desk)
    if live != _live(browser.visit):
        raise HTTPException(303, headers={"location": f"{browser.desk.base}/"})
    if any(len(value) > _FIELD_MOST for value in fields.values()):
        raise HTTPException(413, "That is more than this page asks for.")
    return fields


def check_works(desk: Desk) -> None:
    """Go on only with a panel that works.

    Raises:
        HTTPException: 503, it failed; it is begun again soon.
    """
    if desk.over:
        raise HTTPException(503, _BEGINS_AGAIN)


def _live(visit: Visit | None) -> str:
    return visit.live if visit else NOBODY


def _own(request: Request) -> bool:
    """Say whether a browser that tells where a form comes from tells that it is from here."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc == request.headers.get("host", "")


def _by_our_name(request: Request) -> bool:
    """Say whether a browser calls us by a name of ours, or by an address.

    Where a screen is known by its address alone, another site's page in its browser could call us
    by a name of its own that leads here (DNS rebinding), and would be the screen.
    """
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    ours = urlsplit(request.app.state.address).hostname
    if name in {ours, "localhost"}:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _language(request: Request, desk: Desk, visit: Visit | None, *, screen: bool) -> str:
    """Return what a page is written in: chosen, the person's, the browser's, the terminal's."""
    offered: tuple[str, ...] = desk.settings.languages
    wishes: list[Any] = [visit.language if visit else None]
    if not screen:
        wishes.append(request.cookies.get(LANGUAGE))
    who = visit.who if visit else None
    wishes.append(who.answer.language if who else None)
    if not screen:
        # of a phone; a copier's browser speaks whatever its maker did
        said = request.headers.get("accept-language", "")
        wishes += [part.strip()[:2].lower() for part in said.split(",")[:10]]
    found = (wish for wish in wishes if wish in offered and wish in LANGUAGES)
    return next(found, offered[0])
