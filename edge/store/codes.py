"""Courier codes as the journal keeps them: key, epoch, which were credited, who tried how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from tinydb import where

from broker.messages import AccountAmount
from edge.store.tries import TriesKept
from edge.tries import SITE_WINDOW, Try

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from broker.messages import CodeMark, CodesFrom, Granted, Message, Redeemed
    from edge.store.database import EdgeDatabase
    from edge.store.transaction import Transaction

_KEY: Final = "courier-key"
_EPOCH: Final = "codes-epoch"


@dataclass(frozen=True, slots=True)
class Mark:
    """A code whose money is here."""

    account: str
    unit: str
    micros: int
    came: Literal["redeemed", "granted", "both"]
    """By the code, by its grant; both have come: nothing more will."""


class Codes:
    """The codes of one journal. Writing: each call is one record, unless it says otherwise."""

    def __init__(
        self,
        database: EdgeDatabase,
        *,
        record: Callable[[], AbstractContextManager[Transaction]],
        credit: Callable[[AccountAmount], None],
        say: Callable[[Transaction, Message, datetime], None],
    ) -> None:
        """Take what the books lend.

        Args:
            database: the journal.
            record: begins a record that adds events.
            credit: adds to a balance, within a record.
            say: adds an event to the ledger stream, within a record.
        """
        self._meta = database.table("meta")
        self._marks = database.table("codes")
        self._tries = TriesKept(database, "tries", SITE_WINDOW)
        self._record = record
        self._credit = credit
        self._say = say

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    @property
    def key(self) -> bytes | None:
        """The secret that checks codes of this journal; none before the centre sent it."""
        row = self._meta.find("key", _KEY)
        return None if row is None else bytes.fromhex(row["text"])

    @property
    def epoch(self) -> int | None:
        """Codes of this epoch are taken; none before the centre named one."""
        row = self._meta.find("key", _EPOCH)
        return None if row is None else int(row["text"])

    def mark(self, epoch: int, index: int) -> Mark | None:
        """Return what is known of a code, None while its money is not here."""
        row = self._marks.find("code", _name(epoch, index))
        return None if row is None else _mark(row)

    def tries(self) -> list[Try]:
        """Return the tries that are stored, at most as many as a site has in a day."""
        return [Try(row["user"], at) for row, at in self._tries.rows()]

    # ── writing ─────────────────────────────────────────────────────────────────────────────

    def keep_key(self, key: str) -> None:
        """Store the key, in hexadecimal; a journal is readable by the edge's own user only."""
        row = self._meta.find("key", _KEY)
        if row is None or row["text"] != key:
            self._meta.upsert({"key": _KEY, "text": key}, where("key") == _KEY)

    def spend(self, tried: Try) -> int:
        """Store a try before the code is looked at; return its number."""
        return self._tries.spend({"user": tried.user}, tried.at)

    def forgive(self, number: int) -> None:
        """Take a try back: the code was right, but its money is here already."""
        self._tries.forgive(number)

    def redeem(self, event: Redeemed, number: int, now: datetime) -> None:
        """Credit a code: used mark, balance, event, and the try taken back, in one record."""
        amount = AccountAmount(account=event.account, unit=event.unit, micros=event.micros)
        with self._record() as txn:
            self._marks.insert(_row(event.code, amount, "redeemed"))
            self._credit(amount)
            self._tries.forgive(number)
            self._say(txn, event, now)

    # ── inside the record of a batch from the centre ────────────────────────────────────────

    def brought(self, grant: Granted) -> bool:
        """Note a grant; say whether its code has brought this money already."""
        if grant.code is None:
            return False
        amount = AccountAmount(account=grant.account, unit=grant.unit, micros=grant.micros)
        row = self._marks.find("code", _name(grant.code.epoch, grant.code.index))
        if row is None:
            self._marks.insert(_row(grant.code, amount, "granted"))
            return False
        mark = _mark(row)
        if mark.came != "redeemed" or (mark.account, mark.unit, mark.micros) != (
            (amount.account, amount.unit, amount.micros)
        ):
            return False  # the centre has posted it, so it is here, whatever was typed
        self._marks.update({"came": "both"}, doc_ids=[row.doc_id])
        return True

    def begin(self, event: CodesFrom) -> None:
        """Take codes of this epoch from now on, and none of earlier ones.

        Marks are kept for one epoch more, so that a late code is told where its money is; one
        whose grant has not come yet stays until it does.
        """
        before = self.epoch or 0
        if event.epoch <= before:
            return  # a centre from a backup; it goes on higher by itself
        for row in self._marks.all():
            if row["epoch"] < before and row["came"] != "redeemed":
                self._marks.remove(doc_ids=[row.doc_id])
        self._meta.upsert({"key": _EPOCH, "text": str(event.epoch)}, where("key") == _EPOCH)


def _name(epoch: int, index: int) -> str:
    return f"{epoch} {index}"


def _row(code: CodeMark, amount: AccountAmount, came: str) -> dict[str, Any]:
    return {
        "code": _name(code.epoch, code.index),
        "epoch": code.epoch,
        "account": amount.account,
        "unit": amount.unit,
        "micros": amount.micros,
        "came": came,
    }


def _mark(row: dict[str, Any]) -> Mark:
    return Mark(row["account"], row["unit"], row["micros"], row["came"])
