"""Some weeks of days past, as a fourth site would have told them: for who looks around the pages.

Nothing here was printed. East's journal is made up in memory, is sealed like any other, and goes
through the same intake as what real edges say; only its times lie back. The story does not know of
it: it is put into the books after everything was compared with the paper.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from broker.codec import text_of
from broker.directory import PrinterRow, UserRow
from broker.messages import (
    AccountAmount,
    Because,
    Birth,
    Charged,
    Counted,
    DeviceState,
    JobHeld,
    JobReleased,
    JobSettled,
    Opening,
    UpHeads,
)
from broker.stream import StreamKey, place, seal, start
from central.acts import money as money_acts
from central.acts.by import By
from central.store import accounts, devices, directory, funds, nodes, streams
from central.store.ingest import ingest
from central.store.ledger import Refused
from central.store.meters import Place
from config.ids import uuid7
from config.policy.money import Money
from demo.lab_error import LabError

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Envelope, Message, StreamName
    from central.store.books import Books, Transaction

SITE: Final = "east"
DAYS: Final = 28
_CODE: Final = "a-day-past"
_CENTS: Final = 10_000
_MONO: Final = 5 * _CENTS
_COLOR: Final = 20 * _CENTS
_BY: Final = By("demo", "")
_PEOPLE: Final = {
    "lena": "Lena Vogt",
    "marc": "Marc Petit",
    "nora": "Nora Lind",
    "omar": "Omar Haddad",
    "paula": "Paula Sanz",
    "remy": "Rémy Colin",
    "tess": "Tess Young",
}
_TITLES: Final = ("Minutes", "Lecture", "Thesis", "Invoice", "Poster", "Exam", "Plan", "Letter")
_COMPLAINTS: Final = ("The last page came out grey.", "It jammed, half of it is missing.")


@dataclass(slots=True)
class _East:
    """An edge of days past: its journal is in memory and ends with this process."""

    books: Books
    chance: random.Random
    incarnation: UUID
    journal: dict[StreamName, list[Envelope]] = field(
        default_factory=lambda: {"ledger": [], "jobs": []}
    )
    told: list[tuple[UUID, str]] = field(default_factory=list)
    """Its jobs that cost something, with whose they are."""

    def mint(self, at: datetime) -> UUID:
        """Return an id of a moment."""
        return uuid7(at, os.urandom(10))

    def key(self, name: StreamName) -> StreamKey:
        """Return the key of a stream up."""
        ours = self.books.identity
        return StreamKey(SITE, self.incarnation, ours.node, ours.incarnation, name)

    def say(self, name: StreamName, at: datetime, *messages: Message) -> None:
        """Write down what happened at a moment."""
        kept = self.journal[name]
        for message in messages if kept else (Opening(), *messages):
            head = place(kept[-1]) if kept else start(self.key(name))
            text = text_of(message, source=SITE, id_=self.mint(at), now=at)
            kept.append(seal(self.key(name), head, text))

    def birth(self, now: datetime) -> Birth:
        """Return its introduction."""
        heads: dict[StreamName, UpHeads] = {
            name: UpHeads(sent=start(self.key(name)), acked=start(self.key(name)))
            for name in self.journal
        }
        return Birth(
            corr=self.mint(now), session=self.mint(now), incarnation=self.incarnation,
            software="days past", role="remote", enrolment=_CODE, epoch=0, up=heads, down={},
        )  # fmt: skip

    def print(self, user: str, at: datetime) -> None:
        """Let somebody print, from held to charged."""
        chance, job = self.chance, self.mint(at)
        pages = chance.choice((1, 1, 2, 2, 3, 4, 6, 8, 12, 24))
        color = chance.choice((0, 0, 0, 1, pages))
        both = pages > 1 and chance.random() < 0.6  # noqa: PLR2004  a little more than half
        sheets = -(-pages // 2) if both else pages
        printer = f"{SITE}-{chance.choice((1, 1, 2))}"
        cost = (pages - color) * _MONO + color * _COLOR
        figures: dict[str, Any] = {
            "impressions": pages, "color_impressions": color, "sheets": sheets,
        }  # fmt: skip
        counted, paid = Counted(source="analysis", **figures), Money(cost, "EUR")
        printed = Counted(source="device-job", **figures)
        part = AccountAmount(account=f"user:{user}", unit="EUR", micros=cost)
        title = f"{chance.choice(_TITLES)} {chance.randint(1, 40)}.pdf"
        held = JobHeld(
            job=job, queue="print2me", user=user, name=title, received_at=at, counted=counted
        )
        why = (
            Because(code="price", text=f"{paid} in all"),
            Because(code="account", text=f"{paid} of the account user:{user}"),
        )
        released = JobReleased(
            job=job, attempt=1, user=user, printer=printer, held=(part,), alone=False,
            tariff_version=1, rules_version=1, because=why,
        )  # fmt: skip
        ended = at + timedelta(minutes=chance.randint(2, 50))
        charge = Charged(
            charge=self.mint(ended), job=job, attempt=1, user=user, printer=printer,
            service="print", tariff_version=1, counted=printed, postings=(part,), alone=False,
            settled_at=ended,
        )  # fmt: skip
        settled = JobSettled(
            job=job, attempt=1, printer=printer, disposition="completed",
            counts=(counted, printed), billed=printed, charge=charge.charge,
        )  # fmt: skip
        self.say("jobs", at, held)
        self.say("jobs", ended, released, settled)
        self.say("ledger", ended, charge)
        self.told.append((job, user))

    def tell(self, tx: Transaction) -> None:
        """Have the books take in what they have not seen yet."""
        for name, kept in self.journal.items():
            state = streams.open_stream(tx, SITE, self.incarnation, "up", name)
            fresh = kept[state.at.seq :]
            done = ingest(tx, state, fresh, frozenset()) if fresh else None
            if done is not None and done.quarantined:
                raise LabError(f"days past were put aside: {done.quarantined[0]}")


def fill(books: Books, *, seed: int = 7) -> int:
    """Put days past into the books; return how many jobs.

    Raises:
        LabError: the books do not take them.
    """
    now = datetime.now(UTC)
    east = _East(books, random.Random(seed), uuid7(now, os.urandom(10)))  # noqa: S311  no secret
    with books.write() as tx:
        nodes.add(tx, SITE, site=SITE.title(), role="remote", kind="edge", code=_CODE)
        if not isinstance(nodes.accept(tx, SITE, east.birth(now)), nodes.Accepted):
            raise LabError("the site of days past was not accepted")
        _enter(tx)
    for back in range(DAYS, 0, -1):
        day = (now - timedelta(days=back)).replace(hour=8, minute=0, second=0, microsecond=0)
        weekend = day.isoweekday() > 5  # noqa: PLR2004  Friday
        for _ in range(east.chance.randint(0, 2) if weekend else east.chance.randint(6, 18)):
            user = east.chance.choice(tuple(_PEOPLE))
            east.print(user, day + timedelta(minutes=east.chance.randint(0, 600)))
        with books.write() as tx:
            east.tell(tx)
    with books.write() as tx:
        # nobody will ever hear it again
        nodes.seen(tx, {SITE: False})
        for reason in _COMPLAINTS:
            job, user = east.told.pop()
            asked = money_acts.ask_refund(tx, _BY, job, user=user, reason=reason)
            if isinstance(asked, Refused):
                raise LabError(f"nobody could ask for a refund: {asked.reason}")
    return len(east.told) + len(_COMPLAINTS)


def _enter(tx: Transaction) -> None:
    """Enter who printed there, with money that sits there, and the printers."""
    for name, display in _PEOPLE.items():
        key = f"user:{name}"
        row = UserRow(name=name, display=display, groups=("staff",), accounts=(key,))
        directory.put(tx, "user", name, row)
        if (refused := accounts.put(tx, key, "EUR", floor=0, enabled=True)) is not None:
            raise LabError(refused.reason)
        accounts.top_up(tx, key, Money.parse("150.00", "EUR"), note="days past", author="demo")
    # in this transaction, so that all of it sits there
    funds.park_free(tx, frozenset({SITE}))
    for number, name in ((1, "East hall"), (2, "East office")):
        device = f"{SITE}-{number}"
        directory.put(tx, "printer", device, PrinterRow(device=device, node=SITE, name=name))
        state = DeviceState(device=device, name=name, state="idle", updated_at=tx.now)
        devices.put(tx, {Place(SITE, device): state})
