"""`refund-request`: people's requests for what a job cost, with the evidence; settling them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, cast
from uuid import UUID

import typer

from central.acts import money as acts
from central.acts.by import By
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    amount,
    author,
    console,
    desk,
    show,
    user_name,
    write_json,
)
from central.commands.jobs import named, sentence, told
from central.store import refund_requests
from central.store.ledger import Refused
from central.store.refund_requests import Which

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.refund_requests import RefundRequest, State

commands = typer.Typer(
    no_args_is_help=True, help="Requests for money back: list, show, ask, settle, decline."
)

Id = Annotated[str, typer.Argument(metavar="REQUEST", help="Its id, or enough of its digits.")]
_STATES: Final = ("open", "refunded", "declined", "withdrawn")


@commands.command("list")
def list_requests(
    config: Config = None,
    *,
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(_STATES)}.")] = "open",
    everything: Annotated[bool, typer.Option("--all", help="Whatever became of them.")] = False,
    user: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    before: Annotated[int | None, typer.Option(help="Go on below this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List requests, newest first; those that are open unless told otherwise."""
    if state not in _STATES:
        raise Refusal(f"{state!r} is none of {', '.join(_STATES)}")
    which = Which(
        state=None if everything else cast("State", state),
        user=None if user is None else user_name(user),
    )
    with desk(config) as at, at.books.read() as tx:
        found = refund_requests.every(tx, which, before=before, limit=limit)
    columns = ("n", "id", "asked_at", "user", "job", "reason", "state", "answer")
    show([_row(each) for each in found], as_json=as_json, columns=columns, empty="Nobody asks.")


@commands.command("show")
def show_request(request: Id, config: Config = None, *, as_json: AsJson = False) -> None:
    """Show a request beside what the books know of its job."""
    with desk(config) as at, at.books.read() as tx:
        found = _find(tx, request)
        life = acts.evidence(tx, found)
    if as_json:
        write_json({**_row(found), "evidence": None if life is None else told(life)})
        return
    console.print(f"{found.user} asks ({found.state}): {found.reason}", markup=False)
    if life is None:
        console.print("The job is deleted.")
        return
    console.print(sentence(life.answer), markup=False, highlight=False)
    console.print(f"All of it: printmesh central job show {found.job}", highlight=False)


@commands.command("ask")
def ask(
    job: Annotated[str, typer.Argument(help="job-uuid, or enough of its first digits.")],
    user: Annotated[str, typer.Option(help="Whose job it is.")],
    reason: Annotated[str, typer.Option(help="In their words.")],
    config: Config = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Enter a request for somebody."""
    with desk(config) as at, at.books.write() as tx:
        id_ = named(tx, job)
        made = acts.ask_refund(tx, By(author()), id_, user=user_name(user), reason=reason)
        if isinstance(made, Refused):
            raise Refusal(made.reason)
    if as_json:
        write_json(_row(made))
        return
    console.print(f"Entered as {made.id}.", highlight=False)


@commands.command("settle")
def settle(
    request: Id,
    config: Config = None,
    *,
    sum_: Annotated[
        str | None, typer.Option("--amount", help="A part, in the currency; else everything.")
    ] = None,
    answer: Annotated[str, typer.Option(help="What the person reads.")] = "",
    as_json: AsJson = False,
) -> None:
    """Give the money back, all of it or a part, to those who paid."""
    with desk(config) as at, at.books.write() as tx:
        found = _find(tx, request)
        wanted = None if sum_ is None else amount(sum_, tx.identity.currency)
        done = acts.settle_refund(tx, By(author()), found.id, wanted, answer=answer)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
    rows = [
        {"account": account, "refund": str(back), "entry": str(each.entry)}
        for each in done.refunds
        for account, back in each.parts
    ]
    if as_json:
        write_json({**_row(done.request), "refunds": rows})
        return
    show(rows, as_json=False, columns=("account", "refund"), empty="Nothing.")


@commands.command("decline")
def decline(
    request: Id,
    answer: Annotated[str, typer.Option(help="Why; the person reads it.")],
    config: Config = None,
) -> None:
    """Say no, with the words the person reads."""
    with desk(config) as at, at.books.write() as tx:
        found = _find(tx, request)
        done = acts.decline_refund(tx, By(author()), found.id, answer=answer)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
    console.print(f"Declined; {found.user} reads: {answer}", markup=False)


def _find(tx: Transaction, text: str) -> RefundRequest:
    try:
        ids = [UUID(text)]
    except ValueError:
        ids = refund_requests.beginning(tx, text.lower())
    found = refund_requests.find(tx, ids[0]) if len(ids) == 1 else None
    if found is None:
        what = "several requests begin so" if len(ids) > 1 else "there is no such request"
        raise Refusal(f"{text!r}: {what}; see `printmesh central refund-request list --all`")
    return found


def _row(each: RefundRequest) -> dict[str, Any]:
    return asdict(each) | {"id": str(each.id), "job": str(each.job)}
