"""Prometheus' text of whatever figures there are: a registry of its own, made at each scrape.

Nothing is kept here: a scrape asks for the figures of that moment and writes them down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from broker.exporters.figures import Durations

_MILLION: Final = 1_000_000


class _Figures(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()

    def describe(self) -> Iterable[Metric]:
        return ()  # registering asks for nothing


def exposed(
    families: Callable[[], Iterable[Metric]], accept: str | None = None
) -> tuple[bytes, str]:
    """Return the text and its media type.

    Args:
        families: of this moment.
        accept: the request's Accept header: OpenMetrics for who asks for it.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(families))
    encode, media_type = choose_encoder(accept or "")
    return encode(registry), media_type


# ── what families are made of ───────────────────────────────────────────────────────────────


def gauge(name: str, about: str, value: float) -> Metric:
    """Return one figure that goes up and down."""
    return GaugeMetricFamily(name, about, value=value)


def gauges(
    name: str, about: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> Metric:
    """Return figures by labels."""
    family = GaugeMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def counters(
    name: str, about: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> Metric:
    """Return counts by labels, which only grow while the process lives; `_total` is added."""
    family = CounterMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def histogram(name: str, about: str, label: str, values: Mapping[str, Durations]) -> Metric:
    """Return durations by one label."""
    family = HistogramMetricFamily(name, about, labels=(label,))
    for key, each in values.items():
        family.add_metric((key,), list(_buckets(each)), sum_value=each.total)
    return family


def info(name: str, about: str, facts: Mapping[str, str]) -> Metric:
    """Return facts as labels of a figure that is always 1; `_info` is added."""
    return InfoMetricFamily(name, about, value=dict(facts))


def whole(micros: int) -> float:
    """Return an amount in its unit: 0.12 for 120,000 micros."""
    return micros / _MILLION


def _buckets(durations: Durations) -> Iterator[tuple[str, float]]:
    below = 0
    for bound, count in zip(durations.bounds, durations.counts, strict=False):
        below += count
        yield str(bound), below
    yield "+Inf", below + durations.counts[-1]
