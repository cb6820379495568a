"""Importing from directory services: once, when somebody says so, and of itself when it is due."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from central.acts.by import By
from central.importing import applying
from central.importing.applying import Applied
from central.importing.plan import Habits
from central.store import cards, people_sources, recovery
from central.store.person import LDAP
from config.errors import PrintmeshError
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from central.importing.ldap_map import Mapped
    from central.importing.plan import Plan
    from central.store.books import Books
    from central.store.ledger import Refused
    from config.settings_directory_services import LdapSettings

    #: Reads a service; of `ldap.read`.
    Read: TypeAlias = Callable[[LdapSettings, bytes | None], Mapped]

_log = logger("central.importing")

#: Seconds between two looks whether a service is due.
LOOK_EVERY: Final = 20.0
#: A service that could not be read is asked again after this at the latest.
_AFTER_A_FAILURE: Final = timedelta(minutes=15)
#: Due moments are spread by so much, that not all the world asks at full hours.
_JITTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Braked:
    """Nothing was changed: more would be disabled than anybody expected."""

    plan: Plan
    why: Refused


def source_of(service: LdapSettings) -> str:
    """Return what the books call a service."""
    return f"{LDAP}{service.name}"


def asked_for(services: Sequence[LdapSettings], source: str) -> LdapSettings | None:
    """Return the service that says whether the passwords of a source's people are right, if any.

    Ask it by `ldap.verify`, in a thread.
    """
    of = (each for each in services if each.sign_in and source_of(each) == source)
    return next(of, None)


def plan_of(books: Books, service: LdapSettings, read: Read | None = None) -> Plan:
    """Read a service and return what would change.

    Raises:
        PrintmeshError: it cannot be read (`ldap.ServiceUnusable`).
    """
    with books.read() as tx:
        key = cards.key_in_force(tx)
    told = (read or _read)(service, key)
    habits = Habits(source_of(service), adopt=service.adopt, brake_percent=service.brake_percent)
    return applying.planned(books, told.wanted, habits, told.refusals)


def carry_out(
    books: Books,
    by: By,
    plan: Plan,
    *,
    confirmed: int | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Applied | Braked:
    """Carry a plan out, or keep it in the books that it was stopped."""
    why = applying.may_apply(plan, confirmed=confirmed)
    if why is not None:
        applying.note_braked(books, by, plan)
        return Braked(plan, why)
    return applying.apply(books, by, plan, progress=progress)


def next_due(now: datetime, every: timedelta, share: float, *, failed: bool = False) -> datetime:
    """Return when a service is asked next.

    Args:
        now: the moment.
        every: how often.
        share: 0 to 1, by chance.
        failed: it could not be read.
    """
    pause = min(every, _AFTER_A_FAILURE) if failed else every
    return now + pause * (1 - _JITTER + 2 * _JITTER * share)


def one_round(
    books: Books,
    by: By,
    service: LdapSettings,
    *,
    read: Read | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    dice: Callable[[int], bytes] = os.urandom,
) -> Applied | Braked | None:
    """Import from a service if it is due; note when it is due again. None: not now."""
    every = service.every
    if every is None:
        return None
    source = source_of(service)
    with books.read() as tx:
        state = people_sources.find(tx, source)
        closed = recovery.closed(tx) is not None
    if closed or (state is not None and state.due is not None and state.due > clock()):
        return None
    done: Applied | Braked | None = None
    failed = False
    try:
        done = carry_out(books, by, plan_of(books, service, read))
    except PrintmeshError as error:
        failed = True
        applying.note_failed(books, by, source, str(error))
    share = dice(1)[0] / 255
    with books.write() as tx:
        due = next_due(clock(), every, share, failed=failed)
        people_sources.plan_next(tx, source, due)
    return done


async def keep_up(books: Books, services: Sequence[LdapSettings]) -> None:
    """Import from every service when it is due, for ever; each in a thread, one after another."""
    by = By(books.identity.node)
    timed = [each for each in services if each.every is not None]
    while timed:
        for service in timed:
            try:
                done = await asyncio.to_thread(one_round, books, by, service)
            except Exception:  # noqa: BLE001  the supervisor of this task: logged, and going on
                _log.exception("an import failed", action="import-failed", source=service.name)
                continue
            if isinstance(done, Applied):
                counts = done.plan.counts()
                _log.info("imported", action="people-import", source=done.plan.source, **counts)
        await asyncio.sleep(LOOK_EVERY)


def _read(service: LdapSettings, card_key: bytes | None) -> Mapped:
    from central.importing import ldap  # noqa: PLC0415  nobody loads ldap3 who has no service

    return ldap.read(service, card_key=card_key)
