"""The coordinator's process: link, mail and store thread around the mind; nothing is decided."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from broker import topics
from broker.codec import encode
from broker.credentials import CredentialFile
from broker.link import Arrived, Connected, Disconnected, Link, LinkDown, Will
from broker.listeners import limits_of, listeners_of
from broker.server import BrokerServer
from broker.topics import Party
from central.coordinator import Coordinator
from central.fleet import Fleet
from central.importing.rounds import keep_up
from central.mailboxes import Mail, Mailboxes
from central.opening import open_books
from central.reconciling import Limits
from central.store import link_history, nodes
from central.store.restore import CREDENTIALS
from central.store.upkeep import tend
from central.uploading import directory_of
from central.uploads.files import UploadFiles
from central.webhooks import beginning
from config.errors import PrintmeshError
from config.logs import logger
from config.private import open_to_others

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from uuid import UUID

    from central.fleet import Say
    from central.store.books import Books
    from config.settings import BrokerSettings, CentralSettings, LinkSettings

_log = logger("central.app")

T = TypeVar("T")

#: Seconds between two looks at what other processes changed in the books.
LOOK_EVERY: Final = 0.25
#: Seconds between two looks at the second log.
TEND_EVERY: Final = 30.0
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
        self.told: Callable[[], None] = _nobody
        """Called when a round may have changed the books: open pages follow them."""
        self._under_way: set[asyncio.Task[None]] = set()

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
                    self.told()
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
            self.told()
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


@dataclass(frozen=True, slots=True)
class Running:
    """What can be known once the coordinator is on line."""

    node: str
    """Its node id."""
    broker_port: int | None
    """Port of the broker in this process, if there is one."""
    api_port: int | None
    """Port of the read interface, if there is one."""
    web_port: int | None = None
    """Port of the pages, if there are any."""


async def serve(
    settings: CentralSettings, stop: asyncio.Event, ready: Callable[[Running], None]
) -> None:
    """Run the coordinator until `stop` is set.

    Args:
        settings: where everything is.
        stop: set it to end cleanly.
        ready: called once, when the coordinator is on line for the first time.
    """
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        store = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="books"))
        books = await loop.run_in_executor(store, open_books, settings)
        stack.enter_context(books.alone())
        stack.push_async_callback(_close, books, store)
        given = settings.reconciliation
        files = UploadFiles(directory_of(settings.data))
        limits = Limits(given.pages, given.percent)
        fleet = Fleet(books, limits=limits, kept=settings.privacy, uploads=files)
        coordinator = await loop.run_in_executor(store, Coordinator, fleet)
        if fleet.fenced_by is not None:
            raise OldCopy(fleet.fenced_by)
        link_settings, broker_port = settings.broker, None
        CredentialFile(settings.credentials).add(
            settings.node, Party.COORDINATOR, settings.broker.secret.get_secret_value()
        )
        _warn_of_open_files(settings)
        if settings.embedded_broker is not None:
            broker_port = await _start_broker(settings.embedded_broker, stack)
            link_settings = settings.broker.model_copy(update={"port": broker_port})
        link = await stack.enter_async_context(_link(link_settings, coordinator, fleet))
        carrier = Carrier(coordinator, link, store)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(carrier.listen(), name="listen"),
                group.create_task(carrier.work(), name="work"),
                group.create_task(_tend(books, settings.credentials), name="second log"),
                group.create_task(keep_up(books, settings.ldap), name="people"),
                group.create_task(_tell(fleet, settings, store), name="webhooks"),
            ]
            api_port: asyncio.Future[int | None] = loop.create_future()
            if settings.api.port is None:
                api_port.set_result(None)
            else:
                serving = _serve_api(settings, fleet, carrier, stop, api_port)
                tasks.append(group.create_task(serving))
            web_port: asyncio.Future[int | None] = loop.create_future()
            if settings.web.port is None:
                web_port.set_result(None)
            else:
                pages = _serve_pages(settings, fleet, carrier, stop, web_port)
                tasks.append(group.create_task(pages))
            await _first(_ready(carrier.online, api_port, web_port), stop.wait())
            if not stop.is_set():
                ready(Running(settings.node, broker_port, api_port.result(), web_port.result()))
            await stop.wait()
            for task in tasks:
                task.cancel()
        _log.info("ending", action="stop", node=settings.node)


def _warn_of_open_files(settings: CentralSettings) -> None:
    """Say which files that hold secrets others may read: we make ours 0600, a copy may be wider."""
    files = [settings.file, settings.credentials]
    if settings.second_log_directory is not None:
        files += sorted(settings.second_log_directory.glob("*"))
    for file in open_to_others(files):
        _log.warning(
            f"{file} holds secrets, and others on this machine may read it: chmod 600",
            action="open-to-others",
        )


def _link(settings: LinkSettings, coordinator: Coordinator, fleet: Fleet) -> Link:
    def will(session: UUID) -> Will:
        farewell = coordinator.status(session, online=False)
        payload = encode(
            farewell, source=fleet.books.identity.node, id_=fleet.mint(), now=fleet.clock()
        )
        topic = topics.ALL_COORDINATOR
        return Will(topic.of(), payload, topic.qos, topic.retain)

    return Link(
        settings,
        fleet.books.identity.node,
        subscriptions=(topics.COORDINATOR_SUBSCRIPTION,),
        will=will,
    )


async def _start_broker(settings: BrokerSettings, stack: AsyncExitStack) -> int:
    credentials = CredentialFile(settings.credentials)
    server = BrokerServer(
        listeners_of(settings),
        credentials.authenticate,
        limits=limits_of(settings),
        knows=credentials.knows,
    )
    await stack.enter_async_context(server)
    return server.port()


async def _serve_api(
    settings: CentralSettings,
    fleet: Fleet,
    carrier: Carrier,
    stop: asyncio.Event,
    port: asyncio.Future[int | None],
) -> None:
    from central.web.server import serve as serve_api  # noqa: PLC0415  slow, and often not wanted

    await serve_api(
        settings,
        fleet.books,
        stop,
        listening=port.set_result,
        troubles=lambda: troubles(fleet, online=carrier.online.is_set()),
        tally=fleet.tally,
    )


def troubles(fleet: Fleet, *, online: bool) -> list[str]:
    """Return what keeps the coordinator from its work, for monitors: without names or details."""
    said = []
    if not online:
        said.append("The coordinator is not on line: its broker is not reached.")
    if fleet.unwritable:
        said.append("The books cannot be written: nothing is taken in until they can.")
    return said


async def _serve_pages(
    settings: CentralSettings,
    fleet: Fleet,
    carrier: Carrier,
    stop: asyncio.Event,
    port: asyncio.Future[int | None],
) -> None:
    from central.web.pages_server import serve_pages  # noqa: PLC0415  as above

    def begun(told: Callable[[], None]) -> None:
        carrier.told = told

    await serve_pages(
        settings,
        fleet.books,
        stop,
        listening=port.set_result,
        troubles=lambda: troubles(fleet, online=carrier.online.is_set()),
        tally=fleet.tally,
        begun=begun,
    )


def _nobody() -> None:
    """Tell nobody."""


async def _tend(books: Books, credentials: Path) -> None:
    """Look after the second log, in a thread of its own: nobody waits for a copy of the books."""
    if books.remark is not None:
        _log.warning(books.remark, action="books-remark")
    while True:
        try:
            done = await asyncio.to_thread(tend, books, credentials, CREDENTIALS)
        except (OSError, PrintmeshError) as error:
            _log.error(f"the second log cannot be looked after: {error}", action="second-log")
        else:
            if done is not None:
                _log.info(done, action="second-log")
        await asyncio.sleep(TEND_EVERY)


async def _tell(fleet: Fleet, settings: CentralSettings, store: ThreadPoolExecutor) -> None:
    """Tell other programs what happens; an alert of ours is raised in the thread of the mind."""

    def alert(name: str, why: str) -> None:
        store.submit(fleet.pass_on, fleet.books.identity.node, beginning.note_of(name, why))

    if settings.webhooks.enabled:
        await beginning.tell(fleet.books, settings, alert)


async def _ready(online: asyncio.Event, *ports: asyncio.Future[int | None]) -> None:
    await online.wait()
    for port in ports:
        await port


async def _close(books: Books, store: ThreadPoolExecutor) -> None:
    def close() -> None:
        with books.write() as tx:
            link_history.lost(tx)
            nodes.nobody_linked(tx)
        books.close()

    await asyncio.get_running_loop().run_in_executor(store, close)


async def _first(*waits: Coroutine[object, object, object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
