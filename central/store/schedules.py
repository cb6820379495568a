"""Periodic grants: entering them, and carrying them out slice by slice, each period once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete, func, insert, select, update

from central.schedules import Plan, due, following
from central.store import accounts, allowances, audit
from central.store.allowances import Allowance, Period
from central.store.ledger import Refused
from central.store.tables import schedule
from config.policy.money import MICROS_BOUND

if TYPE_CHECKING:
    from sqlalchemy import Row

    from central.schedules import Moment
    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a schedule is."""

    paused: bool
    due: datetime | None
    """The next moment, or the one under way; none: never again."""
    period: date | None
    """Under way."""
    granted: int
    """Accounts that the run under way, or the last one, posted to."""
    left_out: int
    """Accounts that it could not post to."""
    remark: str
    """Why, the newest reason."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A periodic grant."""

    name: str
    allowance: Allowance
    """To whom, and how much."""
    plan: Plan
    """When."""
    author: str
    created_at: datetime
    progress: Progress


@dataclass(frozen=True, slots=True)
class Stepped:
    """One slice is posted."""

    name: str
    over: bool
    """The period is done."""
    left_out: int
    """Accounts of the whole period, so far, that could not be posted to."""
    remark: str


def add(
    tx: Transaction, name: str, allowance: Allowance, plan: Plan, *, author: str
) -> Schedule | Refused:
    """Enter a periodic grant; it begins with the first moment after now."""
    if find(tx, name) is not None:
        return Refused(f"there is a schedule {name!r} already; remove it first")
    if (refused := _wrong(tx, allowance, plan)) is not None:
        return refused
    first = following(plan, tx.now)
    if first is None:
        return Refused("none of these days is still to come")
    values = {
        "name": name,
        "id": str(tx.mint()),
        "target": allowance.target,
        "wallet": allowance.wallet,
        "joins": allowance.joins,
        "unit": allowance.unit,
        "micros": allowance.micros,
        "mode": allowance.mode,
        "cap": allowance.cap,
        "every": plan.every,
        "zone": plan.zone,
        "at": plan.at.isoformat("minutes"),
        "weekday": plan.weekday,
        "day": plan.day,
        "days": ",".join(day.isoformat() for day in plan.days),
        "author": author,
        "created_at": tx.now,
        "paused": False,
        "done": tx.now,
        "due": first.at,
        "period": None,
        "cursor": "",
        "granted": 0,
        "left_out": 0,
        "remark": "",
    }
    tx.sql.execute(insert(schedule).values(**values))
    detail = {key: values[key] for key in ("target", "wallet", "unit", "micros", "mode", "every")}
    audit.note(tx, author=author, act="grant add", target=name, detail=detail)
    return _schedule(tx.sql.execute(select(schedule).where(schedule.c.name == name)).one())


def find(tx: Transaction, name: str) -> Schedule | None:
    """Return a schedule, or None."""
    row = tx.sql.execute(select(schedule).where(schedule.c.name == name)).one_or_none()
    return None if row is None else _schedule(row)


def every(tx: Transaction) -> list[Schedule]:
    """Return schedules by name."""
    return [_schedule(row) for row in tx.sql.execute(select(schedule).order_by(schedule.c.name))]


def pause(tx: Transaction, name: str, *, author: str, paused: bool) -> Schedule | Refused:
    """Stop a schedule, or let it go on; periods that pass while it is paused are left out."""
    row = tx.sql.execute(select(schedule).where(schedule.c.name == name)).one_or_none()
    if row is None:
        return Refused(f"there is no schedule {name!r}")
    values: dict[str, Any] = {"paused": paused}
    if row.paused and not paused and row.period is None:
        try:
            upcoming = following(_plan(row), tx.now)
        except ZoneInfoNotFoundError:
            return Refused(f"this machine does not know the time zone {row.zone}")
        values |= {"done": tx.now, "due": None if upcoming is None else upcoming.at}
    tx.sql.execute(update(schedule).where(schedule.c.name == name).values(**values))
    act = "grant pause" if paused else "grant resume"
    audit.note(tx, author=author, act=act, target=name)
    return _schedule(tx.sql.execute(select(schedule).where(schedule.c.name == name)).one())


def remove(tx: Transaction, name: str, *, author: str) -> bool:
    """Take a schedule out; what it granted stays. Return False when there was none."""
    if tx.sql.execute(delete(schedule).where(schedule.c.name == name)).rowcount == 0:
        return False
    audit.note(tx, author=author, act="grant remove", target=name)
    return True


def next_due(tx: Transaction) -> datetime | None:
    """Return when `step` has something to do next; None: never, as things are."""
    soonest: datetime | None = tx.sql.execute(_NEXT).scalar_one()
    return soonest


_NEXT: Final = select(func.min(schedule.c.due)).where(~schedule.c.paused)


def step(tx: Transaction, name: str | None = None) -> Stepped | None:
    """Post one slice of what is due now, of any schedule or one; None when nothing is.

    Missed periods of `add` are posted one after another, of `set` only the last.
    """
    row = _first_due(tx, name)
    if row is None:
        return None
    try:
        moment = _under_way(tx, row)
        upcoming = None if moment is None else following(_plan(row), moment.at)
    except ZoneInfoNotFoundError:
        remark = f"this machine does not know the time zone {row.zone}"
        _set(tx, row, paused=True, remark=remark)
        return Stepped(row.name, over=True, left_out=0, remark=remark)
    if moment is None:
        # the days of its zone have changed since: there is nothing just now
        later = following(_plan(row), tx.now)
        _set(tx, row, due=None if later is None else later.at)
        return Stepped(row.name, over=True, left_out=0, remark="")
    begun = row.period is not None
    period = Period(UUID(row.id), row.name, moment.period)
    cut = allowances.cut(tx, _allowance(row), row.cursor if begun else "")
    done = allowances.post(tx, _allowance(row), period, cut)
    left_out = (row.left_out if begun else 0) + done.left_out
    remark = done.remark or (row.remark if begun else "")
    _set(
        tx,
        row,
        done=moment.at if cut.over else row.done,
        due=moment.at if not cut.over else None if upcoming is None else upcoming.at,
        period=None if cut.over else moment.period.isoformat(),
        cursor="" if cut.over else cut.upto,
        granted=(row.granted if begun else 0) + done.granted,
        left_out=left_out,
        remark=remark,
    )
    return Stepped(row.name, cut.over, left_out, remark)


def moment_due(tx: Transaction, wanted: Schedule) -> Moment | None:
    """Return the period that is due now or next."""
    done = tx.sql.execute(
        select(schedule.c.done).where(schedule.c.name == wanted.name)
    ).scalar_one()
    return following(wanted.plan, done)


def id_of(tx: Transaction, name: str) -> UUID:
    """Return what the entries of a schedule are named after."""
    query = select(schedule.c.id).where(schedule.c.name == name)
    return UUID(tx.sql.execute(query).scalar_one())


def _first_due(tx: Transaction, name: str | None) -> Row[Any] | None:
    query = select(schedule).where(~schedule.c.paused, schedule.c.due <= tx.now)
    if name is not None:
        query = query.where(schedule.c.name == name)
    return tx.sql.execute(query.order_by(schedule.c.due, schedule.c.name).limit(1)).one_or_none()


def _under_way(tx: Transaction, row: Row[Any]) -> Moment | None:
    """Return the period to work on: the one begun, else the first due, of `set` the last due."""
    moment = None
    if row.period is not None:
        begun = date.fromisoformat(row.period)
        return next((m for m in due(_plan(row), row.done, tx.now) if m.period >= begun), None)
    for each in due(_plan(row), row.done, tx.now):
        moment = each
        if row.mode == "add":
            break
    return moment


def _set(tx: Transaction, row: Row[Any], **values: object) -> None:
    tx.sql.execute(update(schedule).where(schedule.c.name == row.name).values(**values))


def _wrong(tx: Transaction, allowance: Allowance, plan: Plan) -> Refused | None:
    if allowance.micros < 0 or (allowance.mode == "add" and not allowance.micros):
        return Refused("a grant must be more than nothing; only `set` may set to 0")
    if allowance.cap is not None and allowance.mode == "set":
        return Refused("`set` needs no cap: its amount is the cap")
    if max(allowance.micros, allowance.cap or 0) > MICROS_BOUND:
        return Refused("that is more than an account may hold")
    return _wrong_plan(plan) or _wrong_target(tx, allowance)


def _wrong_plan(plan: Plan) -> Refused | None:
    if plan.every == "term" and not plan.days:
        return Refused("a term plan needs its days")
    try:
        ZoneInfo(plan.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Refused(f"{plan.zone!r} is no time zone; write it like Europe/Paris")
    return None


def _wrong_target(tx: Transaction, allowance: Allowance) -> Refused | None:
    kind, _, key = allowance.target.partition(":")
    if kind != "account":
        return None
    found = accounts.find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}")
    if found.unit != allowance.unit:
        return Refused(f"{key} is in {found.unit}, not {allowance.unit}")
    return None


def _plan(row: Row[Any]) -> Plan:
    days = tuple(date.fromisoformat(day) for day in row.days.split(",") if day)
    return Plan(row.every, row.zone, time.fromisoformat(row.at), row.weekday, row.day, days)


def _allowance(row: Row[Any]) -> Allowance:
    return Allowance(
        row.target, row.wallet, row.unit, row.micros, row.mode, row.cap, joins=row.joins
    )


def _schedule(row: Row[Any]) -> Schedule:
    period = None if row.period is None else date.fromisoformat(row.period)
    progress = Progress(row.paused, row.due, period, row.granted, row.left_out, row.remark)
    return Schedule(row.name, _allowance(row), _plan(row), row.author, row.created_at, progress)
