"""Cards that were entered at this site, as the journal keeps them until the centre has them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tinydb import where

from edge.cards import Provisional, over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from broker.messages import CardEnrolled, Rejected
    from edge.store.lent import Lent

_STREAM = "jobs"


class CardsKept:
    """The cards of one journal that wait. Writing: each call is one record, unless it says so."""

    def __init__(self, lent: Lent) -> None:
        """Take what the books lend."""
        self._cards = lent.database.table("cards")
        self._jobs = lent.database.table("jobs")
        self._record = lent.record
        self._say = lent.say

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def find(self, names: Iterable[str]) -> Provisional | None:
        """Return the card that waits under one of these keys."""
        for name in names:
            if (row := self._cards.find("card", name)) is not None:
                return _card(row)
        return None

    def every(self) -> list[Provisional]:
        """Return the cards that wait."""
        return [_card(row) for row in self._cards.all()]

    def used(self, card: str) -> Counter[str]:
        """Return what was held or spent by a card, in micros by unit, whoever pays."""
        spent = Counter[str]()
        for row in self._jobs.search(where("card") == card):
            hold = row.get("hold")
            for amount in hold["amounts"] if hold else row.get("charged", ()):
                spent[amount["unit"]] += amount["micros"]
        return spent

    # ── writing ─────────────────────────────────────────────────────────────────────────────

    def enrol(self, event: CardEnrolled) -> Provisional:
        """Enter a card: it works here from now on, and the centre is told."""
        with self._record() as txn:
            self._say(txn, _STREAM, event, event.enrolled_at)
            row = {
                "card": event.card,
                "user": event.user,
                "by": event.by,
                "at": event.enrolled_at.isoformat(),
                "seq": txn.head(_STREAM).seq,
            }
            self._cards.insert(row)
        return _card(row)

    def tidy(self, told: int, known: Callable[[str], bool], now: datetime) -> None:
        """Drop cards that wait no more; the directory has the say about them, or nobody.

        Args:
            told: how far the centre has the stream of jobs.
            known: whether the directory says something of a card, by its key.
            now: the moment.
        """
        for card in self.every():
            if over(card, now, known=known(card.card), told=told):
                self._cards.remove(where("card") == card.card)
            elif told >= card.seq and card.told_at is None:
                self._cards.update({"told_at": now.isoformat()}, where("card") == card.card)

    # ── inside the record of a batch from the centre ────────────────────────────────────────

    def rejected(self, event: Rejected) -> None:
        """Withdraw the card that the centre could not accept, if it is one."""
        if event.stream == _STREAM:
            self._cards.remove(where("seq") == event.seq)


def _card(row: dict[str, Any]) -> Provisional:
    told_at = row.get("told_at")
    return Provisional(
        card=row["card"],
        user=row["user"],
        by=row["by"],
        at=datetime.fromisoformat(row["at"]),
        seq=row["seq"],
        told_at=datetime.fromisoformat(told_at) if told_at else None,
    )
