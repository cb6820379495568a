"""The exporter for Home Assistant: listens to the fleet as a dashboard, announces it elsewhere."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from broker.dashboard.home_assistant import Announced
from broker.dashboard.line import DashboardLine
from broker.link import Arrived, Connected, Link, LinkDown, Timing, Will
from config.logs import logger

if TYPE_CHECKING:
    from uuid import UUID

    from config.settings_dashboard import HomeAssistantSettings

_log = logger("broker.home-assistant")

#: Seconds between two looks for what has gone.
_TIDY_EVERY: Final = 10.0


def _now() -> datetime:
    return datetime.now(UTC)


class HomeAssistantExporter:
    """Carries the fleet from our broker to Home Assistant's; the newest of each topic wins."""

    def __init__(self, settings: HomeAssistantSettings, *, timing: Timing | None = None) -> None:
        self._settings = settings
        self._timing = timing
        self._announced = Announced(
            settings.node,
            f"printmesh {version('printmesh')}",
            settings.prefix,
            settings.states == "passed-on",
            settings.settle,
        )
        self._due: set[str] = set()
        self._wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until `stop` is set; what stands at Home Assistant's broker then says `offline`."""
        settings = self._settings
        async with (
            DashboardLine.open(settings.broker, settings.node, timing=self._timing) as line,
            Link(
                settings.home_assistant,
                settings.node,
                subscriptions=(self._announced.announcements,),
                will=self._will,
                timing=self._timing,
            ) as there,
        ):
            works = (self._listen(line), self._hear(there), self._carry(there), self._tidy())
            tasks: list[asyncio.Task[Any]] = [asyncio.create_task(work) for work in works]
            tasks.append(asyncio.create_task(stop.wait()))
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()  # none ends by itself, unless something is wrong here

    async def _listen(self, line: DashboardLine) -> None:
        async for event in line.events():
            self._say(self._announced.take(event, _now()))

    async def _hear(self, there: Link) -> None:
        async for event in there.events():
            match event:
                case Connected():
                    # it may have forgotten everything, or be another one
                    self._say(set(self._announced.there))
                case Arrived(topic=topic, payload=payload) if payload:
                    self._announced.found(topic)
                case _:
                    pass

    async def _carry(self, there: Link) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await there.connected.wait()
            for topic in sorted(self._due):
                message = self._announced.there.get(topic, b"")
                self._due.discard(topic)
                try:
                    await there.publish(topic, message, qos=1, retain=True)
                except LinkDown as error:
                    self._due.add(topic)
                    _log.debug("not carried", action="home-assistant-down", why=str(error))
                    break

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(min(_TIDY_EVERY, self._settings.settle.total_seconds() / 2))
            self._say(self._announced.tidy(_now()))

    def _say(self, topics: set[str]) -> None:
        if topics:
            self._due |= topics
            self._wake.set()

    def _will(self, _session: UUID) -> Will:
        return Will(self._announced.availability, b"offline")


async def run(settings: HomeAssistantSettings, stop: asyncio.Event) -> None:
    """Carry until `stop` is set."""
    _log.info(
        "announcing to Home Assistant",
        action="home-assistant",
        broker=f"{settings.home_assistant.host}:{settings.home_assistant.port}",
        states=settings.states,
    )
    await HomeAssistantExporter(settings).run(stop)
