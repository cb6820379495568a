"""What people do for themselves: all pages of the portal beside home and sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.web.pages import (
    routes_me_asked,
    routes_me_cards,
    routes_me_code,
    routes_me_history,
    routes_me_jobs,
    routes_me_popup,
    routes_me_print,
)

if TYPE_CHECKING:
    from central.web.pages.table import Page

PAGES: Final[tuple[Page, ...]] = (
    *routes_me_history.PAGES,
    *routes_me_jobs.PAGES,
    *routes_me_asked.PAGES,
    *routes_me_code.PAGES,
    *routes_me_cards.PAGES,
    *routes_me_popup.PAGES,
    *routes_me_print.PAGES,
)
