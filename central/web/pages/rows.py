"""The cells of a list's rows as HTML: written here, as a template takes ten times as long for it.

All else of a list, and what a chip or a site looks like, is in `parts.html`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from jinja2 import Environment
    from jinja2.runtime import Context

    from central.web.pages.lists import Cell, HeadView, RowView
    from central.web.pages.views import Chip
    from config.words import Words


def cells_of(words: Words, now_of: Callable[[Context], datetime | None]) -> Any:  # noqa: ANN401  Jinja's own kind of function
    """Return what writes the cells of a row, in a language.

    Args:
        words: the language.
        now_of: returns the time at which a page is shown.
    """

    @pass_context
    def cells(
        context: Context, heads: Sequence[HeadView], row: RowView, site: Callable[..., str]
    ) -> Markup:
        now, environment = now_of(context), context.environment

        def shown(cell: Cell) -> str:
            if cell.site is not None:
                text = site(cell.site, cell.href)
            elif cell.chip is not None:
                text = _chip(environment, cell.chip)
            elif cell.when is not None:
                text = _time(words, cell.when, now)
            elif cell.href:
                text = f'<a href="{escape(cell.href)}">{escape(cell.text)}</a>'
            else:
                text = escape(cell.text)
            return f"{text}<small>{escape(cell.note)}</small>" if cell.note else text

        first, *others = row.cells
        label = escape(heads[0].label)
        if row.href:
            note = f"<small>{escape(first.note)}</small>" if first.note else ""
            inside = f'<a href="{escape(row.href)}">{escape(first.text)}</a>{note}'
        else:
            inside = shown(first)
        parts = [f'<th scope="row" data-label="{label}">{inside}</th>']
        for head, cell in zip(heads[1:], others, strict=True):
            live = f' data-live="{escape(cell.key)}"' if cell.key else ""
            parts.append(f"{_begin(head.label, head.number, head.wide)}{live}>{shown(cell)}</td>")
        return Markup("".join(parts))  # noqa: S704  each part was escaped, or is markup of ours

    return cells


@lru_cache(maxsize=1024)
def _begin(label: str, number: bool, wide: bool) -> str:  # noqa: FBT001  of a head, as they are
    kinds = f"{'number' if number else ''}{' wide' if wide else ''}"
    return f'<td data-label="{escape(label)}" class="{kinds}"'


@lru_cache(maxsize=1024)
def _chip(environment: Environment, chip: Chip) -> str:
    """Return a chip as `parts.html` draws it; there are few, and very many cells with them."""
    drawn: Any = environment.get_template("parts.html").module
    return str(drawn.chip(chip.tone, chip.text, chip.icon))


def _time(words: Words, moment: datetime, now: datetime | None) -> str:
    exact = escape(words.exact(moment))
    said = exact if now is None else escape(words.when(moment, now))
    return f'<time datetime="{moment.isoformat()}" title="{exact}">{said}</time>'
