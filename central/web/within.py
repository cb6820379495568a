"""Pages and interface served in the coordinator's own loop: as tests have it, who see it all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from central.web.shown import Ports

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.web.shown import Shown
    from config.settings import CentralSettings


class Within:
    """Serves in the loop it is awaited in."""

    def __init__(self, settings: CentralSettings) -> None:
        self._settings = settings

    async def serve(
        self, shown: Shown, stop: asyncio.Event, ready: Callable[[Ports], None]
    ) -> None:
        """Serve until `stop` is set; see `Serving`."""
        loop, settings = asyncio.get_running_loop(), self._settings
        api: asyncio.Future[int | None] = loop.create_future()
        web: asyncio.Future[int | None] = loop.create_future()
        async with asyncio.TaskGroup() as group:
            if settings.api.port is None:
                api.set_result(None)
            else:
                from central.web.server import serve  # noqa: PLC0415  slow, and often not wanted

                alone = serve(
                    settings, shown.books, stop,
                    listening=api.set_result, troubles=shown.troubles, tally=shown.tally,
                )  # fmt: skip
                group.create_task(alone, name="api")
            if settings.web.port is None:
                web.set_result(None)
            else:
                from central.web.pages_server import serve_pages  # noqa: PLC0415  as above

                pages = serve_pages(
                    settings, shown.books, stop,
                    listening=web.set_result, troubles=shown.troubles, tally=shown.tally,
                    begun=shown.follow,
                )  # fmt: skip
                group.create_task(pages, name="pages")
            ready(Ports(await api, await web))
