"""All pages there are: each `routes_…` module has a table of its own, named here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.web.pages import (
    routes_audit,
    routes_figures,
    routes_fleet,
    routes_look,
    routes_me,
    routes_money,
    routes_openid,
    routes_overview,
    routes_parts,
    routes_persons,
    routes_portal,
    routes_price_change,
    routes_prices,
    routes_rules,
    routes_second,
    routes_setup,
    routes_sign_in,
    routes_streams,
    routes_webhooks,
)

if TYPE_CHECKING:
    from central.web.pages.live import Live
    from central.web.pages.table import Page
    from config.settings import CentralSettings

#: One line for each subject.
_TABLES: tuple[tuple[Page, ...], ...] = (
    routes_sign_in.PAGES,
    routes_openid.PAGES,
    routes_second.PAGES,
    routes_setup.PAGES,
    routes_look.PAGES,
    routes_overview.PAGES,
    routes_fleet.PAGES,
    routes_me.PAGES,
    routes_portal.PAGES,
    routes_money.PAGES,
    routes_persons.PAGES,
    routes_figures.PAGES,
    routes_audit.PAGES,
    routes_rules.PAGES,
    routes_prices.PAGES,
    routes_price_change.PAGES,
    routes_streams.PAGES,
    routes_webhooks.PAGES,
)

#: What pages follow while they are open, by subject.
LIVES: tuple[Live, ...] = (*routes_overview.LIVES, *routes_fleet.LIVES)


def pages(settings: CentralSettings) -> tuple[Page, ...]:
    """Return all pages that are served."""
    shown = routes_parts.PAGES if settings.web.parts else ()
    return (*(page for table in _TABLES for page in table), *shown)
