"""`role` and `exposure`: what a site is and may bear, and the worst case at this moment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from broker.messages import UncoveredCap
from central.acts import consequences
from central.acts import nodes as acts
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    amount,
    by,
    console,
    desk,
    done,
    money,
    role_text,
    show,
    unknown,
    write_json,
)
from central.presence import is_linked
from central.store import nodes, terms
from central.store.exposure import exposure as worst_case
from central.store.terms import Wish
from config.policy.roles import ROLES

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.books import Transaction
    from central.store.exposure import AtSite, InUnit
    from central.store.nodes import NodeRecord
    from central.store.terms import Terms
    from config.policy.roles import Role, RoleName

_UNIT: Final = re.compile(r"[A-Z]{3}|page")
_SPAN: Final = re.compile(r"([0-9]{1,6})([mhd])")
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400}
CapText = Annotated[
    list[str] | None,
    typer.Option(
        "--uncovered",
        metavar="UNIT:SITE[:USER]",
        help="Past the allocation at any time (tracker): at most so much at the site, and on one "
        "account. Once for each unit.",
    ),
]


def role(
    name: Annotated[str, typer.Argument(help="The site's node id.")],
    wanted: Annotated[str, typer.Argument(metavar="ROLE", help="agent, tracker or remote.")],
    config: Config = None,
    *,
    uncovered: CapText = None,
    site_float: Annotated[
        list[str] | None,
        typer.Option(
            "--float",
            metavar="UNIT:SITE[:USER]",
            help="Past the allocation, only while cut off (remote): a bounded write-off.",
        ),
    ] = None,
    no_limit: Annotated[
        bool, typer.Option("--no-limit", help="Past the allocation without any bound.")
    ] = False,
    deny: Annotated[
        bool, typer.Option("--deny", help="Nothing past the allocation, whatever the role may.")
    ] = False,
    offline_max: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Release nothing after so long alone: 90m, 12h, 14d."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would mean.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set a site's role and what it may bear; it holds from the edge's own word on."""
    if wanted not in ROLES:
        raise Refusal(f"{wanted!r} is no role; one of {', '.join(ROLES)}")
    line = ROLES[cast("RoleName", wanted)]
    with desk(config) as at:
        unit = at.books.identity.currency
        caps = _caps(line, uncovered, site_float, unit, no_limit=no_limit, deny=deny)
        wish = Wish(line.name, caps, None if offline_max is None else _seconds(offline_max))
        done(terms.wrong(wish))
        with at.books.read() as tx:
            known = _site(tx, name)
            meant = consequences.of_role(tx, known, wish)
        made: Terms | None = None
        if not dry_run:
            with at.books.write() as tx:
                made = done(acts.set_role(tx, by(), name, wish))
    told = list(meant.sentences)
    if as_json:
        write_json(
            {
                "node": name,
                "terms": None if made is None else made.n,
                "role": line.name,
                "was": known.role,
                "uncovered": [cap.model_dump(mode="json") for cap in wish.uncovered],
                "offline_seconds": wish.offline_seconds,
                "sent": made is not None and made.incarnation is not None,
                "consequence": told,
            }
        )
        return
    for sentence in told:
        console.print(sentence, highlight=False, markup=False)
    if dry_run:
        console.print("Nothing was changed.", style="yellow")
    elif made is not None and made.incarnation is None:
        console.print(f"{name} has never been met; it is told at its first birth.")
    else:
        console.print("It is told now, or when it is linked again; until then the worse counts.")


def exposure(config: Config = None, *, as_json: AsJson = False) -> None:
    """Show the worst case: what is owed, and what could still be charged past the money."""
    with desk(config) as at, at.books.read() as tx:
        found = worst_case(tx)
        now = tx.now
    if as_json:
        sites = [
            {
                "node": each.node,
                "site": each.site,
                "role": each.role,
                "wished": each.wished,
                "linked": is_linked(linked=each.linked, seen_at=each.seen_at, now=now),
                "seen_at": each.seen_at,
                "units": {unit: _figures(figures) for unit, figures in each.units.items()},
            }
            for each in found.sites
        ]
        units = {unit: _figures(figures) for unit, figures in found.units.items()}
        write_json({"units": units, "sites": sites, "outside": found.outside})
        return
    rows = [
        {"site": _name(each), "state": _state(each, now), **_shown(unit, figures)}
        for each in found.sites
        for unit, figures in each.units.items()
    ]
    for unit, figures in found.units.items():
        rows.append({"site": "in all", "state": "", **_shown(unit, figures)})
    columns = ("site", "state", "allocated", "owed", "more", "exposure")
    show(rows, as_json=False, columns=columns, empty="No money at any site: nothing is exposed.")
    if found.outside:
        console.print("Outside the failure model, in no figure above:")
        for line in found.outside:
            console.print(f"  {line}", highlight=False, markup=False)


def _caps(
    line: Role,
    uncovered: list[str] | None,
    site_float: list[str] | None,
    currency: str,
    *,
    no_limit: bool,
    deny: bool,
) -> tuple[UncoveredCap, ...]:
    given = [bool(uncovered), bool(site_float), no_limit, deny]
    if sum(given) > 1:
        raise Refusal("one of --uncovered, --float, --no-limit and --deny, not several")
    if uncovered and line.past_allocation == "alone":
        raise Refusal(f"a {line.name} goes past its allocation only while alone: use --float")
    if site_float and line.past_allocation == "always":
        raise Refusal(f"a {line.name} may always go past its allocation: use --uncovered")
    if no_limit:
        return (UncoveredCap(unit=currency),)
    texts = uncovered or site_float
    if texts:
        return tuple(_cap(text) for text in texts)
    return () if deny else terms.default_caps(line.name, currency)


def _cap(text: str) -> UncoveredCap:
    unit, _, rest = text.partition(":")
    site, colon, user = rest.partition(":")
    if not _UNIT.fullmatch(unit) or not site:
        raise Refusal(f"{text!r} is no cap; write it like EUR:500:20 (unit, site, one account)")
    figures = [amount(each, unit).micros for each in ([site, user] if colon else [site])]
    if min(figures) <= 0:
        raise Refusal(f"{text!r}: a cap is more than nothing; for none at all use --deny")
    return UncoveredCap(unit=unit, site=figures[0], user=figures[1] if colon else None)


def _seconds(text: str) -> int:
    match = _SPAN.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not seconds:
        raise Refusal(f"{text!r} is no span; write it like 90m, 12h or 14d")
    return seconds


def _site(tx: Transaction, name: str) -> NodeRecord:
    known = nodes.find(tx, name)
    if known is None or known.kind != "edge":
        edges = (each.id for each in nodes.every(tx) if each.kind == "edge")
        raise unknown("site", name, edges, "enter it with `printmesh central node add`")
    return known


def _figures(figures: InUnit) -> dict[str, int | None]:
    return {
        "allocated": figures.allocated,
        "owed": figures.owed,
        "quarantined": figures.quarantined,
        "more": figures.more,
        "exposure": figures.worst,
    }


def _shown(unit: str, figures: InUnit) -> dict[str, Any]:
    def text(micros: int | None) -> str:
        return f"∞ {unit}" if micros is None else money(micros, unit)

    return {
        "allocated": text(figures.allocated),
        "owed": text(figures.owed + figures.quarantined),
        "more": text(figures.more),
        "exposure": text(figures.worst),
    }


def _name(each: AtSite) -> str:
    return each.node if each.site == each.node else f"{each.site} ({each.node})"


def _state(each: AtSite, now: datetime) -> str:
    words = [role_text(each.role, each.wished)]
    if not is_linked(linked=each.linked, seen_at=each.seen_at, now=now):
        since = "never met" if each.seen_at is None else f"alone since {each.seen_at:%d %b %H:%M}Z"
        words.append(since)
    return "; ".join(words)
