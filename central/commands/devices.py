"""`devices` and `device`: the fleet as its edges tell of it, and what the books know beside."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from central.commands.accounts import find_account
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    money,
    show,
    unknown,
)
from central.meter_moves import service_of
from central.presence import is_linked
from central.store import (
    accounts,
    audit,
    device_list,
    devices,
    directory,
    ledger,
    meter_bookings,
    meter_terms,
    meters,
    nodes,
)
from central.store import commands as orders
from central.store.ledger import CENTRE
from config.policy.jobs import Sides
from config.policy.media import media_class
from config.policy.money import PAGE
from config.policy.tariffs import Tariff, in_force

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from broker.messages import Supply
    from central.commands.desk import Desk
    from central.store.books import Transaction
    from central.store.device_list import Listed
    from central.store.meter_terms import Terms
    from central.store.meters import Place, Reading
    from config.policy.tariffs import Color, Service

commands = typer.Typer(no_args_is_help=True, help="One device: cost-centre, large-paper, read.")

Device = Annotated[
    str, typer.Argument(help="Device id; NODE/DEVICE where two sites have one of that id.")
]
#: At so little a supply is worth a place in the table.
_LOW: Final = 25
_FACTORS: Final = range(1, 9)
#: Seconds between two looks whether an edge has answered.
_PAUSE: Final = 0.1


def list_devices(config: Config = None, *, as_json: AsJson = False) -> None:
    """List the fleet's devices: state, alerts, supplies with days left, pages today."""
    with desk(config) as at, at.books.read() as tx:
        found = device_list.every(tx)
        now = tx.now
    rows = [_plain(each) if as_json else _row(each, now) for each in found]
    show(
        rows,
        as_json=as_json,
        columns=("site", "printer", "state", "alerts", "supplies", "today", "heard"),
        empty="No devices yet: edges tell of theirs when they are linked.",
    )


@commands.command("cost-centre")
def set_cost_centre(
    device: Device,
    account: Annotated[
        str | None, typer.Argument(help="Who pays, for instance project:physics.")
    ] = None,
    config: Config = None,
    *,
    service: Annotated[
        str, typer.Option("--tariff-service", help="By which prices: copy or print.")
    ] = "copy",
    media: Annotated[str, typer.Option(help="On what paper, as the tariff calls it.")] = "iso_a4",
    nobody: Annotated[bool, typer.Option("--none", help="Nobody pays any more.")] = False,
) -> None:
    """Charge copies that no terminal counts to an account, by the machine's own meters."""
    if nobody == (account is not None):
        raise Refusal("say who pays, for instance project:physics, or --none")
    if service not in {"copy", "print"}:
        raise Refusal(f"{service!r} is no service of a tariff; copy or print")
    paper = media_class(media)
    if paper is None:
        raise Refusal(f"{media!r} is no paper; such as iso_a4 or na_letter")
    with desk(config) as at, at.books.write() as tx:
        place = find_device(tx, device)
        before = meter_terms.terms_of(tx, place)
        key = None if account is None else find_account(tx, account).key
        terms = replace(before, account=key, service=cast("Service", service), media=paper)
        meter_terms.set_terms(tx, place, terms)
        waited = meter_bookings.hand_over(tx, place, terms)
        detail = {"account": key, "before": before.account, "service": service, "media": paper}
        detail |= {"waited": str(waited)} if waited else {}
        audit.note(tx, author=author(), act="device cost-centre", target=str(place), detail=detail)
        name = name_of(tx, place)
        lines = [f"{name}: nobody pays for copies that no terminal counts."]
        if key is not None:
            lines = _consequence(tx, place, name, terms)
        if waited:
            now = f"are {key}'s to pay" if key is not None else "are paid by nobody"
            lines.append(f"{waited} copies that waited to be paid {now}.")
    for line in lines:
        console.print(line, highlight=False, markup=False)


@commands.command("large-paper")
def set_large_paper(
    device: Device,
    factor: Annotated[int, typer.Argument(help="As how many sides it counts one; 1: as one.")],
    config: Config = None,
) -> None:
    """Say as how many sides a machine's meters count one side of large paper, such as A3."""
    if factor not in _FACTORS:
        raise Refusal(f"{factor} is no such number; {_FACTORS[0]} to {_FACTORS[-1]}")
    with desk(config) as at, at.books.write() as tx:
        place = find_device(tx, device)
        before = meter_terms.terms_of(tx, place)
        meter_terms.set_terms(tx, place, replace(before, large_factor=factor))
        detail = {"factor": factor, "before": before.large_factor}
        audit.note(tx, author=author(), act="device large-paper", target=str(place), detail=detail)
        name = name_of(tx, place)
    console.print(
        f"{name}: a side of large paper counts as {factor} wherever meters are compared; "
        "prices stay as they are.",
        highlight=False,
        markup=False,
    )


@commands.command("read")
def read_meters(
    device: Device,
    config: Config = None,
    *,
    wait: Annotated[float, typer.Option("--wait", help="Seconds to wait for the edge.")] = 60,
) -> None:
    """Have a device's meters read now; what was counted since the last time is compared."""
    with desk(config) as at:
        with at.books.write() as tx:
            place = find_device(tx, device)
            edge, name = nodes.find(tx, place.node), name_of(tx, place)
            if edge is None or not is_linked(linked=edge.linked, seen_at=edge.seen_at, now=tx.now):
                raise Refusal(f"{place.node} is not linked: it cannot be asked")
            until = tx.now + timedelta(seconds=max(wait, 1))
            before = meters.newest(tx, place)
            asked = orders.order(tx, place.node, "read-meters", {"device": place.device}, until)
        found = _wait(at, asked, place, before, wait)
    shown = ", ".join(f"{each.name} {each.value}" for each in found.read.meters)
    moment = f"{found.read.read_at.astimezone():%F %H:%M:%S}"
    console.print(f"{name}: read at {moment}: {shown}.", highlight=False, markup=False)


def _wait(at: Desk, asked: UUID, place: Place, before: Reading | None, patience: float) -> Reading:
    """Wait for the reading that was asked for; another process takes it in."""
    deadline = time.monotonic() + patience
    while True:
        with at.books.read() as tx:
            found, told = meters.newest(tx, place), orders.find(tx, asked)
        if found is not None and (before is None or found.read.n > before.read.n):
            return found
        if told is not None and told.state == "failed":
            raise Refusal(f"{place} could not be read: {told.detail}")
        if time.monotonic() >= deadline:
            raise Refusal(
                f"{place.node} did not read it in time; an edge of an older version cannot be asked"
            )
        time.sleep(_PAUSE)


# ── devices by name ─────────────────────────────────────────────────────────────────────────


def find_device(tx: Transaction, text: str) -> Place:
    """Return the device that a text names.

    Raises:
        Refusal: there is none, or more than one.
    """
    known = devices.names(tx)
    found = devices.matching(known, text)
    if len(found) > 1:
        raise Refusal(f"{text} is at {len(found)} sites: {' or '.join(map(str, found))}")
    if not found:
        ids = {each.device for each in known}
        raise unknown("device", text, ids, "see `printmesh central devices`")
    return found[0]


def name_of(tx: Transaction, place: Place) -> str:
    """Return what people call a device, with its site."""
    called = devices.names(tx).get(place)
    return str(place) if called is None else f"{called.name} ({called.site or place.node})"


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _consequence(tx: Transaction, place: Place, name: str, terms: Terms) -> list[str]:
    """Say what will be done, in numbers."""
    account = accounts.find(tx, terms.account or "")
    if account is None:
        return []
    here = ledger.places_of(tx, account.key, account.unit).get(CENTRE, 0)
    floor = money(account.floor, account.unit)
    prices = _prices(tx, terms, place, account.unit)
    lines = [f"{name}: {account.key} pays for copies that no terminal counts, {prices}."]
    end = meters.newest(tx, place)
    if end is not None:
        shown = [each for each in end.read.meters if service_of(each.name) == "copy"]
        at = f"{end.read.read_at.astimezone():%F %H:%M}"
        if shown:
            counters = ", ".join(f"{each.name} {each.value}" for each in shown)
            lines.append(f"The first are those since {at} ({counters}).")
        else:
            lines.append("This machine does not tell copies from other pages: nothing is booked.")
    if account.rules.unlimited:
        lines.append(f"{account.key} is only counted: it may go as low as it comes.")
    else:
        lines.append(
            f"It has {money(here, account.unit)} at the centre and may go down to {floor}; "
            "what it cannot pay waits there with an alert."
        )
    return lines


def _prices(tx: Transaction, terms: Terms, place: Place, unit: str) -> str:
    if unit == PAGE:
        return "a page each"
    tariffs = [Tariff.model_validate(row) for _, row in directory.live(tx, "tariff")]
    tariff = in_force(tariffs, tx.now)
    told = []
    kinds: tuple[tuple[Color, str], ...] = (("monochrome", "in black"), ("color", "in colour"))
    for color, word in kinds:
        line = tariff and tariff.line_for(
            service=terms.service,
            color=color,
            media=terms.media,
            sides=Sides.ONE_SIDED,
            printer=place.device,
        )
        if not line or tariff is None:
            told.append(f"no price {word} yet")
            continue
        told.append(f"{money(line.per_impression + line.per_sheet, tariff.unit)} {word}")
    return f"by the prices of {terms.service}: " + ", ".join(told)


def _row(each: Listed, now: datetime) -> dict[str, Any]:
    state = each.state
    codes = [trouble.code for trouble in state.troubles] if state is not None else []
    codes += [alert.code for alert in each.alerts]
    return {
        "site": each.called.site,
        "printer": each.called.name,
        "state": _state(each),
        "alerts": list(dict.fromkeys(codes)),
        "supplies": [_supply(supply) for supply in _worth(state.supplies if state else ())],
        "today": each.pages_today,
        "heard": _moment(each.heard_at, now),
    }


def _moment(at: datetime | None, now: datetime) -> str:
    """Write the time of day within a day, the date before."""
    if at is None:
        return "never"
    return f"{at.astimezone():%H:%M}" if now - at < timedelta(days=1) else f"{at.astimezone():%F}"


def _state(each: Listed) -> str:
    if each.state is None:
        return "not told of"
    return "does not answer" if each.state.answers is False else each.state.state


def _worth(supplies: tuple[Supply, ...]) -> list[Supply]:
    """Return the supplies that somebody should think of, the emptiest first."""
    low = [
        each
        for each in supplies
        if each.state in {"low", "empty"} or (each.level is not None and each.level <= _LOW)
    ]
    return sorted(low, key=lambda each: 0 if each.level is None else each.level)


def _supply(each: Supply) -> str:
    what = each.color or each.name
    level = each.state if each.level is None else f"{each.level} %"
    days = "" if each.days_left is None else f" ({each.days_left} days)"
    return f"{what} {level}{days}"


def _plain(each: Listed) -> dict[str, Any]:
    state = each.state
    return {
        "node": each.place.node,
        "site": each.called.site,
        "device": each.place.device,
        "name": each.called.name,
        "state": None if state is None else state.model_dump(mode="json"),
        "alerts": [
            {"code": a.code, "day": a.day or None, "pages": a.pages, "detail": a.detail}
            for a in each.alerts
        ],
        "pages_today": each.pages_today,
        "heard_at": each.heard_at,
        "cost_centre": each.account,
    }
