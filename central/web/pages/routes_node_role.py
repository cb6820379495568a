"""A site's role and what it may bear: chosen, shown with what it would mean, then wished."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, cast

from broker.messages import UncoveredCap
from central.acts import consequences
from central.acts import nodes as acts
from central.rights import Right
from central.store import terms
from central.store.ledger import Refused
from central.web.pages import fleet_views, node_words
from central.web.pages.fleet_views import ROLES
from central.web.pages.routes_nodes import known_node
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Consequence, Notice
from config.policy.money import Money, MoneyError
from config.policy.roles import ROLES as TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from central.acts.consequences import Consequence as Told
    from central.store.books import Transaction
    from central.store.nodes import NodeRecord
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit
    from config.policy.money import Unit
    from config.policy.roles import RoleName

_HOUR: Final = 3600
_HOURS_MOST: Final = 24 * 366
_WHAT: Final = {
    "remote": mark("Holds jobs and goes on alone, with the money that is parked there."),
    "agent": mark("Asks the centre for each job; out of service while the line is down."),
    "tracker": mark("Prints at once; counts and bills, also past the money that is there."),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed."""

    role: RoleName
    site: str = ""
    """At most outstanding at the site; empty: nothing, or what is usual."""
    user: str = ""
    """On one account."""
    unlimited: bool = False
    hours: str = ""
    """Releases nothing after so long alone; empty: no limit."""


@dataclass(frozen=True, slots=True)
class RoleForm:
    """The page."""

    node: str
    site: str
    role: str
    """It has now; marked."""
    wished: str
    """It is to take; marked; empty: none."""
    typed: Typed
    choices: tuple[Choice, ...]
    what: tuple[tuple[str, str], ...]
    """Role and what it is, in words."""
    unit: Unit
    past: str
    """never, alone, always: when the chosen role may go past what sits there."""
    consequence: Consequence | None = None
    """What the choice would mean; None: nothing was chosen yet."""
    wrong: Wrong = field(default_factory=dict)


async def show(visit: Visit) -> Response:
    """Show the form, and what the choice in the address would mean."""
    query = visit.request.query_params
    return await _shown(visit, query if "role" in query else None, 200)


async def _shown(
    visit: Visit, given: Mapping[str, str] | None, status: int, wrong: Wrong | None = None
) -> Response:
    wish: terms.Wish | None = None
    found: Wrong = {}
    unit = visit.centre.books.identity.currency

    def look(tx: Transaction) -> tuple[NodeRecord, terms.Terms | None, str | None, Told | None]:
        known = _edge(tx, visit)
        told = None if wish is None else consequences.of_role(tx, known, wish)
        return known, terms.newest(tx, known.id), terms.wished_role(tx, known.id), told

    if given is not None:
        typed = _typed(given)
        wish, found = _wish(visit, typed, unit)
    known, newest, wished, told = await visit.read(look)
    if given is None:
        typed = _now(visit, known, newest, unit)
    consequence = None
    if wish is not None and told is not None:
        consequence = Consequence(
            visit.say(mark("What it would mean at %(site)s"), site=known.site),
            node_words.of_role(visit, known, wish, told),
            visit.say(mark("Give it this role")),
            f"/nodes/{known.id}/role",
            visit.say(
                mark(
                    "Change it again at any time. Until the site has taken a role, the worse "
                    "of both counts."
                )
            ),
            danger=False,
        )
    choices = tuple(
        Choice(name, visit.say(ROLES[name]), chosen=name == typed.role) for name in _WHAT
    )
    view = RoleForm(
        known.id,
        known.site,
        ROLES.get(known.role, known.role),
        "" if wished is None else ROLES.get(wished, wished),
        typed,
        choices,
        tuple((visit.say(ROLES[name]), visit.say(text)) for name, text in _WHAT.items()),
        unit,
        TABLE[typed.role].past_allocation,
        consequence,
        found | (wrong or {}),
    )
    return visit.page("fleet-role.html", view, status=422 if found else status)


async def wish_it(visit: Visit) -> Response:
    """Wish a site the role."""
    node = visit.path("node")
    visit.check(Right.RUN_FLEET, node)
    typed = _typed(visit.form.fields)
    wish, wrong = _wish(visit, typed, visit.centre.books.identity.currency)
    if wish is None:
        return await _shown(visit, visit.form.fields, 422, wrong)
    wished = wish

    def act(tx: Transaction) -> terms.Terms | Refused:
        _edge(tx, visit)
        return acts.set_role(tx, visit.by, node, wished)

    done = await visit.write(act)
    if isinstance(done, Refused):
        return visit.go(f"/nodes/{node}", Notice("waiting", done.reason))
    said = (
        mark("It is told at its first birth.")
        if done.incarnation is None
        else mark("It is told now, or when it is linked again; until then the worse counts.")
    )
    return visit.go(f"/nodes/{node}", Notice("good", visit.say(said)))


def _edge(tx: Transaction, visit: Visit) -> NodeRecord:
    known_node(tx, visit, Right.RUN_FLEET)
    return fleet_views.edge(tx, visit.path("node"))


def _typed(given: Mapping[str, str]) -> Typed:
    role = given.get("role", "")
    texts = [given.get(name, "").strip()[:40] for name in ("cap", "account", "hours")]
    return Typed(
        cast("RoleName", role if role in TABLE else "remote"),
        texts[0],
        texts[1],
        bool(given.get("unlimited")),
        texts[2],
    )


def _now(visit: Visit, known: NodeRecord, newest: terms.Terms | None, unit: Unit) -> Typed:
    """Return what the site is and may bear now, as it would be typed."""
    role = cast("RoleName", known.role if known.role in TABLE else "remote")
    if newest is None:
        return Typed(role)
    found = Typed(newest.wish.role)
    seconds = newest.wish.offline_seconds
    if seconds is not None:
        found = replace(found, hours=str(seconds // _HOUR))
    for cap in newest.wish.uncovered:
        if cap.unit == unit:
            found = replace(
                found,
                site="" if cap.site is None else _amount(visit, cap.site, unit),
                user="" if cap.user is None else _amount(visit, cap.user, unit),
                unlimited=cap.site is None,
            )
    return found


def _amount(visit: Visit, micros: int, unit: Unit) -> str:
    return visit.words.money_parts(Money(micros, unit)).number


def _wish(visit: Visit, typed: Typed, unit: Unit) -> tuple[terms.Wish | None, Wrong]:
    """Return what is wished, or what is wrong with it."""
    wrong: Wrong = {}
    caps: tuple[UncoveredCap, ...] = ()
    if TABLE[typed.role].past_allocation != "never":
        site, user = _read(visit, typed.site, unit), _read(visit, typed.user, unit)
        if typed.site and site is None:
            wrong["cap"] = visit.say(mark("An amount, like 50, or nothing."))
        if typed.user and user is None:
            wrong["account"] = visit.say(mark("An amount, like 5, or nothing."))
        if site is not None and user is not None and user > site:
            wrong["account"] = visit.say(mark("One account may not owe more than the whole site."))
        if typed.unlimited:
            caps = (UncoveredCap(unit=unit),)
        elif not wrong and site is not None:
            caps = (UncoveredCap(unit=unit, site=site, user=user),)
    seconds = None
    if typed.hours:
        plain = typed.hours
        hours = int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 6 else 0  # noqa: PLR2004
        if not 0 < hours <= _HOURS_MOST:
            wrong["hours"] = visit.say(mark("Whole hours, like 24, or nothing."))
        seconds = hours * _HOUR
    if wrong:
        return None, wrong
    return terms.Wish(typed.role, caps, seconds), wrong


def _read(visit: Visit, text: str, unit: Unit) -> int | None:
    """Return an amount that is more than nothing."""
    try:
        micros = Money.parse(visit.words.typed(text), unit).micros
    except MoneyError:
        return None
    return micros if micros > 0 else None


PAGES: Final = (
    Page("/nodes/{node}/role", show, Right.RUN_FLEET),
    Page("/nodes/{node}/role", wish_it, Right.RUN_FLEET, methods=("POST",)),
)
