"""Carrying a plan out, slice by slice; a second run does what the first left undone.

A slice is one transaction: whoever ingests waits for no more than that. Before a person is changed
they are looked at again: what somebody did meanwhile stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, Final

from broker.directory import CardRow, UserRow
from central.acts import people as acts
from central.importing.plan import CardHeld, Known, Refusal, plan
from central.store import (
    accounts,
    audit,
    card_holders,
    cards,
    directory,
    people_sources,
    person,
)
from central.store.accounts import AccountRecord
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from central.acts.by import By
    from central.importing.plan import Change, Habits, Plan, Wanted
    from central.store.books import Books, Transaction
    from config.policy.money import Unit

#: People that one transaction changes.
_SLICE: Final = 100
#: Of the time a slice took, so much is left to others, in seconds at most so many.
_REST: Final = 0.5
_LONGEST_REST: Final = 0.2


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan is carried out."""

    plan: Plan
    skipped: tuple[Refusal, ...]
    """Who was not changed after all, and why: somebody did something meanwhile."""


def planned(
    books: Books, wanted: Iterable[Wanted], habits: Habits, refused: Iterable[Refusal] = ()
) -> Plan:
    """Return what an import would change, by one moment of the books."""
    with books.read() as tx:
        current = [_known(each) for each in person.every(tx)]
        shut = card_holders.blocked(tx)
        held = {
            key: CardHeld(holder.user, holder.source, key in shut)
            for key, holder in card_holders.every(tx).items()
        }
    return plan(current, wanted, habits, held, refused)


def may_apply(plan_: Plan, *, confirmed: int | None) -> Refused | None:
    """Say why a plan is not carried out, None when it may be.

    Args:
        plan_: the plan.
        confirmed: how many somebody said may be disabled, with the number before their eyes.
    """
    if plan_.brake is None or confirmed == plan_.brake.leaving:
        return None
    return Refused(str(plan_.brake))


def apply(
    books: Books,
    by: By,
    plan_: Plan,
    *,
    currency: Unit | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Applied:
    """Carry a plan out; look with `may_apply` before.

    Args:
        books: where.
        by: who does it.
        plan_: what to do.
        currency: of accounts that are opened; None: the books' own.
        progress: called with (people done, people in all).
    """
    source, counts = plan_.source, plan_.counts()
    with books.write() as tx:
        people_sources.begin(tx, source, counts, author=by.author)
    skipped: list[Refusal] = []
    done = 0
    for work in _slices(plan_):
        began = perf_counter()
        with books.write() as tx:
            skipped += _one_slice(tx, by, plan_, work, currency or tx.identity.currency)
        # a writer that comes back at once keeps the others out: sites wait to be taken in
        sleep(min(_REST * (perf_counter() - began), _LONGEST_REST))
        done += len(work)
        progress(done, plan_.steps)
    with books.write() as tx:
        told = counts | {"skipped": len(skipped)}
        people_sources.end(tx, source, "done", counts=told, author=by.author)
        audit.note(tx, author=by.author, act="people import", target=source, detail=told)
    return Applied(plan_, tuple(skipped))


def note_braked(books: Books, by: By, plan_: Plan) -> None:
    """Keep it in the books that an import was stopped; whoever looks raises the alert."""
    with books.write() as tx:
        remark = str(plan_.brake)
        people_sources.end(
            tx, plan_.source, "braked", counts=plan_.counts(), remark=remark, author=by.author
        )
        detail = plan_.counts() | {"remark": remark}
        audit.note(
            tx, author=by.author, act="people import braked", target=plan_.source, detail=detail
        )


def note_failed(books: Books, by: By, source: str, why: str) -> None:
    """Keep it in the books that a source could not be read."""
    with books.write() as tx:
        before = people_sources.find(tx, source)
        counts = {} if before is None else before.counts
        people_sources.end(tx, source, "failed", counts=counts, remark=why, author=by.author)


# ── one slice ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done about one person."""

    change: Change | None = None
    leaver: Known | None = None
    returns: bool = False


def _slices(plan_: Plan) -> Iterable[Sequence[_Work]]:
    # who leaves goes first: a card or a name may go on to somebody who comes
    works = [
        *(_Work(leaver=each) for each in plan_.disables),
        *(_Work(change=each) for each in plan_.changes),
        *(_Work(change=each, returns=True) for each in plan_.returns),
        *(_Work(change=each) for each in plan_.adds),
    ]
    for at in range(0, len(works), _SLICE):
        yield works[at : at + _SLICE]


class _Slice:
    """What one transaction reads before, and writes after, all of its people."""

    def __init__(self, tx: Transaction, names: Sequence[str], keys: Sequence[str]) -> None:
        self.rows = {
            name: UserRow.model_validate(row)
            for name, row in directory.some(tx, "user", names).items()
        }
        self.known = person.some(tx, names)
        self.cards = directory.some(tx, "card", keys)
        self.put: dict[str, UserRow] = {}
        self.about: dict[str, person.Particulars] = {}
        self.entered: dict[str, CardRow] = {}
        self.withdrawn: list[str] = []
        self.acts: list[tuple[str, str, dict[str, Any]]] = []
        self.skipped: list[Refusal] = []

    def skip(self, where: str, name: str, why: str) -> None:
        """Leave somebody as they are."""
        self.skipped.append(Refusal(where, name, why))


def _one_slice(
    tx: Transaction, by: By, plan_: Plan, works: Sequence[_Work], currency: Unit
) -> list[Refusal]:
    renamed: dict[str, Refusal] = {}
    for work in works:
        if work.change is not None and "name" in work.change.fields:
            # a name is a key everywhere: its own act, in the same transaction
            outcome = _rename(tx, by, plan_.source, work.change)
            if outcome is not None:
                renamed[work.change.name] = outcome
    names = [_name_now(work) for work in works]
    keys = [
        key
        for work in works
        if work.change is not None
        for key in (*work.change.cards_new, *work.change.cards_gone)
    ]
    part = _Slice(tx, names, keys)
    part.skipped += renamed.values()
    for work in works:
        if work.leaver is not None:
            _leave(part, plan_.source, work.leaver)
        elif work.change is not None and work.change.name not in renamed:
            _take(part, plan_.source, work)
    _open_accounts(tx, part, currency)
    directory.put_all(tx, "user", part.put)
    person.set_all(tx, part.about)
    _move_cards(tx, part, plan_.source)
    deeds = [(act, f"person:{name}", detail) for act, name, detail in part.acts]
    audit.note_all(tx, deeds, author=by.author)
    return part.skipped


def _name_now(work: _Work) -> str:
    if work.leaver is not None:
        return work.leaver.name
    return "" if work.change is None else work.change.wanted.name


def _rename(tx: Transaction, by: By, source: str, change: Change) -> Refusal | None:
    known = person.find(tx, change.name)
    if known is None or known.about.source != source:
        return Refusal(change.wanted.where, change.name, "somebody changed them meanwhile")
    outcome = acts.rename(tx, by, change.name, change.wanted.name)
    if isinstance(outcome, Refused):
        return Refusal(change.wanted.where, change.name, outcome.reason)
    return None


def _leave(part: _Slice, source: str, leaver: Known) -> None:
    row, known = part.rows.get(leaver.name), part.known.get(leaver.name)
    if row is None or known is None or known.about.source != source:
        part.skip("", leaver.name, "somebody took them out, or over, meanwhile")
        return
    if not row.enabled:
        return
    part.put[row.name] = row.model_copy(update={"enabled": False})
    part.about[row.name] = replace(known.about, ended="left")
    part.acts.append(("user left", row.name, {"source": source}))


def _take(part: _Slice, source: str, work: _Work) -> None:
    change = work.change
    if change is None:
        return
    wanted = change.wanted
    row, known = part.rows.get(wanted.name), part.known.get(wanted.name)
    if change.before is None:
        if row is not None:
            part.skip(wanted.where, wanted.name, "somebody entered them meanwhile")
            return
        row = UserRow(name=wanted.name, accounts=(f"user:{wanted.name}",))
        about, act = person.Particulars(), "user add"
    else:
        if row is None or known is None or known.about.source != change.before.source:
            part.skip(wanted.where, wanted.name, "somebody took them out, or over, meanwhile")
            return
        about, act = known.about, "user return" if work.returns else "user set"
    fresh = row.model_copy(update={"groups": change.groups})
    if wanted.display is not None:
        fresh = fresh.model_copy(update={"display": wanted.display})
    if work.returns:
        fresh = fresh.model_copy(update={"enabled": True})
    if fresh != row or change.before is None:
        part.put[wanted.name] = fresh
    part.about[wanted.name] = replace(
        about,
        email=about.email if wanted.email is None else wanted.email,
        department=about.department if wanted.department is None else wanted.department,
        source=source,
        source_id=wanted.source_id or about.source_id,
        told_groups=about.told_groups if wanted.groups is None else wanted.groups,
        ended="" if fresh.enabled else about.ended,
    )
    _note_cards(part, change)
    part.acts.append((act, wanted.name, _detail(source, change)))


def _note_cards(part: _Slice, change: Change) -> None:
    for key in change.cards_new:
        if key in part.cards or key in part.entered:
            part.skip(change.wanted.where, change.wanted.name, "one of their cards was entered")
        else:
            part.entered[key] = CardRow(user=change.wanted.name)
    for key in change.cards_gone:
        row = part.cards.get(key)
        if row is not None and row["user"] == change.wanted.name and not row.get("blocked"):
            part.withdrawn.append(key)


def _move_cards(tx: Transaction, part: _Slice, source: str) -> None:
    directory.put_all(tx, "card", dict.fromkeys(part.withdrawn))
    directory.put_all(tx, "card", part.entered)
    card_holders.from_source(tx, list(part.entered), source)


def _open_accounts(tx: Transaction, part: _Slice, currency: Unit) -> None:
    """Open the accounts of their own of those who come."""
    wanted = [
        key for name, row in part.put.items() if name not in part.rows for key in row.accounts
    ]
    there = accounts.known(tx, wanted)
    accounts.open_all(tx, [AccountRecord(key, currency) for key in wanted if key not in there])


def _detail(source: str, change: Change) -> dict[str, Any]:
    """Return what the record of an act says; the keys of cards are cut, as lists cut them."""
    detail: dict[str, Any] = {"source": source}
    before, wanted = change.before, change.wanted
    for name in ("display", "email", "department"):
        value = getattr(wanted, name)
        if value and (before is None or name in change.fields):
            detail[name] = value
    if change.groups and (before is None or "groups" in change.fields):
        detail["groups"] = list(change.groups)
    if change.cards_new:
        detail["cards"] = [key[: cards.SHOWN] for key in change.cards_new]
    if change.cards_gone:
        detail["cards_gone"] = [key[: cards.SHOWN] for key in change.cards_gone]
    return detail


def _known(each: person.Person) -> Known:
    about = each.about
    return Known(
        each.name,
        about.source,
        about.source_id,
        each.display,
        about.email,
        about.department,
        each.groups,
        about.told_groups,
        each.enabled,
        about.ended,
    )
