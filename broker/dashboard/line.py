"""A dashboard's line to a broker: all that it may hear, read and named; it says nothing."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from broker import topics
from broker.codec import Unreadable
from broker.dashboard.events import LineEvent, Linked, Lost, heard
from broker.link import Arrived, Connected, Disconnected, Link, Timing
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from config.settings import LinkSettings

_log = logger("broker.dashboard")


class DashboardLine:
    """One dashboard's connection, made again whenever it is lost, while the context is open."""

    def __init__(self, link: Link) -> None:
        """Listen on a link that is open; see `open`."""
        self._link = link

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: LinkSettings, node: str, *, timing: Timing | None = None
    ) -> AsyncIterator[Self]:
        """Connect, and stay connected while the context is open.

        Args:
            settings: where the broker is.
            node: the dashboard's id, unless the settings name another.
            timing: waits and bounds; None: as for any link.
        """
        subscriptions = topics.dashboard_subscriptions()
        async with Link(settings, node, subscriptions=subscriptions, timing=timing) as link:
            yield cls(link)

    @property
    def trouble(self) -> str:
        """Why there is no connection; empty while there is one."""
        return self._link.trouble

    async def events(self) -> AsyncIterator[LineEvent]:
        """Give what happens, in order, for one listener; ends with the context."""
        async for event in self._link.events():
            match event:
                case Connected():
                    yield Linked()
                case Disconnected(reason=reason):
                    yield Lost(reason)
                case Arrived(topic=topic):
                    told = heard(event)
                    if isinstance(told, Unreadable):
                        why = told.reason
                        _log.warning("unreadable", action="unreadable", topic=topic, why=why)
                    elif told is not None:
                        yield told
