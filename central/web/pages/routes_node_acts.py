"""What can be done to a node: each act is shown with its consequence first, in numbers."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.exceptions import HTTPException

from broker.credentials import CredentialFile
from broker.topics import Party
from central.acts import consequences
from central.acts import nodes as acts
from central.rights import Right
from central.store.ledger import Refused
from central.web.pages import node_words, sentences
from central.web.pages.routes_nodes import known_node
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Consequence, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from central.acts.consequences import Consequence as Told
    from central.store.books import Transaction
    from central.store.nodes import NodeRecord
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

_Meant: TypeAlias = "Callable[[Transaction, NodeRecord], Told]"
#: 120 random bits: enough for a code that opens one door once.
_CODE_BYTES: Final = 15
_TYPED: Final = mark("Type the word as it is written.")
_WHY: Final = mark("Say why; it is kept.")


@dataclass(frozen=True, slots=True)
class Act:
    """One act."""

    title: str
    """As a question; marked, with `%(node)s`."""
    verb: str
    """Marked."""
    meant: _Meant
    undo: str = ""
    """Marked; empty: it cannot be undone."""
    danger: bool = False
    typed: bool = False
    """The node's name is typed first."""
    reason: bool = False
    """A reason is asked for."""
    edges: bool = True
    """Dashboards have no such thing."""


def _enrolment(tx: Transaction, known: NodeRecord) -> Told:
    return consequences.of_enrolment(tx, known, write_off=False)


ACTS: Final[Mapping[str, Act]] = {
    "enrol": Act(
        mark("Let a new journal of %(node)s in?"),
        mark("Make a one-time code"),
        _enrolment,
        mark("A code that nobody has used yet is void as soon as you make another."),
    ),
    "secret": Act(
        mark("Give %(node)s a new secret?"),
        mark("Make a new secret"),
        consequences.of_new_secret,
        mark("The old secret does not come back; you can make another one at any time."),
        edges=False,
    ),
    "revoke": Act(
        mark("Take the secret of %(node)s away?"),
        mark("Take it away"),
        consequences.of_revoking,
        mark("A new secret lets it in again."),
        danger=True,
        reason=True,
        edges=False,
    ),
    "free": Act(
        mark("Listen to %(node)s again?"),
        mark("Listen to it again"),
        consequences.of_freeing,
        mark("If it is still wrong it is put aside again by itself."),
    ),
    "resync": Act(
        mark("Send %(node)s the whole directory again?"),
        mark("Send it again"),
        consequences.of_resync,
        mark("It does no harm to do it twice."),
    ),
    "write-off": Act(
        mark("Write off what sits at %(node)s?"),
        mark("Write it off"),
        consequences.of_write_off,
        mark("Should it come back after all, what it tells is booked against the loss."),
        danger=True,
        typed=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The page that asks."""

    node: str
    consequence: Consequence
    refused: str = ""
    """Why it cannot be done now; empty: it can."""
    hint: str = ""
    """What to do instead."""
    hint_href: str = ""
    hint_verb: str = ""
    asks_why: bool = False
    reason: str = ""
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown once."""

    node: str
    title: str
    text: str
    """What to do with it."""
    name: str
    """As settings call it."""
    value: str


def _act(visit: Visit) -> Act:
    found = ACTS.get(visit.path("act"))
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    return found


async def ask(visit: Visit) -> Response:
    """Show what an act would mean."""
    _act(visit)
    return await _asked(visit, {}, 200)


async def _asked(visit: Visit, wrong: Wrong, status: int) -> Response:
    act = _act(visit)

    def look(tx: Transaction) -> tuple[NodeRecord, Told]:
        known = known_node(tx, visit, Right.RUN_FLEET)
        if act.edges and known.kind != "edge":
            raise HTTPException(404, sentences.NO_PAGE)
        return known, act.meant(tx, known)

    known, told = await visit.read(look)
    view = _view(visit, act, known, told, wrong)
    return visit.page("fleet-act.html", view, status=status)


def _view(visit: Visit, act: Act, known: NodeRecord, told: Told, wrong: Wrong) -> Asked:
    name = visit.path("act")
    consequence = Consequence(
        visit.say(act.title, node=known.site),
        node_words.meant(visit, name, known, told),
        visit.say(act.verb),
        f"/nodes/{known.id}/act/{name}",
        visit.say(act.undo) if act.undo else "",
        known.id if act.typed else "",
        danger=act.danger,
    )
    if told.refused is None:
        return Asked(
            known.id,
            consequence,
            asks_why=act.reason,
            reason=visit.form.text("reason", 300),
            wrong=wrong,
        )
    refused, hint, href, verb = _no(visit, name, known, told)
    return Asked(known.id, consequence, refused, hint, href, verb)


def _no(visit: Visit, name: str, known: NodeRecord, told: Told) -> tuple[str, str, str, str]:
    """Say why an act cannot be done now, and what to do instead."""
    if name == "write-off" and known.incarnation is None:
        said = mark("It never came on line, so nothing sits there: there is nothing to write off.")
        return visit.say(said), "", "", ""
    if name == "write-off":
        hint = mark(
            "What sits there is taken back by giving it another role, or wait until it is lost."
        )
        return (
            visit.say(mark("It is linked: it is not lost.")),
            visit.say(hint),
            f"/nodes/{known.id}/role",
            visit.say(mark("Change its role")),
        )
    if name == "enrol" and told.accounts:
        said = mark("%(what)s sit there, and a new journal would know nothing of it.")
        hint = mark("Bring the old machine back; if it is lost for good, write it off first.")
        return (
            visit.say(said, what=node_words.accounts(visit, told)),
            visit.say(hint),
            f"/nodes/{known.id}/act/write-off",
            visit.say(mark("Write it off")),
        )
    if name == "free":
        return visit.say(mark("It is listened to: it is neither parked nor frozen.")), "", "", ""
    return told.refused or "", "", "", ""


async def do(visit: Visit) -> Response:
    """Do it, once what was asked for is there."""
    act, name, node = _act(visit), visit.path("act"), visit.path("node")
    visit.check(Right.RUN_FLEET, node)
    wrong: Wrong = {}
    reason = visit.form.text("reason", 300)
    if act.typed and visit.form.text("typed", 64) != node:
        wrong["typed"] = visit.say(_TYPED)
    if act.reason and not reason:
        wrong["reason"] = visit.say(_WHY)
    if wrong:
        return await _asked(visit, wrong, 422)
    code = secrets.token_urlsafe(_CODE_BYTES) if name == "enrol" else ""

    def carry_out(tx: Transaction) -> tuple[NodeRecord, object]:
        known = known_node(tx, visit, Right.RUN_FLEET)
        if act.edges and known.kind != "edge":
            raise HTTPException(404, sentences.NO_PAGE)
        return known, _do(tx, visit, name, known, code, reason)

    known, done = await visit.write(carry_out)
    if isinstance(done, Refused):
        # what it says now, in the reader's language: it has changed since the page was shown
        return await _asked(visit, {}, 409)
    return await _after(visit, name, known, code)


def _do(
    tx: Transaction, visit: Visit, name: str, known: NodeRecord, code: str, reason: str
) -> object:
    by = visit.by
    match name:
        case "enrol":
            return acts.enrol(tx, by, known.id, code)
        case "secret":
            return acts.new_secret(tx, by, known.id)
        case "revoke":
            return acts.revoke(tx, by, known.id, reason=reason)
        case "free":
            return acts.free(tx, by, known.id)
        case "resync":
            return acts.resync(tx, by, known.id)
        case _:
            return acts.write_off(tx, by, known.id)


async def _after(visit: Visit, name: str, known: NodeRecord, code: str) -> Response:
    """Write what is in no books, and go on."""
    file = CredentialFile(visit.centre.settings.credentials)
    back = f"/nodes/{known.id}"
    if name == "enrol":
        text = mark("Put this into the settings of the new machine; it opens one door, once.")
        title = visit.say(mark("The one-time code of %(node)s"), node=known.site)
        shown = Shown(known.id, title, visit.say(text), "enrolment_code", code)
        return visit.page("fleet-once.html", shown)
    if name == "secret":
        party = Party.NODE if known.kind == "edge" else Party.DASHBOARD
        secret = await asyncio.to_thread(file.add, known.id, party)
        text = mark("Put this into its settings and start it again; the old secret has ended.")
        title = visit.say(mark("The new secret of %(node)s"), node=known.site)
        shown = Shown(known.id, title, visit.say(text), "secret", secret)
        return visit.page("fleet-once.html", shown)
    if name == "revoke":
        await asyncio.to_thread(file.remove, known.id)
    said = {
        "revoke": mark("%(node)s cannot connect any more."),
        "free": mark("%(node)s is listened to at its next birth."),
        "resync": mark("%(node)s is sent the whole directory as soon as it is linked."),
        "write-off": mark("What sat at %(node)s is written off. A new machine begins with a code."),
    }[name]
    return visit.go(back, Notice("good", visit.say(said, node=known.site)))


async def rename(visit: Visit) -> Response:
    """Call the place otherwise."""
    node = visit.path("node")
    visit.check(Right.RUN_FLEET, node)
    site = visit.form.text("site", 120)

    def act(tx: Transaction) -> object:
        known_node(tx, visit, Right.RUN_FLEET)
        return acts.rename_site(tx, visit.by, node, site)

    done = await visit.write(act)
    if isinstance(done, Refused):
        said = visit.say(mark("A place needs a name; people read it. Nothing was changed."))
        return visit.go(f"/nodes/{node}", Notice("waiting", said))
    said = visit.say(mark("People read %(site)s now."), site=" ".join(site.split()))
    return visit.go(f"/nodes/{node}", Notice("good", said))


PAGES: Final = (
    Page("/nodes/{node}/act/{act}", ask, Right.RUN_FLEET),
    Page("/nodes/{node}/act/{act}", do, Right.RUN_FLEET, methods=("POST",)),
    Page("/nodes/{node}/name", rename, Right.RUN_FLEET, methods=("POST",)),
)
