"""All pages of the fleet: sites, printers, nodes, what was put aside, forks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.web.pages import (
    routes_aside,
    routes_forks,
    routes_node_acts,
    routes_node_add,
    routes_node_role,
    routes_nodes,
    routes_printer,
    routes_printers,
    routes_site,
    routes_sites,
)

if TYPE_CHECKING:
    from central.web.pages.live import Live
    from central.web.pages.table import Page

#: No node's id has a `~`: what begins with one comes before what a node's name stands for.
PAGES: Final[tuple[Page, ...]] = (
    *routes_sites.PAGES,
    *routes_site.PAGES,
    *routes_printers.PAGES,
    *routes_printer.PAGES,
    *routes_node_add.PAGES,
    *routes_aside.PAGES,
    *routes_nodes.PAGES,
    *routes_node_acts.PAGES,
    *routes_node_role.PAGES,
    *routes_forks.PAGES,
)

LIVES: Final[tuple[Live, ...]] = (
    *routes_sites.LIVES,
    *routes_site.LIVES,
    *routes_printers.LIVES,
    *routes_printer.LIVES,
    *routes_nodes.LIVES,
)
