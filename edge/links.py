"""The two lines of an edge: to the site's broker, where it coordinates, and to the centre's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker import topics
from broker.link import Link
from edge.site_broker import DESK

if TYPE_CHECKING:
    from config.settings import EdgeSettings, LinkSettings
    from edge.farewell import Farewell


def links(settings: EdgeSettings, site: LinkSettings, farewell: Farewell) -> tuple[Link, Link]:
    """Return the lines to the terminals and to the centre, in this order; neither is open yet.

    Args:
        settings: of the edge.
        site: the site's broker.
        farewell: the last words on each.
    """
    desk = Link(
        site,
        DESK,
        subscriptions=(topics.COORDINATOR_SUBSCRIPTION,),
        will=farewell.to_terminals,
    )
    central = Link(
        settings.link,
        settings.node,
        subscriptions=topics.node_subscriptions(settings.node),
        will=farewell.to_centre,
    )
    return desk, central
