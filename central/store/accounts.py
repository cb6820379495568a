"""People's accounts and the money put on them; where it goes from there is `funds`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import bindparam, func, insert, select, update

from broker.directory import AccountRow
from central.store import directory, ledger
from central.store.bulk import fetch, insert_all
from central.store.ledger import CENTRE, HOUSE_TOPUP, Entry, Line, Posted, Refused
from central.store.tables import account, directory_row, location
from config.policy.money import MICROS_BOUND, Money

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import BindParameter, Row, Select

    from central.store.books import Transaction
    from config.policy.accounts import Counts
    from config.policy.money import Unit

State: TypeAlias = Literal["open", "frozen", "closed", "merged"]

#: What an account is, by the kind its key begins with.
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "user": "a person's own money",
        "grant": "what a person is granted from time to time",
        "quota": "pages a person may print",
        "department": "a department's",
        "project": "a project's or cost centre's",
        "shared": "shared by its members",
    }
)
#: Longest way from an account up to the top of its tree.
_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be changed of an account."""

    floor: int = 0
    """How low the centre may let it go; 0, or negative for an overdraft."""
    label: str = ""
    """What people read."""
    parent: str | None = None
    """Where reports add it up; it pays nothing."""
    counts: Counts = "impressions"
    """In `page`: which impressions it pays for."""
    unlimited: bool = False
    """Counted only: it always covers, and no money of it sits at sites."""


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account and its rules."""

    key: str
    """`kind:name`."""
    unit: Unit
    """Currency code or `page`."""
    rules: Rules = field(default_factory=Rules)
    """What may be changed."""
    state: State = "open"
    """frozen: nothing is charged or granted; closed and merged: for good."""
    merged_into: str | None = None
    """Where what is left of it, or comes back later, goes."""

    @property
    def enabled(self) -> bool:
        """Whether it may be charged and granted."""
        return self.state == "open"

    @property
    def floor(self) -> int:
        """How low the centre may let it go."""
        return self.rules.floor


@dataclass(frozen=True, slots=True)
class Balance:
    """Where some of an account's money sits."""

    account: str
    """`kind:name`; the house's own too."""
    unit: Unit
    """Currency code or `page`."""
    place: str
    """CENTRE, or a node."""
    micros: int
    """Millionths."""


Outcome: TypeAlias = Posted | Refused


def put(tx: Transaction, key: str, unit: Unit, *, floor: int, enabled: bool) -> Refused | None:
    """Open an account or change its floor and state; all else stays as it is."""
    before = find(tx, key)
    if before is None:
        return open_new(tx, key, unit, Rules(floor=floor), enabled=enabled)
    if before.unit != unit:
        return Refused(f"{key} is in {before.unit}; open another account for {unit}")
    if before.state in {"closed", "merged"}:
        return Refused(f"{key} is {before.state}")
    state: State = "open" if enabled else "frozen"
    rules = Rules(**asdict(before.rules) | {"floor": floor})
    return store(tx, AccountRecord(key, unit, rules, state))


def open_new(
    tx: Transaction, key: str, unit: Unit, rules: Rules, *, enabled: bool = True
) -> Refused | None:
    """Open an account that does not exist yet."""
    kind = key.partition(":")[0]
    if kind in ledger.HOUSE_KINDS:
        return Refused(f"{key}: accounts of that kind are the organisation's own")
    if find(tx, key) is not None:
        return Refused(f"there is an account {key} already")
    return store(tx, AccountRecord(key, unit, rules, "open" if enabled else "frozen"))


def store(tx: Transaction, record: AccountRecord) -> Refused | None:
    """Write an account as it is to be, its floor at the centre, and what sites know of it."""
    if (refused := _wrong(tx, record)) is not None:
        return refused
    values = {
        **asdict(record.rules),
        "enabled": record.enabled,
        "state": record.state,
        "merged_into": record.merged_into,
    }
    known = update(account).where(account.c.key == record.key).values(**values)
    if tx.sql.execute(known).rowcount == 0:
        tx.sql.execute(insert(account).values(key=record.key, unit=record.unit, **values))
    floor = None if record.rules.unlimited else record.rules.floor
    tx.sql.execute(
        update(location)
        .where(location.c.account == record.key, location.c.place == CENTRE)
        .values(floor=floor)
    )
    if record.rules.unlimited:
        # what sits at sites is of no use there any more
        tx.sql.execute(update(account).where(account.c.key == record.key).values(sweep_at=tx.now))
    directory.put(tx, "account", record.key, row_of(record))
    return None


def row_of(record: AccountRecord) -> AccountRow:
    """Return what sites know of an account."""
    return AccountRow(
        account=record.key,
        unit=record.unit,
        enabled=record.enabled,
        counts=record.rules.counts,
        unlimited=record.rules.unlimited,
        label=record.rules.label,
    )


def tell_labels(tx: Transaction) -> None:
    """Tell the sites the labels that were given before sites were told of labels."""
    untold = (
        select(account)
        .join(directory_row, directory_row.c.key == account.c.key)
        .where(
            directory_row.c.kind == "account",
            account.c.label != "",
            directory_row.c.row.not_like('%"label":%'),
        )
    )
    for row in tx.sql.execute(untold).all():
        record = _record(row)
        directory.put(tx, "account", record.key, row_of(record))


def open_all(tx: Transaction, records: Sequence[AccountRecord]) -> None:
    """Open many accounts that do not exist yet, of kinds and with parents that were looked at."""
    columns = [
        {
            "key": record.key,
            "unit": record.unit,
            "floor": record.rules.floor,
            "enabled": record.enabled,
            "label": record.rules.label,
            "parent": record.rules.parent,
            "counts": record.rules.counts,
            "unlimited": record.rules.unlimited,
            "state": record.state,
        }
        for record in records
    ]
    insert_all(tx, account, columns)
    directory.put_all(tx, "account", {record.key: row_of(record) for record in records})


def known(tx: Transaction, keys: Sequence[str]) -> set[str]:
    """Return which of the accounts there are, whatever their state."""
    return {key for (key,) in fetch(tx, _known, keys)}


def _known(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(account.c.key).where(account.c.key.in_(keys))


def find(tx: Transaction, key: str) -> AccountRecord | None:
    """Return an account, or None."""
    row = tx.sql.execute(_ACCOUNT, {"key": key}).one_or_none()
    return None if row is None else _record(row)


# made once: making it takes longer than running it
_ACCOUNT: Final = select(account).where(account.c.key == bindparam("key"))


def some(tx: Transaction, keys: Collection[str]) -> dict[str, AccountRecord]:
    """Return accounts by key, not too many; those that are not there are left out."""
    rows = tx.sql.execute(select(account).where(account.c.key.in_(keys))) if keys else ()
    return {row.key: _record(row) for row in rows}


def usable(tx: Transaction, key: str) -> Refused | None:
    """Say why an account may not be given money to spend at a site, None when it may."""
    found = find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}")
    if not found.enabled:
        return Refused(f"{key} is {found.state}")
    if found.rules.unlimited:
        return Refused(f"{key} is only counted: no money of it is kept at sites")
    return None


def every(
    tx: Transaction,
    *,
    after: str = "",
    limit: int | None = None,
    kind: str | None = None,
    parent: str | None = None,
) -> list[AccountRecord]:
    """Return accounts by key; of one kind, or with one parent, if told."""
    query = select(account).where(account.c.key > after).order_by(account.c.key).limit(limit)
    if kind is not None:
        # all that begins so, by the key's index: ";" comes right after ":"
        query = query.where(account.c.key >= f"{kind}:", account.c.key < f"{kind};")
    if parent is not None:
        query = query.where(account.c.parent == parent)
    return [_record(row) for row in tx.sql.execute(query)]


def top_up(tx: Transaction, key: str, money: Money, *, note: str, author: str) -> Outcome:
    """Put money on an account, at the centre; the coordinator spreads it from there."""
    if money.micros <= 0:
        return Refused("a top-up must be more than nothing")
    found = find(tx, key)
    if found is not None and found.state in {"closed", "merged"}:
        hint = f"; put it on {found.merged_into}" if found.merged_into else ""
        return Refused(f"{key} is {found.state}{hint}")
    if (refused := room(tx, key, money)) is not None:
        return refused
    return ledger.post(
        tx,
        Entry(tx.mint(), "topup", reference=key, note=note, author=author),
        [
            Line(HOUSE_TOPUP, CENTRE, money.unit, -money.micros),
            Line(key, CENTRE, money.unit, money.micros),
        ],
    )


def room(tx: Transaction, key: str, money: Money) -> Refused | None:
    """Say why an account cannot take so much more, None when it can."""
    if whole(tx, key, money.unit) + money.micros <= MICROS_BOUND:
        return None
    return Refused(f"{key} may hold at most {Money(MICROS_BOUND, money.unit)}")


def whole(tx: Transaction, key: str, unit: Unit) -> int:
    """Return all that an account has, wherever it sits, in micros."""
    sums = select(func.coalesce(func.sum(location.c.micros), 0)).where(
        location.c.account == key, location.c.unit == unit
    )
    return int(tx.sql.execute(sums).scalar_one())


def balances(tx: Transaction, key: str | None = None) -> list[Balance]:
    """Return where money sits, of one account or of all, by account, unit and place."""
    query = select(location).order_by(location.c.account, location.c.unit, location.c.place)
    if key is not None:
        query = query.where(location.c.account == key)
    rows = tx.sql.execute(query)
    return [Balance(row.account, row.unit, row.place, row.micros) for row in rows]


def _wrong(tx: Transaction, record: AccountRecord) -> Refused | None:
    if record.rules.floor > 0:
        return Refused("a floor above nothing would lock money away; freeze the account instead")
    at = record.rules.parent
    for _ in range(_DEEPEST):
        if at is None:
            return None
        if at == record.key:
            return Refused(f"{record.key} cannot be above itself")
        above = find(tx, at)
        if above is None:
            return Refused(f"there is no account {at} to be above {record.key}")
        at = above.rules.parent
    return Refused(f"no account may be more than {_DEEPEST} steps below the top")


def _record(row: Row[Any]) -> AccountRecord:
    rules = Rules(row.floor, row.label, row.parent, row.counts, row.unlimited)
    return AccountRecord(row.key, row.unit, rules, row.state, row.merged_into)
