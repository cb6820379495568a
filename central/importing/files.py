"""People from a file: what it would change, and carrying that out as it was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from central.importing import applying, csv_file, rounds
from central.importing.applying import Applied
from central.store import cards
from central.store.ledger import Refused

if TYPE_CHECKING:
    from central.acts.by import By
    from central.importing.csv_file import CsvRead
    from central.importing.plan import Habits, Plan
    from central.store.books import Books


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file says, and what it would change."""

    read: CsvRead
    plan: Plan


def look(books: Books, content: bytes, habits: Habits) -> Looked | Refused:
    """Read a file and plan what it would change; nothing is changed by it."""
    with books.read() as tx:
        key = cards.key_in_force(tx)
    told = csv_file.read_csv(content, card_key=key)
    if isinstance(told, Refused):
        return told
    return Looked(told, applying.planned(books, told.wanted, habits, told.refusals))


def carry_out_as_shown(
    books: Books,
    by: By,
    plan: Plan,
    *,
    shown: str,
    skip_wrong: bool,
    confirmed: int | None,
) -> Applied | Refused:
    """Carry a plan out if it is the one that somebody has seen; slice by slice.

    Args:
        books: where.
        by: who does it.
        plan: what to do, made just now.
        shown: the fingerprint of the plan that was seen.
        skip_wrong: who is refused is left out; else nothing is done while there are any.
        confirmed: how many somebody said may be disabled.
    """
    if plan.fingerprint != shown:
        return Refused("it would change other people by now than it did; look at it again")
    if plan.refusals and not skip_wrong:
        first = plan.refusals[0]
        where = f"{first.where}: {first.why}" if first.where else first.why
        return Refused(f"{len(plan.refusals)} are wrong, the first: {where}")
    if (why := applying.may_apply(plan, confirmed=confirmed)) is not None:
        return why
    done = rounds.carry_out(books, by, plan, confirmed=confirmed)
    return done if isinstance(done, Applied) else done.why
