"""Programs that are told, the messages that wait for them, and how far the books were gone through.

A few messages are made ahead; the rest stays in the books behind the marks, however long a
receiver is away. Marks move in the transaction that enters the messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Integer, and_, bindparam, delete, func, insert, or_, select, update

from central.store.tables import happening, webhook, webhook_mark, webhook_message
from central.store.webhook_sources import HAPPENINGS, ends

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction

State: TypeAlias = Literal["active", "paused"]
MessageState: TypeAlias = Literal["waiting", "arrived", "left-out"]

#: Messages that are done are kept so long, for people who look for a fault.
KEPT: Final = timedelta(days=7)
#: What happened and is in no other table waits so long for a receiver that is away.
LONGEST: Final = timedelta(days=30)
_TIDIED: Final = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks to be told."""

    name: str
    url: str
    kinds: tuple[str, ...]
    above: int | None
    """Micros: money of less is not told of; None: all is."""
    people: bool
    """Whether names of people are told."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A program that is told."""

    n: int
    id: UUID
    wanted: Wanted
    sealed: str
    """The secret, sealed."""
    sealed_before: str
    """The one before it; empty: none."""
    before_until: datetime | None
    """Until when that signs as well."""
    state: State
    why: str
    """It is paused."""
    failures: int
    """Of the message in front."""
    next_at: datetime | None
    """When that is tried again; None: at once."""
    arrived_at: datetime | None
    """When a message arrived last."""
    made_at: datetime
    author: str

    @property
    def name(self) -> str:
        """What people call it."""
        return self.wanted.name


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    n: int
    webhook: int
    id: str
    kind: str
    body: str
    state: MessageState
    made_at: datetime
    tries: int
    tried_at: datetime | None
    took: int | None
    """Milliseconds of the last try."""
    status: int | None
    """Of HTTP; None: there was no answer."""
    trouble: str
    """What went wrong the last time; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to send a message."""

    message: int
    """Its number."""
    id: str
    """Its id: a number may be given anew once a subscription is removed."""
    at: datetime
    took: timedelta
    status: int | None
    trouble: str


# ── subscriptions ───────────────────────────────────────────────────────────────────────────


def add(tx: Transaction, id_: UUID, wanted: Wanted, *, sealed: str, author: str) -> Subscription:
    """Enter a subscription; it is told of what happens from now on."""
    values = {
        "id": str(id_),
        "name": wanted.name,
        "url": wanted.url,
        "kinds": " ".join(wanted.kinds),
        "above": wanted.above,
        "people": wanted.people,
        "sealed": sealed,
        "state": "active",
        "made_at": tx.now,
        "author": author,
    }
    n = tx.sql.execute(insert(webhook).values(**values).returning(webhook.c.n)).scalar_one()
    _begin_here(tx, n)
    return _subscription(tx.sql.execute(select(webhook).where(webhook.c.n == n)).one())


def find(tx: Transaction, name: str) -> Subscription | None:
    """Return a subscription by its name, or None."""
    row = tx.sql.execute(select(webhook).where(webhook.c.name == name)).one_or_none()
    return None if row is None else _subscription(row)


def at(tx: Transaction, n: int) -> Subscription | None:
    """Return a subscription by its number, or None."""
    row = tx.sql.execute(_AT, {"n_": n}).one_or_none()
    return None if row is None else _subscription(row)


def every(tx: Transaction) -> list[Subscription]:
    """Return all subscriptions, by name; they are few."""
    return [_subscription(row) for row in tx.sql.execute(_EVERY)]


def remove(tx: Transaction, n: int) -> None:
    """Take a subscription away with all its messages."""
    tx.sql.execute(delete(webhook_message).where(webhook_message.c.webhook == n))
    tx.sql.execute(delete(webhook_mark).where(webhook_mark.c.webhook == n))
    tx.sql.execute(delete(webhook).where(webhook.c.n == n))


def pause(tx: Transaction, n: int, why: str) -> None:
    """Send nothing more there for now; what is to be told waits."""
    _change(tx, n, state="paused", why=why, next_at=None)


def resume(tx: Transaction, n: int) -> None:
    """Go on with what waits, at once."""
    _change(tx, n, state="active", why="", failures=0, next_at=None)


def put_secret(
    tx: Transaction, n: int, sealed: str, *, before: str, until: datetime | None
) -> None:
    """Sign with another secret from now on, and until a moment with the one before as well."""
    _change(tx, n, sealed=sealed, sealed_before=before, before_until=until)


def leave_out(tx: Transaction, n: int, *, everything: bool) -> int:
    """Leave the message in front out, or all there is to tell; return how many messages waited."""
    mine = and_(webhook_message.c.webhook == n, webhook_message.c.state == "waiting")
    front = select(func.min(webhook_message.c.n)).where(mine).scalar_subquery()
    which = mine if everything else and_(mine, webhook_message.c.n == front)
    done = tx.sql.execute(update(webhook_message).where(which).values(state="left-out", body=""))
    if everything:
        tx.sql.execute(delete(webhook_mark).where(webhook_mark.c.webhook == n))
        _begin_here(tx, n)
    _change(tx, n, failures=0, next_at=None)
    return done.rowcount


# ── messages ────────────────────────────────────────────────────────────────────────────────


def enter(
    tx: Transaction, n: int, messages: Sequence[tuple[str, str, str]], marks: Mapping[str, int]
) -> None:
    """Enter messages of what is between a subscription's marks and these, which move there.

    Args:
        tx: a writing transaction.
        n: the subscription.
        messages: id, kind and body of each, in their order.
        marks: where each source is told of then.
    """
    rows = [
        {
            "webhook": n,
            "id": id_,
            "kind": kind,
            "body": body,
            "state": "waiting",
            "made_at": tx.now,
            "tries": 0,
            "trouble": "",
        }
        for id_, kind, body in messages
    ]
    if rows:
        tx.sql.execute(_ENTER, rows)
    for source, place in marks.items():
        given = {"webhook_": n, "source_": source, "place_": place}
        if tx.sql.execute(_MOVE, given).rowcount == 0:
            row = {"webhook": n, "source": source, "place": place}
            tx.sql.execute(insert(webhook_mark).values(**row))


def marks(tx: Transaction, n: int, sources: Collection[str]) -> dict[str, int]:
    """Return how far some sources were gone through for a subscription."""
    query = select(webhook_mark.c.source, webhook_mark.c.place)
    mine = query.where(webhook_mark.c.webhook == n, webhook_mark.c.source.in_(sorted(sources)))
    return dict.fromkeys(sources, 0) | {row.source: row.place for row in tx.sql.execute(mine)}


def waiting(tx: Transaction, n: int, most: int) -> list[Message]:
    """Return the messages in front, in their order."""
    rows = tx.sql.execute(_WAITING, {"webhook_": n, "most": most})
    return [_message(row) for row in rows]


def waits(tx: Transaction, n: int) -> int:
    """Return how many messages are made and wait."""
    return int(tx.sql.execute(_WAITS, {"webhook_": n}).scalar_one())


def arrived(tx: Transaction, n: int, tries: Sequence[Try]) -> None:
    """Note that messages have arrived; one that somebody left out meanwhile has arrived as well."""
    if not tries:
        return
    for each in tries:
        if tx.sql.execute(_TRIED, _tried(each) | {"state_": "arrived"}).rowcount:
            tx.sql.execute(_EMPTIED, {"n_": each.message})
    _change(tx, n, failures=0, next_at=None, arrived_at=tries[-1].at)


def failed(tx: Transaction, n: int, one: Try, next_at: datetime | None) -> None:
    """Note that the message in front has not arrived, and when it is tried again."""
    front = tx.sql.execute(_WAITING, {"webhook_": n, "most": 1}).one_or_none()
    if front is None or (front.n, front.id) != (one.message, one.id):
        return  # somebody has left it out meanwhile
    tx.sql.execute(_TRIED, _tried(one) | {"state_": "waiting"})
    query = update(webhook).where(webhook.c.n == n)
    tx.sql.execute(query.values(failures=webhook.c.failures + 1, next_at=next_at))


def last(
    tx: Transaction,
    *,
    n: int | None = None,
    before: int | None = None,
    limit: int = 50,
    troubled: bool = False,
) -> list[Message]:
    """Return messages of a subscription or of all, newest first, below a number.

    Args:
        tx: a transaction.
        n: of which subscription; None: of all.
        before: the number.
        limit: how many.
        troubled: only those that wait or were left out.
    """
    query = select(webhook_message).order_by(webhook_message.c.n.desc()).limit(limit)
    if n is not None:
        query = query.where(webhook_message.c.webhook == n)
    if before is not None:
        query = query.where(webhook_message.c.n < before)
    if troubled:
        query = query.where(webhook_message.c.state != "arrived")
    return [_message(row) for row in tx.sql.execute(query)]


def tidy(tx: Transaction) -> None:
    """Delete messages that are done for some days, and what everybody has been told of."""
    old = (
        select(webhook_message.c.n)
        .where(webhook_message.c.made_at < tx.now - KEPT, webhook_message.c.state != "waiting")
        .order_by(webhook_message.c.made_at)
        .limit(_TIDIED)
    )
    tx.sql.execute(delete(webhook_message).where(webhook_message.c.n.in_(old)))
    places = select(func.min(webhook_mark.c.place)).where(webhook_mark.c.source == HAPPENINGS)
    told = tx.sql.execute(places).scalar()
    # the newest stays: SQLite would give its number again, and marks are beyond it
    newest = select(func.max(happening.c.n)).scalar_subquery()
    over = or_(happening.c.n <= (told or 0), happening.c.at < tx.now - LONGEST)
    tx.sql.execute(delete(happening).where(over, happening.c.n < newest))


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _begin_here(tx: Transaction, n: int) -> None:
    rows = [{"webhook": n, "source": s, "place": place} for s, place in ends(tx).items()]
    tx.sql.execute(insert(webhook_mark), rows)


def _change(tx: Transaction, n: int, **values: object) -> None:
    tx.sql.execute(update(webhook).where(webhook.c.n == n).values(**values))


def _tried(one: Try) -> dict[str, object]:
    return {
        "n_": one.message,
        "id_": one.id,
        "at_": one.at,
        "took_": one.took // timedelta(milliseconds=1),
        "status_": one.status,
        "trouble_": one.trouble,
    }


def _subscription(row: Row[Any]) -> Subscription:
    kinds = tuple(row.kinds.split())
    return Subscription(
        n=row.n,
        id=UUID(row.id),
        wanted=Wanted(row.name, row.url, kinds, row.above, row.people),
        sealed=row.sealed,
        sealed_before=row.sealed_before,
        before_until=row.before_until,
        state=row.state,
        why=row.why,
        failures=row.failures,
        next_at=row.next_at,
        arrived_at=row.arrived_at,
        made_at=row.made_at,
        author=row.author,
    )


def _message(row: Row[Any]) -> Message:
    return Message(**row._asdict())


# statements that do not change are made once: making one takes longer than running it
_AT: Final = select(webhook).where(webhook.c.n == bindparam("n_"))
_EVERY: Final = select(webhook).order_by(webhook.c.name)
_ENTER: Final = insert(webhook_message)
_MOVE: Final = (
    update(webhook_mark)
    .where(
        webhook_mark.c.webhook == bindparam("webhook_"),
        webhook_mark.c.source == bindparam("source_"),
    )
    .values(place=bindparam("place_"))
)
_MINE: Final = and_(
    webhook_message.c.webhook == bindparam("webhook_"), webhook_message.c.state == "waiting"
)
_WAITING: Final = (
    select(webhook_message)
    .where(_MINE)
    .order_by(webhook_message.c.n)
    .limit(bindparam("most", type_=Integer))
)
_WAITS: Final = select(func.count()).select_from(webhook_message).where(_MINE)
_TRIED: Final = (
    update(webhook_message)
    .where(webhook_message.c.n == bindparam("n_"), webhook_message.c.id == bindparam("id_"))
    .values(
        state=bindparam("state_"),
        tries=webhook_message.c.tries + 1,
        tried_at=bindparam("at_"),
        took=bindparam("took_"),
        status=bindparam("status_"),
        trouble=bindparam("trouble_"),
    )
)
_EMPTIED: Final = (
    update(webhook_message).where(webhook_message.c.n == bindparam("n_")).values(body="")
)
