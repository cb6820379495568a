"""`till`: the operator's cash: open, take, pay back, receipts, the day's close."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from central.acts import till as acts
from central.acts.by import By
from central.commands.accounts import find_account
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    amount,
    author,
    console,
    desk,
    money,
    show,
)
from central.store import directory, till
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.receipts import Head
    from central.store.books import Transaction
    from central.store.till import Receipt, Session

commands = typer.Typer(
    no_args_is_help=True, help="The till: open, take, pay-back, reverse, receipt, close, list."
)

Name = Annotated[str, typer.Argument(metavar="TILL", help="Which till, like front-desk.")]
Account = Annotated[str, typer.Argument(help="For instance user:ana.")]
Sum = Annotated[str, typer.Argument(metavar="AMOUNT", help="For instance 5.00.")]
PdfFile = Annotated[
    Path | None, typer.Option("--receipt", help="Also write the receipt there, as PDF.")
]
OnPaper = Annotated[str, typer.Option("--paper", help="a4, or 80mm for a receipt printer.")]
Language = Annotated[str | None, typer.Option(help="Of the receipt: en, fr, de or es.")]
Organisation = Annotated[str, typer.Option(help="What stands on top of the receipt.")]
Zone = Annotated[str, typer.Option(help="Whose clocks, like Europe/Paris.")]


@commands.command("open")
def open_till(
    name: Name,
    config: Config = None,
    *,
    opening: Annotated[str, typer.Option("--float", help="The cash that is in it.")] = "0.00",
) -> None:
    """Begin a session with the cash that is in the till."""
    with desk(config) as at, at.books.write() as tx:
        cash = amount(opening, tx.identity.currency)
        done = acts.open_till(tx, By(author()), name, cash)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
    console.print(f"{name} is open with {cash}; session {done.n}.", highlight=False)


@commands.command("take")
def take(
    name: Name,
    account: Account,
    sum_: Sum,
    config: Config = None,
    *,
    note: Annotated[str, typer.Option(help="Kept with the receipt.")] = "",
    file: PdfFile = None,
    paper: OnPaper = "a4",
    language: Language = None,
    organisation: Organisation = "",
    zone: Zone = "UTC",
    as_json: AsJson = False,
) -> None:
    """Take cash and put it on an account."""
    head = _head(paper, language, organisation, zone)
    done, person = _cash(config, acts.take_cash, name, account, sum_, note)
    _say(done, file, head, person, as_json=as_json)


@commands.command("pay-back")
def pay_back(
    name: Name,
    account: Account,
    sum_: Sum,
    note: Annotated[str, typer.Option(help="Why; kept with the receipt.")],
    config: Config = None,
    *,
    file: PdfFile = None,
    paper: OnPaper = "a4",
    language: Language = None,
    organisation: Organisation = "",
    zone: Zone = "UTC",
    as_json: AsJson = False,
) -> None:
    """Give cash for what an account has at the centre."""
    head = _head(paper, language, organisation, zone)
    done, person = _cash(config, acts.pay_back, name, account, sum_, note)
    _say(done, file, head, person, as_json=as_json)


@commands.command("reverse")
def reverse(
    number: Annotated[int, typer.Argument(metavar="RECEIPT", help="Its number.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the receipt.")],
    config: Config = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Take a receipt back by another one: the cash goes out again."""
    with desk(config) as at, at.books.write() as tx:
        done = acts.reverse(tx, By(author()), number, reason=reason)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
    _say(done, None, None, "", as_json=as_json)


@commands.command("receipt")
def write_receipt(
    number: Annotated[int, typer.Argument(metavar="RECEIPT", help="Its number.")],
    file: Annotated[Path, typer.Argument(help="A new file, for the PDF.")],
    config: Config = None,
    *,
    paper: OnPaper = "a4",
    language: Language = None,
    organisation: Organisation = "",
    zone: Zone = "UTC",
) -> None:
    """Write a receipt once more."""
    head = _head(paper, language, organisation, zone)
    with desk(config) as at, at.books.read() as tx:
        found = till.receipt(tx, number)
        if found is None:
            raise Refusal(f"there is no receipt {number}")
        person = _person(tx, found.account)
    _write(file, found, head, person)
    console.print(f"Receipt {number} is in {file}.", markup=False)


@commands.command("close")
def close_till(
    name: Name,
    counted: Annotated[str, typer.Option(help="The cash that was counted.")],
    config: Config = None,
    *,
    note: Annotated[str, typer.Option(help="Why it differs, if it does.")] = "",
    file: Annotated[Path | None, typer.Option("--sheet", help="Write the close as PDF.")] = None,
    paper: OnPaper = "a4",
    language: Language = None,
    organisation: Organisation = "",
    zone: Zone = "UTC",
    as_json: AsJson = False,
) -> None:
    """Count the cash and end the session."""
    from central import receipts  # noqa: PLC0415  slow, and only for paper

    head = _head(paper, language, organisation, zone)
    with desk(config) as at, at.books.write() as tx:
        cash = amount(counted, tx.identity.currency)
        done = acts.close_till(tx, By(author()), name, cash, note=note)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
    if file is not None:
        write_private_bytes(file, receipts.close(done.session, done.sums, head))
    row = {**_session(done.session), **asdict(done.sums)}
    shown = {**row, "difference": str(done.difference)}
    columns = ("till", "receipts", "should_be", "was_counted", "difference")
    shown |= {
        "should_be": money(done.sums.expected, done.session.unit),
        "was_counted": str(cash),
    }
    show([row if as_json else shown], as_json=as_json, columns=columns, empty="")


@commands.command("list")
def list_tills(
    config: Config = None,
    *,
    name: Annotated[str | None, typer.Option("--till", help="Only this one's.")] = None,
    before: Annotated[int | None, typer.Option(help="Go on below this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List sessions, newest first."""
    with desk(config) as at, at.books.read() as tx:
        found = till.sessions(tx, till=name, before=before, limit=limit)
        rows = [{**_session(each), **_expected(tx, each)} for each in found]
    columns = ("n", "till", "opened_by", "opened_at", "closed_at", "expected", "difference")
    show(
        rows if as_json else [_in_words(row) for row in rows],
        as_json=as_json,
        columns=columns,
        empty="No till was ever opened: `till open front-desk --float 50.00`",
    )


@commands.command("receipts")
def list_receipts(
    config: Config = None,
    *,
    session: Annotated[int | None, typer.Option(help="Only of this session.")] = None,
    account: Annotated[str | None, typer.Option(help="Only for this account.")] = None,
    before: Annotated[int | None, typer.Option(help="Go on below this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List receipts, newest first, with the numbers of their entries."""
    with desk(config) as at, at.books.read() as tx:
        found = till.receipts(tx, session=session, account=account, before=before, limit=limit)
    rows = [asdict(each) | {"cash": money(each.micros, each.unit)} for each in found]
    columns = ("number", "at", "till", "account", "cash", "entry", "author", "note")
    show(rows, as_json=as_json, columns=columns, empty="No receipts.")


def write_private_bytes(file: Path, data: bytes) -> None:
    """Write a new file that its owner alone may read: it names people and money."""
    if file.exists():
        raise Refusal(f"{file} exists; it is not overwritten")
    try:
        file.touch(mode=0o600)
        file.write_bytes(data)
    except OSError as error:
        raise Refusal(f"{file} cannot be written: {error.strerror}") from error


def _head(paper: str, language: str | None, organisation: str, zone: str) -> Head:
    from central import receipts  # noqa: PLC0415  slow, and only for paper

    if paper not in receipts.PAPERS:
        raise Refusal(f"{paper!r} is no paper; one of {', '.join(receipts.PAPERS)}")
    try:
        clocks = UTC if zone == "UTC" else ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refusal(f"{zone!r} is no time zone; write it like Europe/Paris") from error
    return receipts.Head(organisation, clocks, language, paper)


def _cash(
    config: Path | None,
    act: Callable[..., Receipt | Refused],
    name: str,
    account: str,
    sum_: str,
    note: str,
) -> tuple[Receipt, str]:
    """Have cash go in or out; return the receipt, and what whoever has the account is called."""
    with desk(config) as at, at.books.write() as tx:
        key = find_account(tx, account).key
        cash = amount(sum_, tx.identity.currency)
        done = act(tx, By(author()), name, key, cash, note=note)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
        return done, _person(tx, key)


def _say(
    done: Receipt, file: Path | None, head: Head | None, person: str, *, as_json: bool
) -> None:
    if file is not None and head is not None:
        _write(file, done, head, person)
    row = asdict(done)
    row |= {"cash": money(done.micros, done.unit), "has": money(done.balance, done.unit)}
    columns = ("number", "account", "cash", "has")
    show([row], as_json=as_json, columns=columns, empty="")


def _write(file: Path, done: Receipt, head: Head, person: str) -> None:
    from central import receipts  # noqa: PLC0415  slow, and only for paper

    write_private_bytes(file, receipts.receipt(done, head, person=person))


def _person(tx: Transaction, key: str) -> str:
    kind, _, name = key.partition(":")
    row = directory.get(tx, "user", name) if kind == "user" else None
    return str(row.get("display") or name) if row else ""


def _session(each: Session) -> dict[str, Any]:
    return asdict(each) | {"difference": each.difference}


def _expected(tx: Transaction, each: Session) -> dict[str, Any]:
    return {"expected": each.expected if each.closed_at else till.sums(tx, each).expected}


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    words = {
        name: "" if row[name] is None else money(row[name], row["unit"])
        for name in ("expected", "difference")
    }
    return row | words
