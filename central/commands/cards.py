"""`card …`: give cards to people, block lost ones, take them away; and the key they are kept by."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from central.acts import cards as acts
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    by,
    console,
    day_end,
    desk,
    done,
    first_line,
    show,
    user_name,
)
from central.commands.people import find_user
from central.store import cards

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.books import Transaction
    from central.store.cards import Card

commands = typer.Typer(no_args_is_help=True, help="Cards: add, set, block, unblock, remove, list.")

_NUMBER: Final = "Card number, as the reader gives it; `-` reads it from the input."

User = Annotated[str, typer.Argument(help="User name, as jobs carry it.")]
Number = Annotated[str, typer.Argument(help=_NUMBER)]
SomeNumber = Annotated[str | None, typer.Argument(help=_NUMBER)]
Digest = Annotated[
    str | None,
    typer.Option("--digest", help="Instead of the number: the digits that `card list` shows."),
]
_NEVER: Final = "never"


@commands.command("add")
def add(
    user: User,
    number: Number,
    config: Config = None,
    *,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            help="Last day it is good for, like 2027-07-31; `never` for one that had such a day.",
        ),
    ] = None,
) -> None:
    """Give a card to a person, beside those they have; only a digest of its number is kept.

    Given again with --expires, it is good until then.
    """
    number = _read(number)
    until = None if expires in {None, _NEVER} else day_end(expires or "")
    with desk(config) as at, at.books.write() as tx:
        name = find_user(tx, user).name
        card = done(
            acts.give(
                tx,
                by(),
                name,
                number,
                expires_at=until,
                lasting=expires == _NEVER,
                dice=os.urandom,
            )
        )
    last = "" if card.row.expires_at is None else f", until {_moment(card.row.expires_at)}"
    console.print(f"The card is {name}'s{last}.", markup=False)


@commands.command("block")
def block(
    number: SomeNumber = None,
    config: Config = None,
    *,
    digest: Digest = None,
    user: Annotated[
        str | None, typer.Option("--user", help="Instead of the number: all this person has.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Kept with the act: lost, stolen.")] = "",
) -> None:
    """Block a lost card: it identifies nobody, and nobody can enter it as theirs."""
    with desk(config) as at, at.books.write() as tx:
        if user is not None and (number, digest) == (None, None):
            name = find_user(tx, user).name
            many = len(done(acts.block_all(tx, by(), name, reason=reason)))
        elif user is None:
            done(acts.block(tx, by(), _named(tx, number, digest), reason=reason))
            many = 1
        else:
            raise Refusal("--user blocks all that a person has; give it alone")
    said = "card is" if many == 1 else "cards are"
    console.print(
        f"{many} {said} blocked. Linked sites hear of it at once, others when they are back."
    )


@commands.command("unblock")
def unblock(number: SomeNumber = None, config: Config = None, *, digest: Digest = None) -> None:
    """Let a card that was found again identify its owner."""
    with desk(config) as at, at.books.write() as tx:
        card = done(acts.unblock(tx, by(), _named(tx, number, digest)))
    console.print(f"The card is {card.row.user}'s again.", markup=False)


@commands.command("set")
def set_(
    number: SomeNumber = None,
    config: Config = None,
    *,
    digest: Digest = None,
    pin: Annotated[
        bool, typer.Option("--pin/--no-pin", help="Its owner types the PIN beside it, everywhere.")
    ],
) -> None:
    """Have the PIN wanted beside a card, also at sites that do not want it of everybody."""
    with desk(config) as at, at.books.write() as tx:
        card = done(acts.want_pin(tx, by(), _named(tx, number, digest), wanted=pin))
    said = "wants the PIN beside it" if pin else "wants the PIN only where the site does"
    console.print(f"The card of {card.row.user} {said}.", markup=False)


@commands.command("remove")
def remove(number: SomeNumber = None, config: Config = None, *, digest: Digest = None) -> None:
    """Forget a card; sites hear of it at once. A lost one is better blocked."""
    with desk(config) as at, at.books.write() as tx:
        done(acts.remove(tx, by(), _named(tx, number, digest)))
    console.print("Removed.")


@commands.command("list")
def list_cards(
    config: Config = None,
    *,
    user: Annotated[str | None, typer.Option("--user", help="Only this person's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List cards by the beginning of their digest; their numbers are known to nobody."""
    with desk(config) as at, at.books.read() as tx:
        found = cards.every(tx, None if user is None else user_name(user))
        now = tx.now
    rows = [
        {
            "digest": card.shown,
            "user": card.row.user,
            "expires_at": card.row.expires_at,
            "state": card.row.trouble(now) or "good",
            "pin": card.row.pin,
        }
        for card in found
    ]
    columns = ("user", "digest", "state", "pin", "expires_at")
    show(rows, as_json=as_json, columns=columns, empty="No cards yet.")


@commands.command("rekey")
def rekey(
    config: Config = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
) -> None:
    """Name all cards by a key of the organisation's own instead of a plain digest; once."""
    with desk(config) as at:
        if dry_run:
            with at.books.read() as tx:
                if (refused := cards.may_rekey(tx)) is not None:
                    raise Refusal(refused.reason)
                console.print(f"{len(cards.every(tx))} cards would be named by a new key.")
            console.print("Nothing was changed.")
            return
        with at.books.write() as tx:
            many = done(cards.rekey(tx, os.urandom, author=by().author))
    console.print(f"{many} cards are named by a new key; nobody has to read theirs again.")


def _named(tx: Transaction, number: str | None, digest: str | None) -> Card:
    """Return the card that is meant."""
    if (number is None) == (digest is None):
        raise Refusal("name the card by its number, or by --digest as `card list` shows it")
    if digest is not None:
        return done(cards.by_digest(tx, digest))
    return done(acts.by_number(tx, _read(number or "")))


def _read(number: str) -> str:
    return done(acts.number(first_line(acts.LONGEST + 1) if number == "-" else number))


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
