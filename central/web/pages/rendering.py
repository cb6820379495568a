"""Pages made of templates, in each language; the files that go with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from markupsafe import Markup

from central.web.pages.rows import cells_of
from config.look import FILES as LOOK
from config.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from jinja2.runtime import Context

    from central.web.pages.views import Shell

_HERE: Final = Path(__file__).parent
#: Each subject's sentences are a directory here: `locale/people/fr.po`.
_LOCALE: Final = _HERE / "locale"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages need."""

    content: bytes
    media_type: str
    mark: str
    """Of its content: another file has another address, so browsers may keep it for ever."""


@cache
def assets() -> Mapping[str, Asset]:
    """Return the files by their names."""
    found = {}
    for path in (*sorted((_HERE / "static").iterdir()), *LOOK):
        content = path.read_bytes()
        media_type = guess_type(path.name)[0] or "application/octet-stream"
        found[path.name] = Asset(content, media_type, hashlib.sha256(content).hexdigest()[:12])
    return found


@cache
def places() -> tuple[Path, ...]:
    """Return where the sentences of pages are translated."""
    return tuple(sorted(each for each in _LOCALE.iterdir() if each.is_dir()))


def words_of(language: str | None) -> Words:
    """Return a language's words, with all that pages say."""
    return Words.of(language, *places())


def page(
    template: str, words: Words, shell: Shell | None, view: object = None, **more: object
) -> str:
    """Return a page, or a part of one.

    Args:
        template: its file.
        words: the language it is read in.
        shell: what stands around it; None: a part of a page.
        view: what it shows, as `page`.
        more: what this template wants besides.
    """
    return environment(words.language).get_template(template).render(shell=shell, page=view, **more)


def fragment(template: str, words: Words, key: str, view: object, now: datetime) -> str:
    """Return a live value as HTML."""
    found = environment(words.language).get_template(template)
    return found.render(key=key, page=view, now=now, shell=None).strip()


def qr(address: str) -> Markup:
    """Return a QR code as an SVG element that takes its size from around it."""
    made = segno.make(address, error="m", micro=False)
    svg: str = made.svg_inline(border=2, omitsize=True, dark="#000", light="#fff")
    return Markup(svg)  # noqa: S704  made here, of modules


@cache
def environment(language: str) -> Environment:
    """Return what templates of a language have: filters for all that depends on it."""
    words = words_of(language)
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        undefined=StrictUndefined,
    )
    # the extension adds this method, which no type knows of
    cast("Any", made).install_gettext_callables(words.gettext, words.ngettext, newstyle=True)
    made.filters |= {
        "money": words.money,
        "moneys": words.moneys,
        "number": words.number,
        "percent": words.percent,
        "pages": words.pages,
        "day": words.day,
        "exact": words.exact,
        "clock": pass_context(_clock(words)),
        "when": pass_context(_when(words)),
        "machine": _machine,
        "say": words.gettext,
        "agent": _agent,
    }
    made.globals |= {"asset": _asset, "qr": qr, "words": words, "cells": cells_of(words, _now)}
    return made


def _asset(name: str) -> str:
    return f"/static/{name}?v={assets()[name].mark}"


#: What a browser calls itself → what people call it; the first that is found.
_BROWSERS: Final = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
    "curl/": "curl",
    "python-httpx": "Python",
}
_SYSTEMS: Final = {
    "Windows": "Windows",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def _agent(text: str) -> str:
    """Return what people call a browser and its system; empty when it does not say."""
    browser = next((name for sign, name in _BROWSERS.items() if sign in text), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in text), "")
    return " · ".join(part for part in (browser, system) if part)


def _machine(moment: datetime | date) -> str:
    return moment.isoformat()


def _now(context: Context) -> Any:  # noqa: ANN401  a datetime, or nothing
    shell = context.get("shell")
    return shell.now if shell else context.get("now")


def _clock(words: Words) -> Any:  # noqa: ANN401  Jinja's own kind of filter
    def clock(context: Context, moment: datetime) -> str:
        return words.clock(moment, _now(context))

    return clock


def _when(words: Words) -> Any:  # noqa: ANN401  the same
    def when(context: Context, moment: datetime) -> str:
        now = _now(context)
        return words.exact(moment) if now is None else words.when(moment, now)

    return when
