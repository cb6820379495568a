"""Events that were put aside: listed, shown, mended by another, tried again, let be."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import AwareDatetime, JsonValue, model_validator

from central.acts import consequences
from central.acts import nodes as acts
from central.rights import Right
from central.store import aside_list, quarantine
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.parts import PARTS
from central.web.api.table import Call, Example, Given, Reason, Route, Why, Words, act
from central.web.paging import Asked, KeyPage, Page, page_of, paged
from central.web.problems import NotFound
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from central.store.aside_list import Listed
    from central.store.books import Transaction
    from central.store.quarantine import Put

_State = Literal["quarantined", "repaired", "applied", "dismissed"]


class Which(KeyPage):
    """Which events; filters that are left out let all through."""

    node: NodeId | None = None
    """Of this edge only."""
    all: bool = False
    """Also those that were seen to."""

    @model_validator(mode="after")
    def _after_an_event(self) -> Self:
        if self.after:
            PARTS["event"].kind.validate_python(self.after)
        return self


class Aside(Answer):
    """An event that was put aside, without its text."""

    id: str
    """`STREAM.SEQ`: names it for ever."""
    node: NodeId
    """Whose event it is."""
    stream: str
    """Name of the stream."""
    seq: int
    """Its place there."""
    type: str
    """What it says to be; empty: nobody can read it."""
    state: _State
    """`quarantined`: it waits. What else became of it."""
    reason: str
    """Why it was put aside."""
    at: AwareDatetime
    """When it came."""
    author: str
    """Who saw to it; empty: nobody."""


class Event(Aside):
    """An event that was put aside, with all that is known of it."""

    data: str | None
    """Its own text; null: erased since, its hash stays."""
    because: str
    """Why it was seen to so."""
    instead: str | None
    """The text that was applied in its place."""
    meaning: tuple[str, ...]
    """What letting it be would mean, for people; empty: it was seen to."""


class Instead(Given):
    """An event that is to stand for another."""

    event: dict[str, JsonValue]
    """The whole event, of the same type and about the same thing."""


class Repair(Instead):
    """An event that stands for another from now on."""

    reason: Reason
    """Why; it is kept."""


class Again(Given):
    """Why an event is tried again."""

    reason: Words = ""
    """Kept with the act."""


class Compared(Answer):
    """What would be another with an event than with the one it is to stand for."""

    lines: tuple[str, ...]
    """A unified difference, without places."""
    refused: str | None
    """Why it cannot stand for it; null: it can be tried."""


def every(tx: Transaction, call: Call[None, Which]) -> Page[Aside]:
    """List events that were put aside, in the order of their streams."""
    asked, nodes = call.asked, call.sites
    if asked.node is not None:
        nodes = frozenset({asked.node}) if call.reaches(asked.node) else frozenset()
    stream, _, seq = asked.after.partition(".")
    rows = aside_list.page(
        tx,
        nodes,
        also_mended=asked.all,
        after=(int(stream), int(seq)) if seq else None,
        limit=asked.limit + 1,
    )
    return page_of(rows, asked.limit, show=_listed, key=lambda row: row.id)


def one(tx: Transaction, call: Call[None, Asked]) -> Event:
    """Show an event that was put aside, with its text and what letting it be would mean."""
    return _event(tx, _known(tx, call))


def compare(tx: Transaction, call: Call[Instead, Asked]) -> Compared:
    """Say in what an event differs from the one that was put aside; nothing is done."""
    put, text = _known(tx, call), _text(call.body)
    checked = quarantine.check(put, text)
    return Compared(
        lines=tuple(quarantine.difference(put, text)),
        refused=checked.reason if isinstance(checked, Refused) else None,
    )


def repair(tx: Transaction, call: Call[Repair, Asked]) -> Event | Refused:
    """Apply another event in place of one that was put aside, once; its own text and hash stay."""
    id_, body = _known(tx, call).id, call.body
    done = acts.repair(
        tx, call.by, id_, _text(body), reason=body.reason, linked=acts.linked_now(tx)
    )
    return done if isinstance(done, Refused) else _event(tx, _known(tx, call))


def replay(tx: Transaction, call: Call[Again, Asked]) -> Event | Refused:
    """Try an event again: what was in its way may be gone."""
    id_, linked = _known(tx, call).id, acts.linked_now(tx)
    done = acts.replay(tx, call.by, id_, reason=call.body.reason, linked=linked)
    return done if isinstance(done, Refused) else _event(tx, _known(tx, call))


def dismiss(tx: Transaction, call: Call[Why, Asked]) -> Event | Refused:
    """Let an event be without effect; what it had spent at the edge goes back to its accounts."""
    done = acts.dismiss(tx, call.by, _known(tx, call).id, reason=call.body.reason)
    return done if isinstance(done, Refused) else _event(tx, _known(tx, call))


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _known(tx: Transaction, call: Call[Any, Any]) -> Put:
    """Return the event of the address, at whose site the caller has the right."""
    id_ = call.path["event"]
    missing = f"Nothing was put aside as {id_}; /api/v1/quarantine lists what was."
    found = quarantine.find(tx, id_)
    if found is None:
        raise NotFound(missing)
    call.check(found.node, missing)
    return found


def _text(body: Instead) -> str:
    """Return an event as it is kept."""
    return json.dumps(body.event, ensure_ascii=False, separators=(",", ":"))


def _listed(row: Listed) -> Aside:
    return Aside.model_validate(asdict(row) | {"stream": row.name})


def _event(tx: Transaction, put: Put) -> Event:
    waits = put.state == "quarantined"
    told = {
        "stream": put.name,
        "author": put.author or "",
        "because": put.because or "",
        "meaning": consequences.of_dismissal(tx, put).sentences if waits else (),
    }
    return Event.model_validate(asdict(put) | told)


_LISTED: Final = {
    "id": "4.17",
    "node": "north",
    "stream": "ledger",
    "seq": 17,
    "type": "charged",
    "state": "quarantined",
    "reason": "there is no account user:anna",
    "at": "2026-11-22T08:00:00Z",
    "author": "",
}
_TEXT: Final = '{"type":"charged"}'
_EVENT: Final = {
    **_LISTED,
    "data": _TEXT,
    "because": "",
    "instead": None,
    "meaning": ["What was printed is then not charged to anybody."],
}
_DONE: Final = {
    **_EVENT,
    "state": "repaired",
    "author": "api:watch",
    "because": "anna is called ana now",
    "instead": _TEXT,
    "meaning": [],
}
_INSTEAD: Final = {"event": {"type": "charged"}}
_WHY: Final = {"reason": "anna is called ana now"}
_ONE: Final = "/quarantine/{event}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/quarantine",
        right=Right.SEE_FLEET,
        do=every,
        asks=Which,
        gives=paged(Aside),
        example=Example({"items": [_LISTED], "next": None}, asked={"all": "true"}),
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.SEE_FLEET,
        do=one,
        gives=Event,
        example=Example(_EVENT),
    ),
    Route(
        method="POST",
        path=f"{_ONE}/compare",
        right=Right.RUN_FLEET,
        do=compare,
        reads=True,
        takes=Instead,
        gives=Compared,
        example=Example(
            {"lines": ["-  'seq': 1", "+  'seq': 2"], "refused": None},
            _INSTEAD,
        ),
    ),
    act(
        f"{_ONE}/repair",
        Right.RUN_FLEET,
        repair,
        Example(_DONE, {**_INSTEAD, **_WHY}),
        takes=Repair,
        gives=Event,
    ),
    act(
        f"{_ONE}/replay",
        Right.RUN_FLEET,
        replay,
        Example({**_DONE, "state": "applied", "instead": None}, _WHY),
        takes=Again,
        gives=Event,
    ),
    act(
        f"{_ONE}/dismiss",
        Right.RUN_FLEET,
        dismiss,
        Example({**_DONE, "state": "dismissed", "instead": None}, _WHY),
        takes=Why,
        gives=Event,
    ),
)
