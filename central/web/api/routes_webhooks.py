"""Programs that are told what happens: entered, paused, gone on with, tried out, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from central.acts import webhooks as acts
from central.rights import Right
from central.store import webhooks
from central.store.ledger import Refused
from central.store.webhooks import Wanted
from central.web.answers import Answer
from central.web.api.table import Call, Example, Given, Route, Words, act
from central.web.paging import TEXT, Asked, NumberPage, Page, page_of, paged
from central.web.problems import NotFound
from central.webhooks import signing
from central.webhooks.addresses import target_of
from central.webhooks.kinds import KINDS
from config.policy.money import MICROS_BOUND

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.webhooks import Message as Kept
    from central.store.webhooks import Subscription

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=TEXT)]
_NO_SEALER: Final = "this interface cannot hide the secret; use the command line"


class Webhook(Answer):
    """A program that is told."""

    name: str
    """What people call it."""
    url: str
    """Where it is told, without what may be a key."""
    events: tuple[str, ...]
    """Of what."""
    above: int | None
    """Micros: money of less is not told of; null: all is."""
    people: bool
    """Whether names of people are told."""
    state: Literal["active", "paused"]
    """Paused: what happens waits for it."""
    why: str
    """It is paused."""
    failures: int
    """Of the message in front, in a row."""
    next_at: AwareDatetime | None
    """When that is tried again; null: at once."""
    waiting: int
    """Messages that are made and wait."""
    arrived_at: AwareDatetime | None
    """When a message arrived last."""
    made_at: AwareDatetime
    """When it was entered."""
    author: str
    """By whom."""


class Webhooks(Answer):
    """Programs that are told."""

    items: tuple[Webhook, ...]
    """By name."""


class WithSecret(Webhook):
    """A program that is told, and its secret."""

    secret: str
    """Signs each message; told once."""


class NewWebhook(Given):
    """A program that is to be told."""

    name: _Name
    """What people call it."""
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=TEXT)]
    """Where."""
    events: Annotated[tuple[_Word, ...], Field(min_length=1, max_length=40)]
    """Kinds, first parts of kinds (`job`), or `*` for all."""
    above: Annotated[int, Field(strict=True, gt=0, le=MICROS_BOUND)] | None = None
    """Micros: money of less is not told of; null: all is."""
    people: bool = False
    """Whether names of people are told."""


class Pausing(Given):
    """Why a program is told nothing for now."""

    why: Words = ""
    """For people."""


class Resuming(Given):
    """How a program is told again."""

    how: Literal["all", "skip", "from-now"] = "all"
    """Where it stopped; past the message in front; or what happens from now on."""


class Resumed(Webhook):
    """A program that is told again."""

    left_out: int
    """Messages that waited and are not sent."""


class Message(Answer):
    """A message, and what became of it."""

    n: int
    """Its number."""
    id: str
    """What its receiver knows it by."""
    event: str
    """Of what kind."""
    state: Literal["waiting", "arrived", "left-out"]
    """What became of it."""
    made_at: AwareDatetime
    """When it was made."""
    tries: int
    """How often it was sent."""
    tried_at: AwareDatetime | None
    """When last."""
    took: int | None
    """Milliseconds of the last try."""
    status: int | None
    """Of HTTP; null: there was no answer."""
    trouble: str
    """What went wrong the last time; empty: nothing."""


class MessagesAsked(NumberPage):
    """Which messages; filters that are left out let all through."""

    troubled: bool = False
    """Only those that wait or were left out."""


class Kind(Answer):
    """Something that can be told."""

    event: str
    """What it is called."""
    tells: str
    """What it tells, for people."""


class Kinds(Answer):
    """All that can be told."""

    items: tuple[Kind, ...]
    """In their order."""


def every(tx: Transaction, _call: Call[None, Asked]) -> Webhooks:
    """List programs that are told what happens."""
    return Webhooks(items=tuple(_webhook(tx, each) for each in webhooks.every(tx)))


def kinds(_tx: Transaction, _call: Call[None, Asked]) -> Kinds:
    """List the kinds of events that can be told."""
    return Kinds(items=tuple(Kind(event=kind, tells=said) for kind, said in KINDS.items()))


def one(tx: Transaction, call: Call[None, Asked]) -> Webhook:
    """Show a program that is told."""
    return _webhook(tx, _known(tx, call))


def add(tx: Transaction, call: Call[NewWebhook, Asked]) -> WithSecret | Refused:
    """Enter a program that is told what happens from now on; its secret is told once."""
    body, desk = call.body, call.desk
    found = acts.kinds_of(body.events)
    if isinstance(found, Refused):
        return found
    if desk.sealer is None:
        return Refused(_NO_SEALER)
    wanted = Wanted(body.name, body.url, found, body.above, body.people)
    secret = signing.new_secret(desk.dice)
    done = acts.add(tx, call.by, wanted, secret, desk.sealer, plain=desk.private_webhooks)
    return done if isinstance(done, Refused) else _secret(tx, done, secret)


def rotate(tx: Transaction, call: Call[None, Asked]) -> WithSecret | Refused:
    """Sign with another secret, told once; the old one signs as well for a day."""
    found, desk = _known(tx, call), call.desk
    if desk.sealer is None:
        return Refused(_NO_SEALER)
    secret = signing.new_secret(desk.dice)
    until = tx.now + acts.BOTH
    done = acts.rotate(tx, call.by, found.name, secret, desk.sealer, until=until)
    return done if isinstance(done, Refused) else _secret(tx, done, secret)


def pause(tx: Transaction, call: Call[Pausing, Asked]) -> Webhook | Refused:
    """Tell a program nothing for now; what happens waits for it."""
    name = _known(tx, call).name
    return acts.pause(tx, call.by, name, call.body.why) or _webhook(tx, _known(tx, call))


def resume(tx: Transaction, call: Call[Resuming, Asked]) -> Resumed | Refused:
    """Tell a program again: from where it stopped, past one message, or from now."""
    name, how = _known(tx, call).name, call.body.how
    done = acts.resume(tx, call.by, name, skip=how == "skip", from_now=how == "from-now")
    if isinstance(done, Refused):
        return done
    return Resumed(**dict(_webhook(tx, _known(tx, call))), left_out=done.left_out)


def try_out(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Have a message sent that tells nothing, behind those that wait."""
    return acts.try_out(tx, call.by, _known(tx, call).name)


def remove(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Tell a program nothing more, and forget what waits for it."""
    return acts.remove(tx, call.by, _known(tx, call).name)


def messages(tx: Transaction, call: Call[None, MessagesAsked]) -> Page[Message]:
    """List a program's messages, newest first; those that are done are kept for a week."""
    found, asked = _known(tx, call), call.asked
    rows = webhooks.last(
        tx,
        n=found.n,
        before=asked.after or None,
        limit=asked.limit + 1,
        troubled=asked.troubled,
    )
    return page_of(rows, asked.limit, show=_message, key=lambda row: row.n)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _known(tx: Transaction, call: Call[Any, Any]) -> Subscription:
    found = acts.find(tx, call.path["webhook"])
    if isinstance(found, Refused):
        raise NotFound(f"{found.reason}; /api/v1/webhooks lists those there are.")
    return found


def _webhook(tx: Transaction, row: Subscription) -> Webhook:
    target = target_of(row.wanted.url, plain=True)
    return Webhook(
        name=row.name,
        url=target if isinstance(target, str) else target.shown,
        events=row.wanted.kinds,
        above=row.wanted.above,
        people=row.wanted.people,
        state=row.state,
        why=row.why,
        failures=row.failures,
        next_at=row.next_at,
        waiting=webhooks.waits(tx, row.n),
        arrived_at=row.arrived_at,
        made_at=row.made_at,
        author=row.author,
    )


def _secret(tx: Transaction, row: Subscription, secret: str) -> WithSecret:
    return WithSecret(**dict(_webhook(tx, row)), secret=secret)


def _message(row: Kept) -> Message:
    return Message(
        n=row.n,
        id=row.id,
        event=row.kind,
        state=row.state,
        made_at=row.made_at,
        tries=row.tries,
        tried_at=row.tried_at,
        took=row.took,
        status=row.status,
        trouble=row.trouble,
    )


_WEBHOOK: Final = {
    "name": "erp",
    "url": "https://erp.example.org/print",
    "events": ["job.settled", "money.booked"],
    "above": None,
    "people": False,
    "state": "active",
    "why": "",
    "failures": 0,
    "next_at": None,
    "waiting": 0,
    "arrived_at": "2026-11-22T08:00:00Z",
    "made_at": "2026-11-01T08:00:00Z",
    "author": "web:eva",
}
_SECRET: Final = {**_WEBHOOK, "secret": "whsec_of-the-receiver"}
_PAUSED: Final = {**_WEBHOOK, "state": "paused", "why": "the receiver moves house"}
_MESSAGE: Final = {
    "n": 17,
    "id": "019aaba6-0b12-7000-8000-00000000000b",
    "event": "job.settled",
    "state": "arrived",
    "made_at": "2026-11-22T08:00:00Z",
    "tries": 1,
    "tried_at": "2026-11-22T08:00:01Z",
    "took": 40,
    "status": 204,
    "trouble": "",
}
_RIGHT: Final = Right.CHANGE_SETTINGS
_ONE: Final = "/webhooks/{webhook}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/webhooks",
        right=_RIGHT,
        do=every,
        gives=Webhooks,
        example=Example({"items": [_WEBHOOK]}),
    ),
    Route(
        method="POST",
        path="/webhooks",
        right=_RIGHT,
        do=add,
        takes=NewWebhook,
        gives=WithSecret,
        status=201,
        example=Example(
            _SECRET,
            {
                "name": "erp",
                "url": "https://erp.example.org/print",
                "events": ["job.settled", "money.booked"],
            },
        ),
    ),
    Route(
        method="GET",
        path="/webhook-kinds",
        right=_RIGHT,
        do=kinds,
        gives=Kinds,
        example=Example({"items": [{"event": "job.held", "tells": "A job waits at a site."}]}),
    ),
    Route(method="GET", path=_ONE, right=_RIGHT, do=one, gives=Webhook, example=Example(_WEBHOOK)),
    Route(
        method="GET",
        path=f"{_ONE}/messages",
        right=_RIGHT,
        do=messages,
        asks=MessagesAsked,
        gives=paged(Message),
        example=Example({"items": [_MESSAGE], "next": None}, asked={"troubled": "false"}),
    ),
    act(f"{_ONE}/rotate", _RIGHT, rotate, Example(_SECRET), gives=WithSecret),
    act(
        f"{_ONE}/pause",
        _RIGHT,
        pause,
        Example(_PAUSED, {"why": "the receiver moves house"}),
        takes=Pausing,
        gives=Webhook,
    ),
    act(
        f"{_ONE}/resume",
        _RIGHT,
        resume,
        Example({**_WEBHOOK, "left_out": 0}, {"how": "all"}),
        takes=Resuming,
        gives=Resumed,
    ),
    act(f"{_ONE}/try", _RIGHT, try_out, Example()),
    Route(method="DELETE", path=_ONE, right=_RIGHT, do=remove, example=Example()),
)
