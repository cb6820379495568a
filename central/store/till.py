"""The till: sessions from opening to close, and receipts whose numbers have no gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import func, insert, select, update

from central.store.tables import till_receipt, till_session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction
    from config.policy.money import Unit

Kind: TypeAlias = Literal["topup", "payback"]


@dataclass(frozen=True, slots=True)
class Session:
    """A till from its opening to its close."""

    n: int
    """The cursor after it."""
    till: str
    unit: Unit
    opening: int
    """Micros that were in it at first."""
    opened_by: str
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    expected: int | None
    """Micros that were to be in it at the close."""
    counted: int | None
    """And that were."""
    note: str

    @property
    def difference(self) -> int | None:
        """What was too much in it; negative: too little. None while it is open."""
        if self.expected is None or self.counted is None:
            return None
        return self.counted - self.expected


@dataclass(frozen=True, slots=True)
class Receipt:
    """Cash that went in or out."""

    number: int
    """On the paper."""
    session: int
    till: str
    entry: int
    """Its entry's number in the ledger."""
    kind: Kind
    account: str
    unit: Unit
    micros: int
    """Into the till; negative: out of it."""
    balance: int
    """What the account had afterwards."""
    author: str
    at: datetime
    reverses: int | None
    """The receipt that this one takes back."""
    note: str


@dataclass(frozen=True, slots=True)
class Sums:
    """What went through a session."""

    receipts: int
    taken: int
    """Micros in."""
    paid_back: int
    """Micros out, positive."""
    expected: int
    """What is to be in the till."""


def open_session(tx: Transaction, till: str, unit: Unit, opening: int, *, author: str) -> Session:
    """Open a till; whoever calls has looked that it is closed."""
    values = {
        "till": till,
        "unit": unit,
        "opening": opening,
        "opened_by": author,
        "opened_at": tx.now,
        "note": "",
    }
    tx.sql.execute(insert(till_session).values(**values))
    return _session(tx.sql.execute(_OPEN.where(till_session.c.till == till)).one())


_OPEN = select(till_session).where(till_session.c.closed_at.is_(None))


def open_now(tx: Transaction, till: str) -> Session | None:
    """Return the open session of a till."""
    row = tx.sql.execute(_OPEN.where(till_session.c.till == till)).one_or_none()
    return None if row is None else _session(row)


def open_sessions(tx: Transaction) -> list[Session]:
    """Return the open sessions of all tills, by name."""
    return [_session(row) for row in tx.sql.execute(_OPEN.order_by(till_session.c.till))]


def find(tx: Transaction, n: int) -> Session | None:
    """Return a session."""
    row = tx.sql.execute(select(till_session).where(till_session.c.n == n)).one_or_none()
    return None if row is None else _session(row)


def sessions(
    tx: Transaction, *, till: str | None = None, before: int | None = None, limit: int = 50
) -> list[Session]:
    """Return sessions, newest first, below a number."""
    query = select(till_session).order_by(till_session.c.n.desc()).limit(limit)
    if till is not None:
        query = query.where(till_session.c.till == till)
    if before is not None:
        query = query.where(till_session.c.n < before)
    return [_session(row) for row in tx.sql.execute(query)]


def close_session(
    tx: Transaction, session: Session, *, counted: int, expected: int, author: str, note: str
) -> Session:
    """Close a session."""
    tx.sql.execute(
        update(till_session)
        .where(till_session.c.n == session.n)
        .values(closed_by=author, closed_at=tx.now, expected=expected, counted=counted, note=note)
    )
    query = select(till_session).where(till_session.c.n == session.n)
    return _session(tx.sql.execute(query).one())


def sums(tx: Transaction, session: Session) -> Sums:
    """Add up what went through a session so far."""
    amount = till_receipt.c.micros
    into = func.coalesce(func.sum(amount).filter(amount > 0), 0)
    out = func.coalesce(func.sum(amount).filter(amount < 0), 0)
    row = tx.sql.execute(
        select(func.count().label("receipts"), into.label("into"), out.label("out"))
        .select_from(till_receipt)
        .where(till_receipt.c.session == session.n)
    ).one()
    taken, paid_back = int(row.into), -int(row.out)
    return Sums(row.receipts, taken, paid_back, session.opening + taken - paid_back)


def write_receipt(
    tx: Transaction,
    session: Session,
    *,
    entry: int,
    kind: Kind,
    account: str,
    micros: int,
    balance: int,
    author: str,
    reverses: int | None = None,
    note: str = "",
) -> Receipt:
    """Write the next receipt."""
    number = (tx.sql.execute(select(func.max(till_receipt.c.number))).scalar() or 0) + 1
    values = {
        "number": number,
        "session": session.n,
        "entry": entry,
        "kind": kind,
        "account": account,
        "unit": session.unit,
        "micros": micros,
        "balance": balance,
        "author": author,
        "at": tx.now,
        "reverses": reverses,
        "note": note,
    }
    tx.sql.execute(insert(till_receipt).values(**values))
    return _receipt(tx.sql.execute(_RECEIPTS.where(till_receipt.c.number == number)).one())


_RECEIPTS = select(till_receipt, till_session.c.till).join(
    till_session, till_session.c.n == till_receipt.c.session
)


def receipt(tx: Transaction, number: int) -> Receipt | None:
    """Return a receipt."""
    row = tx.sql.execute(_RECEIPTS.where(till_receipt.c.number == number)).one_or_none()
    return None if row is None else _receipt(row)


def reversed_by(tx: Transaction, number: int) -> Receipt | None:
    """Return the receipt that takes another one back, if any does."""
    row = tx.sql.execute(_RECEIPTS.where(till_receipt.c.reverses == number)).one_or_none()
    return None if row is None else _receipt(row)


def receipts(
    tx: Transaction,
    *,
    session: int | None = None,
    account: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Receipt]:
    """Return receipts, newest first, below a number."""
    query = _RECEIPTS.order_by(till_receipt.c.number.desc()).limit(limit)
    if session is not None:
        query = query.where(till_receipt.c.session == session)
    if account is not None:
        query = query.where(till_receipt.c.account == account)
    if before is not None:
        query = query.where(till_receipt.c.number < before)
    return [_receipt(row) for row in tx.sql.execute(query)]


def _session(row: Row[Any]) -> Session:
    return Session(
        n=row.n,
        till=row.till,
        unit=row.unit,
        opening=row.opening,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        expected=row.expected,
        counted=row.counted,
        note=row.note,
    )


def _receipt(row: Row[Any]) -> Receipt:
    return Receipt(
        number=row.number,
        session=row.session,
        till=row.till,
        entry=row.entry,
        kind=row.kind,
        account=row.account,
        unit=row.unit,
        micros=row.micros,
        balance=row.balance,
        author=row.author,
        at=row.at,
        reverses=row.reverses,
        note=row.note,
    )
