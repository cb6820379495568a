"""`grant …`: periodic grants to groups and accounts."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from central.acts import money as acts
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    account_key,
    amount,
    by,
    console,
    desk,
    done,
    money,
    show,
    unknown,
    write_json,
)
from central.schedules import Plan
from central.store import accounts, allowances, schedules
from central.store.allowances import Allowance, Period
from config.policy.money import PAGE

if TYPE_CHECKING:
    from central.schedules import Every, Mode
    from central.store.books import Books, Transaction
    from central.store.schedules import Schedule

commands = typer.Typer(
    no_args_is_help=True, help="Periodic grants: add, list, show, pause, resume, remove, run."
)

Name = Annotated[str, typer.Argument(help="What the schedule is called.")]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EVERY = ("daily", "weekly", "monthly", "term")
_WALLETS = ("grant", "user", "quota", "quota.color", "quota.mono")
#: Lines of a dry run that are shown one by one.
_SHOWN = 20


@commands.command("add")
def add(
    name: Name,
    config: Config = None,
    *,
    to: Annotated[str, typer.Option(help="group:NAME, or account:KEY for one account.")],
    sum_: Annotated[str, typer.Option("--amount", help="For instance 5.00, or 200 pages.")],
    wallet: Annotated[
        str, typer.Option(help=f"For a group, which account of each: {', '.join(_WALLETS)}.")
    ] = "grant",
    every: Annotated[str, typer.Option(help="daily, weekly, monthly or term.")] = "monthly",
    mode: Annotated[str, typer.Option(help="set to the amount, or add it.")] = "set",
    cap: Annotated[
        str | None, typer.Option(help="With add: leave no more than this on the account.")
    ] = None,
    zone: Annotated[str, typer.Option(help="Whose clocks, like Europe/Paris.")] = "UTC",
    at_: Annotated[str, typer.Option("--at", help="Local time, like 06:30.")] = "00:00",
    weekday: Annotated[str, typer.Option(help="With weekly.")] = "monday",
    day: Annotated[
        int, typer.Option(min=1, max=31, help="With monthly; in a shorter month the last.")
    ] = 1,
    terms: Annotated[
        str | None, typer.Option(help="With term: 2027-01-10,2027-04-20 and so on.")
    ] = None,
    join: Annotated[
        bool, typer.Option("--join/--no-join", help="People of the group pay from it first.")
    ] = True,
) -> None:
    """Enter a periodic grant; it begins with the next moment, and is never posted twice."""
    plan = _plan(every, zone, at_, weekday, day, terms)
    if mode not in {"set", "add"}:
        raise Refusal(f"{mode!r} is no mode; `set` to the amount, or `add` it")
    with desk(config) as at, at.books.write() as tx:
        wallet, unit = _wallet(tx, to, wallet, at.settings.currency)
        allowance = Allowance(
            to,
            wallet,
            unit,
            amount(sum_, unit).micros,
            cast("Mode", mode),
            None if cap is None else amount(cap, unit).micros,
            joins=join and bool(wallet),
        )
        made = done(acts.add_grant(tx, by(), name, allowance, plan))
    console.print(f"{name} grants {_words(made)} to {to}; next at {_next(made)}.", markup=False)


@commands.command("list")
def list_schedules(config: Config = None, *, as_json: AsJson = False) -> None:
    """List periodic grants and how far they are."""
    with desk(config) as at, at.books.read() as tx:
        rows = [_row(each) for each in schedules.every(tx)]
    columns = ("name", "to", "grants", "every", "next", "paused", "granted", "left_out")
    show(rows, as_json=as_json, columns=columns, empty="None; enter one with `grant add`.")


@commands.command("show")
def show_schedule(name: Name, config: Config = None, *, as_json: AsJson = False) -> None:
    """Show one periodic grant."""
    with desk(config) as at, at.books.read() as tx:
        row = _row(_find(tx, name))
    if as_json:
        write_json(row)
        return
    for key, value in row.items():
        if value not in (None, "", [], False):
            console.print(f"{key.replace('_', ' '):12}{value}", markup=False, highlight=False)


@commands.command("pause")
def pause(name: Name, config: Config = None) -> None:
    """Stop a periodic grant; what passes until `resume` is left out."""
    _pause(name, config, paused=True)


@commands.command("resume")
def resume(name: Name, config: Config = None) -> None:
    """Let a paused grant go on with its next moment."""
    _pause(name, config, paused=False)


@commands.command("remove")
def remove(name: Name, config: Config = None) -> None:
    """Take a periodic grant out; what it granted stays."""
    with desk(config) as at, at.books.write() as tx:
        _find(tx, name)
        done(acts.remove_grant(tx, by(), name))
    console.print(f"Removed {name}.", markup=False)


@commands.command("run")
def run(
    name: Name,
    config: Config = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the next moment would post, only.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Post what is due by now, as the coordinator does by itself; or show the next moment."""
    with desk(config) as at:
        if dry_run:
            _preview(at.books, name, as_json=as_json)
            return
        with at.books.read() as tx:
            _find(tx, name)
        slices = 0
        while True:
            with at.books.write() as tx:
                step = schedules.step(tx, name)
            if step is None:
                break
            slices += 1
        with at.books.read() as tx:
            row = _row(_find(tx, name))
    if as_json:
        write_json(row)
    elif not slices:
        console.print(f"Nothing is due; next at {row['next']}.", markup=False)
    else:
        console.print(
            f"{row['granted']} accounts granted, {row['left_out']} left out. {row['remark']}",
            markup=False,
        )


def _preview(books: Books, name: str, *, as_json: bool) -> None:
    """Go through the next period slice by slice, writing nothing; memory holds one slice."""
    with books.read() as tx:
        found = _find(tx, name)
        moment = schedules.moment_due(tx, found)
        named = schedules.id_of(tx, name)
    if moment is None:
        raise Refusal(f"{name} has no moment to come")
    period = Period(named, name, moment.period)
    cursor, over, lines, total, out = "", False, 0, 0, 0
    shown: list[dict[str, Any]] = []
    unit = found.allowance.unit
    while not over:
        with books.read() as tx:
            part = allowances.cut(tx, found.allowance, cursor)
            planned = allowances.plan(tx, found.allowance, period, part)
        cursor, over = part.upto, part.over
        for line in planned:
            lines += bool(line.micros)
            total += line.micros
            out += bool(line.left_out)
            if len(shown) < _SHOWN:
                why = line.left_out or line.note
                change = money(line.micros, unit)
                shown.append({"account": line.account, "change": change, "note": why})
    whole = {"at": moment.at, "accounts": lines, "left_out": out, "micros": total, "unit": unit}
    if as_json:
        write_json({**whole, "first": shown})
        return
    show(shown, as_json=False, columns=("account", "change", "note"), empty="Nobody to grant to.")
    console.print(
        f"At {moment.at.isoformat()}: {lines} accounts, {money(total, unit)} in all, {out} left "
        "out. Nothing was posted.",
        highlight=False,
    )


def _pause(name: str, config: Any, *, paused: bool) -> None:  # noqa: ANN401  Typer's own alias
    with desk(config) as at, at.books.write() as tx:
        _find(tx, name)
        made = done(acts.pause_grant(tx, by(), name, paused=paused))
    said = "is paused" if paused else f"goes on; next at {_next(made)}"
    console.print(f"{name} {said}.", markup=False)


def _find(tx: Transaction, name: str) -> Schedule:
    found = schedules.find(tx, name)
    if found is None:
        known = (each.name for each in schedules.every(tx))
        raise unknown("schedule", name, known, "see `printmesh central grant list`")
    return found


def _plan(every: str, zone: str, at_: str, weekday: str, day: int, terms: str | None) -> Plan:
    if every not in _EVERY:
        raise Refusal(f"{every!r} is no period; one of {', '.join(_EVERY)}")
    if weekday.lower() not in _DAYS:
        raise Refusal(f"{weekday!r} is no day of the week; one of {', '.join(_DAYS)}")
    try:
        at = time.fromisoformat(at_)
    except ValueError as error:
        raise Refusal(f"{at_!r} is no time of day; write it like 06:30") from error
    if at.tzinfo is not None or at.second or at.microsecond:
        raise Refusal(f"{at_!r}: hours and minutes are enough; the zone is given by --zone")
    try:
        days = tuple(
            sorted({date.fromisoformat(each) for each in (terms or "").split(",") if each})
        )
    except ValueError as error:
        raise Refusal(f"{terms!r} are no days; write them like 2027-01-10,2027-04-20") from error
    if bool(days) != (every == "term"):
        raise Refusal("--terms goes with --every term, and --every term needs it")
    return Plan(cast("Every", every), zone, at, _DAYS.index(weekday.lower()) + 1, day, days)


def _wallet(tx: Transaction, to: str, wallet: str, currency: str) -> tuple[str, str]:
    """Return which account of each person, and its unit; the target's own unit for one account."""
    kind, _, name = to.partition(":")
    if kind == "account":
        found = accounts.find(tx, account_key(name))
        if found is None:
            known = (each.key for each in accounts.every(tx, limit=10_000))
            raise unknown("account", name, known, "open it with `printmesh central account add`")
        return "", found.unit
    if kind != "group" or not name:
        raise Refusal(f"{to!r} is nobody; write group:students, or account:department:physics")
    if wallet not in _WALLETS:
        raise Refusal(f"{wallet!r} is no account of a person; one of {', '.join(_WALLETS)}")
    return wallet, PAGE if wallet.startswith("quota") else currency


def _words(each: Schedule) -> str:
    given = money(each.allowance.micros, each.allowance.unit)
    if each.allowance.mode == "set":
        return f"up to {given}"
    cap = each.allowance.cap
    return given if cap is None else f"{given} (at most {money(cap, each.allowance.unit)})"


def _next(each: Schedule) -> str:
    return "never" if each.progress.due is None else each.progress.due.isoformat()


def _row(each: Schedule) -> dict[str, Any]:
    plan, allowance, progress = each.plan, each.allowance, each.progress
    when = {
        "daily": "daily",
        "weekly": f"weekly on {_DAYS[plan.weekday - 1]}",
        "monthly": f"monthly on day {plan.day}",
        "term": ", ".join(day.isoformat() for day in plan.days),
    }[plan.every]
    return {
        "name": each.name,
        "to": allowance.target,
        "wallet": allowance.wallet,
        "grants": _words(each),
        "micros": allowance.micros,
        "unit": allowance.unit,
        "mode": allowance.mode,
        "cap": allowance.cap,
        "every": f"{when} at {plan.at.isoformat('minutes')} {plan.zone}",
        "next": progress.due,
        "paused": progress.paused,
        "under_way": None if progress.period is None else progress.period.isoformat(),
        "granted": progress.granted,
        "left_out": progress.left_out,
        "remark": progress.remark,
        "author": each.author,
        "created_at": each.created_at,
    }
