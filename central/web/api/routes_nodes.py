"""Nodes: entered, enrolled, renewed, revoked, freed, written off; and what that would mean."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import AwareDatetime, Field, StringConstraints

from broker.credentials import CredentialError, CredentialFile
from broker.messages import UncoveredCap
from broker.topics import Party
from central.acts import consequences
from central.acts import nodes as acts
from central.rights import EVERYWHERE, Right
from central.store import terms
from central.store.ledger import Refused
from central.store.terms import Wish
from central.web.answers import Answer, Node
from central.web.api.table import Call, Example, Given, Route, Why, act
from central.web.fleet import NODE, node_of
from central.web.paging import TEXT, Asked
from central.web.problems import NotFound
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time
from config.policy.money import MICROS_BOUND, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.acts.consequences import Consequence
    from central.store.books import Transaction
    from central.store.nodes import NodeRecord

T = TypeVar("T")

#: 120 random bits: enough for a code that opens one door once.
_CODE_BYTES: Final = 15
_NO_FILE: Final = "this interface knows no file of the broker's secrets; use the command line"
_Act = Literal["enrol", "secret", "revoke", "free", "resync", "write-off"]
_Role = Literal["agent", "tracker", "remote"]
_Place = Annotated[str, StringConstraints(max_length=120, pattern=TEXT)]
_Micros = Annotated[int, Field(strict=True, gt=0, le=MICROS_BOUND)]


class NewNode(Given):
    """A node to be entered."""

    node: NodeId
    """What it is called for ever."""
    site: _Place = ""
    """What people call the place; empty: as the node."""
    kind: Literal["edge", "dashboard"] = "edge"
    """What it is."""


class Entered(Node):
    """A node that was entered; its secrets are told once."""

    secret: str
    """For the broker."""
    enrolment_code: str | None
    """Lets the first journal of an edge in; null: a dashboard has none."""


class Place(Given):
    """What people call a place."""

    site: Annotated[_Place, StringConstraints(min_length=1)]
    """The name."""


class Enrolling(Given):
    """How a new journal is let in."""

    write_off: bool = False
    """The old one is lost: make people whole at the house's cost."""


class Code(Answer):
    """A code that lets one new journal in, once."""

    node: NodeId
    """Whose."""
    enrolment_code: str
    """Told once; one that was made before is void."""


class Secret(Answer):
    """A new secret."""

    node: NodeId
    """Whose."""
    secret: str
    """For the broker, told once; the old one ends at once."""


class Cap(Given):
    """How much may be charged past the allocation, until it is collected."""

    unit: Unit
    """Of the amounts."""
    site: _Micros | None = None
    """Micros at the site; null: without limit."""
    user: _Micros | None = None
    """Micros on one account; null: as much as the site's."""


class RoleWish(Given):
    """What a site is to be and to bear."""

    role: _Role
    """A line of the role table."""
    uncovered: Annotated[tuple[Cap, ...], Field(max_length=20)] | None = None
    """Past the allocation, by unit; null: what the role has by itself."""
    offline_seconds: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """After so long without the centre nothing is released; null: without limit."""


class Wished(Answer):
    """What is wished of a site; it holds from the edge's own word on."""

    node: NodeId
    """Which."""
    role: _Role
    """What it is to be."""
    terms: int
    """Which wish this is."""
    at: AwareDatetime
    """When it was wished."""
    taken_at: AwareDatetime | None
    """When the edge took it; null: not yet."""


class Meaning(Answer):
    """What an act would mean, or what it came to."""

    sentences: tuple[str, ...]
    """For people, in the order that matters."""
    money: dict[str, int]
    """Micros by unit that would be moved, or written off."""
    accounts: int
    """Of so many accounts."""
    events: int
    """The node has, or had, and the books have not."""
    running: int
    """Jobs that are printing there."""
    held: int
    """Jobs that wait there."""
    refused: str | None
    """Why it cannot be done now; null: it can."""


class MeaningAsked(Asked):
    """Of which act."""

    act: _Act
    """What would be done."""


def one(tx: Transaction, call: Call[None, Asked]) -> Node:
    """Show one node."""
    return node_of(_known(tx, call))


def enter(tx: Transaction, call: Call[NewNode, Asked]) -> Entered | Refused:
    """Enter a node; an edge with the one-use code that lets its journal in."""
    body = call.body
    if not call.reaches(EVERYWHERE):
        return Refused("a new site is for a token that counts at all sites")
    code = secrets.token_urlsafe(_CODE_BYTES) if body.kind == "edge" else None
    site = body.site or body.node
    if not site.isprintable():
        return Refused("a place needs a name; people read it")
    done = acts.enter(tx, call.by, body.node, site=site, kind=body.kind, code=code)
    if isinstance(done, Refused):
        return done
    secret = _admit(call, done)
    if isinstance(secret, Refused):
        return secret
    return Entered(**dict(node_of(done)), secret=secret, enrolment_code=code)


def rename(tx: Transaction, call: Call[Place, Asked]) -> Node | Refused:
    """Change what people call a place."""
    done = acts.rename_site(tx, call.by, _known(tx, call).id, call.body.site)
    return done if isinstance(done, Refused) else node_of(done)


def enrol(tx: Transaction, call: Call[Enrolling, Asked]) -> Code | Refused:
    """Make a code that lets one new journal in; frees a parked or frozen node."""
    name, code = _known(tx, call).id, secrets.token_urlsafe(_CODE_BYTES)
    done = acts.enrol(tx, call.by, name, code, write_off=call.body.write_off)
    return done if isinstance(done, Refused) else Code(node=name, enrolment_code=code)


def renew(tx: Transaction, call: Call[None, Asked]) -> Secret | Refused:
    """Give a node a new secret for the broker; the old one ends at once."""
    done = acts.new_secret(tx, call.by, _known(tx, call).id)
    if isinstance(done, Refused):
        return done
    secret = _admit(call, done)
    return secret if isinstance(secret, Refused) else Secret(node=done.id, secret=secret)


def revoke(tx: Transaction, call: Call[Why, Asked]) -> Refused | None:
    """Let a node connect no more; a new secret lets it in again."""
    done = acts.revoke(tx, call.by, _known(tx, call).id, reason=call.body.reason)
    if isinstance(done, Refused):
        return done
    refused = _written(call, lambda file: file.remove(done.id))
    return refused if isinstance(refused, Refused) else None


def free(tx: Transaction, call: Call[None, Asked]) -> Node | Refused:
    """Listen again to a parked or frozen node."""
    name = _known(tx, call).id
    done = acts.free(tx, call.by, name)
    return done if isinstance(done, Refused) else one(tx, call)


def resync(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Have a site get the whole directory again, as soon as it is linked."""
    done = acts.resync(tx, call.by, _known(tx, call).id)
    return done if isinstance(done, Refused) else None


def write_off(tx: Transaction, call: Call[None, Asked]) -> Meaning | Refused:
    """Make people whole for what sits at an edge that is lost for good; tells what was done."""
    done = acts.write_off(tx, call.by, _known(tx, call).id)
    return done if isinstance(done, Refused) else _meaning(done)


def set_role(tx: Transaction, call: Call[RoleWish, Asked]) -> Wished | Refused:
    """Wish a site another role and what it may bear."""
    name, body = _known(tx, call).id, call.body
    caps = terms.default_caps(body.role, tx.identity.currency)
    if body.uncovered is not None:
        caps = tuple(UncoveredCap(**dict(each)) for each in body.uncovered)
    done = acts.set_role(tx, call.by, name, Wish(body.role, caps, body.offline_seconds))
    if isinstance(done, Refused):
        return done
    return Wished(node=name, role=done.wish.role, terms=done.n, at=done.at, taken_at=done.taken_at)


def meaning(tx: Transaction, call: Call[None, MeaningAsked]) -> Meaning:
    """Say what an act on a node would mean, in numbers; nothing is done."""
    found = _known(tx, call)
    match call.asked.act:
        case "enrol":
            told = consequences.of_enrolment(tx, found, write_off=False)
        case "secret":
            told = consequences.of_new_secret(tx, found)
        case "revoke":
            told = consequences.of_revoking(tx, found)
        case "free":
            told = consequences.of_freeing(tx, found)
        case "resync":
            told = consequences.of_resync(tx, found)
        case "write-off":
            told = consequences.of_write_off(tx, found)
    return _meaning(told)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _known(tx: Transaction, call: Call[Any, Any]) -> NodeRecord:
    """Return the node of the address, at whose site the caller has the right."""
    name = call.path["node"]
    missing = f"There is no node {name}; /api/v1/nodes lists those there are."
    found = acts.find(tx, name)
    if isinstance(found, Refused):
        raise NotFound(missing)
    call.check(name, missing)
    return found


def _admit(call: Call[Any, Any], node: NodeRecord) -> str | Refused:
    """Write a new secret into the broker's file; return it.

    Before the commit: should that fail, the same request makes another secret.
    """
    party = Party.NODE if node.kind == "edge" else Party.DASHBOARD
    return _written(call, lambda file: file.add(node.id, party))


def _written(call: Call[Any, Any], change: Callable[[CredentialFile], T]) -> T | Refused:
    """Change the broker's file of secrets; a refusal undoes the act that wanted it."""
    if call.desk.credentials is None:
        return Refused(_NO_FILE)
    try:
        return change(CredentialFile(call.desk.credentials))
    except CredentialError:
        # it names files, which callers need not know
        return Refused("the file of the broker's secrets cannot be written at present")


def _meaning(told: Consequence) -> Meaning:
    return Meaning(
        sentences=told.sentences,
        money=dict(told.money),
        accounts=told.accounts,
        events=told.events,
        running=told.running,
        held=told.held,
        refused=told.refused,
    )


_MEANING: Final = {
    "sentences": ["12.00 EUR of 3 accounts would go back to people, paid by the house."],
    "money": {"EUR": 12_000_000},
    "accounts": 3,
    "events": 0,
    "running": 0,
    "held": 2,
    "refused": None,
}
_SECRET: Final = "x4Zt-the-secret-is-43-characters-long-0123456"  # noqa: S105  an example
_CODE: Final = "a-code-of-20-letters"
_WISHED: Final = {
    "node": "north",
    "role": "agent",
    "terms": 2,
    "at": "2026-11-22T08:00:00Z",
    "taken_at": None,
}
_ONE: Final = "/nodes/{node}"

ROUTES: Final = (
    Route(
        method="POST",
        path="/nodes",
        right=Right.RUN_FLEET,
        do=enter,
        takes=NewNode,
        gives=Entered,
        status=201,
        example=Example(
            {**NODE, "secret": _SECRET, "enrolment_code": _CODE},
            {"node": "north", "site": "Library"},
        ),
    ),
    Route(
        method="GET", path=_ONE, right=Right.SEE_FLEET, do=one, gives=Node, example=Example(NODE)
    ),
    Route(
        method="GET",
        path=f"{_ONE}/meaning",
        right=Right.RUN_FLEET,
        do=meaning,
        asks=MeaningAsked,
        gives=Meaning,
        example=Example(_MEANING, asked={"act": "write-off"}),
    ),
    Route(
        method="PUT",
        path=f"{_ONE}/site",
        right=Right.RUN_FLEET,
        do=rename,
        takes=Place,
        gives=Node,
        example=Example(NODE, {"site": "Library"}),
    ),
    Route(
        method="PUT",
        path=f"{_ONE}/role",
        right=Right.RUN_FLEET,
        do=set_role,
        takes=RoleWish,
        gives=Wished,
        example=Example(_WISHED, {"role": "agent"}),
    ),
    act(
        f"{_ONE}/enrol",
        Right.RUN_FLEET,
        enrol,
        Example({"node": "north", "enrolment_code": _CODE}, {"write_off": False}),
        takes=Enrolling,
        gives=Code,
    ),
    act(
        f"{_ONE}/secret",
        Right.RUN_FLEET,
        renew,
        Example({"node": "north", "secret": _SECRET}),
        gives=Secret,
    ),
    act(
        f"{_ONE}/revoke",
        Right.RUN_FLEET,
        revoke,
        Example(body={"reason": "stolen on Friday"}),
        takes=Why,
    ),
    act(f"{_ONE}/free", Right.RUN_FLEET, free, Example(NODE), gives=Node),
    act(f"{_ONE}/resync", Right.RUN_FLEET, resync, Example()),
    act(f"{_ONE}/write-off", Right.RUN_FLEET, write_off, Example(_MEANING), gives=Meaning),
)
