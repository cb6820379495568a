"""The pop-up of one's own workstation: a token that enrols it, without a visit to the desk.

Its secret is made of the centre's own key when it is shown, and kept nowhere; the site gets a hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

from pydantic import ValidationError
from starlette.exceptions import HTTPException

from central.acts import wishes
from central.acts.wishes import NotSent
from central.rights import Right
from central.store import nodes, overview
from central.web.pages import me_words, sentences, waiting
from central.web.pages.routes_me_jobs import NOT_SENT
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Notice
from config.popup_token import PopupToken, written

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.commands import CommandRecord
    from central.web.pages.visit import Visit

#: A token is shown to who asked for it for so long.
_SHOWN: Final = timedelta(minutes=15)
#: Letters of a pop-up's id: none of them is taken for another.
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class Form:
    """The page."""

    sites: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """The page of a token."""

    kind: Literal["waiting", "shown", "failed"]
    answer: str
    detail: str
    token: str = ""
    plain: bool = False
    """What is said on that network can be read there."""


async def form(visit: Visit) -> Response:
    """Ask at which site one works."""
    found = await visit.read(overview.sites)
    sites = tuple(Choice(each.node, each.site) for each in found if each.state == "linked")
    return visit.page("me-popup.html", Form(sites))


async def enrol(visit: Visit) -> Response:
    """Have a site let one's pop-up in, and go where its token is shown."""
    name, by, site = visit.me.name, visit.by, visit.form.text("site", 64)
    chosen = (_LETTERS[each % len(_LETTERS)] for each in visit.centre.dice(_LENGTH))
    popup = f"popup-{''.join(chosen)}"
    digest = sha256(_secret(visit, popup).encode()).hexdigest()

    def act(tx: Transaction) -> UUID | NotSent:
        return wishes.popup(tx, by, user=name, site=site, name=popup, digest=digest)

    done = await visit.write(act)
    if isinstance(done, NotSent):
        said = {
            "no-job": mark("There is no such site."),
            "alone": mark("%(site)s works alone now. Ask again when it is linked."),
            "old": mark("The program at %(site)s cannot do that yet. Ask at the desk."),
        }.get(done.why, NOT_SENT["too-many"])
        text = visit.say(said)
        text = text % {"site": done.site} if "%(site)s" in text else text
        return visit.go("/me/popup", Notice("trouble", text))
    return visit.go(f"/me/popup/{done}")


def _secret(visit: Visit, popup: str) -> str:
    """Return the secret of one's own pop-up: 256 bits that only the centre can make."""
    return visit.centre.sealer.keyed("popup", f"{visit.me.name}\0{popup}")


async def shown(visit: Visit) -> Response:
    """Show a token to who asked for it."""
    id_ = visit.uuid("id")

    async def look() -> Shown:
        return _view(visit, *await visit.read(lambda tx: _known(tx, visit, id_)))

    view = await waiting.until(lambda view: view.kind != "waiting", look)
    page = visit.page("me-popup-shown.html", view)
    if view.kind == "waiting":
        page.headers["refresh"] = "1"
    return page


def _known(tx: Transaction, visit: Visit, id_: UUID) -> tuple[CommandRecord, str]:
    command = wishes.mine(tx, id_, visit.me.name)
    if command is None or command.what != "enrol-popup" or command.expires_at is None:
        raise HTTPException(404, sentences.NO_PAGE)
    if visit.centre.clock() > command.expires_at + _SHOWN:
        raise HTTPException(404, sentences.NO_PAGE)
    node = nodes.find(tx, command.node)
    return command, (node.site if node else "") or command.node


def _view(visit: Visit, command: CommandRecord, site: str) -> Shown:
    late = command.expires_at is not None and visit.centre.clock() > command.expires_at
    if command.state == "successful":
        popup = str(command.args["node"])
        try:
            token = PopupToken.model_validate(
                {**command.data, "node": popup, "secret": _secret(visit, popup)}
            )
        except ValidationError:
            return Shown("failed", visit.say(mark("The site's answer cannot be read.")), "")
        answer = visit.say(
            mark("Your pop-up %(popup)s is let in at %(site)s."), popup=popup, site=site
        )
        detail = visit.say(
            mark(
                "On your computer start “printmesh popup --token -” and paste this there. Whoever "
                "has it is taken for you: give it to nobody. It is not shown for long."
            )
        )
        return Shown("shown", answer, detail, written(token), not token.tls)
    if command.state == "failed":
        answer = visit.say(mark("%(site)s takes no pop-ups from here."), site=site)
        return Shown("failed", answer, me_words.reason(visit, "", command.detail))
    if command.state == "expired" or late:
        answer = visit.say(mark("%(site)s did not answer in time."), site=site)
        return Shown("failed", answer, "")
    return Shown("waiting", visit.say(mark("%(site)s is being asked…"), site=site), "")


PAGES: Final = (
    Page("/me/popup", form, Right.OWN),
    Page("/me/popup", enrol, Right.OWN, methods=("POST",)),
    Page("/me/popup/{id}", shown, Right.OWN),
)
