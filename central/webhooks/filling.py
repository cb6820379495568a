"""Going through the books for every subscription, and making what is told into messages.

Read first, written afterwards: the one writer of the books is held for the rows that are entered,
not for finding them. Nothing here is in the way of what sites send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.store import webhook_sources, webhooks
from central.store.webhook_sources import ENTRIES, HAPPENINGS
from central.webhooks.kinds import JOB, MONEY
from central.webhooks.merging import merged
from central.webhooks.telling import body, message_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.store.books import Books, Transaction
    from central.store.webhooks import Subscription, Wanted
    from central.webhooks.merging import Slice
    from central.webhooks.telling import Telling

#: Rows of one source that are read at once.
SLICE: Final = 250
#: Messages that are made ahead of a receiver; the rest stays in the books.
AHEAD: Final = 500


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to tell one subscription."""

    subscription: Subscription
    before: Mapping[str, int]
    """Those of its marks that move, as they were read."""
    messages: tuple[tuple[str, str, str], ...]
    """Id, kind and body of each."""
    marks: Mapping[str, int]
    """Where they move to."""
    more: bool
    """There may be more behind them."""


def fill(books: Books, most: int = SLICE) -> bool:
    """Make the next messages of every subscription; return whether there is more to be made."""
    with books.read() as tx:
        found = [look(tx, each, most) for each in webhooks.every(tx) if each.state == "active"]
    found = [each for each in found if each.marks]
    if found:
        with books.write() as tx:
            for each in found:
                _enter(tx, each)
    return any(each.more for each in found)


def look(tx: Transaction, subscription: Subscription, most: int) -> Found:
    """Return what there is to tell a subscription, where it has room for it."""
    n, wanted = subscription.n, subscription.wanted
    if webhooks.waits(tx, n) >= AHEAD:
        return Found(subscription, {}, (), {}, more=False)
    marks = webhooks.marks(tx, n, (HAPPENINGS, ENTRIES))
    slices = _slices(tx, n, frozenset(wanted.kinds), marks, most)
    told, places = merged(slices)
    messages = tuple(
        (message_id(subscription.id, each), each.kind, body(each, people=wanted.people))
        for each in told
        if _is_wanted(each, wanted)
    )
    before = {each.source: each.after for each in slices}
    moved = {source: place for source, place in places.items() if before[source] != place}
    before = {source: before[source] for source in moved}
    return Found(subscription, before, messages, moved, more=any(each.full for each in slices))


def _slices(
    tx: Transaction, n: int, kinds: frozenset[str], marks: Mapping[str, int], most: int
) -> list[Slice]:
    slices = [webhook_sources.happenings(tx, marks[HAPPENINGS], most, kinds, n)]
    if MONEY in kinds:
        slices.append(webhook_sources.entries(tx, marks[ENTRIES], most))
    if any(each.startswith(JOB) for each in kinds):
        behind = webhook_sources.behind(tx, n)
        few = max(most // max(len(behind), 1), 20)
        slices += [webhook_sources.jobs(tx, each, few, kinds) for each in behind]
    return slices


def _is_wanted(telling: Telling, wanted: Wanted) -> bool:
    if telling.kind != MONEY or wanted.above is None:
        return True
    return telling.micros is not None and telling.micros >= wanted.above


def _enter(tx: Transaction, found: Found) -> None:
    """Enter what was found, unless somebody has paused or moved the subscription meanwhile."""
    n = found.subscription.n
    now = webhooks.at(tx, n)
    if now is None or now.state != "active":
        return
    if webhooks.marks(tx, n, found.before.keys()) == found.before:
        webhooks.enter(tx, n, found.messages, found.marks)
