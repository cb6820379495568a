"""Imports that were looked at and are not carried out yet: kept for an hour, under a random id."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from central.importing import rounds
from central.importing.applying import Applied
from config.errors import PrintmeshError
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from central.acts.by import By
    from central.importing.plan import Plan, Refusal
    from central.store.books import Books

_log = logger("central.pages")

_KEPT: Final = timedelta(hours=1)
#: A draft holds a plan of perhaps a hundred thousand people: no more of them than these at once.
_MOST: Final = 6
_ID_BYTES: Final = 16

#: changed: somebody did something meanwhile, and the plan is another now.
State = Literal["shown", "running", "changed", "braked", "done", "failed"]


@dataclass(slots=True)
class Draft:
    """An import, from the first look until it is done."""

    id: str
    user: str
    """Whose it is; nobody else sees it."""
    made_at: datetime
    source: str
    """`csv`, or `ldap:NAME`."""
    plan: Plan
    again: Callable[[], Plan]
    """Makes the plan anew, of the same file or service, by the books as they are then."""
    told: tuple[tuple[str, str], ...] = ()
    """What was taken for what: column, header."""
    ignored: tuple[str, ...] = ()
    skip_wrong: bool = False
    state: State = "shown"
    done: int = 0
    skipped: tuple[Refusal, ...] = ()
    why: str = ""
    """What failed, for people."""
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Drafts:
    """All of them, in memory: after a restart a file is sent once more."""

    _every: dict[str, Draft] = field(default_factory=dict)

    def keep(self, draft: Draft, now: datetime) -> None:
        """Keep one; the oldest that is not running goes when there are too many."""
        self._tidy(now)
        resting = [each for each in self._every.values() if each.state != "running"]
        for each in sorted(resting, key=lambda each: each.made_at)[: len(self._every) - _MOST + 1]:
            del self._every[each.id]
        self._every[draft.id] = draft

    def find(self, id_: str, user: str, now: datetime) -> Draft | None:
        """Return somebody's own draft; None: there is none, or it is too old."""
        self._tidy(now)
        found = self._every.get(id_)
        return found if found is not None and found.user == user else None

    @property
    def running(self) -> bool:
        """Whether one is being carried out."""
        return any(each.state == "running" for each in self._every.values())

    def _tidy(self, now: datetime) -> None:
        for each in list(self._every.values()):
            if each.state != "running" and not each.made_at <= now < each.made_at + _KEPT:
                del self._every[each.id]


def new_id() -> str:
    """Return an id that nobody guesses."""
    return secrets.token_urlsafe(_ID_BYTES)


def begin(books: Books, by: By, draft: Draft, *, confirmed: int | None) -> asyncio.Task[None]:
    """Carry a draft out, in a thread; what becomes of it stands in the draft."""
    draft.state, draft.done = "running", 0
    draft.task = asyncio.create_task(_supervised(books, by, draft, confirmed))
    return draft.task


async def _supervised(books: Books, by: By, draft: Draft, confirmed: int | None) -> None:
    try:
        await asyncio.to_thread(_carry_out, books, by, draft, confirmed)
    except PrintmeshError as error:
        draft.state, draft.why = "failed", str(error)
    except Exception:  # noqa: BLE001  the supervisor of this task: logged, and told to who waits
        _log.exception("an import failed", action="import-failed", source=draft.source)
        draft.state = "failed"


def _carry_out(books: Books, by: By, draft: Draft, confirmed: int | None) -> None:
    plan = draft.again()
    if plan.fingerprint != draft.plan.fingerprint:
        draft.plan, draft.state = plan, "changed"
        return

    def progress(done: int, _all: int) -> None:
        draft.done = done

    outcome = rounds.carry_out(books, by, plan, confirmed=confirmed, progress=progress)
    if isinstance(outcome, Applied):
        draft.skipped, draft.state = outcome.skipped, "done"
    else:
        draft.state = "braked"
