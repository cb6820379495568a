"""The edge put together: the one place that names its concrete adapters."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from broker.server import BrokerServer
from config.logs import logger
from edge.addresses import listening
from edge.alone import Alone, boot_time
from edge.answers.copies import CopyAnswers
from edge.answers.jobs import JobAnswers
from edge.answers.previews import PreviewAnswers
from edge.answers.rights import Rights
from edge.answers.site import SiteAnswers
from edge.asking import OPERATOR
from edge.bidding import KNOWN, Bidding
from edge.board import Board
from edge.branch import Retirement, accepted, put_away
from edge.calm import AFTER_PAPER, Calm
from edge.changing import Changing
from edge.checkup import site_status, verified
from edge.copy_setup import copies_of
from edge.desk import Desk
from edge.devices.site import SiteDevices
from edge.documents import COMMAND as TAKE
from edge.farewell import Farewell
from edge.floor import Floor
from edge.funds import CentralFunds
from edge.intake import Intake, Queue
from edge.job_log import tell
from edge.leftovers import Leftovers
from edge.links import links
from edge.meeting import introduced
from edge.monitoring import Monitoring
from edge.outside import clock, mint
from edge.prefetch import Prefetch
from edge.printers import Printer, declared
from edge.printing.analysis import DocumentAnalyst
from edge.printing.drawing import DocumentDrawer
from edge.printing.spooler import CupsSpooler
from edge.reception import Reception, allowance
from edge.redeeming import Redeeming
from edge.release import Verdict
from edge.releasing import Releasing
from edge.reporting import keep_rejected, report
from edge.requests import Requests
from edge.settling import Ways
from edge.site_broker import site_broker
from edge.site_state import SiteView
from edge.standing import SiteStanding
from edge.store import books as books_room
from edge.store import replica as replica_room
from edge.store.books import DOWN, Books
from edge.store.database import EdgeDatabase
from edge.store.refusals import Refusals
from edge.store.replica import Replica
from edge.supervision import first_of, supervising
from edge.ties import tied
from edge.uplink import Uplink
from edge.waiting import Waiting

if TYPE_CHECKING:
    from broker.link import Link
    from broker.messages import Command, CommandState, Message
    from config.settings import EdgeSettings
    from edge.jobs import JobRecord
    from edge.meeting import Introduction

_log = logger("edge.app")

#: Seconds between what a retired journal says last and its end.
_LAST_WORDS = 0.5


class Edge:
    """One site's node."""

    def __init__(self, settings: EdgeSettings) -> None:
        """Open the store; nothing is contacted yet.

        Raises:
            StoreInUseError: another process has it.
            StoreDamagedError: it is not what was acknowledged.
            StoreUnwritableError: it cannot be read or written.
        """
        self.settings = settings
        data = settings.data
        self._next = put_away(data)
        self._again = asyncio.Event()
        self._bidding: Bidding | None = None
        self._journal = EdgeDatabase.at(data / "journal", indexes=books_room.INDEXES)
        self._directory = EdgeDatabase.at(
            data / "directory", indexes=replica_room.INDEXES, durable=False
        )
        self._work = data / "documents"
        self._work.mkdir(parents=True, exist_ok=True)
        for left in self._work.glob("*.document"):
            left.unlink()  # was being counted when the process died; the spooler has it
        self.books = Books(
            self._journal,
            node=settings.node,
            coordinator=settings.coordinator.node,
            coordinator_incarnation=settings.coordinator.incarnation,
            mint=mint,
        )
        self._refusals = Refusals(self._journal)
        self.books.open(clock(), role=settings.role)
        self._alone = Alone(self.books, clock=clock, monotonic=boot_time)
        self.replica = Replica(self._directory)
        self._calm = Calm()
        self.funds = CentralFunds(books=self.books, mint=mint, clock=clock)
        self._spooler = CupsSpooler(
            Path(settings.cups.server),
            listening=listening(settings),
            poll=settings.cups.poll_every.total_seconds(),
        )
        self._analyst, self._drawer = DocumentAnalyst(self._work), DocumentDrawer(self._work)
        self._standing = SiteStanding(
            self.books,
            reachable=lambda: self.funds.reachable,
            alone_for=self._alone.for_,
            allowance=allowance(settings.terminals),
        )
        self._devices = SiteDevices(
            settings,
            books=self.books,
            calm=self._calm,
            seen=lambda: self._board.printers,
            mint=mint,
            clock=clock,
        )
        self.releasing = Releasing(
            books=self.books,
            replica=self.replica,
            spooler=self._spooler,
            printers={each.id: Printer.of(each) for each in settings.printers},
            funds=self.funds,
            mint=lambda: mint(clock()),
            ways=Ways(settings.disputes_after, Verdict(settings.settle.unknown)),
            clock=clock,
            standing=self._standing,
            direct={each.name: each.printer for each in settings.queues if each.printer},
            zone=ZoneInfo(settings.zone),
            metered=self._devices.metered,
        )
        self._devices.watching.on_can = self.releasing.printer_can
        self._waiting = Waiting(
            settings,
            books=self.books,
            spooler=self._spooler,
            drawer=self._drawer,
            standing=self._standing,
            alone_with=self.releasing.alone_with,
            work=self._work,
            paper=lambda: self._calm.paper(AFTER_PAPER),
            mint=mint,
            clock=clock,
        )
        self.books.on_job = self._on_job
        self._reception = Reception(
            settings,
            database=self._journal,
            books=self.books,
            replica=self.replica,
            mint=mint,
            clock=clock,
            monotonic=time.monotonic,
            alone_for=self._alone.for_,
        )
        self.monitoring = Monitoring(
            settings, books=self.books, standing=self._standing, clock=clock
        )
        self.monitoring.journal = lambda: self._journal.trouble
        self.monitoring.devices = self._devices.watching.states
        self._devices.watching.on_look = self.monitoring.on_look
        self._board = Board(
            calm=self._calm,
            visitors=self._reception.visitors,
            books=self.books,
            replica=self.replica,
            spooler=self._spooler,
            monotonic=time.monotonic,
        )
        self._changing = Changing(self.books, clock=clock)
        self._retirement = Retirement(self.books, data, again=self._begin_anew, clock=clock)
        self._leftovers = Leftovers(self.books, busy=self.releasing.busy, clock=clock)
        self._redeeming = Redeeming(
            books=self.books, replica=self.replica, clock=clock, monotonic=time.monotonic
        )
        self._copying = copies_of(
            settings,
            books=self.books,
            replica=self.replica,
            funds=self.funds,
            standing=self._standing,
            mint=mint,
            clock=clock,
            monotonic=time.monotonic,
        )
        self._intake = Intake(
            books=self.books,
            spooler=self._spooler,
            analyst=self._analyst,
            releasing=self.releasing,
            queues={each.name: Queue(each.name, each.printer) for each in settings.queues},
            open_jobs=self._waiting.open_jobs,
            discarding=self._waiting.discarding,
            limits=self._waiting.limits,
            work=self._work,
            clock=clock,
        )

    async def run(self, stop: asyncio.Event) -> bool:
        """Serve until `stop` is set, then say goodbye and close the store.

        Returns:
            Whether to begin anew: the journal was retired.
        """
        settings = self.settings
        async with AsyncExitStack() as stack:
            stack.callback(self._journal.close)
            stack.callback(self._directory.close)
            stack.enter_context(self._reception.secrets)
            stack.push_async_callback(self._devices.close)
            stack.push_async_callback(self._spooler.close)
            for each in (self._analyst, self._drawer, self._waiting.previews):
                stack.push_async_callback(each.close)
            site = await site_broker(
                settings,
                stack,
                lambda at, who, most, still: BrokerServer(at, who, limits=most, knows=still),
            )
            introduction = introduced(settings, self._next)
            farewell = Farewell(introduction, self.books.incarnation, mint=mint, clock=clock)
            desk_link, central_link = links(settings, site, farewell)
            uplink = self._uplink(central_link, introduction)
            self.funds.ask_through(uplink)
            self._waiting.documents.line = uplink
            uplink.on_heard = self._alone.heard
            floor = self._floor(uplink)
            uplink.on_linked = lambda: self._linked(floor)
            desk = Desk(desk_link, node=settings.node, calm=self._calm, mint=mint, clock=clock)
            desk.on_online = self._board.on_online
            requests = self._requests(uplink, floor)
            self._bidding = bidding = Bidding(requests, settings, say=uplink.told, clock=clock)
            view = SiteView(
                settings,
                books=self.books,
                replica=self.replica,
                standing=self._standing,
                uplink=uplink,
                seen=lambda: self._board.printers,
                stale=self._reception.visitors.stale,
                watched=self._devices.watching,
            )
            self.monitoring.broker = desk_link.connected.is_set
            self.monitoring.spooler = lambda: (
                floor.prepared and (bool(self._board.printers) or not settings.printers)
            )
            await stack.enter_async_context(desk_link)
            await stack.enter_async_context(central_link)
            tasks = {
                "uplink": uplink.run,
                **desk.tasks(requests, central_link),
                "board": lambda: self._board.run(desk, view.state),
                "follow": floor.follow,
                "sweep": lambda: floor.keep(*declared(settings)),
                "tidy": floor.tidy,
                "terms": self._changing.run,
                "expiry": self._waiting.expiry.run,
                "copies": self._copying.run,
                "wishes": bidding.run,
                "documents": self._waiting.documents.run,
                "age": self._alone.run,
                **self._devices.tasks(central_link, uplink),
                **self.monitoring.tasks(uplink),
            }
            role = self.books.terms.taken.name
            async with supervising(tasks):
                _log.info("edge runs", action="edge-start", node=settings.node, role=role)
                await first_of(stop.wait(), self._again.wait())
        _log.info("edge stopped", action="edge-stop", node=settings.node)
        return not stop.is_set()

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _uplink(self, link: Link, introduction: Introduction) -> Uplink:
        return Uplink(
            link,
            books=self.books,
            replica=self.replica,
            calm=self._calm,
            introduction=introduction,
            coordinator_incarnation=self.settings.coordinator.incarnation,
            mint=mint,
            clock=clock,
            commands=self._obey,
            on_granted=self.funds.granted,
            on_rejected=lambda rejected: keep_rejected(self._refusals, rejected, clock()),
        )

    def _floor(self, uplink: Uplink) -> Floor:
        return Floor(
            spooler=self._spooler,
            intake=self._intake,
            releasing=self.releasing,
            books=self.books,
            databases=(self._journal, self._directory),
            prune=lambda: self._prune(uplink),
            leftovers=self._leftovers,
            note=uplink.note,
            poll_every=self.settings.cups.poll_every,
            clock=clock,
        )

    def _requests(self, uplink: Uplink, floor: Floor) -> Requests:
        operators = frozenset({OPERATOR})
        rights = Rights(
            books=self.books,
            replica=self.replica,
            visitors=self._reception.visitors,
            operators=operators,
            node=self.settings.node,
        )
        jobs = JobAnswers(
            books=self.books,
            replica=self.replica,
            rights=rights,
            open_jobs=self._waiting.open_jobs,
            releasing=self.releasing,
            redeeming=self._redeeming,
            prefetch=Prefetch(self.funds.prefetch, wanted=self._prefetches),
            discarding=self._waiting.discarding,
        )
        site = SiteAnswers(
            operators=operators,
            status=lambda: {**self._status(uplink), "ready": floor.prepared},
            verify=lambda: asyncio.to_thread(verified, self.settings.data),
        )
        people = self._reception.answers(self.releasing.standing, self.funds)
        copies = CopyAnswers(copying=self._copying, visitors=self._reception.visitors)
        looks = PreviewAnswers(rights=rights, previews=self._waiting.previews)
        elsewhere = self.settings.terminals.elsewhere
        subjects = tied(jobs, looks, *people, copies, site, elsewhere=elsewhere)
        return Requests(subjects, operators=operators, clock=clock)

    # ── what the parts ask back ─────────────────────────────────────────────────────────────

    def _on_job(self, record: JobRecord, event: Message) -> None:
        tell(record, event)
        self.monitoring.on_job(record, event)
        self._waiting.on_job(record)
        self._board.on_job(record, event)
        self._devices.on_job(record, event)

    def _prune(self, uplink: Uplink) -> None:
        down = self.books.head(DOWN).seq
        self._reception.tidy(uplink.acked["jobs"])
        self._journal.prune({**uplink.acked, DOWN: down}, clock())

    def _status(self, uplink: Uplink) -> dict[str, Any]:
        told = self.settings.site, uplink, self.replica.cursor, self.books, self._refusals
        return site_status(*told, self._alone.for_())

    def _prefetches(self) -> bool:
        """Money may come ahead of a release where the role lets it wait here."""
        return self.funds.reachable and self.books.terms.taken.role.standing

    async def _obey(self, command: Command) -> CommandState:
        if command.command == "retire-journal":
            return self._retirement.obey(command)
        if command.command == "read-meters":
            return self._devices.watching.obey(command)
        if command.command == TAKE:
            return self._waiting.documents.obey(command)
        if command.command in KNOWN and self._bidding is not None:
            return self._bidding.obey(command)
        return report(self.books, command)

    def _begin_anew(self) -> None:
        # a moment, so that the answer gets out; lost, it is asked for again
        asyncio.get_running_loop().call_later(_LAST_WORDS, self._again.set)

    def _linked(self, floor: Floor) -> None:
        if self._next is not None:
            accepted(self.settings.data, self._next)
        floor.sweep_soon()
        self._waiting.documents.wake()
