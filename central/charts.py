"""Charts as SVG, made of nothing but what they show: bars, stacked bars, columns, lines, sparks.

Numbers are at the marks they belong to, so nobody looks up a legend, and bars begin at zero. The
markup has classes and presentation attributes only, which a strict content policy lets through;
colours are the page's own custom properties, so a chart is light or dark with its page. Each has a
title and a description for who does not see it; the page has a table beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape as _escaped
from itertools import pairwise
from math import ceil, floor, log10
from re import compile as _compiled
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: Writes a number for people.
Form: TypeAlias = "Callable[[float], str]"

#: Colours by number, with what stands in where a page has not set them: visible on both grounds,
#: and apart from one another in lightness too.
_TONES: Final = ("#0d9488", "#d97706", "#8b5cf6", "#64748b", "#db2777", "#65a30d")
_TEXT: Final = 13
_SMALL: Final = 12
#: Widths of characters differ; most are narrower than this many times their height.
_WIDE: Final = 0.56
_ROW: Final = 30
_BAR: Final = 14
_GAP: Final = 8
#: As many grid lines as are read without effort.
_STEPS: Final = 4
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
#: Below it there are too few digits left to take a step of.
_LEAST: Final = 1e-300
#: No XML can hold these (XML 1.0 §2.2).
_UNWRITABLE: Final = _compiled("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: A dot of a line with fewer points than this can be told from the next.
_DOTS: Final = 32


@dataclass(frozen=True, slots=True)
class Point:
    """One thing and how much of it there is."""

    label: str
    value: float
    """Not negative; a refund is a point of its own, not a bar backwards."""
    before: float | None = None
    """What it was in the period before: a mark across the bar."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One thing, in parts."""

    label: str
    values: tuple[float, ...]
    """In the order of the parts; not negative."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line."""

    label: str
    values: tuple[float | None, ...]
    """None: not known; the line is broken there."""


@dataclass(frozen=True, slots=True)
class About:
    """What a chart says, for who does not see it."""

    title: str
    """What it is of."""
    text: str = ""
    """What is to be seen in it, in a sentence."""


def bars(points: Sequence[Point], about: About, form: Form, *, width: int = 480) -> str:
    """Return lying bars, one for each point, with their names before and their numbers behind."""
    left = _room((point.label for point in points), width // 3)
    numbers = [form(point.value) for point in points]
    right = _room(numbers, width // 3)
    room = width - left - right - 2 * _GAP
    most = max((max(p.value, p.before or 0) for p in points), default=0)
    parts: list[str] = []
    for row, (point, number) in enumerate(zip(points, numbers, strict=True)):
        y = row * _ROW
        long = _scaled(point.value, most, room)
        start = left + _GAP
        parts += [
            _words(left, y + 20, _cut(point.label, left), "chart-label", anchor="end"),
            _rect(start, y + 8, long, _BAR, 0),
        ]
        if point.before is not None:
            x = start + _scaled(point.before, most, room)
            parts.append(_line(x, y + 5, x, y + 25, "chart-before"))
        past = max(long, _scaled(point.before or 0, most, room))
        parts.append(_words(start + past + 6, y + 20, number, "chart-value"))
    return _svg(about, width, max(len(points), 1) * _ROW, "bars", parts)


def stacked(
    stacks: Sequence[Stack],
    names: Sequence[str],
    about: About,
    form: Form,
    *,
    width: int = 480,
) -> str:
    """Return lying bars in parts; the names of the parts stand once, over those of the first bar.

    Args:
        stacks: a bar each.
        names: of the parts, the same in each bar.
        about: what it says.
        form: writes the sums behind the bars.
        width: in the units of the drawing.
    """
    sums = [sum(stack.values) for stack in stacks]
    left = _room((stack.label for stack in stacks), width // 3)
    right = _room((form(each) for each in sums), width // 3)
    room = width - left - right - 2 * _GAP
    most = max(sums, default=0)
    first = next((stack.values for stack, whole in zip(stacks, sums, strict=True) if whole), ())
    starts = [left + _GAP + _scaled(sum(first[:place]), most, room) for place in range(len(names))]
    parts, top = _names_of_parts(names, starts, width)
    for row, (stack, whole) in enumerate(zip(stacks, sums, strict=True)):
        y = top + row * _ROW
        parts.append(_words(left, y + 20, _cut(stack.label, left), "chart-label", anchor="end"))
        x = float(left + _GAP)
        for tone, value in enumerate(stack.values):
            long = _scaled(value, most, room)
            name = names[tone] if tone < len(names) else ""
            parts.append(_rect(x, y + 8, long, _BAR, tone, f"{name} {form(value)}".strip()))
            x += long
        parts.append(_words(x + 6, y + 20, form(whole), "chart-value"))
    return _svg(about, width, top + max(len(stacks), 1) * _ROW, "stacked", parts)


def columns(
    points: Sequence[Point], about: About, form: Form, *, width: int = 480, height: int = 200
) -> str:
    """Return standing bars side by side, for what follows in time, with a few lines to read by."""
    most = max((max(p.value, p.before or 0) for p in points), default=0)
    grid, left, top = _grid(most, form, width, height)
    bottom, room = height - 24, width - left
    step = room / max(len(points), 1)
    bar = max(min(step * 0.7, 44), 1)
    highest = _top_of(most)
    parts = grid
    for place, point in enumerate(points):
        x = left + place * step + (step - bar) / 2
        tall = _scaled(point.value, highest, bottom - top)
        parts.append(_rect(x, bottom - tall, bar, tall, 0, f"{point.label}: {form(point.value)}"))
        if point.before is not None:
            y = bottom - _scaled(point.before, highest, bottom - top)
            parts.append(_line(x - 2, y, x + bar + 2, y, "chart-before"))
    parts += _below([point.label for point in points], left, step, (width, height))
    return _svg(about, width, height, "columns", parts)


def lines(
    series: Sequence[Series],
    labels: Sequence[str],
    about: About,
    form: Form,
    *,
    width: int = 480,
    height: int = 200,
) -> str:
    """Return lines over time from zero up, each with its name and last number at its end."""
    known = [value for each in series for value in each.values if value is not None]
    most = max(known, default=0)
    ends = [f"{each.label} {form(last)}" for each in series if (last := _last(each)) is not None]
    right = _room(ends, width // 3) + _GAP
    grid, left, top = _grid(most, form, width, height, right)
    bottom = height - 24
    step = (width - left - right) / max(len(labels) - 1, 1)
    highest = _top_of(most)
    parts = grid
    places: list[tuple[float, int, str]] = []
    for tone, each in enumerate(series):
        spots = [
            None
            if value is None
            else (left + n * step, bottom - _scaled(value, highest, bottom - top))
            for n, value in enumerate(each.values)
        ]
        parts.append(_path(spots, tone))
        if len(each.values) < _DOTS:
            parts += [_dot(*spot, tone) for spot in spots if spot is not None]
        last = _last(each)
        if last is not None:
            end = next(spot for spot in reversed(spots) if spot is not None)
            places.append((end[1], tone, f"{each.label} {form(last)}"))
    for y, tone, words in _apart(places, _TEXT + 3):
        x = width - right + _GAP
        parts.append(_words(x, y + 4, words, f"chart-value chart-ink-{tone + 1}"))
    parts += _below(list(labels), left, step, (width, height), centred=False)
    return _svg(about, width, height, "lines", parts)


def spark(values: Sequence[float], about: About, *, width: int = 120, height: int = 28) -> str:
    """Return a small line from zero up with a dot at its end, to stand beside a number."""
    most = max(values, default=0)
    room, base = width - 8, height - 3
    step = room / max(len(values) - 1, 1)
    spots = [
        (4 + n * step, base - _scaled(value, most, height - 8)) for n, value in enumerate(values)
    ]
    parts = [_line(0, base + 0.5, width, base + 0.5, "chart-grid")]
    if spots:
        parts += [_path(list(spots), 0), _dot(*spots[-1], 0)]
    return _svg(about, width, height, "spark", parts)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _said(text: str) -> str:
    return _escaped(_UNWRITABLE.sub(" ", text))


def _svg(about: About, width: int, height: float, kind: str, parts: Iterable[str]) -> str:
    text = f"<desc>{_said(about.text)}</desc>" if about.text else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart chart-{kind}" role="img" '
        f'aria-label="{_said(about.title)}" viewBox="0 0 {width} {_n(height)}" '
        f'font-size="{_TEXT}" fill="currentColor">'
        f"<title>{_said(about.title)}</title>{text}{''.join(parts)}</svg>"
    )


def _grid(
    most: float, form: Form, width: int, height: int, right: int = 0
) -> tuple[list[str], int, int]:
    """Return lines to read by with their numbers, and where the drawing begins, left and top."""
    top, bottom = 10, height - 24
    highest = _top_of(most)
    step = highest / _count_of(most)
    numbers = [n * step for n in range(_count_of(most) + 1)]
    left = _room((form(number) for number in numbers), width // 4) + _GAP
    parts: list[str] = []
    for number in numbers:
        y = bottom - _scaled(number, highest, bottom - top)
        kind = "chart-axis" if not number else "chart-grid"
        parts.append(_line(left, y, width - right, y, kind))
        parts.append(
            _words(left - _GAP, y + 4, form(number), "chart-tick", anchor="end", size=_SMALL)
        )
    return parts, left, top


def _step_of(most: float) -> float:
    """Return a round step so that a few of them reach above the highest value."""
    if most < _LEAST:
        return 1.0
    rough = most / _STEPS
    unit = 10.0 ** floor(log10(rough))
    return next(nice * unit for nice in _NICE if nice * unit >= rough * (1 - 1e-9))


def _count_of(most: float) -> int:
    return max(ceil(most / _step_of(most) - 1e-9), 1)


def _top_of(most: float) -> float:
    return _step_of(most) * _count_of(most)


def _below(
    labels: Sequence[str], left: float, step: float, frame: tuple[int, int], *, centred: bool = True
) -> list[str]:
    """Return the labels under a drawing, as many as find room, the last of them always."""
    width, height = frame
    widest = max((_width(label) for label in labels), default=0) + 12
    every = max(ceil(widest / step), 1) if step else 1
    offset = (len(labels) - 1) % every if labels else 0
    half = step / 2 if centred else 0
    parts = []
    for place in range(offset, len(labels), every):
        x = left + place * step + half
        half_word = _width(labels[place]) / 2
        anchor = "middle" if x - half_word >= 0 else "start"
        if x + half_word > width:
            x, anchor = float(width), "end"
        parts.append(_words(x, height - 7, labels[place], "chart-tick", anchor=anchor, size=_SMALL))
    return parts


def _names_of_parts(
    names: Sequence[str], starts: Sequence[float], width: int
) -> tuple[list[str], int]:
    """Return the names, each where its part begins or as soon after as there is room."""
    parts: list[str] = []
    x, y = 0.0, 18
    for tone, (name, start) in enumerate(zip(names, starts, strict=True)):
        wide = 16 + _width(name) + 12
        x = max(x, start)
        if x + wide > width:
            x, y = 0.0, y + 22 if parts else y
        parts.append(_rect(x, y - 10, 10, 10, tone))
        parts.append(_words(x + 16, y, name, "chart-label"))
        x += wide
    return parts, y + 4 if names else 0


def _apart(places: Sequence[tuple[float, int, str]], least: float) -> list[tuple[float, int, str]]:
    """Return labels moved apart so that none lies on another, in their order."""
    found: list[tuple[float, int, str]] = []
    for y, tone, words in sorted(places):
        at = max(y, found[-1][0] + least) if found else y
        found.append((at, tone, words))
    return found


def _last(series: Series) -> float | None:
    return next((value for value in reversed(series.values) if value is not None), None)


def _scaled(value: float, most: float, room: float) -> float:
    return max(value, 0) / most * room if most > 0 else 0.0


def _room(texts: Iterable[str], most: int) -> int:
    return min(ceil(max((_width(text) for text in texts), default=0)), most)


def _width(text: str) -> float:
    return len(text) * _TEXT * _WIDE


def _cut(text: str, room: float) -> str:
    fit = int(room / (_TEXT * _WIDE))
    return text if len(text) <= fit else f"{text[: max(fit - 1, 1)]}…"


def _rect(x: float, y: float, wide: float, tall: float, tone: int, words: str = "") -> str:
    shape = (
        f'<rect class="chart-tone-{tone + 1}" x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" '
        f'height="{_n(tall)}" fill="{_tone(tone)}"'
    )
    return f"{shape}><title>{_said(words)}</title></rect>" if words else f"{shape}/>"


def _line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    faint = ' stroke-opacity="0.18"' if kind == "chart-grid" else ""
    wide = ' stroke-width="2"' if kind == "chart-before" else ""
    return (
        f'<line class="{kind}" x1="{_n(x)}" y1="{_n(y)}" x2="{_n(to_x)}" y2="{_n(to_y)}" '
        f'stroke="currentColor"{faint}{wide}/>'
    )


def _path(spots: Sequence[tuple[float, float] | None], tone: int) -> str:
    moves = []
    for before, spot in pairwise((None, *spots)):
        if spot is not None:
            moves.append(f"{'M' if before is None else 'L'}{_n(spot[0])} {_n(spot[1])}")
    return (
        f'<path class="chart-line-{tone + 1}" d="{"".join(moves)}" fill="none" '
        f'stroke="{_tone(tone)}" stroke-width="2" stroke-linejoin="round"/>'
    )


def _dot(x: float, y: float, tone: int) -> str:
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="3" fill="{_tone(tone)}"/>'


def _words(
    x: float, y: float, text: str, kind: str, *, anchor: str = "start", size: int = _TEXT
) -> str:
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    how = "" if size == _TEXT else f' font-size="{size}"'
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}"{where}{how}>{_said(text)}</text>'


def _tone(number: int) -> str:
    at = number % len(_TONES)
    return f"var(--chart-{at + 1}, {_TONES[at]})"


def _n(number: float) -> str:
    """Write a coordinate no finer than anybody sees, the same on every machine."""
    text = f"{number:.1f}"
    return text.removesuffix(".0")
