"""An edge's books on a real disk, whose journal can be copied and put back; no wire between."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.messages import (
    AccountAmount,
    Birth,
    Charged,
    Command,
    CommandState,
    Counted,
    Envelope,
    JobHeld,
    JobReleased,
    JobSettled,
    StreamName,
    UpHeads,
)
from central.retiring import advance
from central.store import closures, commands, funds, nodes, streams
from central.store.books import Books
from central.store.ingest import ingest
from central.store.ledger import Posted
from central.store.verify import Counts, verify
from config.ids import uuid7
from config.policy.jobs import Source
from edge.branch import Retirement, put_away
from edge.jobs import JobRecord
from edge.release import Phase
from edge.reporting import report
from edge.store import books as books_room
from edge.store.books import DOWN, UP
from edge.store.books import Books as EdgeBooks
from edge.store.database import EdgeDatabase
from tests.integration.books_lab import CODE, Clock, Dice, euros, open_account
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from central.store.closures import Closure

ANA = "user:ana"


class DiskEdge:
    """The edge `north`: its journal is a directory, its line to the centre a function call."""

    def __init__(self, data: Path) -> None:
        self.ticks = Clock()
        data.mkdir()
        url = books_url(data.parent / "books.db")
        self.centre = Books.open(url, clock=self.ticks, dice=Dice())
        self.data = data
        self.clock = Clock()
        self.dice = Dice(7)
        self.code: str | None = CODE
        self.begun_anew = 0
        self.open()

    def mint(self) -> UUID:
        """Return a new id."""
        return uuid7(self.clock(), self.dice(10))

    def open(self) -> None:
        """Start, as the process does: what was decided before is finished first."""
        due = put_away(self.data)
        if due is not None:
            self.code = due.code
        self.database = EdgeDatabase.at(self.data / "journal", indexes=books_room.INDEXES)
        identity = self.centre.identity
        self.books = EdgeBooks(
            self.database,
            node="north",
            coordinator=identity.node,
            coordinator_incarnation=identity.incarnation,
            mint=lambda _now: self.mint(),
        )
        self.books.open(self.clock())
        self.retirement = Retirement(self.books, self.data, again=self._again, clock=self.clock)

    def close(self) -> None:
        """End."""
        self.database.close()

    def begin(self, money: str) -> None:
        """Be entered and met, and have some of Ana's money here."""
        open_account(self.centre, ANA, money)
        with self.centre.write() as tx:
            nodes.add(tx, "north", site="north", role="remote", kind="edge", code=CODE)
        assert isinstance(self.born(), nodes.Accepted)
        with self.centre.write() as tx:
            assert isinstance(funds.grant(tx, "north", ANA, "EUR", euros(money), "parked"), Posted)
        self.listen()

    def _again(self) -> None:
        self.begun_anew += 1

    # ── the disk ────────────────────────────────────────────────────────────────────────────

    def copy(self, name: str = "copy") -> None:
        """Copy the journal, as a backup or a snapshot of the disk does."""
        self.close()
        shutil.copytree(self.data / "journal", self.data.parent / name)
        self.open()

    def roll_back(self, name: str = "copy") -> None:
        """Put the copy back: the disk is as it was then."""
        self.close()
        shutil.rmtree(self.data / "journal")
        shutil.copytree(self.data.parent / name, self.data / "journal")
        self.open()

    # ── what happens at the site ────────────────────────────────────────────────────────────

    def print_one(
        self, micros: int, *, job: UUID | None = None, account: str = ANA, attempt: int = 1
    ) -> UUID:
        """Print a job: hold, charge and job events, as the edge writes them."""
        books, now = self.books, self.clock()
        job = job or self.mint()
        record = JobRecord(
            job=job, queue="pull", user="ana", name="a letter", received_at=now, phase=Phase.HELD
        )
        amount = AccountAmount(account=account, unit="EUR", micros=micros)
        counted = Counted(source=Source.ANALYSIS, impressions=1)
        held = JobHeld(
            job=job, queue="pull", user="ana", name="a letter", received_at=now, counted=counted
        )
        books.hold(record, held, now)
        releasing = record.with_(phase=Phase.RELEASING)
        released = JobReleased(
            job=job,
            attempt=attempt,
            printer="north-1",
            user="ana",
            tariff_version=1,
            held=(amount,),
            alone=True,
        )
        books.release(releasing, released, now)
        charge = Charged(
            charge=self.mint(),
            job=job,
            attempt=attempt,
            user="ana",
            printer="north-1",
            service="print",
            tariff_version=1,
            counted=counted,
            postings=(amount,),
            alone=True,
            settled_at=now,
        )
        settled = JobSettled(
            job=job,
            attempt=attempt,
            printer="north-1",
            disposition="completed",
            counts=(counted,),
            billed=counted,
            charge=charge.charge,
        )
        books.settle(record.with_(phase=Phase.SETTLED), (amount,), settled, charge, now)
        return job

    # ── the line ────────────────────────────────────────────────────────────────────────────

    def birth(self) -> Birth:
        """Return its introduction."""
        heads = {
            name: UpHeads(sent=self.books.head(name), acked=self.books.acked(name)) for name in UP
        }
        return Birth(
            corr=self.mint(),
            session=self.mint(),
            incarnation=self.books.incarnation,
            software="test",
            role="remote",
            enrolment=self.code,
            epoch=1,
            up=heads,
            down={"ledger": self.books.head(DOWN)},
            wire=2,
        )

    def born(self) -> nodes.Acceptance:
        """Be met by the centre."""
        with self.centre.write() as tx:
            return nodes.accept(tx, "north", self.birth())

    def listen(self) -> None:
        """Apply what the centre has said."""
        with self.centre.read() as tx:
            state = streams.open_stream(tx, "north", self.books.incarnation, "down", "ledger")
            at = self.books.head(DOWN).seq
            events = streams.envelopes(tx, state.id, at + 1, state.at.seq)
        if events:
            self.books.apply(events, self.clock())

    def report(self) -> None:
        """Tell the centre everything it has not heard, and note that it has."""
        for name in UP:
            with self.centre.write() as tx:
                key = self.books.incarnation
                state = streams.open_stream(tx, "north", key, "up", name)
                events = self._after(name, state.at.seq)
                if events:
                    ingest(tx, state, events, frozenset())
            self.books.remember_acked(name, self.books.head(name))

    def wait(self) -> None:
        """Let time go by at the centre: nobody waits in vain."""
        self.ticks.now += timedelta(seconds=21)

    def _after(self, name: StreamName, seq: int) -> list[Envelope]:
        return list(self.books.events(name, seq + 1, self.books.head(name).seq))

    def obey(self, command: Command) -> CommandState:
        """Do what the centre says."""
        if command.command == "retire-journal":
            return self.retirement.obey(command)
        return report(self.books, command)


def go_on(edge: DiskEdge, closed: Closure, *, steps: int = 200, restart: bool = False) -> Closure:
    """Let the centre and the edge end a journal together; both may start anew between any two."""
    for _ in range(steps):
        with edge.centre.read() as tx:
            closed = closures.find(tx, closed.node, closed.incarnation) or closed
        if closed.step in closures.RESTING:
            return closed
        edge.wait()
        step = advance(edge.centre, closed, edge.dice)
        if step.command is not None:
            told = edge.obey(step.command)
            if restart and edge.begun_anew:
                edge.close()
                edge.open()
                edge.begun_anew = 0
            with edge.centre.write() as tx:
                commands.answered(tx, "north", told)
    return closed


def sound(books: Books) -> None:
    """Check that the books hold in every way they can be checked."""
    with books.read() as tx:
        assert list(verify(tx, Counts(), lambda _done, _all: None)) == []
