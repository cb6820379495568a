"""Pages made of templates, in each language; the files that go with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import segno
from jinja2 import Environment, FileSystemLoader, pass_context

from config.look import FILES as LOOK
from terminal_bridge.panel.forms import mark_of
from terminal_bridge.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from jinja2.runtime import Context

    from terminal_bridge.panel.views import Shell
    from terminal_bridge.words import Words

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages need."""

    content: bytes
    media_type: str
    mark: str
    """Of its content: another file has another address, so browsers may keep it for ever."""


def assets() -> Mapping[str, Asset]:
    """Return the files by their names."""
    return _assets()


@cache
def _assets() -> dict[str, Asset]:
    found = {}
    for path in sorted((_HERE / "static").iterdir()):
        content = path.read_bytes()
        if path.suffix == ".css":
            # in one file with what all pages share: nothing is drawn before all styles are here
            content = b"".join((*(each.read_bytes() for each in LOOK), content))
        media_type = guess_type(path.name)[0] or "application/octet-stream"
        mark = hashlib.sha256(content).hexdigest()[:12]
        found[path.name] = Asset(content, media_type, mark)
    return found


def page(name: str, words: Words, shell: Shell | None, view: object, **more: object) -> str:
    """Return a page, or a part of one.

    Args:
        name: of the template, with its ending.
        words: the language it is read in.
        shell: what stands around it.
        view: what it shows.
        more: what this template wants besides.
    """
    template = _environment(words.language).get_template(name)
    return template.render(shell=shell, page=view, **more)


def qr(address: str) -> str:
    """Return a QR code as an SVG element that takes its colour and size from around it."""
    made = segno.make(address, error="m", micro=False)
    return made.svg_inline(border=2, omitsize=True, dark="#000", light="#fff")


def qr_file(address: str) -> str:
    """Return a QR code as an SVG file to be printed on a sticker, 5 cm wide."""
    made = segno.make(address, error="q", micro=False)
    width = made.symbol_size(border=4)[0]
    file = BytesIO()
    made.save(file, kind="svg", border=4, unit="mm", scale=50 / width, light="#fff")
    return file.getvalue().decode()


def _asset(name: str) -> str:
    return f"/static/{name}?v={assets()[name].mark}"


@cache
def _environment(language: str) -> Environment:
    words = words_of(language)
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        auto_reload=False,
    )
    # the extension adds this method, which no type knows of
    cast("Any", made).install_gettext_callables(words.gettext, words.ngettext, newstyle=True)
    made.filters |= {
        "money": words.money,
        "moneys": words.moneys,
        "clock": pass_context(_clock(words)),
        "exact": words.exact,
        "mark": mark_of,
    }
    made.globals["asset"] = _asset
    return made


def _clock(words: Words) -> Any:  # noqa: ANN401  Jinja's own kind of filter
    def clock(context: Context, moment: datetime) -> str:
        shell = context.get("shell")
        return words.clock(moment, shell.now if shell else None)

    return clock
