"""`webhook`: other programs that are told what happens."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from central.acts import webhooks as acts
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    amount,
    by,
    console,
    desk,
    done,
    errors,
    money,
    show,
    write_json,
)
from central.sealing import Unreadable
from central.store import webhooks
from central.store.webhooks import Wanted
from central.webhooks import signing
from central.webhooks.addresses import target_of
from central.webhooks.beginning import sealer_of
from central.webhooks.kinds import KINDS, TEST

if TYPE_CHECKING:
    from central.sealing import Sealer
    from central.store.books import Transaction
    from central.store.webhooks import Message, Subscription
    from central.webhooks.retrying import Outcome
    from config.settings import CentralSettings

commands = typer.Typer(
    no_args_is_help=True,
    help="Programs that are told what happens: add, list, show, test, pause, resume, rotate, …",
)

Name = Annotated[str, typer.Argument(help="What it is called: 1 to 32 of a-z, 0-9 and -.")]
_SHOWN: Final = 20
_KEEP_MOST: Final = 24 * 30


@commands.command("add")
def add_webhook(
    name: Name,
    url: Annotated[str, typer.Argument(help="Where it listens: https://…")],
    config: Config = None,
    *,
    event: Annotated[
        list[str],
        typer.Option(
            help="Kind of event, like job.settled, or its first part; again for more; * for all."
        ),
    ],
    above: Annotated[
        str | None, typer.Option(help="Money from this amount on only, like 10.00.")
    ] = None,
    people: Annotated[
        bool, typer.Option("--people", help="Tell names of people and their accounts as well.")
    ] = False,
) -> None:
    """Tell a program what happens from now on; its secret is shown once."""
    secret = signing.new_secret(os.urandom)
    with desk(config) as at, at.books.write() as tx:
        least = None if above is None else amount(above, at.settings.currency).micros
        wanted = Wanted(name, url, done(acts.kinds_of(event)), least, people)
        plain = bool(at.settings.webhooks.allow_private)
        done(acts.add(tx, by(), wanted, secret, sealer_of(at.settings), plain=plain))
    console.print(f"{name} is told {', '.join(wanted.kinds)}.", markup=False)
    _once(secret)


@commands.command("list")
def list_webhooks(config: Config = None, *, as_json: AsJson = False) -> None:
    """List the programs that are told, and whether all has arrived."""
    with desk(config) as at, at.books.read() as tx:
        rows = [_row(tx, each, at.settings) for each in webhooks.every(tx)]
        if not at.settings.webhooks.enabled:
            errors.print("Nothing is sent: enabled = false under [webhooks].", markup=False)
    show(
        rows,
        as_json=as_json,
        columns=("name", "url", "state", "waiting", "arrived_at", "why"),
        empty="Nobody is told anything; `webhook add NAME https://… --event job.settled`.",
    )


@commands.command("show")
def show_webhook(name: Name, config: Config = None, *, as_json: AsJson = False) -> None:
    """Show what a program is told, the last messages, and what went wrong."""
    with desk(config) as at, at.books.read() as tx:
        found = done(acts.find(tx, name))
        row = _row(tx, found, at.settings)
        messages = [_message(each) for each in webhooks.last(tx, n=found.n, limit=_SHOWN)]
    if as_json:
        write_json(row | {"messages": messages})
        return
    for key, value in row.items():
        text = ", ".join(value) if isinstance(value, list) else value
        console.print(f"{key.replace('_', ' ')}: {'' if text is None else text}", markup=False)
    console.print()
    show(
        messages,
        as_json=False,
        columns=("made_at", "event", "state", "tries", "status", "ms", "trouble"),
        empty="No messages yet.",
    )


@commands.command("test")
def try_webhook(name: Name, config: Config = None, *, as_json: AsJson = False) -> None:
    """Send a message that tells nothing, at once and past those that wait; say what came of it."""
    with desk(config) as at:
        with at.books.read() as tx:
            found = done(acts.find(tx, name))
        outcome = _sent(found, at.settings, sealer_of(at.settings))
    from central.webhooks.retrying import Answered, Delivered, after  # noqa: PLC0415  with them

    now = datetime.now(UTC)
    following = after(outcome, 0, now, 0.5)
    good = isinstance(following, Delivered)
    status = outcome.status if isinstance(outcome, Answered) else None
    took = outcome.took // timedelta(milliseconds=1)
    why = "" if isinstance(following, Delivered) else following.why
    if as_json:
        write_json({"webhook": name, "arrived": good, "status": status, "ms": took, "trouble": why})
        raise typer.Exit(0 if good else 1)
    if not good:
        raise Refusal(f"{name} was not told: {why} ({took} ms)")
    console.print(f"{name} answered {status} after {took} ms.", markup=False)


@commands.command("pause")
def pause_webhook(
    name: Name,
    config: Config = None,
    *,
    reason: Annotated[str, typer.Option(help="Kept with it.")] = "",
) -> None:
    """Tell a program nothing for now; what happens waits for it."""
    with desk(config) as at, at.books.write() as tx:
        refused = acts.pause(tx, by(), name, reason)
        if refused is not None:
            raise Refusal(refused.reason)
    console.print(f"{name} is paused; what happens waits.", markup=False)


@commands.command("resume")
def resume_webhook(
    name: Name,
    config: Config = None,
    *,
    skip: Annotated[
        bool, typer.Option("--skip", help="Leave out the message that it does not take.")
    ] = False,
    from_now: Annotated[
        bool, typer.Option("--from-now", help="Leave out all that has happened meanwhile.")
    ] = False,
) -> None:
    """Go on telling a program, at once and where it stopped."""
    with desk(config) as at, at.books.write() as tx:
        said = done(acts.resume(tx, by(), name, skip=skip, from_now=from_now))
    left = f"; {said.left_out} messages are left out" if said.left_out else ""
    console.print(f"{name} is told again{left}.", markup=False)


@commands.command("rotate")
def rotate_webhook(
    name: Name,
    config: Config = None,
    *,
    keep_hours: Annotated[
        int,
        typer.Option(
            min=0, max=_KEEP_MOST, help="For how long messages carry the old signature as well."
        ),
    ] = 24,
) -> None:
    """Sign with a new secret, shown once; the old one signs as well for a day."""
    secret = signing.new_secret(os.urandom)
    with desk(config) as at, at.books.write() as tx:
        until = tx.now + timedelta(hours=keep_hours) if keep_hours else None
        done(acts.rotate(tx, by(), name, secret, sealer_of(at.settings), until=until))
    both = f"; the old one signs as well for {keep_hours} h" if keep_hours else ""
    console.print(f"{name} has a new secret{both}.", markup=False)
    _once(secret)


@commands.command("remove")
def remove_webhook(
    name: Name,
    config: Config = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
) -> None:
    """Tell a program nothing more, and forget what waits for it."""
    with desk(config) as at, at.books.write() as tx:
        found = done(acts.find(tx, name))
        if not yes:
            waiting = webhooks.waits(tx, found.n)
            raise Refusal(f"{waiting} messages wait for {name} and would be lost; --yes does it")
        acts.remove(tx, by(), name)
    console.print(f"{name} is told nothing more.", markup=False)


@commands.command("events")
def list_events(config: Config = None, *, as_json: AsJson = False) -> None:
    """List the kinds of events that there are."""
    del config  # taken as all commands take it
    rows = [{"event": kind, "tells": text} for kind, text in KINDS.items()]
    show(rows, as_json=as_json, columns=("event", "tells"), empty="")


def _once(secret: str) -> None:
    console.print(f"Its secret, shown only now: {secret}", markup=False, highlight=False)


def _row(tx: Transaction, one: Subscription, settings: CentralSettings) -> dict[str, Any]:
    target = target_of(one.wanted.url, plain=True)
    least = one.wanted.above
    return {
        "name": one.name,
        "url": target if isinstance(target, str) else target.shown,
        "events": list(one.wanted.kinds),
        "above": None if least is None else money(least, settings.currency),
        "people": one.wanted.people,
        "state": one.state,
        "why": one.why,
        "waiting": webhooks.waits(tx, one.n),
        "failures": one.failures,
        "next_at": one.next_at,
        "arrived_at": one.arrived_at,
        "made_at": one.made_at,
        "author": one.author,
    }


def _message(one: Message) -> dict[str, Any]:
    return {
        "id": one.id,
        "event": one.kind,
        "state": one.state,
        "made_at": one.made_at,
        "tries": one.tries,
        "tried_at": one.tried_at,
        "status": one.status,
        "ms": one.took,
        "trouble": one.trouble,
    }


def _sent(one: Subscription, settings: CentralSettings, sealer: Sealer) -> Outcome:
    import asyncio  # noqa: PLC0415  the other commands send nothing
    from uuid import uuid4  # noqa: PLC0415

    from central.webhooks.sending import Sender  # noqa: PLC0415
    from central.webhooks.telling import Telling, body  # noqa: PLC0415

    try:
        secret = sealer.open(one.sealed, acts.about(one.id))
    except Unreadable:
        raise Refusal(
            f"the secret of {one.name} cannot be read: the centre's own was changed; "
            "`webhook rotate` gives it a new one"
        ) from None
    now = datetime.now(UTC)
    telling = Telling(str(uuid4()), TEST, now, {"webhook": one.name})
    content = body(telling, people=False).encode()
    headers = signing.headers((secret,), telling.reference, int(now.timestamp()), content)

    async def send() -> Outcome:
        sender = Sender(settings.webhooks)
        try:
            async with sender.line() as line:
                return await line.send(one.wanted.url, headers, content)
        finally:
            sender.close()

    return asyncio.run(send())
