"""`reconcile`: what the machines counted against what was billed, and what explains the rest."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    write_json,
)
from central.commands.devices import Device, find_device, name_of
from central.meter_moves import FIRST
from central.reconciling import Limits
from central.store import audit, device_alerts, devices, meter_terms, meters
from central.store.device_alerts import UNEXPLAINED
from central.store.meters import Place
from central.store.reconciled import days, judge, newest_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from central.reconciling import Day
    from central.store.books import Transaction
    from central.store.device_alerts import Alert
    from central.store.devices import Called
    from config.settings import CentralSettings

commands = typer.Typer(invoke_without_command=True)
#: Printers of which the same is said at once.
_NAMED = 5

OfDay = Annotated[
    str | None, typer.Option("--day", help="Like 2026-11-22; without: the newest that has ended.")
]


@commands.callback()
def reconcile(
    context: typer.Context,
    config: Config = None,
    *,
    day: OfDay = None,
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a day's meters of every printer with what was billed, and say what is left."""
    if context.invoked_subcommand is not None:
        return
    with desk(config) as at, at.books.read() as tx:
        place = None if device is None else find_device(tx, device)
        wanted = _day(day) or newest_day(tx, place)
        if wanted is None:
            _nothing_read(as_json=as_json)
            return
        found = days(tx, wanted, place)
        told = meter_terms.entered(tx, wanted)
        called = devices.names(tx)
        limits = limits_of(at.settings)
        alerts = [each for each in device_alerts.raised(tx) if each.code == UNEXPLAINED]
        missing = [] if place is not None else _missing(tx, found)
        today = _may_be_today(wanted, tx.now)
    if place is not None:
        alerts = [each for each in alerts if each.place == place]
    open_ = [each for each in alerts if each.day != wanted.isoformat()]
    if as_json:
        write_json(
            {
                "day": wanted.isoformat(),
                "whole": bool(found) and all(each.whole for each in found),
                "devices": [_plain(each, called, told, limits) for each in found],
                "totals": _totals(found),
                "not_read": [str(each) for each in missing],
                "still_open": [
                    {"device": str(a.place), "day": a.day, "pages": a.pages, "detail": a.detail}
                    for a in open_
                ],
            }
        )
        return
    console.print(_answer(wanted, found, limits, today=today), highlight=False)
    _print(found, called, limits)
    _remarks(found, called, missing, open_, today=today)


@commands.command()
def explain(
    device: Device,
    pages: Annotated[int, typer.Argument(help="How many, at least 1.")],
    reason: Annotated[str, typer.Argument(help="What they were: test pages, a technician.")],
    config: Config = None,
    *,
    day: OfDay = None,
) -> None:
    """Note pages that were nobody's, such as a technician's; kept for ever, and audited."""
    if pages < 1:
        raise Refusal(f"{pages} pages explain nothing; give how many, at least 1")
    if not reason.strip():
        raise Refusal("a reason is needed; who looks at it in a year has only that")
    with desk(config) as at, at.books.write() as tx:
        place = find_device(tx, device)
        wanted = _day(day) or newest_day(tx, place)
        before = [] if wanted is None else days(tx, wanted, place)
        if wanted is None or not before:
            newest = newest_day(tx, place)
            hint = "it was never read" if newest is None else f"the newest is {newest}"
            raise Refusal(f"{place.device} has no reading for {wanted or 'any day'}; {hint}")
        meter_terms.explain(tx, place, wanted, pages, reason=reason.strip(), author=author())
        limits = limits_of(at.settings)
        name = name_of(tx, place)
        judge(tx, wanted, {place: name}, limits)
        (after,) = days(tx, wanted, place)
        detail = {
            "day": wanted.isoformat(),
            "pages": pages,
            "reason": reason.strip(),
            "left": after.unexplained,
        }
        audit.note(tx, author=author(), act="reconcile explain", target=str(place), detail=detail)
    needed = after.explained - before[0].explained
    said = f"{pages} pages of {wanted} are explained: {reason.strip()}."
    if needed < pages:
        said += f" Only {needed} of them were left to explain."
    left = f"{abs(after.unexplained)} are left ({after.percent:.1f} %)."
    console.print(f"{name}: {said} {left}", highlight=False, markup=False)


def limits_of(settings: CentralSettings) -> Limits:
    """Return from when on pages are worth an alert."""
    given = settings.reconciliation
    return Limits(given.pages, given.percent)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(f"{text!r} is no day; write it like 2026-11-22") from error


def _nothing_read(*, as_json: bool) -> None:
    if as_json:
        empty: dict[str, Any] = {"devices": [], "totals": {}, "not_read": [], "still_open": []}
        write_json({"day": None, "whole": False, **empty})
        return
    console.print(
        "No printer was read yet: edges read the meters of theirs as they start, and at midnight."
    )


def _missing(tx: Transaction, found: Sequence[Day]) -> list[Place]:
    """Return the devices that are there and were not read for the day."""
    read = {Place(each.node, each.device) for each in found}
    silent = [each.place for each in devices.every(tx) if each.place not in read]
    return [place for place in silent if meters.ever_read(tx, place)]


def _print(found: Sequence[Day], called: Mapping[Place, Called], limits: Limits) -> None:
    if not found:
        return
    # one blank between columns: a day that is not over yet still fits 80 columns
    padding = (0, 1, 0, 0)
    table = Table(box=None, pad_edge=False, padding=padding, header_style="bold", show_footer=True)
    totals = _totals(found).get("impressions", {})
    heads = ("counted", "printed", "copied", "other", "explained", "left")
    table.add_column("site", "all", overflow="fold")
    table.add_column("printer", overflow="fold")
    for head in heads:
        table.add_column(head, str(totals.get(head, "")), justify="right", no_wrap=True)
    percent = f"{totals['percent']:.1f}" if totals else ""
    table.add_column("%", percent, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for each in found:
        names = called.get(Place(each.node, each.device))
        # what others named must not be read as markup
        first = (
            Text(names.site if names else each.node),
            Text(names.name if names else each.device),
        )
        if each.unit is None:
            table.add_row(*first, *[""] * 7, "first" if _is_first(each) else "none")
            continue
        figures = _figures(each)
        word = "look" if each.over(limits) else "ok"
        if not each.whole and each.until is not None:
            word = f"until {each.until.astimezone():%H:%M}"
        if each.unit == "sheets":
            word += ", in sheets"
        table.add_row(*first, *(str(figures[head]) for head in heads), f"{each.percent:.1f}", word)
    console.print(table)


def _answer(day: date, found: Sequence[Day], limits: Limits, *, today: bool) -> str:
    """Say first what somebody came for."""
    compared = [each for each in found if each.unit is not None]
    running = sum(not each.whole for each in found)
    so_far = bool(found) and running == len(found)
    said = f"{day}: {_printers(len(found))} read"
    if so_far:
        when = "today so far" if today else "so far, its end was not read"
        said = f"{day}, {when}: {_printers(len(found))} read"
    parts = [said]
    if running and not so_far:
        parts.append(f"{running} of them not to the end of the day")
    new = sum(map(_is_first, found))
    if new:
        parts.append(f"{new} of them for the first time")
    if len(compared) + new < len(found):
        parts.append(f"{len(found) - len(compared) - new} of them could not be compared")
    if so_far:
        # nobody is called before the day has ended: what is missing may be settled by then
        left = sum(each.unexplained != 0 for each in compared)
        if compared:
            parts.append(f"{_printers(left) if left else 'none'} with pages left")
        return ", ".join(parts) + "."
    look = sum(each.over(limits) for each in compared)
    if look:
        parts.append(f"{_printers(look)} to be looked at")
    elif compared:
        parts.append("none to be looked at")
    return ", ".join(parts) + "."


def _is_first(each: Day) -> bool:
    """Say whether there was nothing to compare with yet."""
    return each.unit is None and each.breaks == (FIRST,)


def _may_be_today(day: date, now: datetime) -> bool:
    """Say whether a day is under way anywhere: zones go from 12 hours behind to 14 ahead."""
    return (now - timedelta(hours=12)).date() <= day <= (now + timedelta(hours=14)).date()


def _printers(count: int) -> str:
    return "1 printer" if count == 1 else f"{count} printers"


def _remarks(
    found: Sequence[Day],
    called: Mapping[Place, Called],
    missing: Sequence[Place],
    open_: Sequence[Alert],
    *,
    today: bool,
) -> None:
    """Say what the table cannot."""

    def name(place: Place) -> str:
        names = called.get(place)
        return str(place) if names is None else f"{names.name} ({names.site or place.node})"

    lines = _beginnings([name(Place(it.node, it.device)) for it in found if _is_first(it)])
    for each in (it for it in found if not _is_first(it)):
        which = name(Place(each.node, each.device))
        lines += [f"{which}: a stretch is left out: {why}." for why in each.breaks]
        lines += [f"{which}: {said}." for part in each.stretches for said in part.remarks]
        if each.unit == "sheets":
            lines.append(f"{which} counts sheets, not sides; it is not in the totals.")
        if each.tolerance and each.unexplained:
            lines.append(
                f"{which}: up to {each.tolerance} pages may belong to another day, or are of "
                "jobs of which nobody can tell what came out."
            )
        copies = [part.by_service.get("copy", (0, 0)) for part in each.stretches]
        more = sum(counted - billed for counted, billed in copies)
        if more > 0 and each.unexplained > 0:
            lines.append(
                f"{which}: {more} copies were billed to nobody; to charge them to somebody: "
                f"`printmesh central device cost-centre {each.device} ACCOUNT`."
            )
    for place in missing:
        line = f"{name(place)}: was not read for this day."
        if today:
            line += f" To have it read now: `printmesh central device read {place.device}`."
        lines.append(line)
    lines += [f"Still open: {alert.detail}" for alert in open_]
    for line in lines:
        console.print(line, highlight=False, markup=False)


def _beginnings(names: Sequence[str]) -> list[str]:
    """Say once of all printers that were read for the first time what comes of it."""
    if not names:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    which = f"{', '.join(names[:_NAMED])}{more}"
    return [f"{which}: nothing to compare with yet; the next reading is held against this one."]


def _figures(each: Day) -> dict[str, int]:
    return {
        "counted": each.metered,
        "printed": each.prints,
        "copied": each.copies,
        "other": each.others,
        "explained": each.explained,
        "left": each.unexplained,
    }


def _totals(found: Sequence[Day]) -> dict[str, dict[str, Any]]:
    """Add up what is counted alike."""
    totals: dict[str, dict[str, Any]] = {}
    for each in found:
        if each.unit is None:
            continue
        sums = totals.setdefault(each.unit, {"devices": 0})
        sums["devices"] += 1
        for head, count in _figures(each).items():
            sums[head] = sums.get(head, 0) + count
    for sums in totals.values():
        whole = max(sums["counted"], sums["printed"] + sums["copied"])
        sums["percent"] = round(100 * abs(sums["left"]) / whole, 3) if whole else 0.0
    return totals


def _plain(
    each: Day,
    called: Mapping[Place, Called],
    told: Mapping[Place, Sequence[tuple[int, str, str]]],
    limits: Limits,
) -> dict[str, Any]:
    place = Place(each.node, each.device)
    names = called.get(place)
    others: dict[str, int] = {}
    services: dict[str, dict[str, int]] = {}
    for part in each.stretches:
        for service, count in part.others.items():
            others[service] = others.get(service, 0) + count
        for service, (counted, billed) in part.by_service.items():
            sums = services.setdefault(service, {"counted": 0, "billed": 0})
            sums["counted"] += counted
            sums["billed"] += billed
    return {
        "node": each.node,
        "device": each.device,
        "site": names.site if names else "",
        "name": names.name if names else each.device,
        "unit": each.unit,
        "since": each.since,
        "until": each.until,
        "whole": each.whole,
        **_figures(each),
        "percent": round(each.percent, 3),
        "alert": each.over(limits),
        "tolerance": each.tolerance,
        "services": services,
        "other_services": others,
        "paid_by_nobody": sum(part.unbilled for part in each.stretches),
        "large_paper": sum(part.large for part in each.stretches),
        "explanations": [
            {"pages": pages, "reason": reason, "author": who}
            for pages, reason, who in told.get(place, ())
        ],
        "left_out": list(each.breaks),
        "remarks": [said for part in each.stretches for said in part.remarks],
    }
