"""Books of a large organisation, written in bulk: people, money, printers, and two years of jobs.

They are what ingest would have left: every entry sums to zero, every charge has its entry and its
event, and figures are rolled up by the books' own code, so `central verify` finds nothing wrong.
Only the text of events is gone, as retention leaves them; events of jobs are left out, as nobody
reads them once they are old.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, text, update

from benchmarks.organisation_desk import acts, desk
from benchmarks.organisation_jobs import DAY, HOUR, Payer, Place, Rows, Writer, days_of
from benchmarks.people import somebody
from broker.directory import CardRow, PrinterRow, UserRow, card_digest
from broker.messages import Charged, DeviceState, Opening
from broker.messages.devices import DeviceTrouble, Supply
from central.acts import staff as staff_acts
from central.acts.by import By
from central.rights import EVERYWHERE, Role
from central.store import accounts, devices, directory, facts, meters, person, rules, streams
from central.store import organisation as called
from central.store import tables as at
from central.store.accounts import AccountRecord, Rules
from central.store.bulk import insert_rows, run_rows
from central.store.ledger import Refused
from central.store.person import Particulars
from config.policy.actions import Then
from config.policy.conditions import When
from config.policy.rules import Rule, RuleSet
from config.policy.tariffs import Color, Tariff, TariffLine
from tests.integration.books_lab import MemoryEdge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from broker.stream import StreamKey
    from central.importing.plan import Wanted
    from central.store.books import Books, Transaction

EURO: Final = 1_000_000
#: Of rolling up; people; jobs: in one transaction.
_SLICES: Final = 50
_PEOPLE: Final = 2000
_JOBS: Final = 50_000
_PRICES: Final[dict[Color, int]] = {"monochrome": 30_000, "color": 120_000}
STAFF: Final = {
    "ada": (Role.ADMINISTRATOR, (EVERYWHERE,)),
    "axel": (Role.AUDITOR, (EVERYWHERE,)),
    "olga": (Role.OPERATOR, (EVERYWHERE,)),
    "sam": (Role.SITE_ADMINISTRATOR, ("site-0", "site-1", "site-2")),
}
#: Built once all rows are there: row by row, a large index costs more than what it is of.
_LATER: Final = (at.job, at.charge, at.posting)


@dataclass(frozen=True, slots=True)
class Size:
    """How large."""

    jobs: int
    users: int = 100_000
    days: int = 730
    """Until now."""
    sites: int = 100
    printers: int = 2000


@dataclass(slots=True)
class _Made:
    """What is there already."""

    size: Size
    now: datetime
    payers: list[Payer] = field(default_factory=list)
    printers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    journals: dict[str, tuple[int, StreamKey, int, str]] = field(default_factory=dict)
    """Stream up of each edge: its row, key, sequence number and hash."""
    balances: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """By location."""
    entry: int = 1

    @property
    def first(self) -> int:
        """When the first job came in."""
        return at.instant(self.now) - self.size.days * DAY


def fill(books: Books, size: Size, told: Callable[[str], None] = lambda _text: None) -> None:
    """Fill empty books.

    Args:
        books: without anything yet.
        size: how large.
        told: given a word on each step that takes long.
    """
    made = _Made(size, datetime.now(UTC).replace(microsecond=0))
    _begin(books, made)
    told("people")
    _people(books, made)
    told("money")
    _park(books, made)
    told("jobs")
    _indexes(books, size, there=False)
    _jobs(books, made)
    told("indexes")
    _indexes(books, size, there=True)
    with books.write() as tx:
        desk(tx, made.payers, made.now)
    acts(books, made.payers, made.now - timedelta(days=made.size.days), made.now)
    told("figures")
    with books.write() as tx:
        facts.begin_anew(tx)
    more = True
    while more:
        # nobody waits: many slices in one transaction
        with books.write() as tx:
            more = all(facts.step(tx).more for _ in range(_SLICES))
    with books.write() as tx:
        # SQLite's books have no statistics in practice either
        if tx.sql.dialect.name == "postgresql":
            tx.sql.execute(text("ANALYZE"))


# ── the fleet, the staff ────────────────────────────────────────────────────────────────────


def _begin(books: Books, made: _Made) -> None:
    size, now = made.size, made.now
    edges = [MemoryEdge(books, f"site-{n}") for n in range(size.sites)]
    for edge in edges:
        edge.join()
    with books.write() as tx:
        called.set_name(tx, "Benchmark")
        for edge in edges:
            key = edge.key("ledger")
            state = streams.open_stream(tx, edge.node, edge.incarnation, "up", "ledger")
            made.journals[edge.node] = state.id, key, 0, state.at.hash
        rows, states = {}, {}
        for n in range(size.printers):
            device, node = f"printer-{n}", f"site-{n % size.sites}"
            made.printers[node] = (*made.printers.get(node, ()), device)
            name = f"Library {n // size.sites + 1}, floor {n % 7}"
            rows[device] = PrinterRow(device=device, node=node, name=name, tags=("library",))
            states[meters.Place(node, device)] = device_state(device, name, n, now)
        directory.put_all(tx, "printer", rows)
        devices.put(tx, states)
        for name in STAFF:
            directory.put(tx, "user", name, UserRow(name=name, display=name.title()))
        for name, (role, sites) in STAFF.items():
            done = staff_acts.give(tx, By("cli:root"), name, role, sites)
            if isinstance(done, Refused):
                raise RuntimeError(done.reason)  # noqa: TRY004  no type is wrong, the books are
        lines = (
            TariffLine(per_impression=30_000),
            TariffLine(color="color", per_impression=90_000),
        )
        since = now - timedelta(days=made.size.days)
        tariff = Tariff(version=1, unit="EUR", effective_from=since, lines=lines)
        directory.put(tx, "tariff", "1", tariff)
        long = Rule(name="long documents", when=When(), then=Then(two_sided=True))
        rules.enter(tx, RuleSet(version=1, rules=(long,)), author="cli:root")


def device_state(device: str, name: str, turn: int, now: datetime) -> DeviceState:
    """Return how a printer is at its so-and-so-many-th telling."""
    jam = DeviceTrouble(code="jam", severity="critical", detail="Paper jam in tray 2", since=now)
    low = DeviceTrouble(code="toner-low", severity="warning", detail="Cyan is low", since=now)
    supplies = tuple(
        Supply(key=each, name=f"{each} toner", kind="toner", color=each, level=80, state="ok",
               days_left=3 + (turn * 7 + k) % 60)
        for k, each in enumerate(("black", "cyan", "magenta", "yellow"))
    )  # fmt: skip
    troubles = (jam,) if turn % 97 == 0 else (low,) if turn % 29 == 0 else ()
    state = "processing" if turn % 5 == 0 else "idle"
    return DeviceState.model_validate(
        {
            "device": device, "name": name, "state": state, "updated_at": now, "answers": True,
            "supplies": supplies, "troubles": troubles,
        }
    )  # fmt: skip


# ── people and their money ──────────────────────────────────────────────────────────────────


def _people(books: Books, made: _Made) -> None:
    dice = Random(7)  # noqa: S311  the same people in every run
    everybody = [somebody(dice, n) for n in range(made.size.users)]
    sites, locations = made.size.sites, _locations(made.size.users)
    for n, each in enumerate(everybody):
        centre, home, other = next(locations)
        places = Place(f"site-{n % sites}", home), Place(f"site-{(n + 1) % sites}", other)
        made.payers.append(Payer(each.name, f"user:{each.name}", centre, places))
    for begin in range(0, len(everybody), _PEOPLE):
        some = everybody[begin : begin + _PEOPLE]
        with books.write() as tx:
            _enter(tx, some, begin)


def _enter(tx: Transaction, some: Sequence[Wanted], begin: int) -> None:
    accounts.open_all(
        tx, [AccountRecord(f"user:{each.name}", "EUR", Rules(floor=0)) for each in some]
    )
    users = {
        each.name: UserRow(
            name=each.name,
            display=each.display or "",
            groups=each.groups or (),
            accounts=(f"user:{each.name}",),
        )
        for each in some
    }
    directory.put_all(tx, "user", users)
    known = {
        each.name: Particulars(
            each.email or "", each.department or "", "ldap:bench", each.source_id,
            each.groups or (),
        )
        for each in some
    }  # fmt: skip
    person.set_all(tx, known)
    cards = {card_digest(str(begin + n)): CardRow(user=each.name) for n, each in enumerate(some)}
    directory.put_all(tx, "card", cards)


def _locations(users: int) -> Iterator[tuple[int, int, int]]:
    """Yield the three places of each person's money, behind those of the house."""
    for n in range(users):
        yield _HOUSE + 3 * n + 1, _HOUSE + 3 * n + 2, _HOUSE + 3 * n + 3


#: The house's own places come first: what was put in, what was earned, what was corrected.
_TOPUP, _PRINTS, _COPIES, _CORRECTIONS = 1, 2, 3, 4
_HOUSE: Final = 4
_LOCATION: Final = ("id", "account", "unit", "place", "floor", "micros")
_ENTRY: Final = ("n", "id", "kind", "at", "reference", "note", "author")
_POSTING: Final = ("entry", "location", "micros")


def _park(books: Books, made: _Made) -> None:
    """Give everybody what they will spend, and park it at their two sites."""
    house = ("house:topup", "income:print", "income:copy", "house:corrections")
    places: list[tuple[Any, ...]] = [(n, key, "EUR", "", None, 0) for n, key in enumerate(house, 1)]
    for each in made.payers:
        places.append((each.centre, each.account, "EUR", "", 0, 0))
        places += [(p.location, each.account, "EUR", p.node, 0, 0) for p in each.places]
    # who prints for everybody needs more than everybody else has
    sums = [(40_000 + made.size.jobs) * EURO, *[500 * EURO] * (made.size.users - 1)]
    seen = [(each.account, each.places[0].node, 3.0, at.instant(made.now)) for each in made.payers]
    with books.write() as tx:
        insert_rows(tx, at.location, _LOCATION, places)
        insert_rows(tx, at.visit, ("account", "node", "value", "at"), seen)
        if tx.sql.dialect.name == "postgresql":
            number = f"SELECT setval(pg_get_serial_sequence('location', 'id'), {len(places)})"
            tx.sql.execute(text(number))
        when = made.first - HOUR
        kept = _Entries(made)
        for each, micros in zip(made.payers, sums, strict=True):
            kept.add("topup", when, each.account, [(_TOPUP, -micros), (each.centre, micros)])
        for each, micros in zip(made.payers, sums, strict=True):
            parts = micros * 3 // 4, micros - micros * 3 // 4
            for part, place in zip(parts, each.places, strict=True):
                lines = [(each.centre, -part), (place.location, part)]
                kept.add("grant", when, place.node, lines)
        kept.write(tx)


class _Entries:
    """Entries of the house itself, on their way."""

    def __init__(self, made: _Made) -> None:
        self._made = made
        self._entries: list[tuple[Any, ...]] = []
        self._postings: list[tuple[int, int, int]] = []

    def add(self, kind: str, when: int, reference: str, lines: Sequence[tuple[int, int]]) -> None:
        """Note one."""
        n = self._made.entry
        id_ = f"{when // 1000 >> 16:08x}-{when // 1000 & 0xFFFF:04x}-7040-8000-{n:012x}"
        self._entries.append((n, id_, kind, when, reference, "", "cli:root"))
        self._postings += [(n, location, micros) for location, micros in lines]
        self._made.entry += 1

    def write(self, tx: Transaction) -> None:
        """Write all of them."""
        insert_rows(tx, at.entry, _ENTRY, self._entries)
        insert_rows(tx, at.posting, _POSTING, self._postings)
        for _, location, micros in self._postings:
            self._made.balances[location] += micros


# ── jobs ────────────────────────────────────────────────────────────────────────────────────


_JOB: Final = tuple(column.name for column in at.job.columns)
_CHARGE: Final = tuple(column.name for column in at.charge.columns)
_DECISION: Final = tuple(column.name for column in at.decision.columns)
_EVENT: Final = ("stream", "seq", "hash", "data", "digest", "type", "state", "reason", "at")
_BALANCE: Final = (
    update(at.location)
    .where(at.location.c.id == bindparam("id_"))
    .values(micros=bindparam("micros_"))
)


def _jobs(books: Books, made: _Made) -> None:
    last = at.instant(made.now) - HOUR // 30
    income = {"print": _PRINTS, "copy": _COPIES}
    writer = Writer(made.payers, made.printers, income, _CORRECTIONS, made.first, last, made.entry)
    with books.write() as tx:
        for node in made.journals:
            _tell(tx, made, [(node, "", made.first)])
    for begin in range(0, made.size.jobs, _JOBS):
        rows = writer.of(made.size.jobs, begin, min(begin + _JOBS, made.size.jobs))
        with books.write() as tx:
            _write(tx, made, rows)
    made.entry = writer.entry
    with books.write() as tx:
        kept = _Entries(made)
        for each in made.payers:
            # what came back is parked again, as the coordinator does
            if back := made.balances[each.centre]:
                home = each.places[0]
                kept.add("grant", last, home.node, [(each.centre, -back), (home.location, back)])
        kept.write(tx)
        run_rows(tx, _BALANCE, ("micros_", "id_"), [(v, k) for k, v in made.balances.items()])
        for id_, _, seq, hash_ in made.journals.values():
            values = {"seq": seq, "hash": hash_}
            tx.sql.execute(update(at.stream).where(at.stream.c.id == id_).values(values))


def _write(tx: Transaction, made: _Made, rows: Rows) -> None:
    insert_rows(tx, at.entry, _ENTRY, rows.entries)
    insert_rows(tx, at.posting, _POSTING, rows.postings)
    insert_rows(tx, at.charge, _CHARGE, rows.charges)
    insert_rows(tx, at.free_charge, ("n", "kind", "reference", "at"), rows.free)
    insert_rows(tx, at.job, _JOB, rows.jobs)
    insert_rows(tx, at.decision, _DECISION, rows.decisions)
    _tell(tx, made, rows.told)
    runs = list(days_of(rows.jobs))
    insert_rows(tx, at.job_span, ("day", "first", "last"), runs)
    for _, location, micros in rows.postings:
        made.balances[location] += micros


def _tell(tx: Transaction, made: _Made, told: Sequence[tuple[str, str, int]]) -> None:
    """Write events whose text is erased; the chain of their digests goes on."""
    events = []
    for node, id_, when in told:
        stream, key, seq, hash_ = made.journals[node]
        kind = Charged.TYPE if id_ else Opening.TYPE
        digest = id_.replace("-", "") * 2 or "0" * 64
        seq, hash_ = seq + 1, erased_link(key, seq + 1, hash_, digest)
        made.journals[node] = stream, key, seq, hash_
        events.append((stream, seq, hash_, None, digest, kind, "applied", "", when))
    insert_rows(tx, at.event, _EVENT, events)


def erased_link(key: StreamKey, seq: int, previous: str, digest: str) -> str:
    """Return the chain's hash at an event of which only the digest is left (PROTOCOL 1)."""
    octets = bytes(key) + seq.to_bytes(8, "big") + bytes.fromhex(previous) + bytes.fromhex(digest)
    return sha256(octets).hexdigest()


def _indexes(books: Books, size: Size, *, there: bool) -> None:
    if size.jobs <= _JOBS:
        return
    for table in _LATER:
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            with books.write() as tx:
                (index.create if there else index.drop)(tx.sql)
