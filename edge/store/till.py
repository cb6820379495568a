"""The money of a site: balances, holds, what is set aside for one job, what went past it all.

Writing happens inside a record of the books, which decide what is written with it.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from broker.messages import AccountAmount
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from tinydb.table import Document

    from edge.store.database import EdgeDatabase

#: Stands for all accounts of a unit in the table of what was charged past the allocation.
_ALL = "*"


class Overdrawn(PrintmeshError):
    """A hold or charge beyond what is here: the caller decided on figures that were not so."""


class Till:
    """What of each account is at the site, in micros."""

    def __init__(self, database: EdgeDatabase) -> None:
        self._accounts = database.table("accounts")
        self._aside = database.table("aside")
        self._owed = database.table("owed")
        self._sums: Counter[str] | None = None
        self._filled = 0
        self._unsure = False

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def free(self, account: str, unit: str) -> int:
        """Return what any job may spend: balance less holds and what is set aside for one."""
        row = self._accounts.find("key", key_of(account, unit))
        return 0 if row is None else _free(row)

    def aside(self, job: UUID, account: str, unit: str) -> int:
        """Return what is set aside for this job and not held yet."""
        row = self._aside_for(job, account, unit)
        return 0 if row is None else row["micros"]

    def jobs_aside(self) -> set[str]:
        """Return the jobs for which anything is set aside or was, until they end."""
        return {row["job"] for row in self._aside.contents()}

    def owed(self, unit: str, account: str = _ALL) -> int:
        """Return what was charged past the allocation, holds included, and is not collected.

        Of one account, or of the whole site.
        """
        row = self._owed.find("key", key_of(account, unit))
        return 0 if row is None else row["micros"]

    def owed_by_unit(self) -> dict[str, int]:
        """Return what the whole site owes, by unit."""
        rows = self._owed.contents()
        return {
            row["unit"]: row["micros"] for row in rows if row["account"] == _ALL and row["micros"]
        }

    def balances(self) -> Iterator[AccountAmount]:
        """Yield what sits here, holds and what is set aside included."""
        for row in self._accounts:
            yield AccountAmount(account=row["account"], unit=row["unit"], micros=row["balance"])

    def spare(self, at_most: int) -> list[AccountAmount]:
        """Return what is free, of at most so many accounts; looks through all of them."""
        found = (
            AccountAmount(account=row["account"], unit=row["unit"], micros=_free(row))
            for row in self._accounts.contents()
            if _free(row) > 0
        )
        return list(islice(found, at_most))

    def money(self) -> tuple[dict[str, int], int]:
        """Return micros here by unit, holds included, and how many accounts have any."""
        if self._sums is None or self._unsure:
            self._sums, self._filled = Counter(), 0
            for row in self._accounts.contents():
                self._sums[row["unit"]] += row["balance"]
                self._filled += row["balance"] > 0
            self._unsure = False
        return {unit: micros for unit, micros in self._sums.items() if micros}, self._filled

    # ── inside a record ─────────────────────────────────────────────────────────────────────

    def durable(self) -> None:
        """The record is on disk: what was counted in memory is so."""
        self._unsure = False

    def move(self, amount: AccountAmount, *, balance: int, held: int, aside: int = 0) -> None:
        """Change an account.

        Args:
            amount: names it.
            balance: micros that come, or go if negative.
            held: more, or fewer, of them are held.
            aside: more, or fewer, of them are set aside for one job.

        Raises:
            Overdrawn: it would spend or hold what is not here.
        """
        key = key_of(amount.account, amount.unit)
        row = self._accounts.find("key", key)
        after_balance = balance + (row["balance"] if row else 0)
        after_held = held + (row["held"] if row else 0)
        after_aside = aside + (row.get("aside", 0) if row else 0)
        if after_held < 0 or after_aside < 0 or after_held + after_aside > after_balance:
            raise Overdrawn(
                f"{key} would have {after_balance} micros with {after_held} held and "
                f"{after_aside} set aside; nothing done"
            )
        if self._sums is not None:
            self._unsure = True  # until it is durable
            self._sums[amount.unit] += balance
            self._filled += (after_balance > 0) - (after_balance > balance)
        change = {"balance": after_balance, "held": after_held}
        if aside:
            change["aside"] = after_aside
        if row is None:
            self._accounts.insert(
                {"key": key, "account": amount.account, "unit": amount.unit, **change}
            )
        else:
            self._accounts.amend(row, change)

    def credit(self, amount: AccountAmount) -> None:
        """Take money in that any job may spend."""
        self.move(amount, balance=amount.micros, held=0)

    def set_aside(self, job: UUID, amount: AccountAmount) -> None:
        """Credit money that is for one job only."""
        self.move(amount, balance=amount.micros, held=0, aside=amount.micros)
        key = _aside_key(job, amount.account, amount.unit)
        row = self._aside.find("key", key)
        if row is None:
            named = {"job": str(job), "account": amount.account, "unit": amount.unit}
            self._aside.insert({"key": key, **named, "micros": amount.micros, "held": 0})
        else:
            self._aside.amend(row, {"micros": row["micros"] + amount.micros})

    def hold(self, job: UUID, amounts: Iterable[AccountAmount]) -> None:
        """Hold for a job: its own money first, then what is free; or owe it.

        Raises:
            Overdrawn: an account does not cover its part.
        """
        for amount in amounts:
            if amount.covered_by == "uncovered":
                self._owe(amount, amount.micros)
            if amount.covered_by != "allocation":
                continue  # an account without limit has no money here
            row = self._aside_for(job, amount.account, amount.unit)
            own = min(row["micros"], amount.micros) if row else 0
            self.move(amount, balance=0, held=amount.micros, aside=-own)
            if row is not None and own:
                self._aside.amend(row, {"micros": row["micros"] - own, "held": row["held"] + own})

    def settle(
        self, held: Sequence[AccountAmount], charged: Sequence[AccountAmount]
    ) -> dict[str, int]:
        """Lift a hold and charge.

        Returns:
            What is left of the hold, by key: free now, or the job's own.

        Raises:
            Overdrawn: the charge is more than the hold.
        """
        left: dict[str, int] = {}
        for key, (amount, charge, lifted) in _netted(held, charged).items():
            if charge > lifted:
                raise Overdrawn(f"{charge} micros of {key} charged, {lifted} were held")
            if amount.covered_by == "allocation":
                self.move(amount, balance=-charge, held=-lifted)
                left[key] = lifted - charge
            elif amount.covered_by == "uncovered":
                self._owe(amount, charge - lifted)
        return left

    def let_go(self, job: UUID, left: dict[str, int]) -> list[AccountAmount]:
        """Take out what was set aside for a job that needs it no more: it goes back.

        Args:
            job: whose.
            left: of its hold, by key; lowered by what goes back.
        """
        found: list[AccountAmount] = []
        if not self._aside:
            return found
        while (row := self._aside.find("job", str(job))) is not None:
            key = key_of(row["account"], row["unit"])
            of_hold = max(0, min(row["held"], left.get(key, 0)))
            left[key] = left.get(key, 0) - of_hold
            back = AccountAmount(
                account=row["account"], unit=row["unit"], micros=row["micros"] + of_hold
            )
            if back.micros:
                self.move(back, balance=-back.micros, held=0, aside=-row["micros"])
                found.append(back)
            self._aside.remove(doc_ids=[row.doc_id])
        return found

    def take_out(self, amounts: Iterable[AccountAmount]) -> list[AccountAmount]:
        """Take free money out: it goes back to the centre."""
        taken = [each for each in amounts if each.micros]
        for each in taken:
            self.move(each, balance=-each.micros, held=0)
        return taken

    def collected(self, amount: AccountAmount) -> None:
        """So much of what was owed is paid."""
        self._owe(amount, -amount.micros)

    def _aside_for(self, job: UUID, account: str, unit: str) -> Document | None:
        if not self._aside:  # most sites, most of the time
            return None
        return self._aside.find("key", _aside_key(job, account, unit))

    def _owe(self, amount: AccountAmount, micros: int) -> None:
        for account in (amount.account, _ALL):
            key = key_of(account, amount.unit)
            row = self._owed.find("key", key)
            if row is not None:
                self._owed.amend(row, {"micros": row["micros"] + micros})
            else:
                named = {"key": key, "account": account, "unit": amount.unit}
                self._owed.insert({**named, "micros": micros})


def key_of(account: str, unit: str) -> str:
    """Return how an account is named in the tables."""
    return f"{account} {unit}"


def amounts_of(sums: Mapping[str, int]) -> list[AccountAmount]:
    """Return sums by key as amounts, those above nothing."""
    named = ((key.rpartition(" "), micros) for key, micros in sums.items() if micros > 0)
    return [
        AccountAmount(account=account, unit=unit, micros=micros)
        for (account, _, unit), micros in named
    ]


def _aside_key(job: UUID, account: str, unit: str) -> str:
    return f"{job} {account} {unit}"


def _free(row: Mapping[str, Any]) -> int:
    return int(row["balance"] - row["held"] - row.get("aside", 0))


def _netted(
    held: Sequence[AccountAmount], charged: Sequence[AccountAmount]
) -> dict[str, tuple[AccountAmount, int, int]]:
    """Return (account, micros charged, micros lifted), each account once: one row, one change.

    By account and unit; what the allocation does not cover is named apart.
    """
    sums: dict[str, tuple[AccountAmount, int, int]] = {}
    for amounts, charges, lifts in ((held, 0, 1), (charged, 1, 0)):
        for amount in amounts:
            key = key_of(amount.account, amount.unit)
            if amount.covered_by != "allocation":
                key = f"{key} {amount.covered_by}"
            _, charge, lifted = sums.get(key, (amount, 0, 0))
            sums[key] = amount, charge + charges * amount.micros, lifted + lifts * amount.micros
    return sums
