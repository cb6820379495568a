"""The coordinator's process: link, mail and store thread around the mind; nothing is decided."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from broker import topics
from broker.codec import encode
from broker.credentials import CredentialFile
from broker.link import Link, Will
from broker.listeners import limits_of, listeners_of
from broker.listening import CannotListen
from broker.server import BrokerServer
from broker.topics import Party
from central.carrier import Carrier, OldCopy
from central.coordinator import Coordinator
from central.fleet import Fleet
from central.importing.rounds import keep_up
from central.opening import open_books
from central.reconciling import Limits
from central.store import link_history, nodes
from central.store.restore import CREDENTIALS
from central.store.upkeep import tend
from central.uploading import directory_of
from central.uploads.files import UploadFiles
from central.web.pages.trouble_words import NOT_ON_LINE, UNWRITABLE
from central.web.shown import Ports, Shown
from central.webhooks import beginning
from config.errors import PrintmeshError
from config.logs import logger
from config.private import open_to_others

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from uuid import UUID

    from central.store.books import Books
    from central.web.beside import WebProcess
    from config.settings import BrokerSettings, CentralSettings, LinkSettings

_log = logger("central.app")

#: Seconds between two looks at the second log.
TEND_EVERY: Final = 30.0


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
    settings: CentralSettings,
    stop: asyncio.Event,
    ready: Callable[[Running], None],
    *,
    pages: WebProcess | CannotListen | None = None,
) -> None:
    """Run the coordinator until `stop` is set.

    Args:
        settings: where everything is.
        stop: set it to end cleanly.
        ready: called once, when the coordinator is on line for the first time.
        pages: the process that serves pages and interface, begun already; or why it cannot be,
            which is raised once these books are known to be ours alone; None: there are none.
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
        if isinstance(pages, CannotListen):
            raise pages
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
            served: asyncio.Future[Ports] = loop.create_future()
            if pages is None:
                served.set_result(Ports(None, None))
            else:
                showing = _show(pages, fleet, carrier, served)
                tasks.append(group.create_task(showing, name="pages"))
            await _first(_ready(carrier.online, served), stop.wait())
            if not stop.is_set():
                at = served.result()
                ready(Running(settings.node, broker_port, at.api, at.web))
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


async def _show(
    pages: WebProcess, fleet: Fleet, carrier: Carrier, served: asyncio.Future[Ports]
) -> None:
    """Have pages and interface served, and told of us, for ever."""

    def ready(at: Ports) -> None:
        # they are served again when their process has died
        if not served.done():
            served.set_result(at)

    shown = Shown(
        fleet.books,
        fleet.tally,
        lambda: troubles(fleet, online=carrier.online.is_set()),
        carrier.follow,
    )
    await pages.serve(shown, ready)


def troubles(fleet: Fleet, *, online: bool) -> list[str]:
    """Return what keeps the coordinator from its work, for monitors: without names or details."""
    said = []
    if not online:
        said.append(NOT_ON_LINE)
    if fleet.unwritable:
        said.append(UNWRITABLE)
    return said


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


async def _ready(online: asyncio.Event, served: asyncio.Future[Ports]) -> None:
    await online.wait()
    await served


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
