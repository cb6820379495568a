"""Cards: whose, until when, blocked or not; and the key that their rows are named by.

The number of a card is known to nobody here: a row is named by a digest of it, under the
organisation's key once there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import select

from broker.directory import (
    CARD_KEY,
    CARD_KEY_BYTES,
    CardRow,
    SettingRow,
    card_key,
    card_names,
    keyed_digest,
)
from central.store import audit, card_holders, directory
from central.store.ledger import Refused
from central.store.tables import node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from central.store.books import Transaction

#: Edges that speak this version or a newer one know keyed cards.
WIRE: Final = 3
#: How many digits of a digest are shown: enough to name a card, too few to try numbers by.
SHOWN: Final = 12
#: How many digits at least are needed to name one.
_NAMED: Final = 6
_DIGITS: Final = frozenset("0123456789abcdef")
NO_CARD: Final = "no such card; see `printmesh central card list`"


@dataclass(frozen=True, slots=True)
class Card:
    """A card as the directory has it."""

    key: str
    """Of its row."""
    row: CardRow

    @property
    def shown(self) -> str:
        """How people name it: the beginning of its key."""
        return self.key[:SHOWN]


Outcome: TypeAlias = Card | Refused


# ── finding ─────────────────────────────────────────────────────────────────────────────────


def key_in_force(tx: Transaction) -> bytes | None:
    """Return the organisation's card key; None while rows are named by the plain digest."""
    row = directory.get(tx, "setting", CARD_KEY)
    return None if row is None else card_key(SettingRow.model_validate(row).value)


def by_key(tx: Transaction, key: str) -> Card | None:
    """Return a card by the key of its row."""
    row = directory.get(tx, "card", key)
    return None if row is None else Card(key, CardRow.model_validate(row))


def by_number(tx: Transaction, number: str) -> Card | None:
    """Return a card by its number."""
    names = card_names(number, key_in_force(tx))
    return next((card for name in names if (card := by_key(tx, name)) is not None), None)


def by_digest(tx: Transaction, digest: str) -> Outcome:
    """Return the one card whose key begins so, as the list shows it."""
    given = digest.strip().lower()
    if len(given) < _NAMED:
        return Refused(f"give at least {_NAMED} of the digits that `card list` shows")
    if not set(given) <= _DIGITS:
        return Refused(NO_CARD)
    rows = directory.beginning(tx, "card", given)
    found = [Card(key, CardRow.model_validate(row)) for key, row in rows]
    if len(found) > 1:
        return Refused(f"{len(found)} cards begin with {given}; give more of its digits")
    return found[0] if found else Refused(NO_CARD)


def every(tx: Transaction, user: str | None = None) -> list[Card]:
    """Return cards by key: all, or a person's."""
    if user is None:
        return [Card(key, CardRow.model_validate(row)) for key, row in directory.live(tx, "card")]
    return of_people(tx, [user])[user]


def of_people(tx: Transaction, users: Sequence[str]) -> dict[str, list[Card]]:
    """Return people's cards by key; an entry for each of them."""
    held = card_holders.of(tx, users)
    rows = directory.some(tx, "card", [key for keys in held.values() for key in keys])
    return {
        user: [Card(key, CardRow.model_validate(rows[key])) for key in keys if key in rows]
        for user, keys in held.items()
    }


# ── changing ────────────────────────────────────────────────────────────────────────────────


def give(
    tx: Transaction,
    number: str,
    user: str,
    *,
    expires_at: datetime | None = None,
    lasting: bool = False,
    author: str,
) -> Outcome:
    """Give a card to a person, or change how long one of theirs is good.

    Args:
        tx: the transaction.
        number: as the reader gives it.
        user: who has it; known to the directory.
        expires_at: it identifies nobody from then on; None leaves what was said before.
        lasting: it is good for ever, whatever was said before.
        author: who does it.
    """
    if expires_at is not None and expires_at <= tx.now:
        return Refused("that day is over; the card would identify nobody")
    before = by_number(tx, number)
    if before is not None and before.row.user != user:
        return Refused(f"that card belongs to {before.row.user}; remove it there first")
    if before is not None and before.row.blocked:
        return Refused("that card is blocked; `card unblock` takes the block off it")
    key = card_names(number, key_in_force(tx))[0] if before is None else before.key
    until = expires_at if before is None or expires_at is not None else before.row.expires_at
    pin = before is not None and before.row.pin
    row = CardRow(user=user, expires_at=None if lasting else until, pin=pin)
    directory.put(tx, "card", key, row)
    card = Card(key, row)
    _note(tx, "card add", card, author=author, expires_at=row.expires_at)
    return card


def block(tx: Transaction, card: Card, *, reason: str, author: str) -> Card:
    """Make a card identify nobody, at every site; sites hear of it before all else."""
    return _set(tx, card, blocked=True, act="card block", author=author, reason=reason)


def unblock(tx: Transaction, card: Card, *, author: str) -> Card:
    """Let a card identify its owner again."""
    return _set(tx, card, blocked=False, act="card unblock", author=author)


def want_pin(tx: Transaction, card: Card, *, wanted: bool, author: str) -> Card:
    """Have the PIN wanted beside a card at every site, or only where the site wants it."""
    changed = Card(card.key, card.row.model_copy(update={"pin": wanted}))
    directory.put(tx, "card", card.key, changed.row)
    act = "card want-pin" if wanted else "card want-no-pin"
    _note(tx, act, changed, author=author)
    return changed


def remove(tx: Transaction, card: Card, *, author: str) -> Refused | None:
    """Forget a card; anybody may enter it again."""
    if card.row.blocked:
        return Refused(
            "that card is blocked: forgotten, whoever found it could enter it as a new one; "
            "`card unblock` it first if it is back"
        )
    directory.remove(tx, "card", card.key)
    _note(tx, "card remove", card, author=author)
    return None


def forget(tx: Transaction, user: str) -> None:
    """Take every card from somebody who leaves; blocked ones stay blocked."""
    for card in every(tx, user):
        if not card.row.blocked:
            directory.remove(tx, "card", card.key)


def _set(
    tx: Transaction, card: Card, *, blocked: bool, act: str, author: str, **detail: object
) -> Card:
    changed = Card(card.key, card.row.model_copy(update={"blocked": blocked}))
    directory.put(tx, "card", card.key, changed.row)
    _note(tx, act, changed, author=author, **detail)
    return changed


def _note(tx: Transaction, act: str, card: Card, *, author: str, **detail: object) -> None:
    told = {"card": card.shown} | {name: value for name, value in detail.items() if value}
    audit.note(tx, author=author, act=act, target=f"person:{card.row.user}", detail=told)


# ── the key ─────────────────────────────────────────────────────────────────────────────────


def begin_key(tx: Transaction, dice: Callable[[int], bytes]) -> None:
    """Make the organisation's card key where nothing stands in the way: no card, no old edge."""
    if key_in_force(tx) is None and not directory.live(tx, "card", limit=1) and not deaf(tx):
        _put_key(tx, dice(CARD_KEY_BYTES))


def deaf(tx: Transaction) -> list[str]:
    """Return the accepted edges whose program knows no keyed cards."""
    query = (
        select(node.c.id)
        .where(node.c.kind == "edge", node.c.incarnation.is_not(None), node.c.wire < WIRE)
        .order_by(node.c.id)
    )
    return list(tx.sql.execute(query).scalars())


def may_rekey(tx: Transaction) -> Refused | None:
    """Say why cards cannot be put under a key, None when they can."""
    if key_in_force(tx) is not None:
        return Refused(
            "there is a card key already; under another one each card would have to be read "
            "again, for no number is kept here"
        )
    if old := deaf(tx):
        return Refused(
            f"{', '.join(old)} would know no card any more; bring the program there up to date "
            "and let it meet the centre once"
        )
    return None


def rekey(tx: Transaction, dice: Callable[[int], bytes], *, author: str) -> int | Refused:
    """Make the organisation's card key and name all cards by it; return how many.

    In this order: the new rows, the key, then the tombstones of the old rows. A site that has only
    a part of it knows every card all the time.
    """
    if (refused := may_rekey(tx)) is not None:
        return refused
    key, cards = dice(CARD_KEY_BYTES), every(tx)
    directory.put_all(tx, "card", {keyed_digest(card.key, key): card.row for card in cards})
    _put_key(tx, key)
    directory.put_all(tx, "card", dict.fromkeys(card.key for card in cards))
    audit.note(tx, author=author, act="card rekey", target=CARD_KEY, detail={"cards": len(cards)})
    return len(cards)


def _put_key(tx: Transaction, key: bytes) -> None:
    directory.put(tx, "setting", CARD_KEY, SettingRow(value=key.hex()))
