"""Serving an edge's health and figures inside its own loop; it takes no signals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from broker.serving import CannotListen, served
from config.logs import logger
from edge.web.app import make_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.exporters.figures import EdgeFigures
    from config.settings_monitoring import MonitoringSettings
    from edge.health import Vital

__all__ = ["CannotListen", "serve"]

_log = logger("edge.web")

#: Seconds that answers under way get when the edge ends.
_GRACE: Final = 1
#: Connections at once; further ones are answered 503.
_CONNECTIONS: Final = 32


async def serve(
    settings: MonitoringSettings,
    *,
    health: Callable[[], Vital],
    figures: Callable[[], EdgeFigures],
    listening: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve until cancelled; does nothing where the settings have no port.

    Args:
        settings: where to listen, and the token.
        health: see `make_app`.
        figures: see `make_app`.
        listening: called once with the real port, when connections are accepted.

    Raises:
        CannotListen: the address is in use, forbidden, or none of this machine's.
    """
    if settings.port is None:
        return
    async with served(
        make_app(health=health, figures=figures, token=settings.token),
        settings.host,
        settings.port,
        what="monitoring",
        section="monitoring",
        connections=_CONNECTIONS,
        grace=_GRACE,
    ) as (port, serving):
        _log.info("monitoring listens", action="monitoring", host=settings.host, port=port)
        listening(port)
        await asyncio.shield(serving)
