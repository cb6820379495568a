"""Every route there is; one that others could hide stands after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.web import devices, fleet, jobs, money, people
from central.web.api import (
    routes_accounts,
    routes_audit,
    routes_cards,
    routes_codes,
    routes_figures,
    routes_forks,
    routes_grants,
    routes_guests,
    routes_held,
    routes_imports,
    routes_jobs,
    routes_members,
    routes_nodes,
    routes_people,
    routes_prices,
    routes_printers,
    routes_problems,
    routes_quarantine,
    routes_receipts,
    routes_refunds,
    routes_rules,
    routes_sites,
    routes_staff,
    routes_till,
    routes_webhooks,
)

if TYPE_CHECKING:
    from central.web.api.table import Route

ROUTES: Final[tuple[Route, ...]] = (
    *people.ROUTES,
    *routes_people.ROUTES,
    *routes_cards.ROUTES,
    *routes_people.LAST,
    *routes_guests.ROUTES,
    *routes_imports.ROUTES,
    *money.ROUTES,
    *routes_accounts.ROUTES,
    *routes_members.ROUTES,
    *money.LAST,
    *routes_grants.ROUTES,
    *routes_codes.ROUTES,
    *routes_till.ROUTES,
    *routes_receipts.ROUTES,
    *routes_jobs.ROUTES,
    *routes_held.ROUTES,
    *jobs.ROUTES,
    *routes_refunds.ROUTES,
    *routes_prices.ROUTES,
    *routes_rules.ROUTES,
    *fleet.ROUTES,
    *routes_nodes.ROUTES,
    *routes_sites.ROUTES,
    *routes_quarantine.ROUTES,
    *routes_forks.ROUTES,
    *routes_printers.ROUTES,
    *devices.ROUTES,
    *routes_figures.ROUTES,
    *routes_staff.ROUTES,
    *routes_audit.ROUTES,
    *routes_webhooks.ROUTES,
    *routes_problems.ROUTES,
)
