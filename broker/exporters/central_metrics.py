"""The centre's figures as Prometheus' metric families; every name of them is made here."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from broker.exporters.metrics import counters, gauge, gauges, info, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from broker.exporters.figures import CentralFigures, MoneyFigures


def central_families(figures: CentralFigures) -> Iterator[Metric]:
    """Yield all families of the centre."""
    facts = {"node": figures.node, "software": figures.software, "epoch": str(figures.epoch)}
    yield info("printmesh_central", "The coordinator: its id, its program, its epoch.", facts)
    yield gauges(
        "printmesh_nodes",
        "Edges by state.",
        ("state",),
        {(state,): count for state, count in figures.states.items()},
    )
    yield gauges(
        "printmesh_node_linked",
        "1 while the edge is heard.",
        ("node",),
        {(each.node,): each.linked for each in figures.sites},
    )
    yield gauges(
        "printmesh_node_events_waiting",
        "Events the edge had at its last birth that are not committed here.",
        ("node",),
        {(each.node,): each.waiting for each in figures.sites},
    )
    yield from _books(figures)
    yield from _work(figures)
    yield gauge("printmesh_disk_bytes", "Size of the books' volume.", figures.disk_bytes)
    yield gauge("printmesh_disk_free_bytes", "What is free of it.", figures.disk_free)


def _books(figures: CentralFigures) -> Iterator[Metric]:
    yield counters("printmesh_entries", "Entries of the ledger.", (), {(): figures.entries})
    yield gauge(
        "printmesh_quarantined_events",
        "Events that are put aside and wait for a person.",
        figures.quarantined,
    )
    yield gauges(
        "printmesh_money_at_sites",
        "People's money at the sites, to be spent there.",
        ("unit",),
        {(unit,): whole(each.allocated) for unit, each in figures.money.items()},
    )
    yield gauges(
        "printmesh_exposure",
        "What the house may have to bear, by part; +Inf: without limit.",
        ("unit", "part"),
        {
            (unit, part): value
            for unit, each in figures.money.items()
            for part, value in _parts(each).items()
        },
    )


def _parts(each: MoneyFigures) -> dict[str, float]:
    return {
        "owed": whole(each.owed),
        "quarantined": whole(each.quarantined),
        "more": inf if each.more is None else whole(each.more),
    }


def _work(figures: CentralFigures) -> Iterator[Metric]:
    ingest, http = figures.ingest, figures.http
    yield counters(
        "printmesh_events_applied",
        "Events taken in, by stream.",
        ("stream",),
        {(stream,): count for stream, count in ingest.applied.items()},
    )
    yield counters(
        "printmesh_events_quarantined", "Events put aside.", (), {(): ingest.quarantined}
    )
    yield counters("printmesh_ingest_rounds", "Transactions for them.", (), {(): ingest.rounds})
    yield counters(
        "printmesh_ingest_seconds", "Time in those transactions.", (), {(): ingest.seconds}
    )
    yield counters(
        "printmesh_alerts",
        "Notes told by edges and the centre, by severity.",
        ("severity",),
        {(severity,): count for severity, count in ingest.alerts.items()},
    )
    yield counters(
        "printmesh_http_requests",
        "Answers of the read interface, by class of status.",
        ("status",),
        {(status,): count for status, count in http.answers.items()},
    )
    yield counters("printmesh_http_seconds", "Time until those answers.", (), {(): http.seconds})
