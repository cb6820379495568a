"""Entering a node: an edge with settings that are shown once, or a dashboard with its secret."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from broker.credentials import CredentialFile
from broker.topics import Party
from central import edge_settings
from central.acts import nodes as acts
from central.acts import setup
from central.rights import EVERYWHERE, Right
from central.store.ledger import Refused
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from config.ids import NODE_ID_PATTERN

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

_CODE_BYTES: Final = 15
_ID: Final = mark("1 to 32 of a to z, 0 to 9 and the hyphen, like edge-north.")


@dataclass(frozen=True, slots=True)
class Typed:
    """The form."""

    kind: Literal["edge", "dashboard"] = "edge"
    site: str = ""
    node: str = ""
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Added:
    """What is shown once."""

    node: str
    kind: str
    settings: str
    """Of an edge, ready to use; of a dashboard its secret."""


async def show(visit: Visit) -> Response:
    """Show the form."""
    visit.check(Right.RUN_FLEET, EVERYWHERE)
    return visit.page("fleet-add.html", Typed())


async def add(visit: Visit) -> Response:
    """Enter what was typed."""
    visit.check(Right.RUN_FLEET, EVERYWHERE)
    form = visit.form
    kind: Literal["edge", "dashboard"] = (
        "dashboard" if form.text("kind", 20) == "dashboard" else "edge"
    )
    site = " ".join(form.text("site", 120).split())
    node = form.text("node", 64).lower() or setup.node_id_of(site)
    wrong: Wrong = {}
    if not site or not site.isprintable():
        wrong["site"] = visit.say(mark("A place needs a name; people read it."))
    if not re.fullmatch(NODE_ID_PATTERN, node):
        wrong["node"] = visit.say(
            mark("1 to 32 of a to z, 0 to 9 and the hyphen, like edge-north.")
        )
    if wrong:
        return visit.page("fleet-add.html", Typed(kind, site, node, wrong), status=422)
    code = secrets.token_urlsafe(_CODE_BYTES) if kind == "edge" else None

    def act(tx: Transaction) -> object:
        return acts.enter(tx, visit.by, node, site=site, kind=kind, code=code)

    if isinstance(await visit.write(act), Refused):
        wrong["node"] = visit.say(mark("There is a node of that name already."))
        return visit.page("fleet-add.html", Typed(kind, site, node, wrong), status=422)
    party = Party.NODE if kind == "edge" else Party.DASHBOARD
    centre = visit.centre
    file = CredentialFile(centre.settings.credentials)
    secret = await asyncio.to_thread(file.add, node, party)
    text = f'secret = "{secret}"\n'
    if code is not None:
        entered = edge_settings.Enrolled(node, site, secret, code)
        text = edge_settings.text_of(entered, centre.settings, centre.books.identity)
    return visit.page("fleet-added.html", Added(node, kind, text))


PAGES: Final = (
    Page("/nodes/~add", show, Right.RUN_FLEET),
    Page("/nodes/~add", add, Right.RUN_FLEET, methods=("POST",)),
)
