"""Sessions of browsers: the books know the SHA-256 of their cookies, which 256 bits allow.

Whether one still counts is judged at each request (`central.signing_in`): by the person as they
are in the directory now, their roles now, and the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import bindparam, delete, insert, select, update

from central.store.tables import web_session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction

Stage: TypeAlias = Literal["password", "full"]

#: Characters of a browser's own description that are kept.
_AGENT: Final = 300


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that somebody is signed in with."""

    n: int
    """Its number, to name it by."""
    user: str
    """Whose."""
    stage: Stage
    """password: the second factor is still to come."""
    proven: bool
    """A second factor was shown in it."""
    remember: bool
    """It was asked to last."""
    mark: str
    """What stands for the password that began it."""
    made_at: datetime
    seen_at: datetime
    """To the minute or so."""
    address: str
    """Where it was begun."""
    agent: str
    """What the browser says of itself."""


def digest_of(cookie: str) -> str:
    """Return what the books know of a cookie."""
    return sha256(cookie.encode()).hexdigest()


def password_mark(phc: str) -> str:
    """Return what stands for a password's hash in its sessions; nothing for none."""
    return sha256(b"printmesh session\0" + phc.encode()).hexdigest()[:32] if phc else ""


def begin(
    tx: Transaction,
    cookie: str,
    user: str,
    *,
    stage: Stage,
    mark: str,
    ends_at: datetime,
    proven: bool = False,
    remember: bool = False,
    address: str = "",
    agent: str = "",
) -> None:
    """Begin a session."""
    values = {
        "digest": digest_of(cookie),
        "user": user,
        "stage": stage,
        "proven": proven,
        "remember": remember,
        "mark": mark,
        "made_at": tx.now,
        "seen_at": tx.now,
        "ends_at": ends_at,
        "address": address,
        "agent": agent.replace("\0", "")[:_AGENT],
    }
    tx.sql.execute(insert(web_session).values(**values))


def find(tx: Transaction, cookie: str) -> Session | None:
    """Return the session of a cookie, whatever may have become of it since."""
    row = tx.sql.execute(_MINE, {"digest": digest_of(cookie)}).one_or_none()
    return None if row is None else _session(row)


# made once: each page asks
_MINE: Final = select(web_session).where(web_session.c.digest == bindparam("digest"))


def raised(tx: Transaction, n: int, cookie: str, *, stage: Stage, proven: bool) -> None:
    """Give a session more rights, and a new cookie: who has the old one gets none of them."""
    values = {"digest": digest_of(cookie), "stage": stage, "proven": proven, "seen_at": tx.now}
    tx.sql.execute(update(web_session).where(web_session.c.n == n).values(**values))


def seen(tx: Transaction, n: int) -> None:
    """Note that it is used."""
    tx.sql.execute(update(web_session).where(web_session.c.n == n).values(seen_at=tx.now))


def lengthen(tx: Transaction, n: int, ends_at: datetime) -> None:
    """Note when it ends at the latest."""
    tx.sql.execute(update(web_session).where(web_session.c.n == n).values(ends_at=ends_at))


def of_user(tx: Transaction, user: str) -> list[Session]:
    """Return somebody's sessions, the newest first; some may be over."""
    rows = tx.sql.execute(
        select(web_session).where(web_session.c.user == user).order_by(web_session.c.n.desc())
    )
    return [_session(row) for row in rows]


def end(tx: Transaction, user: str, n: int) -> bool:
    """End one session of somebody; return False when they have none of that number."""
    mine = (web_session.c.user == user) & (web_session.c.n == n)
    return tx.sql.execute(delete(web_session).where(mine)).rowcount == 1


def end_all(tx: Transaction, user: str, *, but: int | None = None) -> int:
    """End all sessions of somebody, or all but one; return how many."""
    mine = web_session.c.user == user
    if but is not None:
        mine &= web_session.c.n != but
    return tx.sql.execute(delete(web_session).where(mine)).rowcount


def remark(tx: Transaction, user: str, before: str, after: str) -> None:
    """Let sessions go on though the password's hash was made anew of the same password."""
    mine = (web_session.c.user == user) & (web_session.c.mark == before)
    tx.sql.execute(update(web_session).where(mine).values(mark=after))


def remark_one(tx: Transaction, n: int, mark: str) -> None:
    """Let one session go on though its person has another password: they set it in this one."""
    tx.sql.execute(update(web_session).where(web_session.c.n == n).values(mark=mark))


def tidy(tx: Transaction) -> int:
    """Forget sessions that are over in any case; return how many."""
    return tx.sql.execute(delete(web_session).where(web_session.c.ends_at < tx.now)).rowcount


def _session(row: Row[Any]) -> Session:
    return Session(
        n=row.n,
        user=row.user,
        stage=row.stage,
        proven=row.proven,
        remember=row.remember,
        mark=row.mark,
        made_at=row.made_at,
        seen_at=row.seen_at,
        address=row.address,
        agent=row.agent,
    )
