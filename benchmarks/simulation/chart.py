"""The chart: what each policy allows at cut-off sites, beside what it overspends; plain SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.simulation.figures import Line

_WIDTH: Final = 860
_ROW: Final = 34
_TOP: Final = 84
_LEFT, _MIDDLE, _RIGHT = 214, 560, 820
_GAP: Final = 64

#: Colours that read on white and on black; the page's own scheme chooses.
_STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.quiet { fill: #59636e; font-size: 12px }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.axis { stroke: #59636e; stroke-width: 1 }
.allowed { fill: #0969da }
.sure { stroke: #0969da; stroke-width: 1.5; fill: none }
.spent { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .quiet { fill: #9198a1 }
  .grid { stroke: #3d444d } .axis { stroke: #9198a1 }
  .allowed { fill: #4493f8 } .sure { stroke: #4493f8 } .spent { fill: #f0883e }
}
"""


def chart(lines: Sequence[Line]) -> str:
    """Return the chart of policies at one number of sites, a row each, in their order."""
    bottom = _TOP + _ROW * len(lines)
    most = max((line.overspent.mean for line in lines), default=0.0) or 1.0
    first = lines[0]
    about = (
        f"{first.sites} sites, {first.people:,} people, a year, {first.seeds} worlds; "
        "bars show 95 % confidence"
    )
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 52}" '
            f'width="{_WIDTH}" role="img" aria-label="Overspend against availability">'
        ),
        f"<style>{_STYLE}</style>",
        _text(16, 26, "Overspend against availability", "title"),
        _text(16, 46, about, "quiet"),
        _text(_LEFT, _TOP - 14, "allowed of what people could pay, at cut-off sites", "quiet"),
        _text(_MIDDLE + _GAP, _TOP - 14, "overspent a year by 1,000 people", "quiet"),
    ]
    for tenth in range(0, 11, 2):
        x = _across(tenth / 10)
        parts.append(f'<line class="grid" x1="{x}" y1="{_TOP - 6}" x2="{x}" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 18, f"{tenth / 10:.1f}", "quiet", "middle"))
    start = _MIDDLE + _GAP
    parts.append(f'<line class="axis" x1="{start}" y1="{_TOP - 6}" x2="{start}" y2="{bottom}"/>')
    for number, line in enumerate(lines):
        parts += _row(line, _TOP + _ROW * number + _ROW // 2, most)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _row(line: Line, y: int, most: float) -> list[str]:
    low = _across(max(0.0, line.availability.mean - line.availability.margin))
    high = _across(min(1.0, line.availability.mean + line.availability.margin))
    at, start = _across(line.availability.mean), _MIDDLE + _GAP
    wide = round((_RIGHT - start - 60) * line.overspent.mean / most, 1)
    said = f"{line.overspent.mean:.2f}" if line.overspent.mean else "0"
    return [
        _text(_LEFT - 14, y + 4, line.title, "", "end"),
        f'<path class="sure" d="M{low} {y - 6}V{y + 6}M{low} {y}H{high}M{high} {y - 6}V{y + 6}"/>',
        f'<circle class="allowed" cx="{at}" cy="{y}" r="3"/>',
        _text(_MIDDLE + 10, y + 4, f"{line.availability.mean:.3f}", ""),
        f'<rect class="spent" x="{start}" y="{y - 7}" width="{wide}" height="14"/>',
        _text(start + wide + 6, y + 4, said, ""),
    ]


def _across(share: float) -> float:
    return round(_LEFT + (_MIDDLE - _LEFT) * share, 1)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
