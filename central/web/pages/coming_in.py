"""How a session begins, by whichever way somebody showed who they are; and what follows then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.second_factor import about, new_secret
from central.store import (
    audit,
    person,
    registrations,
    second_factors,
    sign_in_tries,
    staff,
    web_sessions,
)
from central.web.pages.visit import query_of

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.web_sessions import Stage
    from central.web.pages.visit import Visit


def begin(
    tx: Transaction,
    visit: Visit,
    cookie: str,
    name: str,
    *,
    mark: str,
    remember: bool = False,
    strong: bool = False,
) -> Stage:
    """Begin a session; say whether the second factor is still to come.

    Args:
        tx: a writing transaction.
        visit: where they came in.
        cookie: the browser's new name.
        name: who they are, which is proven.
        mark: what stands for the password that they showed; empty: it was none of ours.
        remember: they asked for it to last; staff's never does.
        strong: they showed two factors elsewhere, and that is enough.
    """
    grants = staff.grants(tx, name)
    factor = second_factors.find(tx, name)
    wanted = visit.centre.manners.wants_factor(grants) and not strong
    if wanted and factor is None:
        sealed = visit.centre.sealer.seal(new_secret(visit.centre.dice), about(name))
        second_factors.begin(tx, name, sealed)
    confirmed = factor is not None and factor.confirmed and not strong
    stage: Stage = "password" if wanted or confirmed else "full"
    habits = visit.centre.manners.habits
    longest = habits.staff_longest if grants else habits.people_longest
    if not grants and remember:
        longest = habits.remembered
    web_sessions.tidy(tx)
    sign_in_tries.tidy(tx)
    registrations.tidy(tx)
    web_sessions.begin(
        tx,
        cookie,
        name,
        stage=stage,
        mark=mark,
        ends_at=tx.now + longest,
        proven=strong,
        remember=remember,
        address=visit.address,
        agent=visit.request.headers.get("user-agent", ""),
    )
    person.seen(tx, name)
    if grants and stage == "full":
        note(tx, visit, name)
    return stage


def note(tx: Transaction, visit: Visit, name: str) -> None:
    """Write down that somebody of the staff came in."""
    audit.note(
        tx, author=f"web:{name}", from_=visit.address, act="sign-in", target=f"person:{name}"
    )


def second_after(following: str) -> str:
    """Return the address of the second factor's page, from where it goes on."""
    query = query_of({"next": following if following != "/" else ""})
    return f"/second?{query}" if query else "/second"
