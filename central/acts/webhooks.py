"""Telling other programs what happens: entered, paused, gone on with, tried out, taken away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from central.acts.by import signed
from central.store import audit, happenings, webhooks
from central.store.ledger import Refused
from central.webhooks.addresses import Target, target_of
from central.webhooks.kinds import KINDS, MONEY, TEST, chosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from central.acts.by import By
    from central.sealing import Sealer
    from central.store.books import Transaction
    from central.store.webhooks import Subscription, Wanted

#: Each costs a look at the books every second.
MOST: Final = 50
#: So long the old secret signs as well, once there is a new one.
BOTH: Final = timedelta(hours=24)
_NAME: Final = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True)
class Resumed:
    """It is told again."""

    left_out: int
    """Messages that waited and are not sent."""


def about(id_: UUID) -> str:
    """Return what the secrets of a subscription are sealed for."""
    return f"webhook {id_}"


def kinds_of(words: Iterable[str]) -> tuple[str, ...] | Refused:
    """Return the kinds of events that words stand for: kinds, groups, or `*`."""
    found = chosen(words)
    if isinstance(found, str):
        known = ", ".join(KINDS)
        return Refused(f"{found!r} is no kind of event; one of {known}; a first part or * for all")
    return found or Refused("name at least one kind of event; * for all")


def add(
    tx: Transaction, by: By, wanted: Wanted, secret: str, sealer: Sealer, *, plain: bool
) -> Subscription | Refused:
    """Enter a program that is told of what happens from now on.

    Args:
        tx: a writing transaction.
        by: who does it.
        wanted: what it is told, and where.
        secret: minted by who asks (`signing.new_secret`): it is shown once.
        sealer: hides it in the books.
        plain: whether `http://` to machines of the house may be.
    """
    target = target_of(wanted.url, plain=plain)
    wrong = target if isinstance(target, str) else _wrong(tx, wanted)
    if isinstance(target, str) or wrong:
        return Refused(wrong)
    id_ = tx.mint()
    made = webhooks.add(tx, id_, wanted, sealed=sealer.seal(secret, about(id_)), author=by.author)
    _note(tx, by, "webhook add", wanted.name, after=shown(wanted, target))
    return made


def _wrong(tx: Transaction, wanted: Wanted) -> str:
    """Say what is wrong with a wish; empty: nothing."""
    known = webhooks.every(tx)
    if not _NAME.fullmatch(wanted.name):
        return f"{wanted.name!r} is no name; it is 1 to 32 of a-z, 0-9 and -"
    if wanted.above is not None and MONEY not in wanted.kinds:
        return f"an amount to begin with is of use with {MONEY} only"
    if wanted.above is not None and wanted.above <= 0:
        return "an amount to begin with is more than nothing; leave it out for all"
    if any(each.name == wanted.name for each in known):
        return f"there is a webhook {wanted.name} already"
    if len(known) >= MOST:
        return f"there are {MOST} webhooks already; remove one that is of no use"
    return ""


def rotate(
    tx: Transaction, by: By, name: str, secret: str, sealer: Sealer, *, until: datetime | None
) -> Subscription | Refused:
    """Sign with another secret, and until a moment with the one before as well.

    Args:
        tx: a writing transaction.
        by: who does it.
        name: of the subscription.
        secret: the new one.
        sealer: hides it.
        until: when the old one is not used any more; None: at once.
    """
    found = find(tx, name)
    if isinstance(found, Refused):
        return found
    before = "" if until is None else found.sealed
    sealed = sealer.seal(secret, about(found.id))
    webhooks.put_secret(tx, found.n, sealed, before=before, until=until)
    _note(tx, by, "webhook rotate", name, detail={"both_until": until})
    return found


def pause(tx: Transaction, by: By, name: str, why: str = "") -> Refused | None:
    """Send nothing more there for now; what is to be told waits."""
    found = find(tx, name)
    if isinstance(found, Refused):
        return found
    if found.state == "paused":
        return Refused(f"{name} is paused already")
    webhooks.pause(tx, found.n, why or f"by {by.author.partition(':')[2] or by.author}")
    _note(tx, by, "webhook pause", name, detail={"why": why})
    return None


def resume(
    tx: Transaction, by: By, name: str, *, skip: bool = False, from_now: bool = False
) -> Resumed | Refused:
    """Go on where it stopped.

    Args:
        tx: a writing transaction.
        by: who does it.
        name: of the subscription.
        skip: leave the message in front out: its receiver will never take it.
        from_now: leave all out that has happened meanwhile.
    """
    found = find(tx, name)
    if isinstance(found, Refused):
        return found
    left_out = 0
    if skip or from_now:
        left_out = webhooks.leave_out(tx, found.n, everything=from_now)
    elif found.state == "active" and found.next_at is None:
        return Refused(f"{name} is not paused")
    webhooks.resume(tx, found.n)
    detail = {"left_out": left_out, "from_now": from_now}
    _note(tx, by, "webhook resume", name, detail=detail)
    return Resumed(left_out)


def try_out(tx: Transaction, by: By, name: str) -> Refused | None:
    """Have a message sent that tells nothing, behind those that wait."""
    found = find(tx, name)
    if isinstance(found, Refused):
        return found
    if found.state == "paused":
        return Refused(f"{name} is paused; `webhook resume` goes on")
    happenings.enter(tx, TEST, {"webhook": name}, webhook=found.n)
    _note(tx, by, "webhook test", name)
    return None


def remove(tx: Transaction, by: By, name: str) -> Refused | None:
    """Tell a program nothing more, and forget what waits for it."""
    found = find(tx, name)
    if isinstance(found, Refused):
        return found
    target = target_of(found.wanted.url, plain=True)
    webhooks.remove(tx, found.n)
    _note(tx, by, "webhook remove", name, before=shown(found.wanted, target))
    return None


def find(tx: Transaction, name: str) -> Subscription | Refused:
    """Return a subscription, or say that there is none of that name."""
    found = webhooks.find(tx, name)
    return Refused(f"there is no webhook {name!r}") if found is None else found


def shown(wanted: Wanted, target: Target | str) -> dict[str, object]:
    """Return what is told as the audit keeps it: an address may hold a key, behind its `?`."""
    where = target if isinstance(target, str) else target.shown
    return {
        "url": where,
        "kinds": list(wanted.kinds),
        "above_micros": wanted.above,
        "people": wanted.people,
    }


def _note(
    tx: Transaction,
    by: By,
    act: str,
    name: str,
    *,
    detail: Mapping[str, object] | None = None,
    before: object = None,
    after: object = None,
) -> None:
    target = f"webhook:{name}"
    audit.note(
        signed(tx, by),
        author=by.author,
        act=act,
        target=target,
        detail=detail,
        before=before,
        after=after,
    )
