"""Money that goes back to the centre: as it asks, when a job is over, when a role keeps none.

Always inside a record of the books, with the events that say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tinydb import where

from broker.messages import AccountAmount, GaveBack, Reclaim, Returned, TermsTaken
from edge.store.till import amounts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from uuid import UUID

    from broker.messages import Granted, Message
    from edge.store.database import EdgeDatabase
    from edge.store.terms import TermsKept
    from edge.store.till import Till
    from edge.store.transaction import Transaction


class Returns:
    """What leaves a site's till for the centre."""

    def __init__(
        self,
        database: EdgeDatabase,
        till: Till,
        terms: TermsKept,
        *,
        mint: Callable[[datetime], UUID],
        say: Callable[[Transaction, Message, datetime], None],
    ) -> None:
        """Take what the books lend.

        Args:
            database: the journal.
            till: the money.
            terms: what may stay here.
            mint: makes ids.
            say: adds an event to the ledger stream, within a record.
        """
        self._reclaims = database.table("reclaims")
        self._till = till
        self._terms = terms
        self._mint = mint
        self._say = say

    def answer(self, txn: Transaction, asked: Reclaim, now: datetime) -> None:
        """Return what is free, at most what is asked, once for each reclaim."""
        if self._reclaims.one(where("reclaim") == str(asked.reclaim)) is not None:
            return
        micros = max(0, min(asked.up_to, self._till.free(asked.account, asked.unit)))
        if micros:
            amount = AccountAmount(account=asked.account, unit=asked.unit, micros=micros)
            self._till.move(amount, balance=-micros, held=0)
        self._reclaims.insert({"reclaim": str(asked.reclaim), "micros": micros})
        answer = Returned(
            reclaim=asked.reclaim, account=asked.account, unit=asked.unit, micros=micros
        )
        self._say(txn, answer, now)

    def credit(self, txn: Transaction, grant: Granted, now: datetime, *, wanted: bool) -> None:
        """Take a grant in; what came too late for its job, or may not stay here, goes back.

        Args:
            txn: the record.
            grant: what came.
            now: the moment it happens at.
            wanted: its job is here and waits to be released.
        """
        amount = AccountAmount(account=grant.account, unit=grant.unit, micros=grant.micros)
        if grant.job is not None:
            if wanted:
                self._till.set_aside(grant.job, amount)
            else:
                self._gave_back(txn, amount, "job-over", now, grant.job)
            return
        self._till.credit(amount)
        if not self._terms.taken.role.standing:
            self.give_up(txn, [amount], now)

    def brought(self, txn: Transaction, grant: Granted, now: datetime) -> None:
        """Give back what a code brought before its grant came, where the role keeps nothing."""
        if not self._terms.taken.role.standing:
            micros = min(grant.micros, self._till.free(grant.account, grant.unit))
            amount = AccountAmount(account=grant.account, unit=grant.unit, micros=micros)
            self.give_up(txn, [amount], now)

    def job_over(self, txn: Transaction, job: UUID, left: dict[str, int], now: datetime) -> None:
        """Give back what a job has of its own, and what of it is left of its hold.

        Where the role keeps nothing, all that is left goes back.

        Args:
            txn: the record.
            job: whose money.
            left: what is left of its hold, by key; lowered by what goes back.
            now: the moment it happens at.
        """
        for amount in self._till.let_go(job, left):
            self._gave_back(txn, amount, "job-over", now, job)
        if left and not self._terms.taken.role.standing:
            self.give_up(txn, amounts_of(left), now)

    def give_up(self, txn: Transaction, amounts: Iterable[AccountAmount], now: datetime) -> None:
        """Give free money back because the role does not keep it."""
        for amount in self._till.take_out(amounts):
            self._gave_back(txn, amount, "role", now)

    def approach(self, txn: Transaction, now: datetime, at_most: int, *, tell: bool) -> bool:
        """Give back what wished terms keep not; take them when that was all of it, and tell."""
        wish = self._terms.wish
        spare = [] if wish is None or wish.role.standing else self._till.spare(at_most + 1)
        self.give_up(txn, spare[:at_most], now)
        if len(spare) > at_most:
            return False
        if wish is not None:
            self._terms.take(wish)
        if tell:
            self._terms.told()
            taken = self._terms.taken
            self._say(txn, TermsTaken(terms=taken.number, role=taken.name), now)
        return True

    def _gave_back(
        self,
        txn: Transaction,
        amount: AccountAmount,
        why: Literal["job-over", "role"],
        now: datetime,
        job: UUID | None = None,
    ) -> None:
        event = GaveBack(
            id=self._mint(now),
            account=amount.account,
            unit=amount.unit,
            micros=amount.micros,
            why=why,
            job=job,
        )
        self._say(txn, event, now)
