"""Who a cookie is: the session, its person as they are now, their roles now; or nobody any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from broker.directory import UserRow
from central import signing_in
from central.rights import Role
from central.signing_in import Habits
from central.store import directory, staff, web_sessions

if TYPE_CHECKING:
    from collections.abc import Collection

    from central.rights import Grant
    from central.store.books import Transaction
    from central.store.web_sessions import Session, Stage
    from config.settings_web import WebSettings

#: That a session is used is written down so often: not with each page.
NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Manners:
    """What the settings say of signing in."""

    habits: Habits
    second_factor: frozenset[Role]
    """Roles that need one."""

    @classmethod
    def of(cls, settings: WebSettings) -> Manners:
        """Return them by the settings."""
        return cls(
            Habits(
                settings.staff_idle,
                settings.staff_longest,
                settings.people_idle,
                settings.people_longest,
                settings.remembered,
            ),
            frozenset(Role(each) for each in settings.second_factor),
        )

    def wants_factor(self, grants: Collection[Grant]) -> bool:
        """Say whether somebody with these roles has to show a second factor."""
        return any(each.role in self.second_factor for each in grants)


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who is signed in, or half-way."""

    name: str
    """User name."""
    display: str
    """What people call them."""
    language: str
    """ISO 639-1; empty: not said."""
    grants: tuple[Grant, ...]
    """Their roles; none: a person."""
    session: Session
    stage: Stage
    """password: they have yet to show their second factor."""
    stale: bool
    """It is to be noted that the session is used."""

    @property
    def full(self) -> bool:
        """Whether they are signed in wholly."""
        return self.stage == "full"

    @property
    def staff(self) -> bool:
        """Whether they have any role."""
        return bool(self.grants)


@dataclass(frozen=True, slots=True)
class Over:
    """There was a session, and it is over."""

    session: Session
    why: Literal["idle", "ended"]


def who_is(tx: Transaction, cookie: str, manners: Manners) -> Who | Over | None:
    """Say whose a cookie is.

    A session is over when its time is, and when its person was removed, disabled, or has another
    password than the one that began it.
    """
    session = web_sessions.find(tx, cookie) if cookie else None
    return None if session is None else whose(tx, session, manners)


def whose(tx: Transaction, session: Session, manners: Manners) -> Who | Over:
    """Say the same of a session."""
    row = directory.get(tx, "user", session.user)
    if row is None:
        return Over(session, "ended")
    person = UserRow.model_validate(row)
    changed = bool(session.mark) and session.mark != web_sessions.password_mark(person.password)
    if not person.enabled or changed:
        return Over(session, "ended")
    grants = staff.grants(tx, person.name)
    lacks = manners.wants_factor(grants) and not session.proven
    stage: Stage = "password" if session.stage == "password" or lacks else "full"
    # who became staff in a session shows the second factor in it; there is time for that
    how = signing_in.lasting(
        manners.habits,
        staff=bool(grants),
        remember=session.remember,
        half_way=session.stage == "password",
    )
    if signing_in.over(session.made_at, session.seen_at, tx.now, how):
        return Over(session, "idle")
    return Who(
        name=person.name,
        display=person.display or person.name,
        language=person.language,
        grants=grants,
        session=session,
        stage=stage,
        stale=tx.now - session.seen_at >= NOTED_EVERY,
    )
