"""What sites write down of their decisions, in English, said in the language of whoever reads it.

A decision keeps its lines as the site said them, for ever. What the policy says has few shapes, so
they are told apart here and said anew; a test holds the table to what the policy says. What has
none of these shapes is somebody's own words, or a newer site's: it is shown as it is, as quoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.web.pages.sentences import mark
from central.web.pages.site_shapes import INNER, SHAPES
from config.policy.money import Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from central.web.pages.site_shapes import Shape
    from central.web.pages.visit import Visit

_OUTER: Final = tuple((each.pattern(), each) for each in SHAPES)
_ALL: Final = (*_OUTER, *((each.pattern(), each) for each in INNER))
_NESTED: Final = 6
#: Of these, what stands in a hole may be one of these sentences itself.
_INNER: Final = frozenset({"why", "kinds", "others"})


def read(text: str, *, inner: bool = False) -> tuple[Shape, Mapping[str, str]] | None:
    """Return what something that a site said is, and what stands in its holes; None: not known.

    Args:
        text: as it was kept.
        inner: it is a part of something else.
    """
    for pattern, shape in _ALL if inner else _OUTER:
        if found := pattern.fullmatch(text):
            return shape, {k: v for k, v in found.groupdict().items() if v is not None}
    return None


def said(visit: Visit, text: str, called: Callable[[str], str] = str) -> str:
    """Return something that a site said, in the reader's language.

    Args:
        visit: who reads it.
        text: as it was kept.
        called: what people call an account or a printer.
    """
    return _said(visit, text, called, _NESTED) or quoted(visit, text)


def quoted(visit: Visit, text: str) -> str:
    """Return somebody's own words, so that it is seen whose they are."""
    if not text or visit.words.language == "en":
        return text
    return visit.say(mark("“%(text)s”"), text=text)


def _said(visit: Visit, text: str, called: Callable[[str], str], depth: int) -> str:
    """Return it in the reader's language; empty: it is not known."""
    found = read(text, inner=depth < _NESTED) if depth else None
    if found is None:
        return _parts(visit, text, called, depth)
    shape, holes = found
    filled: dict[str, object] = {}
    for name, value in holes.items():
        plain = name.rstrip("2")
        if plain in _INNER:
            filled[name] = _said(visit, value, called, depth - 1) or value
        else:
            filled[name] = _written(visit, plain, value, called)
    if not shape.many:
        return visit.say(shape.sentence, **filled)
    del filled["num"]
    return visit.say_of(shape.sentence, shape.many, int(holes["num"]), **filled)


def _parts(visit: Visit, text: str, called: Callable[[str], str], depth: int) -> str:
    """Say each part of what was put together; empty unless all are known."""
    for mark_, between in (("; ", " · "), (", ", ", ")):
        parts = text.split(mark_)
        if depth and len(parts) > 1:
            found = [_said(visit, each, called, depth - 1) for each in parts]
            if all(found):
                return between.join(found)
    return ""


def _written(visit: Visit, name: str, value: str, called: Callable[[str], str]) -> str:
    match name:
        case "sum" | "each" | "had":
            return _money(visit, value)
        case "num" | "most":
            return visit.words.number(int(value))
        case "pct":
            return visit.words.percent(float(value.removesuffix(" %")) / 100, 1)
        case "accounts":
            return ", ".join(called(each) for each in value.split(" and "))
        case "account" | "to" | "from" | "printer":
            return called(value)
        case _:
            return value


def _money(visit: Visit, text: str) -> str:
    number, _, unit = text.partition(" ")
    try:
        amount = Money.parse(number, "page" if unit.startswith("page") else unit)
    except MoneyError:
        return text
    written = visit.words.money(amount)
    return f"+{written}" if number.startswith("+") and amount.micros else written
