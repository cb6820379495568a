"""An edge's figures as Prometheus' metric families; every name of them is made here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from broker.exporters.figures import COLORS, OTHER, SUPPLY_KINDS
from broker.exporters.metrics import counters, gauge, gauges, histogram, info, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from broker.exporters.figures import EdgeFigures, JobTally
    from broker.messages import DeviceState

_STATES = ("idle", "processing", "stopped", "unknown")
_SEVERITIES = ("info", "warning", "critical")
#: Rows of tables are numbers; whatever else a machine calls its supplies makes no label.
_ROW: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")


def edge_families(figures: EdgeFigures) -> Iterator[Metric]:
    """Yield all families of an edge."""
    facts = {"node": figures.node, "role": figures.role, "software": figures.software}
    yield info("printmesh_edge", "This edge: its node id, its role, its program.", facts)
    yield gauge("printmesh_link_up", "1 while the centre listens.", figures.linked)
    yield gauges(
        "printmesh_jobs",
        "Jobs in the journal by phase; held ones wait for their owner.",
        ("phase",),
        {(phase,): count for phase, count in figures.jobs.items()},
    )
    yield gauges(
        "printmesh_outbox_events",
        "Events that the centre is not known to have committed.",
        ("stream",),
        {(stream,): count for stream, count in figures.outbox.items()},
    )
    yield gauges(
        "printmesh_outbox_oldest_age_seconds",
        "Age of the oldest of those events.",
        ("stream",),
        {(stream,): age for stream, age in figures.oldest.items()},
    )
    yield gauges(
        "printmesh_money_here",
        "What may be spent at this site, in units of its currency or in pages.",
        ("unit",),
        {(unit,): whole(micros) for unit, micros in figures.money.items()},
    )
    yield gauges(
        "printmesh_money_owed",
        "What was charged past that and is not collected yet.",
        ("unit",),
        {(unit,): whole(micros) for unit, micros in figures.owed.items()},
    )
    yield from _jobs(figures.tally)
    yield histogram(
        "printmesh_poll_seconds",
        "How long looks at printers took.",
        "outcome",
        {"answered": figures.polls.answered, "silent": figures.polls.silent},
    )
    yield from _devices(figures.devices)
    yield gauge("printmesh_disk_bytes", "Size of the journal's volume.", figures.disk_bytes)
    yield gauge("printmesh_disk_free_bytes", "What is free of it.", figures.disk_free)
    yield gauges(
        "printmesh_healthy",
        "1 where what /health looks at is well.",
        ("check",),
        {(check,): well for check, well in figures.checks.items()},
    )


def _jobs(tally: JobTally) -> Iterator[Metric]:
    by_service = ("service",)
    yield counters("printmesh_jobs_held", "Jobs that came.", (), {(): tally.held})
    yield counters("printmesh_jobs_canceled", "Jobs thrown away.", (), {(): tally.canceled})
    yield counters("printmesh_jobs_flagged", "Jobs to be looked at.", (), {(): tally.flagged})
    yield counters(
        "printmesh_releases",
        "Jobs released and copies begun.",
        by_service,
        {(service,): count for service, count in tally.released.items()},
    )
    yield counters(
        "printmesh_refusals",
        "Releases refused, by reason.",
        ("reason",),
        {(reason,): count for reason, count in tally.refused.items()},
    )
    yield counters(
        "printmesh_settlements",
        "Jobs and copies settled, by what became of them.",
        ("service", "disposition"),
        {(service, end): count for (service, end), count in tally.settled.items()},
    )
    yield counters(
        "printmesh_impressions",
        "Impressions billed.",
        ("service", "color"),
        {(service, color): count for (service, color), count in tally.impressions.items()},
    )
    yield counters(
        "printmesh_sheets",
        "Sheets billed, where they are known.",
        by_service,
        {(service,): count for service, count in tally.sheets.items()},
    )
    yield counters(
        "printmesh_charged",
        "What was charged, in units of its currency or in pages.",
        ("service", "unit"),
        {(service, unit): whole(micros) for (service, unit), micros in tally.charged.items()},
    )


def _devices(devices: tuple[DeviceState, ...]) -> Iterator[Metric]:
    yield gauges(
        "printmesh_printer_answers",
        "1 if the printer answered when it was last asked.",
        ("device",),
        {(each.device,): each.answers for each in devices if each.answers is not None},
    )
    yield gauges(
        "printmesh_printer_state",
        "1 for the state the printer is in.",
        ("device", "state"),
        {(each.device, state): each.state == state for each in devices for state in _STATES},
    )
    yield gauges(
        "printmesh_printer_troubles",
        "Troubles that are raised at present.",
        ("device", "severity"),
        {
            (each.device, severity): sum(t.severity == severity for t in each.troubles)
            for each in devices
            for severity in _SEVERITIES
        },
    )
    yield from _supplies(devices)
    yield counters(
        "printmesh_printer_meter",
        "The printer's own counters.",
        ("device", "meter", "unit"),
        {
            (each.device, meter.name, meter.unit): meter.value
            for each in devices
            for meter in each.meters
            if _is_bounded(meter.name)
        },
    )


def _is_bounded(meter: str) -> bool:
    """Say whether a name is of our own making: only further markers are called by their rows."""
    head, _, row = meter.partition("marker-")
    return bool(head) or not row or _ROW.fullmatch(row) is not None


def _supplies(devices: tuple[DeviceState, ...]) -> Iterator[Metric]:
    labels = ("device", "supply", "kind", "color")
    levels: dict[tuple[str, ...], float] = {}
    days: dict[tuple[str, ...], float] = {}
    for device in devices:
        for place, supply in enumerate(device.supplies, start=1):
            row = supply.key if _ROW.fullmatch(supply.key) else f"place-{place}"
            kind = supply.kind if supply.kind in SUPPLY_KINDS else OTHER
            color = supply.color if supply.color in COLORS else OTHER if supply.color else ""
            key = (device.device, row, kind, color)
            if supply.level is not None:
                levels[key] = supply.level / 100
            if supply.days_left is not None:
                days[key] = supply.days_left
    about = "What is left, from 0 to 1; of a box that fills up, the room that is left."
    yield gauges("printmesh_supply_level_ratio", about, labels, levels)
    yield gauges("printmesh_supply_days_left", "Days of use that are left.", labels, days)
