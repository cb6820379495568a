"""`card …`: give cards to people, block lost ones, take them away; and the key they are kept by."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    first_line,
    show,
    user_name,
)
from central.commands.people import find_user
from central.store import cards
from central.store.ledger import Refused

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.cards import Card

commands = typer.Typer(no_args_is_help=True, help="Cards: add, set, block, unblock, remove, list.")

_NUMBER: Final = "Card number, as the reader gives it; `-` reads it from the input."
#: What a terminal sends at most.
_LONGEST: Final = 255

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
    until = None if expires in {None, _NEVER} else _end_of(expires or "")
    with desk(config) as at, at.books.write() as tx:
        name = find_user(tx, user).name
        cards.begin_key(tx, os.urandom)
        lasting = expires == _NEVER
        card = _done(
            cards.give(tx, number, name, expires_at=until, lasting=lasting, author=author())
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
            found = [card for card in cards.every(tx, name) if not card.row.blocked]
            if not found:
                raise Refusal(f"{name} has no card that is not blocked")
        elif user is None:
            found = [_named(tx, number, digest)]
            if found[0].row.blocked:
                raise Refusal("that card is blocked already")
        else:
            raise Refusal("--user blocks all that a person has; give it alone")
        for card in found:
            cards.block(tx, card, reason=reason.strip(), author=author())
    said = "card is" if len(found) == 1 else "cards are"
    console.print(
        f"{len(found)} {said} blocked. Linked sites hear of it at once, others when they are back."
    )


@commands.command("unblock")
def unblock(number: SomeNumber = None, config: Config = None, *, digest: Digest = None) -> None:
    """Let a card that was found again identify its owner."""
    with desk(config) as at, at.books.write() as tx:
        card = _named(tx, number, digest)
        if not card.row.blocked:
            raise Refusal("that card is not blocked")
        find_user(tx, card.row.user)
        cards.unblock(tx, card, author=author())
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
        card = _named(tx, number, digest)
        owner = find_user(tx, card.row.user)
        if pin and not owner.pin:
            raise Refusal(f"{owner.name} has no PIN and could not sign in; `pin set` one first")
        cards.want_pin(tx, card, wanted=pin, author=author())
    said = "wants the PIN beside it" if pin else "wants the PIN only where the site does"
    console.print(f"The card of {owner.name} {said}.", markup=False)


@commands.command("remove")
def remove(number: SomeNumber = None, config: Config = None, *, digest: Digest = None) -> None:
    """Forget a card; sites hear of it at once. A lost one is better blocked."""
    with desk(config) as at, at.books.write() as tx:
        refused = cards.remove(tx, _named(tx, number, digest), author=author())
        if refused is not None:
            raise Refusal(refused.reason)
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
            done = cards.rekey(tx, os.urandom, author=author())
    if isinstance(done, Refused):
        raise Refusal(done.reason)
    console.print(f"{done} cards are named by a new key; nobody has to read theirs again.")


def _named(tx: Transaction, number: str | None, digest: str | None) -> Card:
    """Return the card that is meant."""
    if (number is None) == (digest is None):
        raise Refusal("name the card by its number, or by --digest as `card list` shows it")
    if digest is not None:
        return _done(cards.by_digest(tx, digest))
    found = cards.by_number(tx, _read(number or ""))
    if found is None:
        raise Refusal(cards.NO_CARD)
    return found


def _read(number: str) -> str:
    read = (first_line(_LONGEST + 1) if number == "-" else number).strip()
    if not 0 < len(read) <= _LONGEST:
        raise Refusal(f"a card number is needed, as the reader gives it, of up to {_LONGEST} signs")
    return read


def _done(outcome: cards.Outcome) -> Card:
    if isinstance(outcome, Refused):
        raise Refusal(outcome.reason)
    return outcome


def _end_of(text: str) -> datetime:
    """Return the end of a day, by the clock on the wall here."""
    try:
        day = date.fromisoformat(text)
        after = datetime.combine(day + timedelta(days=1), time()).astimezone()
    except (ValueError, OverflowError) as error:
        raise Refusal(f"{text!r} is no day; write it like 2027-07-31") from error
    return after.astimezone(UTC)


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
