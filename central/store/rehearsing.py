"""What the books know of past jobs and of today's people, for trying rules on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.directory import AccountRow, PrinterRow, UserRow
from central.rehearsal import Past, World
from central.store import accounts, directory
from config.policy.accounts import Account
from config.policy.decisions import Person
from config.policy.money import Money
from config.policy.paying import purse_of
from config.policy.rules import PointOfPrint
from config.policy.tariffs import Tariff, in_force

if TYPE_CHECKING:
    from central.job_fold import JobRecord
    from central.store.books import Transaction
    from config.ids import AccountKey
    from config.policy.conditions import Purse


def world_of(tx: Transaction) -> World:
    """Return the printers, the tariff and the accounts of today."""
    found = (PrinterRow.model_validate(row) for _, row in directory.live(tx, "printer"))
    tariffs = [Tariff.model_validate(row) for _, row in directory.live(tx, "tariff")]
    return World(
        printers={each.device: (each.node, PointOfPrint(tags=each.tags)) for each in found},
        tariff=in_force(tariffs, tx.now),
        purse_of=lambda account: _purse(tx, (account,)),
    )


def past_of(tx: Transaction, job: JobRecord) -> Past:
    """Return a job with its owner's groups and what they have today."""
    row = directory.get(tx, "user", job.user.lower())
    if row is None:
        return Past(job, (), _purse(tx, ()))
    person = UserRow.model_validate(row)
    lists = Person(person.name, person.accounts, wallets=person.wallets).lists
    return Past(job, person.groups, _purse(tx, lists[0] if lists else ()))


def purse_today(tx: Transaction, user: str) -> Purse:
    """Return what pays first for a person today; for nobody who is known: nothing."""
    row = directory.get(tx, "user", user.lower())
    if row is None:
        return _purse(tx, ())
    person = UserRow.model_validate(row)
    lists = Person(person.name, person.accounts, wallets=person.wallets).lists
    return _purse(tx, lists[0] if lists else ())


def _purse(tx: Transaction, keys: tuple[AccountKey, ...]) -> Purse:
    rows = {key: directory.get(tx, "account", key) for key in keys}
    known = {key: AccountRow.model_validate(row) for key, row in rows.items() if row is not None}
    return purse_of(
        keys,
        {
            k: Account(each.unit, each.enabled, each.counts, each.unlimited)
            for k, each in known.items()
        },
        {key: Money(accounts.whole(tx, key, each.unit), each.unit) for key, each in known.items()},
    )
