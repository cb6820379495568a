"""What the past would have cost: by old prices and new ones, over the same jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from broker.messages import Counted
from central.job_fold import JobRecord
from central.repricing import Weighed, weigh
from config.policy.money import Money
from config.policy.tariffs import Tariff, TariffLine


def tariff(*lines: TariffLine, unit: str = "EUR") -> Tariff:
    """Return prices."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    return Tariff(version=1, unit=unit, effective_from=since, lines=lines)


def job(impressions: int | None, color: int = 0) -> JobRecord:
    """Return a job of which so much was billed."""
    counts = (
        ()
        if impressions is None
        else (
            Counted(
                source="analysis",
                impressions=impressions,
                color_impressions=color,
                sheets=impressions,
            ),
        )
    )
    return JobRecord(
        UUID(int=1), "north", queue="q", printer="north-1", counts=counts, impressions=impressions
    )


OLD = tariff(TariffLine(per_impression=30_000))


def test_both_prices_are_of_the_same_jobs() -> None:
    """Dearer and cheaper ones are counted; a job that nothing was counted of is not one."""
    new = tariff(
        TariffLine(per_impression=20_000), TariffLine(color="color", per_impression=100_000)
    )
    found = weigh(OLD, new, [job(10), job(2, color=2), job(None)])
    assert Weighed(2, Money(360_000, "EUR"), Money(400_000, "EUR"), 0, 1, 1) == found


def test_jobs_without_a_price_are_counted_apart() -> None:
    """What new prices say nothing of would have been refused: it is in neither sum."""
    new = tariff(TariffLine(color="monochrome", per_impression=30_000))
    found = weigh(OLD, new, [job(10), job(2, color=2)])
    assert Weighed(1, Money(300_000, "EUR"), Money(300_000, "EUR"), 1, 0, 0) == found


def test_other_units_are_not_compared() -> None:
    """Nobody adds pages to euros."""
    new = tariff(TariffLine(per_impression=1_000_000), unit="CHF")
    assert weigh(OLD, new, [job(3)]).before is None
    assert weigh(None, new, [job(3)]).after == Money(3_000_000, "CHF")
