"""What is wrong at a printer by what was seen of it, pure; `alerts` says what becomes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from edge.devices.alerts import Complaint, Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from broker.messages import Supply
    from broker.messages.devices import Severity
    from config.settings_devices import DeviceSettings
    from edge.devices.alerts import Raised
    from edge.devices.counters import Difference
    from edge.devices.merge import View

#: printer-state-reasons (RFC 8011 §5.4.12, PWG 5100.9), without suffix → our code.
_REASONS: Final[Mapping[str, str]] = {
    "media-jam": "jam",
    "cover-open": "cover-open",
    "door-open": "cover-open",
    "interlock-open": "cover-open",
    "input-tray-missing": "tray-empty",
    "media-empty": "tray-empty",
    "media-needed": "tray-empty",
    "developer-empty": "toner-low",
    "marker-supply-empty": "toner-low",
    "toner-empty": "toner-low",
    "marker-waste-full": "waste-full",
    "waste-toner-full": "waste-full",
}
#: These count only where no level is known: one machine says low at 30 %, another at 2 %.
_VAGUE: Final[Mapping[str, str]] = {
    "developer-low": "toner-low",
    "marker-supply-low": "toner-low",
    "toner-low": "toner-low",
    "marker-waste-almost-full": "waste-full",
    "waste-toner-almost-full": "waste-full",
}
_SUFFIXES: Final = ("-error", "-warning", "-report")
#: A person did it, at the machine or in the print system.
_ON_PURPOSE: Final = frozenset({"paused", "moving-to-paused", "stopped-partly", "testing"})
#: Above the limit by so much a supply is not low any more; percent and days.
_CLEAR: Final = 5
_CLEAR_DAYS: Final = 2
#: A counter that went back stays known for so long.
_COUNTERS_KNOWN: Final = timedelta(hours=24)
#: Two clocks further apart than this, and again nearer than that.
CLOCK_OFF: Final = timedelta(seconds=60)
_CLOCK_RIGHT: Final = timedelta(seconds=30)
_NAMED: Final = 4


def at_printer(
    view: View,
    raised: Mapping[str, Raised],
    settings: DeviceSettings,
    *,
    days_left: Mapping[str, int],
    silent_for: timedelta,
) -> Seen:
    """Say what is wrong at a printer.

    Args:
        view: as one look shows it.
        raised: what is raised; what is low stays low until it is well above.
        settings: of the site.
        days_left: of supplies whose use is known, by key.
        silent_for: since it last answered; 0 when it does.
    """
    if view.answers is False:
        if silent_for < settings.offline_after:
            return Seen(all_unknown=True)
        detail = f"it does not answer: {view.silence}" if view.silence else "it does not answer"
        return Seen({"offline": Complaint("warning", detail)}, all_unknown=True)
    found: dict[str, Complaint] = {}
    for code, receptacle in (("toner-low", False), ("waste-full", True)):
        supplies = [each for each in view.supplies if each.receptacle is receptacle]
        before = raised[code].parts if code in raised and raised[code].over is None else ()
        low = [each for each in supplies if _is_low(each, before, settings, days_left)]
        if low:
            empty = any(each.state == "empty" or each.level == 0 for each in low)
            said = ", ".join(_supply(each, days_left) for each in low[:_NAMED])
            severity: Severity = "critical" if empty else "warning"
            found[code] = Complaint(severity, said, tuple(each.key for each in low))
    found |= {code: each for code, each in _by_reasons(view) if code not in found}
    if (opened := [each.name for each in view.covers if each.open]) and "cover-open" not in found:
        detail = f"open: {', '.join(opened[:_NAMED])}"
        found["cover-open"] = Complaint("critical", detail, tuple(opened))
    empty_trays = [each for each in view.trays if each.state == "empty"]
    if empty_trays and "tray-empty" not in found:
        names = ", ".join(each.name for each in empty_trays[:_NAMED])
        paper = any(each.state in {"ready", "low"} for each in view.trays)
        severity = "warning" if paper else "critical"
        parts = tuple(each.key for each in empty_trays)
        found["tray-empty"] = Complaint(severity, f"empty: {names}", parts)
    if view.refused:
        found["not-let-in"] = Complaint("warning", view.refused)
    if view.state == "stopped" and not found.keys() & set(_REASONS.values()):
        named = [_plain(each) for each in view.reasons][:_NAMED]
        purpose = bool(named) and set(named) <= _ON_PURPOSE
        detail = f"it has stopped: {', '.join(named) or view.message or 'it does not say why'}"
        found["attention"] = Complaint("warning" if purpose else "critical", detail)
    return Seen(found, unknown=_unseen(view, raised))


def _unseen(view: View, raised: Mapping[str, Raised]) -> frozenset[str]:
    """Return what supplies were low by their levels, which this look does not show."""
    if view.supplies:
        return frozenset()
    # what a machine without levels complained of is over when it complains no more
    by_level = {code for code in ("toner-low", "waste-full") if code in raised}
    return frozenset(code for code in by_level if raised[code].parts)


def _is_low(
    supply: Supply, before: Iterable[str], settings: DeviceSettings, days_left: Mapping[str, int]
) -> bool:
    if supply.state == "empty":
        return True
    was = supply.key in before
    days = days_left.get(supply.key)
    if settings.days_low and days is not None:
        most = settings.days_low + (_CLEAR_DAYS if was else 0)
        if days <= most:
            return True
    if supply.level is None:
        return supply.state == "low" or (was and supply.state == "unknown")
    if was:
        return supply.level < min(settings.low + _CLEAR, 100)
    return supply.level <= settings.low


def _supply(supply: Supply, days_left: Mapping[str, int]) -> str:
    days = days_left.get(supply.key)
    room = "room" if supply.receptacle else "left"
    level = supply.state if supply.level is None else f"{supply.level} % {room}"
    if days is None or supply.level is None:
        return f"{supply.name}: {level}"
    return f"{supply.name}: {level}, for about {days} {'day' if days == 1 else 'days'}"


def _by_reasons(view: View) -> Iterator[tuple[str, Complaint]]:
    """Yield what the machine itself complains of, each code once."""
    said: dict[str, list[str]] = {}
    loud: set[str] = set()
    levels = any(each.level is not None for each in view.supplies)
    table = _REASONS if levels else {**_REASONS, **_VAGUE}
    heard = [(each, each.endswith("-error"), "") for each in view.reasons]
    heard += [(each.code, each.severity == "critical", each.detail) for each in view.alerts]
    spoken = {_plain(each.code) for each in view.alerts if each.detail}
    for reason, critical, words in heard:
        code = table.get(_plain(reason))
        if code is None:
            continue
        there = said.setdefault(code, [])
        # where the machine has words for it, the keyword says nothing more
        named = words or _plain(reason).replace("-", " ")
        if named not in there and (words or _plain(reason) not in spoken):
            there.append(named)
        if critical or code in {"jam", "cover-open"} or _plain(reason) == "media-needed":
            loud.add(code)
    for code, words_of in said.items():
        severity: Severity = "critical" if code in loud else "warning"
        yield code, Complaint(severity, ", ".join(words_of[:_NAMED]))


def _plain(reason: str) -> str:
    for suffix in _SUFFIXES:
        if reason.endswith(suffix):
            return reason.removesuffix(suffix)
    return reason


def of_counters(found: Difference) -> Complaint | None:
    """Return what to say of counters that did not go on; None: they did."""
    if not found.broken:
        return None
    detail = "; ".join(each.detail for each in found.broken[:_NAMED])
    parts = tuple(each.name for each in found.broken)
    return Complaint("warning", f"{detail}; nothing is charged by it", parts, _COUNTERS_KNOWN)


def of_clock(ours: timedelta, raised: Mapping[str, Raised]) -> Seen:
    """Say whether the edge's own clock is off.

    Args:
        ours: our time of day less the centre's, where it is known.
        raised: what is raised of this node.
    """
    before = raised.get("clock-off")
    limit = _CLOCK_RIGHT if before is not None and before.over is None else CLOCK_OFF
    if abs(ours) < limit:
        return Seen()
    seconds = round(abs(ours).total_seconds())
    side = "ahead of" if ours > timedelta(0) else "behind"
    detail = f"this edge's clock is about {_rough(seconds)} {side} the centre's"
    return Seen({"clock-off": Complaint("warning", detail)})


def _rough(seconds: int) -> str:
    """Return a time that does not change with every look."""
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return "a minute"
