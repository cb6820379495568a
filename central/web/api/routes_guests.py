"""Guests: people for a time, made and kept longer; and those who asked and wait to be let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import AwareDatetime  # noqa: TC002  it reads it at run time

from central import pins
from central.acts import guests as acts
from central.acts import registrations
from central.rights import Right
from central.store import person_search, secrets
from central.store import registrations as kept
from central.store.ledger import Refused
from central.store.person import GUEST
from central.store.person_search import Which
from central.web.answers import Answer
from central.web.api.table import Call, Example, Given, Line, Reason, Route, UserName, act
from central.web.paging import Asked, KeyPage, NumberPage, Page, page_of, paged
from central.web.problems import NotFound

if TYPE_CHECKING:
    from central.acts.guests import Guest
    from central.store.books import Transaction
    from central.store.person import Person
    from central.store.registrations import Registration

_NO_SEALER: Final = "this interface cannot tell codes of people who wait; use the command line"


class Guested(Answer):
    """Somebody who may print for a time."""

    name: str
    """User name."""
    display: str
    """What people read."""
    email: str
    """Where they can be written to; empty: nowhere."""
    sponsor: str
    """Who vouches for them; empty: whoever made them."""
    until: AwareDatetime | None
    """Disabled from then on."""
    enabled: bool
    """False denies everything."""


class Invited(Answer):
    """A guest who was made."""

    name: str
    """User name."""
    display: str
    """What people read."""
    until: AwareDatetime
    """Disabled from then on."""
    pin: str | None
    """To be handed over, told once; null: none was made."""


class Stay(Answer):
    """How long a guest stays."""

    name: str
    """User name."""
    until: AwareDatetime
    """Disabled from then on."""


class Stays(Given):
    """How a guest is made."""

    sponsor: Line = ""
    """The user who vouches for them; empty: nobody."""
    until: AwareDatetime | None = None
    """When they are disabled; null: as usual."""
    pin: bool = True
    """Make a PIN for them."""


class NewGuest(Stays):
    """A guest to be made."""

    display: Line = ""
    """What people read."""
    email: Line = ""
    """Where they can be written to."""
    name: UserName | None = None
    """User name; null: one is made."""


class Longer(Given):
    """Until when a guest stays."""

    until: AwareDatetime
    """Disabled from then on; counted from now."""


class Waiting(Answer):
    """Somebody who asked to be let in."""

    n: int
    """What they are called until then."""
    name: str
    """The user name that they will have."""
    display: str
    """Who they say they are."""
    email: str
    """Where they can be written to, as they say; empty: nowhere."""
    made_at: AwareDatetime
    """When they asked."""
    ends_at: AwareDatetime
    """Forgotten then."""


class LettingIn(Stays):
    """Somebody who stands at the desk."""

    code: Reason
    """Which they show."""


def every(tx: Transaction, call: Call[None, KeyPage]) -> Page[Guested]:
    """List guests by user name, those whose time is over as well."""
    page = call.asked
    which, after = Which(source=GUEST), ("", page.after) if page.after else None
    rows = person_search.page(tx, which, order="name", after=after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=_guest, key=lambda row: row.name)


def invite(tx: Transaction, call: Call[NewGuest, Asked]) -> Invited | Refused:
    """Make a guest: a person with an account of their own, empty, disabled when the time is over.

    Where the settings allow them.
    """
    body, (pin, phc) = call.body, call.ready
    done = acts.invite(
        tx,
        call.by,
        call.desk.guests,
        display=body.display,
        email=body.email,
        sponsor=body.sponsor,
        name=body.name,
        until=body.until,
        pin=phc,
        dice=call.desk.dice,
    )
    return done if isinstance(done, Refused) else _invited(done, pin)


def extend(tx: Transaction, call: Call[Longer, Asked]) -> Stay | Refused:
    """Let a guest stay longer, or again."""
    done = acts.extend(tx, call.by, call.desk.guests, call.path["name"], call.body.until)
    return done if isinstance(done, Refused) else Stay(name=done.row.name, until=done.until)


def waiting(tx: Transaction, call: Call[None, NumberPage]) -> Page[Waiting]:
    """List who asked to be let in, whoever asked last first."""
    page = call.asked
    rows = kept.waiting(tx, before=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=_waiting, key=lambda row: row.n)


def let_in(tx: Transaction, call: Call[LettingIn, Asked]) -> Invited | Refused:
    """Make a guest of whoever shows a code."""
    desk, body, (pin, phc) = call.desk, call.body, call.ready
    if desk.sealer is None:
        return Refused(_NO_SEALER)
    done = registrations.let_in(
        tx,
        call.by,
        desk.guests,
        body.code,
        sealer=desk.sealer,
        sponsor=body.sponsor,
        until=body.until,
        pin=phc,
        dice=desk.dice,
    )
    return done if isinstance(done, Refused) else _invited(done, pin)


def turn_away(tx: Transaction, call: Call[None, Asked]) -> None:
    """Forget somebody who waits."""
    n = call.path["registration"]
    if not registrations.turn_away(tx, call.by, n):
        raise NotFound(f"Nobody waits as {n}; /api/v1/registrations lists who does.")


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _hashed(call: Call[Any, Any]) -> tuple[str, str]:
    """Make a PIN if one is wanted; return it and its hash."""
    if not call.body.pin or not call.desk.guests.enabled:
        return "", ""
    pin = pins.new_pin(call.desk.dice)
    return pin, secrets.hashed(pin)


def _invited(guest: Guest, pin: str) -> Invited:
    row = guest.row
    return Invited(name=row.name, display=row.display, until=guest.until, pin=pin or None)


def _guest(row: Person) -> Guested:
    return Guested(
        name=row.name,
        display=row.display,
        email=row.about.email,
        sponsor=row.about.sponsor,
        until=row.about.expires_at,
        enabled=row.enabled,
    )


def _waiting(row: Registration) -> Waiting:
    return Waiting(
        n=row.n,
        name=row.name,
        display=row.display,
        email=row.email,
        made_at=row.made_at,
        ends_at=row.ends_at,
    )


_UNTIL: Final = "2026-11-23T23:00:00Z"
_GUEST: Final = {
    "name": "guest-7kdwmb",
    "display": "Dr. Lima",
    "email": "lima@example.org",
    "sponsor": "ana",
    "until": _UNTIL,
    "enabled": True,
}
_INVITED: Final = {
    "name": "guest-7kdwmb",
    "display": "Dr. Lima",
    "until": _UNTIL,
    "pin": "730519",
}
_WAITING: Final = {
    "n": 3,
    "name": "guest-7kdwmb",
    "display": "Dr. Lima",
    "email": "lima@example.org",
    "made_at": "2026-11-22T08:00:00Z",
    "ends_at": "2026-11-29T08:00:00Z",
}

ROUTES: Final = (
    Route(
        method="GET",
        path="/guests",
        right=Right.SEE_PEOPLE,
        do=every,
        asks=KeyPage,
        gives=paged(Guested),
        example=Example({"items": [_GUEST], "next": None}),
    ),
    Route(
        method="POST",
        path="/guests",
        right=Right.HELP_PEOPLE,
        do=invite,
        before=_hashed,
        takes=NewGuest,
        gives=Invited,
        status=201,
        example=Example(_INVITED, {"display": "Dr. Lima", "sponsor": "ana"}),
    ),
    act(
        "/guests/{name}/extend",
        Right.HELP_PEOPLE,
        extend,
        Example({"name": "guest-7kdwmb", "until": _UNTIL}, {"until": _UNTIL}),
        takes=Longer,
        gives=Stay,
    ),
    Route(
        method="GET",
        path="/registrations",
        right=Right.HELP_PEOPLE,
        do=waiting,
        asks=NumberPage,
        gives=paged(Waiting),
        example=Example({"items": [_WAITING], "next": None}),
    ),
    Route(
        method="POST",
        path="/registrations/let-in",
        right=Right.HELP_PEOPLE,
        do=let_in,
        before=_hashed,
        takes=LettingIn,
        gives=Invited,
        status=201,
        example=Example(_INVITED, {"code": "kdwm-7btz"}),
    ),
    Route(
        method="DELETE",
        path="/registrations/{registration}",
        right=Right.HELP_PEOPLE,
        do=turn_away,
        example=Example(),
    ),
)
