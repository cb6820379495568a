"""Who has which role, and at which sites: given and taken away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from central.acts import people as people_acts
from central.acts import staff as acts
from central.rights import EVERYWHERE, Right, Role
from central.store import nodes, person, second_factors, staff
from central.store.ledger import Refused
from central.web.pages import people_words, sentences
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice, Notice

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

#: What each role is for, in a sentence.
ROLES: Final = {
    Role.ADMINISTRATOR: mark("Everything."),
    Role.SITE_ADMINISTRATOR: mark("Runs sites: their nodes, printers and jobs."),
    Role.OPERATOR: mark("The desk: people, their cards and money, held jobs."),
    Role.AUDITOR: mark("Sees everything, changes nothing."),
}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a role."""

    name: str
    read: str
    href: str
    role: str
    sites: tuple[str, ...]
    """None: all."""
    factor: bool
    wants_factor: bool
    enabled: bool
    since: datetime
    author: str


@dataclass(frozen=True, slots=True)
class Staff:
    """The page."""

    members: tuple[Member, ...]
    people: int
    roles: tuple[Choice, ...]
    about: tuple[tuple[str, str], ...]
    """Each role, and what it is for."""
    sites: tuple[Choice, ...]
    user: str
    may_change: bool
    wrong: Wrong = field(default_factory=dict)


async def show(visit: Visit) -> Response:
    """Show everybody with a role."""
    return visit.page("staff.html", await visit.read(lambda tx: _staff(tx, visit, {})))


def _staff(tx: Transaction, visit: Visit, wrong: Wrong) -> Staff:
    found = staff.every(tx)
    known = person.some(tx, [each.user for each in found])
    edges = [each for each in nodes.every(tx) if each.kind == "edge"]
    called = {each.id: each.site or each.id for each in edges}
    members = []
    for each in found:
        who, factor = known.get(each.user), second_factors.find(tx, each.user)
        grant = each.grant
        members.append(
            Member(
                each.user,
                who.read if who is not None else each.user,
                people_words.address_of(each.user),
                grant.role.value,
                ()
                if grant.everywhere
                else tuple(called.get(site, site) for site in sorted(grant.sites)),
                factor is not None and factor.confirmed,
                visit.centre.manners.wants_factor((grant,)),
                who is not None and who.enabled,
                visit.local(each.at),
                each.author.removeprefix("web:").removeprefix("cli:"),
            )
        )
    form = visit.form
    role, sites = form.text("role", 40) or Role.OPERATOR.value, form.every("sites")
    return Staff(
        tuple(members),
        len({each.user for each in found}),
        tuple(Choice(each.value, each.value, chosen=each.value == role) for each in ROLES),
        tuple((each.value, visit.say(word)) for each, word in ROLES.items()),
        (
            Choice(EVERYWHERE, visit.say(mark("all sites")), chosen=EVERYWHERE in sites),
            *(Choice(id_, name, chosen=id_ in sites) for id_, name in called.items()),
        ),
        form.text("user", 200) or visit.asked("user"),
        visit.may(Right.CHANGE_STAFF),
        wrong,
    )


async def give(visit: Visit) -> Response:
    """Give somebody a role."""
    form, by, wrong = visit.form, visit.by, dict[str, str]()
    user, sites = form.text("user", 200).lower(), form.every("sites")
    role = next((each for each in Role if each.value == form.text("role", 40)), None)
    if role is None:
        wrong["role"] = visit.say(mark("Choose one of the roles."))
    if not sites:
        wrong["sites"] = visit.say(mark("Choose one site at least, or all."))

    def act(tx: Transaction) -> acts.RoleGiven | Refused:
        who = people_acts.find(tx, user)
        if role is None or isinstance(who, Refused):
            return Refused(visit.say(mark("There is nobody of this user name.")))
        return acts.give(tx, by, who.name, role, sites)

    done = None if wrong else await visit.write(act)
    if isinstance(done, Refused):
        wrong["user"] = done.reason
    if wrong or done is None or isinstance(done, Refused):
        return visit.page(
            "staff.html", await visit.read(lambda tx: _staff(tx, visit, wrong)), status=422
        )
    return visit.go("/staff", visit.told("good", mark("They have the role now.")))


async def take(visit: Visit) -> Response:
    """Take a role of somebody away."""
    form, by = visit.form, visit.by
    user = form.text("user", 200)
    role = next((each for each in Role if each.value == form.text("role", 40)), None)
    if role is None:
        return visit.go("/staff")
    done = await visit.write(lambda tx: acts.take(tx, by, user, role))
    notice = visit.told("good", mark("They have the role no more. It is good at once."))
    if isinstance(done, Refused):
        notice = Notice("trouble", visit.say(sentences.SORRY), done.reason)
    return visit.go("/staff", notice)


PAGES: Final = (
    Page("/staff", show, Right.SEE_AUDIT, nav=Nav(mark("Staff"), "key", 820)),
    Page("/staff/give", give, Right.CHANGE_STAFF, methods=("POST",)),
    Page("/staff/take", take, Right.CHANGE_STAFF, methods=("POST",)),
)
