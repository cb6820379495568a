"""Money that one carries to a site that works alone: a code, typed at the machine there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from starlette.exceptions import HTTPException

from broker.directory import UserRow
from central.acts import codes as acts
from central.rights import Right
from central.store import accounts, codes, directory, nodes, overview, wallets
from central.store.codes import Issued, Waiting
from central.store.ledger import Refused
from central.web.pages import sentences, waiting
from central.web.pages.routes_me_jobs import site_chip
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice
from config.policy.courier import NotACode, steps_of
from config.policy.money import PAGE, Money

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.views import SiteChip
    from central.web.pages.visit import Visit

_ROLES: Final = frozenset({"remote", "tracker"})


@dataclass(frozen=True, slots=True)
class Form:
    """The page."""

    sites: tuple[Choice, ...]
    alone: tuple[SiteChip, ...]
    """Sites that work alone now."""
    accounts: tuple[Choice, ...]
    amount: str
    wrong: Wrong
    refused: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """The page of a code."""

    kind: Literal["waiting", "shown", "used", "failed", "over"]
    answer: str
    detail: str
    digits: str = ""


async def form(visit: Visit) -> Response:
    """Ask how much is to be brought where; the QR code at a machine fills it in."""
    given = {name: visit.asked(name, 64) for name in ("site", "amount", "account")}
    view = await visit.read(lambda tx: _form(tx, visit, given, {}))
    return visit.page("me-code.html", view)


def _form(
    tx: Transaction,
    visit: Visit,
    given: dict[str, str],
    wrong: Wrong,
    refused: str = "",
    detail: str = "",
) -> Form:
    glances = [each for each in overview.sites(tx) if each.role in _ROLES and each.state != "new"]
    # what is wanted is a site whose line is cut: such come first
    glances.sort(key=lambda each: each.state == "linked")
    wished = given.get("site", "").lower()
    sites = tuple(
        Choice(each.node, each.site, chosen=wished in {each.node, each.site.lower()})
        for each in glances
    )
    row = UserRow.model_validate(directory.get(tx, "user", visit.me.name))
    found = []
    for key in _keys(row):
        account = accounts.find(tx, key)
        if account is None or account.rules.unlimited:
            continue
        whole = visit.words.money(Money(accounts.whole(tx, key, account.unit), account.unit))
        label = str((directory.get(tx, "account", key) or {}).get("label", ""))
        if not label or label == key:
            own = key == f"user:{row.name}"
            label = visit.say(mark("Your own account")) if own else key
        found.append(Choice(key, f"{label} · {whole}", chosen=key == given.get("account")))
    alone = tuple(site_chip(visit, each) for each in glances if each.state == "alone")
    return Form(sites, alone, tuple(found), given.get("amount", ""), wrong, refused, detail)


def _keys(row: UserRow) -> tuple[str, ...]:
    own = (key for each in wallets.lists_of(row) for key in each)
    return tuple(dict.fromkeys((*own, *row.choices)))


async def bring(visit: Visit) -> Response:
    """Post money to a site, and go where its code is shown."""
    given = {name: visit.form.text(name, 64) for name in ("site", "amount", "account")}
    name, by = visit.me.name, visit.by
    unit = await visit.read(lambda tx: _unit(tx, given["account"]))
    amount = None if unit is None else visit.form.money("amount", unit, visit.words)
    wrong: Wrong = {}
    if amount is None or amount.micros <= 0:
        wrong["amount"] = visit.say(mark("This is no amount."))
    elif isinstance(steps_of(amount), NotACode):
        wrong["amount"] = visit.say(
            mark("A code brings whole pages, 1023 at most.")
            if amount.unit == PAGE
            else mark("A code brings steps of 0.10, and 102.30 at most.")
        )
    if wrong or amount is None:
        view = await visit.read(lambda tx: _form(tx, visit, given, wrong))
        return visit.page("me-code.html", view, status=422)

    def act(tx: Transaction) -> Issued | Waiting | Refused:
        return acts.bring(tx, by, name, node=given["site"], account=given["account"], amount=amount)

    done = await visit.write(act)
    if isinstance(done, Refused):
        refused = visit.say(mark("No code can be made for this now."))
        reason = done.reason
        view = await visit.read(lambda tx: _form(tx, visit, given, {}, refused, reason))
        return visit.page("me-code.html", view, status=422)
    return visit.go(f"/me/code/{done.id}")


def _unit(tx: Transaction, key: str) -> str | None:
    found = accounts.find(tx, key) if key else None
    return None if found is None else found.unit


async def shown(visit: Visit) -> Response:
    """Show a code to who carries it."""
    id_ = visit.uuid("id")
    view = await waiting.until(
        lambda view: view.kind != "waiting",
        lambda: visit.read(lambda tx: _shown(tx, visit, id_)),
    )
    page = visit.page("me-code-shown.html", view)
    if view.kind == "waiting":
        page.headers["refresh"] = "1"
    return page


def _shown(tx: Transaction, visit: Visit, id_: UUID) -> Shown:
    mine = acts.mine(tx, id_, visit.me.name)
    if mine is None:
        raise HTTPException(404, sentences.NO_PAGE)
    known = nodes.find(tx, mine.node)
    site = (known.site if known else "") or mine.node
    sum_ = visit.words.money(Money(mine.micros, mine.unit))
    if mine.state == "redeemed":
        said = mark("This code was typed: %(sum)s are at %(site)s.")
        return Shown("used", visit.say(said, sum=sum_, site=site), "")
    found = codes.outcome(tx, id_)
    if isinstance(found, Waiting):
        said = mark("%(sum)s are being fetched from other sites…")
        return Shown("waiting", visit.say(said, sum=sum_), "")
    if isinstance(found, Refused):
        said = mark("No code could be made for %(site)s. Your money is where it was.")
        return Shown("failed", visit.say(said, site=site), found.reason)
    if visit.centre.clock() > mine.at + acts.SHOWN:
        said = mark("This code is not shown any more.")
        more = mark("The money comes to %(site)s by itself when its line is back.")
        return Shown("over", visit.say(said), visit.say(more, site=site))
    said = mark("Type this at a machine at %(site)s: it brings you %(sum)s.")
    more = mark(
        "Sign in there first, then touch your money. Only you can use it, only there, once. "
        "When the line is back the money is there without it."
    )
    return Shown("shown", visit.say(said, sum=sum_, site=site), visit.say(more), found.digits)


PAGES: Final = (
    Page("/me/code", form, Right.OWN),
    Page("/me/code", bring, Right.OWN, methods=("POST",)),
    Page("/me/code/{id}", shown, Right.OWN),
)
