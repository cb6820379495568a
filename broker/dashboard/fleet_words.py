"""The fleet in words and in JSON: the sentence that comes first, and a line for everything.

Names, console texts and alerts are foreign: they come out as one line without control characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from broker.messages import FeedJob
from config.policy.money import Money, MoneyError

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from broker.dashboard.fleet_view import Fleet, Happened, PrinterSeen, SiteSeen
    from broker.messages import Supply

#: State → mark and word; the mark alone says nothing, the word always stands beside it.
LINKS: Final = {
    "linked": ("●", "linked"),
    "alone": ("◐", "working alone"),
    "out-of-service": ("○", "out of service"),
    "cut-off": ("◐", "not linked"),
}
PRINTERS: Final = {
    "idle": ("●", "idle"),
    "processing": ("▶", "printing"),
    "stopped": ("■", "stopped"),
    "unknown": ("?", "unknown"),
}
_JOBS: Final = {
    "held": "waits",
    "refused": "was refused",
    "released": "was released",
    "settled": "is paid",
    "canceled": "was thrown away",
    "flagged": "needs to be looked at",
}
_LONGEST: Final = 200


def plain(text: str) -> str:
    """Return foreign text as one line that can do nothing to a terminal."""
    shown = "".join(each if each.isprintable() else " " for each in text[:_LONGEST])
    return " ".join(shown.split())


def clock(at: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Write a time: within a day its hour, else its day."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    return local.strftime("%H:%M" if local.date() == today.date() else "%d %b")


def answer(fleet: Fleet) -> str:
    """Return the sentence its visitor came for."""
    if not fleet.linked:
        return "Nothing is heard of the fleet."
    sites = [each for each in fleet.sites() if not each.terminal]
    printers = fleet.printers()
    if not sites and not printers:
        return "No site has said anything yet."
    hands = sum(each.needs_a_hand for each in printers)
    linked = sum(each.state == "linked" for each in sites)
    parts = []
    if sites:
        parts.append(_links(linked, len(sites)))
    if printers:
        parts.append(_hands(hands, len(printers)))
    if (centre := fleet.coordinator) is not None and not centre.online:
        parts.append("The centre does not listen.")
    return " ".join(parts)


def _links(linked: int, sites: int) -> str:
    if sites == 1:
        return "The site is linked." if linked else "The site is not linked."
    return f"{'All' if linked == sites else f'{linked} of'} {sites} sites linked."


def _hands(hands: int, printers: int) -> str:
    if not hands:
        return f"{printers} printer{'s' * (printers != 1)}, none needs a hand."
    return f"{hands} of {printers} printers need{'s' * (hands == 1)} a hand."


def site_line(site: SiteSeen, now: datetime, zone: tzinfo | None) -> str:
    """Say how a site is, its mark and name left out."""
    text = LINKS[site.state][1]
    if site.terminal:
        text = "connected" if site.state == "linked" else "not connected"
    if site.since is not None:
        text += f" since {clock(site.since, now, zone)}"
    if site.state != "linked" and site.waiting:
        text += f", {site.waiting:,} events waiting"
    if site.detail:
        text += f": {plain(site.detail)}"
    return text


def printer_word(printer: PrinterSeen) -> tuple[str, str]:
    """Return a printer's mark and word."""
    if printer.answers is False:
        return "✗", "no answer"
    mark, word = PRINTERS[printer.state]
    if printer.needs_a_hand and printer.state != "stopped":
        return "!", word
    return mark, word


def printer_line(printer: PrinterSeen) -> str:
    """Say what is wrong with a printer, the worst first, else what its supplies are."""
    if printer.troubles:
        return "; ".join(plain(each.detail) or plain(each.code) for each in printer.troubles)
    if printer.state == "stopped" and printer.reasons:
        return ", ".join(map(plain, printer.reasons))
    return ", ".join(map(supply_line, shortest(printer.supplies)))


def shortest(supplies: tuple[Supply, ...]) -> list[Supply]:
    """Return the supplies that tell their level, the lowest first; those that fill up come last."""
    told = [each for each in supplies if each.level is not None and each.kind != "other"]
    return sorted(told, key=lambda each: (each.receptacle, each.level or 0, each.key))


def supply_line(supply: Supply) -> str:
    """Write a level: `black 8 %, 3 days`."""
    name = plain(supply.color or supply.kind.replace("-", " "))
    days = "" if supply.days_left is None else f", {supply.days_left} days"
    room = " room" if supply.receptacle else ""
    return f"{name} {supply.level} %{room}{days}"


def happened_line(line: Happened) -> str:
    """Say what happened, its time left out."""
    if not isinstance(line.what, FeedJob):
        note = line.what
        mark = "✓ over:" if note.cleared else {"info": "·", "warning": "!"}.get(note.severity, "‼")
        about = f" {plain(note.subject)}" if note.subject else ""
        # the word of a note that is over begins with it, for who reads only that
        detail = plain(note.detail).removeprefix("over: ")
        return f"{mark} {line.node}{about}: {detail} ({plain(note.code)})"
    job = line.what
    where = f" at {job.printer}" if job.printer else ""
    text = f"· {line.node}: job {str(job.job)[:8]} {_JOBS.get(job.state, plain(job.state))}{where}"
    if job.impressions is not None:
        text += f", {job.impressions} page{'s' * (job.impressions != 1)}"
    sums = ", ".join(_amounts(job))
    return f"{text}, {sums}" if sums else text


def _amounts(job: FeedJob) -> list[str]:
    found: dict[str, int] = {}
    for each in job.charged:
        found[each.unit] = found.get(each.unit, 0) + each.micros
    try:
        return [str(Money(micros, unit)) for unit, micros in found.items()]
    except MoneyError:
        return []


def as_json(fleet: Fleet, broker: str) -> dict[str, Any]:
    """Return all of it for machines."""
    centre = fleet.coordinator
    return {
        "answer": answer(fleet),
        "broker": broker,
        "linked": fleet.linked,
        "coordinator": centre and centre.model_dump(mode="json"),
        "sites": [_site_json(each) for each in fleet.sites()],
        "printers": [_printer_json(each) for each in fleet.printers()],
        "alerts": [each.model_dump(mode="json") for each in fleet.alerts.values()],
    }


def _site_json(site: SiteSeen) -> dict[str, Any]:
    return {
        "node": site.node,
        "name": site.name,
        "kind": "terminal" if site.terminal else "site",
        "state": site.state,
        "since": site.since and site.since.isoformat(),
        "waiting": site.waiting,
        "detail": site.detail,
    }


def _printer_json(printer: PrinterSeen) -> dict[str, Any]:
    return {
        "node": printer.node,
        "device": printer.device,
        "name": printer.name,
        "state": printer.state,
        "answers": printer.answers,
        "reasons": list(printer.reasons),
        "needs_a_hand": printer.needs_a_hand,
        "troubles": [each.model_dump(mode="json") for each in printer.troubles],
        "supplies": [each.model_dump(mode="json") for each in printer.supplies],
        "updated_at": printer.updated_at and printer.updated_at.isoformat(),
    }
