"""The coordinator's mail: what the link reports goes to its mind, what it says to the broker."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from broker.link import Arrived, Connected, Disconnected, LinkDown
from central.mailboxes import Mail, Mailboxes
from config.errors import PrintmeshError
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from broker.link import Link
    from central.coordinator import Coordinator
    from central.fleet import Say

_log = logger("central.app")

T = TypeVar("T")

#: Seconds between two looks at what other processes changed in the books.
LOOK_EVERY: Final = 0.25
#: Messages handed to the link and not acknowledged by the broker; more wait.
_UNDER_WAY: Final = 200
_NODE_LEVEL: Final = 3
#: Seconds to wait after something failed that nobody planned: a full disk, for instance.
_AFTER_A_FAILURE: Final = 1.0


class OldCopy(PrintmeshError):
    """A node has met newer books than ours: whatever we did from here on would be wrong."""

    def __init__(self, epoch: int) -> None:
        super().__init__(
            f"these books are an old copy: a node has met books of epoch {epoch}. Nothing is "
            "granted, taken in or said any more. Use the newer books; if you know that there are "
            "none, `printmesh central recovery unfence --yes`"
        )


class Carrier:
    """Carries mail to the coordinator's mind, and what it says to the broker."""

    def __init__(self, coordinator: Coordinator, link: Link, store: ThreadPoolExecutor) -> None:
        self.online = asyncio.Event()
        """Set while the coordinator says that it is on line."""
        self._coordinator = coordinator
        self._link = link
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._mail = Mailboxes()
        self._work = asyncio.Event()
        self._room = asyncio.Semaphore(_UNDER_WAY)
        self._told: Callable[[], None] = _nobody
        self._under_way: set[asyncio.Task[None]] = set()

    def follow(self, told: Callable[[], None]) -> None:
        """Have something called, in the loop, when a round may have changed the books."""
        self._told = told

    async def listen(self) -> None:
        """Take in what the link reports, for ever."""
        async for event in self._link.events():
            match event:
                case Arrived(topic=topic, payload=payload):
                    levels = topic.split("/", _NODE_LEVEL + 1)
                    if len(levels) > _NODE_LEVEL:
                        self._mail.put(Mail(levels[_NODE_LEVEL], topic, payload))
                        self._work.set()
                case Connected(session):
                    await self._publish(await self._in_store(self._coordinator.connected, session))
                    self.online.set()
                case Disconnected():
                    self.online.clear()
                    self._mail.clear()
                    await self._in_store(self._coordinator.disconnected)

    async def work(self) -> None:
        """Have mail worked on, round by round, and look for news in between, for ever."""
        looked = self._loop.time()
        while True:
            pause = looked + LOOK_EVERY - self._loop.time()
            if not self._mail and not self._coordinator.restless and pause > 0:
                self._work.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._work.wait()
            if (epoch := self._coordinator.fleet.fenced_by) is not None:
                raise OldCopy(epoch)
            try:
                if mails := self._mail.take():
                    await self._publish(await self._in_store(self._coordinator.heard, mails))
                    self._told()
                if self._coordinator.restless or self._loop.time() - looked >= LOOK_EVERY:
                    looked = self._loop.time()
                    await self._publish(await self._in_store(self._coordinator.look))
            except Exception:  # noqa: BLE001  the supervisor of this task: logged, and going on
                _log.exception("a round failed", action="round-failed")
                await asyncio.sleep(_AFTER_A_FAILURE)

    async def _in_store(self, work: Callable[..., T], *arguments: object) -> T:
        call = partial(work, *arguments, self._loop.time())
        return await self._loop.run_in_executor(self._store, call)

    async def _publish(self, says: list[Say]) -> None:
        if says:
            self._told()
        for say in says:
            await self._room.acquire()
            task = self._loop.create_task(self._one(say))
            self._under_way.add(task)
            task.add_done_callback(self._done)

    async def _one(self, say: Say) -> None:
        # what is not heard now is said again: streams after a birth, state at the next one
        with suppress(LinkDown):
            await self._link.publish(say.topic, say.payload, qos=say.qos, retain=say.retain)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error(f"not published: {error}", action="publish-failed")


def _nobody() -> None:
    """Tell nobody."""
