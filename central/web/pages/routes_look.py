"""What a browser chose for itself: its language, light or dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.web.pages import guarding
from central.web.pages.table import Page
from central.web.pages.visit import LANGUAGE, THEME

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.web.pages.visit import Visit

_THEMES: Final = frozenset({"light", "dark"})


async def choose_language(visit: Visit) -> Response:
    """Keep a language."""
    wish = visit.form.text("language")
    if wish in visit.centre.settings.web.languages:
        visit.choose(LANGUAGE, wish)
    return visit.go(_back(visit))


async def choose_theme(visit: Visit) -> Response:
    """Keep light or dark."""
    wish = visit.form.text("theme")
    visit.choose(THEME, wish if wish in _THEMES else "")
    return visit.go(_back(visit))


def _back(visit: Visit) -> str:
    return guarding.safe_path(visit.form.text("back", 2000))


PAGES: Final = (
    Page("/language", choose_language, Right.PUBLIC, methods=("POST",)),
    Page("/theme", choose_theme, Right.PUBLIC, methods=("POST",)),
)
