"""Rows of lists are written here and not by a template: what stands in them is safe, and said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from central.web.pages import rendering
from central.web.pages.lists import Cell, HeadView, RowView
from central.web.pages.views import Chip, SiteChip

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
BAD = "<script>'\"&"
SAFE = "&lt;script&gt;&#39;&#34;&amp;"


def written(*cells: Cell, href: str = "", language: str = "en") -> str:
    """Return a row as a page has it; its second column is a number that phones leave out."""
    labels = ("A", 'B"', "C", "D")[: len(cells)]
    heads = tuple(HeadView(each, each != "A", each != "A", "", "") for each in labels)
    template = rendering.environment(language).from_string(
        '{%- import "parts.html" as parts with context -%}{{ cells(heads, row, parts.site) }}'
    )
    return template.render(heads=heads, row=RowView(cells, href), now=NOW, shell=None)


def test_nothing_of_a_cell_is_markup() -> None:
    """Text, notes, addresses, keys and labels are escaped wherever they stand."""
    every = Cell(BAD, BAD, key=BAD), Cell(BAD, BAD, href=BAD), Cell(chip=Chip("good", BAD))
    for page in (written(*every), written(*every, href=BAD)):
        assert BAD not in page
        assert SAFE in page
        assert 'data-label="B&#34;"' in page
    assert f'data-live="{SAFE}"' in written(Cell("a"), Cell("b", key=BAD))


def test_the_first_cell_heads_the_row_and_leads_on() -> None:
    """Readers of the page hear it with each of the others; who clicks it sees the thing."""
    first = '<th scope="row" data-label="A"><a href="/x">a</a><small>n</small></th>'
    second = '<td data-label="B&#34;" class="number wide">b</td>'
    assert written(Cell("a", "n"), Cell("b"), href="/x") == first + second
    assert written(Cell("a", href="/y")).endswith('<a href="/y">a</a></th>')


def test_moments_chips_and_sites_are_said_as_elsewhere() -> None:
    """A moment as people say it, with the exact one on hover; chips and sites of `parts.html`."""
    ago = NOW - timedelta(hours=3)
    page = written(
        Cell("a"),
        Cell(when=ago),
        Cell(chip=Chip("trouble", "jammed", "out")),
        Cell(site=SiteChip("n", "North", "alone", ago), href="/sites/n"),
        language="de",
    )
    assert 'title="04.05.2026, 09:00:00">vor 3 Stunden</time></td>' in page
    assert '<span class="chip trouble"><svg class="icon"' in page
    assert "</svg>jammed</span></td>" in page
    assert '<a href="/sites/n"><b>North</b></a> <span class="line">arbeitet allein · <time' in page
