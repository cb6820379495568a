"""Freezing, closing and merging accounts, and fetching home what they still have at sites.

Nothing is edited: money moves by entries, at the centre. What sits at a site is asked for as soon
as the site is linked, and goes on to where the account went.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import func, select, update

from broker.directory import UserRow
from central.store import accounts, audit, directory, ledger, owed, reclaims, wallets
from central.store.ledger import CENTRE, HOUSE_KINDS, Entry, Line, Refused
from central.store.tables import account, location, node, schedule
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.accounts import AccountRecord
    from central.store.books import Transaction
    from config.policy.money import Unit

#: Accounts, or people, that one transaction looks at: nobody waits long for the only writer.
_AT_ONCE: Final = 50
_NAMES_AT_ONCE: Final = 200
#: What is still somewhere is looked at again after this; sites are asked less often.
_AGAIN: Final = timedelta(seconds=60)
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Closed:
    """The account is closed or merged."""

    moved: int
    """Micros that went on at once; negative: a debt."""
    waiting: dict[str, int]
    """Micros still at sites, by node; they follow as they come back."""


Outcome: TypeAlias = Closed | Refused


def freeze(tx: Transaction, key: str, *, author: str, reason: str) -> Refused | None:
    """Let nothing be charged to or granted from an account until it is unfrozen."""
    return _turn(tx, key, "open", "frozen", author, reason)


def unfreeze(tx: Transaction, key: str, *, author: str, reason: str) -> Refused | None:
    """Let a frozen account be used again."""
    return _turn(tx, key, "frozen", "open", author, reason)


def close(tx: Transaction, key: str, *, to: str | None, author: str, reason: str) -> Outcome:
    """Close an account for good; without `to` only one that has nothing anywhere.

    `to` is an account in the same unit, or one of the house's (`house:paidout`).
    """
    found = _living(tx, key)
    if isinstance(found, Refused):
        return found
    there = {k: v for k, v in ledger.places_of(tx, key, found.unit).items() if v}
    if to is None:
        if there:
            where = "; ".join(
                f"{Money(micros, found.unit)} at {place or 'the centre'}"
                for place, micros in sorted(there.items())
            )
            return Refused(f"{key} still has {where}: say where it goes with --to")
        if (before := _predecessor(tx, key)) is not None:
            return Refused(f"what comes back of {before} goes to {key}: say where to with --to")
    elif (refused := _no_heir(tx, found, to)) is not None:
        return refused
    done = _end(tx, replace(found, state="closed", merged_into=to), author, reason)
    if isinstance(done, Closed):
        audit.note(
            tx, author=author, act="account close", target=key, detail=_told(done, to, reason)
        )
    return done


def merge(tx: Transaction, key: str, into: str, *, author: str, reason: str) -> Outcome:
    """Make one account part of another: its money, its members, and who pays with it."""
    found = _living(tx, key)
    if isinstance(found, Refused):
        return found
    heir = accounts.find(tx, into)
    if (refused := _unlike(tx, found, into, heir)) is not None or heir is None:
        return refused or Refused(f"there is no account {into}")
    done = _end(tx, replace(found, state="merged", merged_into=into), author, reason)
    if isinstance(done, Refused):
        return done
    wallets.move_members(tx, key, into)
    if heir.rules.parent == key:
        accounts.store(tx, replace(heir, rules=replace(heir.rules, parent=found.rules.parent)))
    tx.sql.execute(update(account).where(account.c.parent == key).values(parent=into))
    tx.sql.execute(
        update(schedule)
        .where(schedule.c.target == f"account:{key}")
        .values(target=f"account:{into}")
    )
    tx.sql.execute(update(account).where(account.c.key == key).values(renamed_upto=""))
    audit.note(tx, author=author, act="account merge", target=key, detail=_told(done, into, reason))
    return done


# ── what is still under way ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Swept:
    """One slice of what closed and merged accounts still need."""

    wake: frozenset[str]
    """Nodes that have something new in their stream."""
    more: bool
    """There is more to do at once."""


_SOONEST: Final = select(func.min(account.c.sweep_at)).where(account.c.sweep_at.is_not(None))
_RENAMED: Final = select(account.c.key).where(account.c.renamed_upto.is_not(None)).limit(1)


def waiting(tx: Transaction, *, home: bool = True) -> datetime | None:
    """Return when `sweep` has something to do; None: never, as things are.

    Args:
        tx: any transaction.
        home: money that came home counts; not so when it was just tried and could not go on.
    """
    soonest: datetime | None = tx.sql.execute(_SOONEST).scalar_one()
    if tx.sql.execute(_RENAMED).first() is not None:
        return tx.now
    if home and soonest is not None and tx.sql.execute(_AT_HOME.limit(1)).first() is not None:
        return tx.now
    return soonest


def sweep(tx: Transaction, linked: frozenset[str]) -> Swept:
    """Do one slice: pass on what came home, ask sites for the rest, rename in people's rows."""
    passed = sum(_pass_on(tx, row.key, row.unit) for row in tx.sql.execute(_AT_HOME).all())
    due = tx.sql.execute(
        select(account.c.key, account.c.unit, account.c.unlimited, account.c.merged_into)
        .where(account.c.sweep_at <= tx.now)
        .order_by(account.c.sweep_at, account.c.key)
        .limit(_AT_ONCE)
    ).all()
    wake: set[str] = set()
    for row in due:
        places = ledger.places_of(tx, row.key, row.unit)
        at_sites = {place: micros for place, micros in places.items() if place and micros}
        wake |= _ask_home(tx, row.key, row.unit, at_sites, linked)
        # what an unlimited account is charged comes to it at any time
        late = row.unlimited and row.merged_into is not None
        over = not at_sites and not (row.merged_into and places.get(CENTRE)) and not late
        tx.sql.execute(
            update(account)
            .where(account.c.key == row.key)
            .values(sweep_at=None if over else tx.now + _AGAIN)
        )
    renaming = _rename(tx)
    return Swept(frozenset(wake), passed > 0 or len(due) == _AT_ONCE or renaming)


_AT_HOME = (
    select(account.c.key, account.c.unit)
    .join(location, (location.c.account == account.c.key) & (location.c.unit == account.c.unit))
    .where(
        account.c.sweep_at.is_not(None),
        account.c.merged_into.is_not(None),
        location.c.place == CENTRE,
        location.c.micros != 0,
    )
    .order_by(account.c.key)
    .limit(_AT_ONCE)
)


def _turn(
    tx: Transaction, key: str, before: str, after: accounts.State, author: str, reason: str
) -> Refused | None:
    found = accounts.find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}")
    if found.state != before:
        return Refused(f"{key} is {found.state}")
    accounts.store(tx, replace(found, state=after))
    act = "account freeze" if after == "frozen" else "account unfreeze"
    audit.note(tx, author=author, act=act, target=key, detail={"reason": reason})
    return None


def _living(tx: Transaction, key: str) -> AccountRecord | Refused:
    found = accounts.find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}")
    if found.state == "merged" or (found.state == "closed" and found.merged_into):
        return Refused(f"{key} is {found.state} already; it went to {found.merged_into}")
    if (debt := owed.of(tx, key, found.unit)) > 0:
        return Refused(
            f"{key} owes {Money(debt, found.unit)} that was printed past its allocation; put so "
            "much on it first: it is collected by itself"
        )
    return found


def _predecessor(tx: Transaction, key: str) -> str | None:
    """Return an account whose money goes on to this one, if there is any."""
    query = select(account.c.key).where(account.c.merged_into == key).limit(1)
    found: str | None = tx.sql.execute(query).scalar_one_or_none()
    return found


def _unlike(
    tx: Transaction, found: AccountRecord, into: str, heir: AccountRecord | None
) -> Refused | None:
    """Say why one account cannot become part of another, None when it can."""
    if heir is None:
        return Refused(f"there is no account {into}")
    if heir.state in {"closed", "merged"}:
        return Refused(f"{into} is {heir.state} itself")
    if heir.rules.unlimited != found.rules.unlimited or heir.rules.counts != found.rules.counts:
        return Refused(f"{found.key} and {into} count differently; close one with --to instead")
    return _no_heir(tx, found, into)


def _no_heir(tx: Transaction, of: AccountRecord, to: str) -> Refused | None:
    """Say why money of an account cannot go on to another, None when it can."""
    at: str | None = to
    for _ in range(_LONGEST):
        if at is None or at == of.key:
            return Refused(f"what goes to {to} would come back to {of.key}, or stay nowhere")
        if at.partition(":")[0] in HOUSE_KINDS:
            return None
        found = accounts.find(tx, at)
        if found is None:
            return Refused(f"there is no account {at}")
        if found.unit != of.unit:
            return Refused(f"{of.key} is in {of.unit}, {at} in {found.unit}")
        if found.state in {"open", "frozen"}:
            return None
        at = found.merged_into
    return Refused(f"the way on from {to} has no end")


def _end(tx: Transaction, after: AccountRecord, author: str, reason: str) -> Outcome:
    """Store the new state and move what is at the centre."""
    moved = 0
    kind = "close" if after.state == "closed" else "merge"
    if after.merged_into is not None:
        to = _last_heir(tx, after.merged_into)
        done = _post_over(tx, after.key, to, after.unit, kind, reason, author)
        if isinstance(done, Refused):
            return done
        moved = done
    accounts.store(tx, after)
    places = ledger.places_of(tx, after.key, after.unit)
    left = {place: micros for place, micros in places.items() if place and micros}
    if left or after.rules.unlimited:
        tx.sql.execute(update(account).where(account.c.key == after.key).values(sweep_at=tx.now))
    return Closed(moved, left)


def _post_over(
    tx: Transaction, key: str, to: str, unit: Unit, kind: str, note: str, author: str
) -> int | Refused:
    """Post all that an account has at the centre to another; return how much."""
    micros = ledger.places_of(tx, key, unit).get(CENTRE, 0)
    if not micros:
        return 0
    posted = ledger.post(
        tx,
        Entry(tx.mint(), kind, reference=to, note=note, author=author),
        [Line(key, CENTRE, unit, -micros), Line(to, CENTRE, unit, micros)],
    )
    return posted if isinstance(posted, Refused) else micros


def _last_heir(tx: Transaction, to: str, *, closed: bool = True) -> str:
    """Return where money on the way to an account ends: that may be merged, or closed, itself."""
    for _ in range(_LONGEST):
        at = accounts.find(tx, to)
        if at is None or at.merged_into is None or not (closed or at.state == "merged"):
            break
        to = at.merged_into
    return to


def _pass_on(tx: Transaction, key: str, unit: Unit) -> bool:
    """Post what came home of a closed account to where that went in the end."""
    found = accounts.find(tx, key)
    if found is None or found.merged_into is None:
        return False
    to = _last_heir(tx, found.merged_into)
    note = f"{key} is {found.state}"
    done = _post_over(tx, key, to, unit, "forward", note, tx.identity.node)
    return not isinstance(done, Refused)


def _ask_home(
    tx: Transaction, key: str, unit: Unit, at_sites: dict[str, int], linked: frozenset[str]
) -> set[str]:
    """Ask linked sites for what they have of an account; return which were asked."""
    if not at_sites:
        return set()
    able = select(node.c.id).where(
        node.c.state == "active", node.c.incarnation.is_not(None), node.c.kind == "edge"
    )
    sites = linked & set(tx.sql.execute(able).scalars()) & at_sites.keys()
    return {
        site
        for site in sorted(sites)
        if reclaims.ask_quietly(tx, site, key, unit, at_sites[site], "parking")
    }


def _rename(tx: Transaction) -> bool:
    """Put the heir of one merged account into some people's rows; return whether more wait."""
    row = tx.sql.execute(
        select(account.c.key, account.c.merged_into, account.c.renamed_upto)
        .where(account.c.renamed_upto.is_not(None))
        .order_by(account.c.key)
        .limit(1)
    ).one_or_none()
    if row is None:
        return False
    heir = _last_heir(tx, row.merged_into, closed=False)
    people = directory.live(tx, "user", after=row.renamed_upto, limit=_NAMES_AT_ONCE)
    for name, told in people:
        person = UserRow.model_validate(told)
        named = (*person.accounts, *person.choices, *(key for w in person.wallets for key in w))
        if row.key in named:
            fresh = wallets.replaced(person, row.key, heir)
            choices = wallets.choices_of(tx, name)
            directory.put(tx, "user", name, fresh.model_copy(update={"choices": choices}))
    upto = people[-1][0] if len(people) == _NAMES_AT_ONCE else None
    tx.sql.execute(update(account).where(account.c.key == row.key).values(renamed_upto=upto))
    return True


def _told(done: Closed, to: str | None, reason: str) -> dict[str, object]:
    return {"reason": reason, "to": to, "moved": done.moved, "waiting": done.waiting}
