"""A dashboard's line to a broker: all that it may hear, read and named; it says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from broker import topics
from broker.codec import Unreadable
from broker.dashboard.events import LineEvent, Linked, Lost, heard
from broker.link import Arrived, Connected, Disconnected, Link, Timing
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from config.settings import LinkSettings

_log = logger("broker.dashboard")


class DashboardLine:
    """One dashboard's connection, made again whenever it is lost, while the context is open."""

    def __init__(self, settings: LinkSettings, node: str, *, timing: Timing | None = None) -> None:
        """Describe it.

        Args:
            settings: where the broker is.
            node: the dashboard's id, unless the settings name another.
            timing: waits and bounds; None: as for any link.
        """
        self._link = Link(
            settings, node, subscriptions=topics.dashboard_subscriptions(), timing=timing
        )

    async def __aenter__(self) -> Self:
        """Start connecting."""
        await self._link.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        await self._link.__aexit__(kind, error, trace)

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
