"""`/setup`: the first administrator and the first site, in a browser, with a code of the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from broker.credentials import CredentialFile, mint
from broker.topics import Party
from central import edge_settings, pins
from central.acts import setup
from central.acts.setup import Wanted
from central.rights import Right
from central.store import organisation, sign_in_tries
from central.store.ledger import Refused
from central.web.pages.sentences import mark
from central.web.pages.table import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.signing_in import Wait, Whose
    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

_DEAD: Final = mark(
    "This code is used up or too old. Start the centre again: its log has a new one."
)
_WRONG: Final = mark("This is not the code in the log of the centre.")
_WAIT: Final = mark("Too many tries. The next one can be made in %(time)s.")
_NEEDED: Final = mark("This is needed.")
_NOT_SAME: Final = mark("The two are not the same.")


@dataclass(frozen=True, slots=True)
class SetupForm:
    """The page, with what was typed."""

    code: str = ""
    organisation: str = ""
    user: str = ""
    display: str = ""
    site: str = ""
    currency: str = ""
    wrong: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetupDone:
    """What was made, shown once."""

    organisation: str
    user: str
    node: str
    """Empty: no site was made."""
    settings: str
    """The edge's settings, ready to use; a secret."""


async def show(visit: Visit) -> Response:
    """Show the form while nobody looks after this centre."""
    if not await visit.read(setup.needed):
        return visit.go("/sign-in")
    currency = visit.centre.books.identity.currency
    view = SetupForm(code=visit.asked("code"), currency=currency)
    return visit.page("setup.html", view)


async def make(visit: Visit) -> Response:
    """Make what was typed, if the code is right."""
    if not await visit.read(setup.needed):
        return visit.go("/sign-in")
    form = visit.form
    typed = SetupForm(
        code=form.text("code", 100),
        organisation=form.text("organisation", 200),
        user=form.text("user", 200).lower(),
        display=form.text("display", 200),
        site=form.text("site", 120),
        currency=visit.centre.books.identity.currency,
    )
    password = form.text("password", 300)
    wrong = _wrong(visit, typed, password)
    if wrong:
        return visit.page("setup.html", _with(typed, wrong), status=422)
    marks: dict[Whose, str] = {"address": visit.centre.sealer.keyed("setup", visit.address)}
    looked = await visit.write(lambda tx: _look(tx, typed.code, marks))
    if looked != "right":
        said = _DEAD if looked == "dead" else _WRONG
        text = visit.say(said)
        if not isinstance(looked, str):
            text = visit.say(_WAIT, time=visit.words.lasting(looked.rest))
        return visit.page("setup.html", _with(typed, {"code": text}), status=403)
    phc = await visit.centre.passwords.hashed(password)
    node = setup.node_id_of(typed.site)
    wanted = Wanted(
        organisation=typed.organisation,
        user=typed.user,
        display=typed.display,
        password=phc,
        site=typed.site,
        node=node,
        code=mint() if node else "",
        currency=typed.currency,
    )
    # looked at again: somebody else may have been quicker
    done = await visit.write(lambda tx: _make(tx, visit, wanted, typed.code))
    if done is None:
        return visit.go("/sign-in")
    if isinstance(done, Refused):
        return visit.page("setup.html", _with(typed, {"user": visit.say(done.reason)}), status=422)
    visit.centre.organisation = typed.organisation
    text = ""
    if done.site:
        centre = visit.centre
        secret = CredentialFile(centre.settings.credentials).add(node, Party.NODE)
        text = edge_settings.text_of(
            edge_settings.Enrolled(node, typed.site, secret, wanted.code),
            centre.settings,
            centre.books.identity,
        )
    view = SetupDone(typed.organisation, typed.user, node if done.site else "", text)
    return visit.page("setup-done.html", view)


def _look(tx: Transaction, code: str, marks: dict[Whose, str]) -> str | Wait:
    wait = sign_in_tries.begin(tx, marks)
    if wait is not None:
        return wait
    found = organisation.try_code(tx, code)
    if found == "right":
        sign_in_tries.right(tx, marks)
    return found


def _make(tx: Transaction, visit: Visit, wanted: Wanted, code: str) -> setup.SetUp | Refused | None:
    if not setup.needed(tx) or organisation.try_code(tx, code) != "right":
        return None
    return setup.set_up(tx, visit.by, wanted)


def _wrong(visit: Visit, typed: SetupForm, password: str) -> Wrong:
    found: Wrong = {}
    for name in ("code", "organisation", "user"):
        if not getattr(typed, name):
            found[name] = visit.say(_NEEDED)
    reason = pins.wrong_password(password, typed.user)
    if reason is not None:
        found["password"] = visit.say(reason)
    elif password != visit.form.text("again", 300):
        found["again"] = visit.say(_NOT_SAME)
    refused = setup.wrong(Wanted(organisation=typed.organisation, user=typed.user))
    if refused is not None and "user" not in found:
        found["user"] = visit.say(refused.reason)
    return found


def _with(typed: SetupForm, wrong: Wrong) -> SetupForm:
    return SetupForm(
        typed.code, typed.organisation, typed.user, typed.display, typed.site, typed.currency, wrong
    )


PAGES: Final = (
    Page("/setup", show, Right.PUBLIC),
    Page("/setup", make, Right.PUBLIC, methods=("POST",)),
)
