"""The operator's till: opened with a float, cash in and out by receipts, counted at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.acts.by import By, signed
from central.store import accounts, audit, ledger, till
from central.store.ledger import CENTRE, HOUSE_TOPUP, Entry, Line, Posted, Refused
from central.store.trying import all_or_nothing
from config.policy.money import MICROS_BOUND, Money

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.till import Kind, Receipt, Session, Sums

_TILL: Final = re.compile(r"[a-z0-9-]{1,32}")
_WORDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Close:
    """A till was counted and closed."""

    session: Session
    sums: Sums

    @property
    def difference(self) -> Money:
        """What was too much in it; negative: too little."""
        return Money(self.session.difference or 0, self.session.unit)


def open_till(tx: Transaction, by: By, name: str, opening: Money) -> Session | Refused:
    """Begin a session of a till with the cash that is in it."""
    if not _TILL.fullmatch(name):
        return Refused(f"{name!r} is no till; it is 1 to 32 of a-z, 0-9 and -, like front-desk")
    if opening.unit != tx.identity.currency:
        return Refused(f"the books are in {tx.identity.currency}, and so is cash")
    if not 0 <= opening.micros <= MICROS_BOUND:
        return Refused("a till begins with nothing or with some cash in it")
    if (before := till.open_now(tx, name)) is not None:
        return Refused(f"{name} is open since {before.opened_at:%F %H:%M %Z}; close it first")
    made = till.open_session(tx, name, opening.unit, opening.micros, author=by.author)
    _note(tx, by, "till open", name, {"session": made.n, "opening": str(opening)})
    return made


def take_cash(
    tx: Transaction, by: By, name: str, key: str, amount: Money, *, note: str = ""
) -> Receipt | Refused:
    """Take cash and put it on an account, by a receipt."""
    found = _ready(tx, name, key, amount)
    if isinstance(found, Refused):
        return found

    def act() -> Receipt | Refused:
        posted = accounts.top_up(tx, key, amount, note=_words(name, note), author=by.author)
        return _receipt(tx, by, found, posted, "topup", key, amount, note)

    return all_or_nothing(tx, act)


def pay_back(
    tx: Transaction, by: By, name: str, key: str, amount: Money, *, note: str
) -> Receipt | Refused:
    """Give cash out of the till for what an account has at the centre, by a receipt."""
    found = _ready(tx, name, key, amount)
    if isinstance(found, Refused):
        return found
    if not note.strip():
        return Refused("say why cash is given back; it is kept with the receipt")
    return _pay_back(tx, by, found, key, amount, note, None)


def reverse(tx: Transaction, by: By, number: int, *, reason: str) -> Receipt | Refused:
    """Take a receipt back by another one: the wrong person, the wrong sum."""
    before = till.receipt(tx, number)
    if before is None:
        return Refused(f"there is no receipt {number}")
    if before.kind != "topup":
        return Refused(f"receipt {number} gave cash back; take the cash in again by a new one")
    if (again := till.reversed_by(tx, number)) is not None:
        return Refused(f"receipt {number} was taken back by receipt {again.number} already")
    amount = Money(before.micros, before.unit)
    found = _ready(tx, before.till, before.account, amount)
    if isinstance(found, Refused):
        return found
    if not reason.strip():
        return Refused("say why it is taken back; it is kept with the receipt")
    return _pay_back(tx, by, found, before.account, amount, reason, number)


def close_till(
    tx: Transaction, by: By, name: str, counted: Money, *, note: str = ""
) -> Close | Refused:
    """End a session by what was counted; a difference needs a word."""
    found = till.open_now(tx, name)
    if found is None:
        return Refused(f"{name} is not open")
    if counted.unit != found.unit or not 0 <= counted.micros <= MICROS_BOUND:
        return Refused(f"count what is in it, in {found.unit}")
    sums = till.sums(tx, found)
    difference = Money(counted.micros - sums.expected, found.unit)
    if difference.micros and not note.strip():
        expected = Money(sums.expected, found.unit)
        return Refused(
            f"{expected} should be in it, {counted} were counted: {difference}. Count again, or "
            "say what happened"
        )
    closed = till.close_session(
        tx,
        found,
        counted=counted.micros,
        expected=sums.expected,
        author=by.author,
        note=" ".join(note.split())[:_WORDS],
    )
    detail = {
        "session": found.n,
        "expected": str(Money(sums.expected, found.unit)),
        "counted": str(counted),
        "difference": str(difference),
        "receipts": sums.receipts,
        "note": closed.note,
    }
    _note(tx, by, "till close", name, detail)
    return Close(closed, sums)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _ready(tx: Transaction, name: str, key: str, amount: Money) -> Session | Refused:
    """Return the open session, once it is sure that the amount can go through it."""
    found = till.open_now(tx, name)
    if found is None:
        return Refused(f"{name} is not open; open it with the cash that is in it")
    if amount.micros <= 0:
        return Refused("cash is more than nothing")
    if amount.unit != found.unit:
        return Refused(f"{name} holds {found.unit}")
    account = accounts.find(tx, key)
    if account is None:
        return Refused(f"there is no account {key}")
    if account.unit != amount.unit:
        return Refused(f"{key} is in {account.unit}; cash is in {amount.unit}")
    return found


def _pay_back(
    tx: Transaction,
    by: By,
    session: Session,
    key: str,
    amount: Money,
    note: str,
    reverses: int | None,
) -> Receipt | Refused:
    inside = Money(till.sums(tx, session).expected, session.unit)
    if inside < amount:
        return Refused(f"{session.till} has {inside} in it, not {amount}")
    here = ledger.places_of(tx, key, amount.unit).get(CENTRE, 0)
    if here < amount.micros:
        whole = Money(accounts.whole(tx, key, amount.unit), amount.unit)
        return Refused(
            f"{key} has {whole}, of which {Money(max(here, 0), amount.unit)} is at the centre: "
            "only that can be paid out"
        )

    def act() -> Receipt | Refused:
        posted = ledger.post(
            tx,
            Entry(
                tx.mint(),
                "payback",
                reference=key,
                note=_words(session.till, note),
                author=by.author,
            ),
            [
                Line(key, CENTRE, amount.unit, -amount.micros),
                Line(HOUSE_TOPUP, CENTRE, amount.unit, amount.micros),
            ],
        )
        return _receipt(tx, by, session, posted, "payback", key, -amount, note, reverses=reverses)

    return all_or_nothing(tx, act)


def _receipt(
    tx: Transaction,
    by: By,
    session: Session,
    posted: Posted | Refused,
    kind: Kind,
    key: str,
    amount: Money,
    note: str,
    *,
    reverses: int | None = None,
) -> Receipt | Refused:
    if isinstance(posted, Refused):
        return posted
    made = till.write_receipt(
        tx,
        session,
        entry=posted.n,
        kind=kind,
        account=key,
        micros=amount.micros,
        balance=accounts.whole(tx, key, amount.unit),
        author=by.author,
        reverses=reverses,
        note=" ".join(note.split())[:_WORDS],
    )
    detail: dict[str, object] = {
        "receipt": made.number,
        "till": session.till,
        "amount": str(amount),
        "entry": posted.n,
        "note": made.note,
    }
    if reverses is not None:
        detail["reverses"] = reverses
    _note(tx, by, f"till {kind}", key, detail)
    return made


def _words(name: str, note: str) -> str:
    said = " ".join(note.split())[:_WORDS]
    return f"till {name}: {said}" if said else f"till {name}"


def _note(tx: Transaction, by: By, act: str, target: str, detail: dict[str, object]) -> None:
    audit.note(signed(tx, by), author=by.author, act=act, target=target, detail=detail)
