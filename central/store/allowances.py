"""One period of a grant, a slice at a time: whose accounts, what is posted to each, all in bulk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from sqlalchemy import bindparam, case, func, literal_column, select

from broker.directory import UserRow
from central.schedules import change_of
from central.store import accounts, directory, ledger, wallets
from central.store.accounts import AccountRecord, Rules
from central.store.bulk import fetch, insert_all
from central.store.ledger import CENTRE
from central.store.tables import account as account_table
from central.store.tables import entry, instant, location, posting
from config.policy.money import MICROS_BOUND, PAGE, Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import BindParameter, ColumnClause, Select

    from central.schedules import Mode
    from central.store.books import Transaction
    from config.policy.accounts import Counts
    from config.policy.money import Unit

#: The other side of all periodic grants.
HOUSE_GRANTS: Final = "house:grants"
#: Accounts that one transaction posts to, and how often it reads so many people to find them.
SLICE: Final = 200
_PAGES: Final = 5
_COUNTS: Final[dict[str, Counts]] = {"color": "color", "mono": "monochrome"}


@dataclass(frozen=True, slots=True)
class Allowance:
    """To whom, and how much."""

    target: str
    """`group:NAME` or `account:KEY`."""
    wallet: str
    """For a group: which account of each person: `grant`, `user`, `quota`, `quota.color` …"""
    unit: Unit
    """Currency code or `page`."""
    micros: int
    """Millionths."""
    mode: Mode
    """Set to so much, or add so much."""
    cap: int | None = None
    """Adding leaves at most this on the account."""
    joins: bool = True
    """For a group: the person pays from the account from then on."""


@dataclass(frozen=True, slots=True)
class Period:
    """Names every entry of a period, so that none can be posted twice."""

    schedule: UUID
    name: str
    day: date

    def entry_id(self, key: str) -> UUID:
        """Return the id of the entry for one account."""
        return uuid5(self.schedule, f"{self.day.isoformat()} {key}")


@dataclass(frozen=True, slots=True)
class Cut:
    """The next slice of those who are granted to."""

    people: dict[str, UserRow]
    """By account; empty when the target is one account."""
    keys: tuple[str, ...]
    """The accounts."""
    upto: str
    """The person up to whom this goes."""
    over: bool
    """Nobody comes after them."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one account gets, or why it gets nothing."""

    account: str
    micros: int
    """0: nothing is posted."""
    note: str = ""
    """Goes with the entry."""
    left_out: str = ""
    """Why nothing can be posted."""


@dataclass(slots=True)
class Done:
    """What posting a slice came to."""

    granted: int = 0
    left_out: int = 0
    remark: str = ""
    """Why, the newest reason."""


@dataclass(slots=True)
class _Known:
    """What the books have of the accounts of a slice."""

    records: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    """Unit, state, unlimited."""
    money: dict[str, tuple[int, int]] = field(default_factory=dict)
    """In all, and at the centre."""


def wallet_key(wallet: str, user: str) -> str:
    """Return the key of a person's account: `quota.color` of ana is `quota:ana.color`."""
    kind, _, which = wallet.partition(".")
    return f"{kind}:{user}.{which}" if which else f"{kind}:{user}"


def cut(tx: Transaction, allowance: Allowance, after: str) -> Cut:
    """Return the next slice after a person."""
    kind, _, name = allowance.target.partition(":")
    if kind == "account":
        return Cut({}, (name,), "", over=True)
    people: dict[str, UserRow] = {}
    upto, over = after, False
    for _ in range(_PAGES):
        rows = directory.live(tx, "user", after=upto, limit=SLICE - len(people))
        for user, row in rows:
            if name in row.get("groups", ()) and row.get("enabled", True):
                people[wallet_key(allowance.wallet, user)] = UserRow.model_validate(row)
        over = not rows
        upto = rows[-1][0] if rows else upto
        if over or len(people) == SLICE:
            break
    return Cut(people, tuple(people), upto, over)


def plan(tx: Transaction, allowance: Allowance, period: Period, part: Cut) -> list[Line]:
    """Return what a slice would post; nothing is written."""
    known = _known(tx, allowance, part.keys)
    ids = {str(period.entry_id(key)): key for key in part.keys}
    before = {ids[id_] for (id_,) in fetch(tx, _entries, sorted(ids))}
    return [_line(allowance, key, known) for key in part.keys if key not in before]


def post(tx: Transaction, allowance: Allowance, period: Period, part: Cut) -> Done:
    """Post a slice: one entry for each account that gets something."""
    lines = plan(tx, allowance, period, part)
    done = Done()
    for line in lines:
        if line.left_out:
            done.left_out += 1
            done.remark = line.left_out
    good = [line for line in lines if not line.left_out]
    _open(tx, allowance, part, [line.account for line in good])
    if allowance.joins:
        _join(tx, allowance, part, [line.account for line in good])
    paid = [line for line in good if line.micros]
    _write(tx, allowance, period, paid)
    done.granted = len(paid)
    return done


def _line(allowance: Allowance, key: str, known: _Known) -> Line:
    unit, state, unlimited = known.records.get(key, (allowance.unit, "open", False))
    whole, centre = known.money.get(key, (0, 0))
    if unit != allowance.unit:
        return Line(key, 0, left_out=f"{key} is in {unit}, not {allowance.unit}")
    if state != "open":
        return Line(key, 0, left_out=f"{key} is {state}")
    if unlimited:
        return Line(key, 0, left_out=f"{key} is only counted")
    change = change_of(allowance.mode, allowance.micros, allowance.cap, known=whole, centre=centre)
    if whole + change.micros > MICROS_BOUND:
        most = Money(MICROS_BOUND, unit)
        return Line(key, 0, left_out=f"{key} may hold at most {most}")
    note = f"{Money(change.kept, unit)} more sits at sites and stays" if change.kept else ""
    return Line(key, change.micros, note=note)


def _known(tx: Transaction, allowance: Allowance, keys: Sequence[str]) -> _Known:
    known = _Known()
    for key, *rest in fetch(tx, _records, keys):
        unit, state, unlimited = rest
        known.records[key] = unit, state, bool(unlimited)
    for key, whole, centre in fetch(tx, _money, keys, unit=allowance.unit):
        known.money[key] = int(whole), int(centre)
    return known


def _open(tx: Transaction, allowance: Allowance, part: Cut, keys: Sequence[str]) -> None:
    """Open the accounts that people have not yet, below their own money."""
    known = {key for key, *_ in fetch(tx, _records, keys)}
    own = {key: f"user:{part.people[key].name}" for key in keys if key in part.people}
    parents = {key for key, *_ in fetch(tx, _records, sorted(own.values()))}
    which = allowance.wallet.partition(".")[2]
    fresh: dict[str, AccountRecord] = {}
    for key in keys:
        if key in known:
            continue
        parent = own.get(key)
        rules = Rules(
            parent=parent if parent in parents and parent != key else None,
            counts=_COUNTS.get(which, "impressions"),
        )
        fresh[key] = AccountRecord(key, allowance.unit, rules)
    accounts.open_all(tx, list(fresh.values()))


def _join(tx: Transaction, allowance: Allowance, part: Cut, keys: Sequence[str]) -> None:
    """Put the accounts among what people pay with, where they are not yet."""
    lacking = {
        key: part.people[key]
        for key in keys
        if key in part.people
        and not any(key in each for each in wallets.lists_of(part.people[key]))
    }
    others = sorted({k for row in lacking.values() for w in wallets.lists_of(row) for k in w})
    same = {k for k, unit, *_ in fetch(tx, _records, others) if unit == allowance.unit}
    if allowance.unit == PAGE:
        # pages beside pages only where they are quotas: a department's pages must cover as well
        same = {key for key in same if key.startswith("quota:")}
    rows = {row.name: wallets.joined(row, key, same) for key, row in lacking.items()}
    directory.put_all(tx, "user", rows)


def _write(tx: Transaction, allowance: Allowance, period: Period, lines: Sequence[Line]) -> None:
    if not lines:
        return
    unit = allowance.unit
    places = ledger.at_place(tx, CENTRE, [line.account for line in lines])
    floors = dict(fetch(tx, _floors, [line.account for line in lines]))
    missing = [
        {"account": key, "unit": unit, "place": CENTRE, "floor": floors[key], "micros": 0}
        for key in dict.fromkeys(line.account for line in lines)
        if (key, unit) not in places
    ]
    insert_all(tx, location, missing)
    if missing:
        places = ledger.at_place(tx, CENTRE, [line.account for line in lines])
    house = ledger.at_centre(tx, HOUSE_GRANTS, unit).id
    n, at = ledger.next_entry(tx), instant(tx.now)
    changes: defaultdict[int, int] = defaultdict(int)
    entries, postings = [], []
    for number, line in enumerate(lines, n):
        note = f"{period.name} {period.day.isoformat()}"
        entries.append(
            {
                "n": number,
                "id": str(period.entry_id(line.account)),
                "kind": "allowance",
                "at": at,
                "reference": period.name,
                "note": f"{note}: {line.note}" if line.note else note,
                "author": tx.identity.node,
            }
        )
        for where, micros in (
            (places[line.account, unit].id, line.micros),
            (house, -line.micros),
        ):
            postings.append({"entry": number, "location": where, "micros": micros})
            changes[where] += micros
    insert_all(tx, entry, entries)
    insert_all(tx, posting, postings)
    ledger.move_all(tx, changes)


def _records(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    at = account_table.c
    return select(at.key, at.unit, at.state, at.unlimited).where(at.key.in_(keys))


def _floors(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(account_table.c.key, account_table.c.floor).where(account_table.c.key.in_(keys))


def _money(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    at = location.c
    zero: ColumnClause[int] = literal_column("0")
    centre = case((at.place == literal_column("''"), at.micros), else_=zero)
    return (
        select(at.account, func.sum(at.micros), func.sum(centre))
        .where(at.unit == bindparam("unit"), at.account.in_(keys))
        .group_by(at.account)
    )


def _entries(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(entry.c.id).where(entry.c.id.in_(keys))
