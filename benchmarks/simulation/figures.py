"""What many years come to: means with confidence intervals, as values, as a table, as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from benchmarks.simulation.setting import EURO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.simulation.policies import Policy
    from benchmarks.simulation.tally import Tally

#: Two-sided 95 % points of Student's t by degrees of freedom; from tables, 1.96 in the limit.
_T: Final = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_T_LIMIT: Final = 1.96


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and how sure it is."""

    mean: float
    margin: float
    """Half the width of the 95 % confidence interval; 0 for one sample."""

    def __str__(self) -> str:
        """Write like 0.861 ± 0.004."""
        return f"{self.mean:.3f} ± {self.margin:.3f}"


@dataclass(frozen=True, slots=True)
class Line:
    """One policy at one number of sites."""

    policy: str
    title: str
    sites: int
    people: int
    seeds: int
    availability: Estimate
    """Allowed of covered, at cut-off sites."""
    everywhere: Estimate
    """The same at all sites."""
    overspent: Estimate
    """In currency, a year and a thousand people."""
    worst: float
    """The most by one person in any year, in currency."""
    unpaid: Estimate
    """Of the overspent, still owed when the year ended; a thousand people."""
    reclaims: Estimate
    """Reclaims for each hundred jobs."""
    messages: Estimate
    """Messages that move money, for each job."""
    stranded: Estimate
    """Percent of covered jobs refused at linked sites: the money sat at a cut-off one."""


def estimate(samples: Sequence[float]) -> Estimate:
    """Return the mean of independent samples, with Student's interval."""
    if len(samples) < 2:
        return Estimate(mean(samples), 0.0)
    degrees = len(samples) - 1
    t = _T[degrees - 1] if degrees <= len(_T) else _T_LIMIT
    return Estimate(mean(samples), t * stdev(samples) / math.sqrt(len(samples)))


def line_of(policy: Policy, sites: int, people: int, years: Sequence[Tally]) -> Line:
    """Return what the years of one policy come to, one a seed."""

    def over(samples: Iterable[float]) -> Estimate:
        return estimate(list(samples))

    thousand = EURO * people / 1000
    return Line(
        policy=policy.key,
        title=policy.title,
        sites=sites,
        people=people,
        seeds=len(years),
        availability=over(year.availability for year in years),
        everywhere=over(year.allowed / max(year.coverable, 1) for year in years),
        overspent=over(year.overspent / thousand for year in years),
        worst=max(year.worst for year in years) / EURO,
        unpaid=over(year.unpaid / thousand for year in years),
        reclaims=over(100 * year.reclaims / max(year.jobs, 1) for year in years),
        messages=over(year.messages / max(year.jobs, 1) for year in years),
        stranded=over(100 * year.stranded / max(year.coverable, 1) for year in years),
    )


def paired(ours: Sequence[Tally], theirs: Sequence[Tally]) -> Estimate:
    """Return by how much availability differs on the same worlds."""
    pairs = zip(ours, theirs, strict=True)
    return estimate([one.availability - other.availability for one, other in pairs])


def as_json(lines: Sequence[Line], differences: dict[str, Estimate]) -> dict[str, Any]:
    """Return everything for a file."""
    return {
        "lines": [asdict(line) for line in lines],
        "paired_with_clairvoyant": {key: asdict(each) for key, each in differences.items()},
    }


def table_of(lines: Sequence[Line]) -> Table:
    """Return a table for people."""
    table = Table(title="A year of printing, sites cut off now and then")
    table.add_column("policy")
    for column in (
        "sites",
        "available at cut-off sites",
        "overspent a year, of 1,000",
        "worst person",
        "never paid",
        "reclaims, % of jobs",
        "messages a job",
    ):
        table.add_column(column, justify="right")
    for line in lines:
        table.add_row(
            line.title,
            str(line.sites),
            str(line.availability),
            f"{line.overspent.mean:.2f}",
            f"{line.worst:.2f}",
            f"{line.unpaid.mean:.2f}",
            f"{line.reclaims.mean:.0f}",
            f"{line.messages.mean:.1f}",
        )
    return table


def markdown(lines: Sequence[Line]) -> str:
    """Return the table for a document."""
    rows = [
        (
            "| policy | sites | available at cut-off sites | "
            "overspent a year by 1,000 people (most by one) | "
            "reclaims, % of jobs | messages a job |"
        ),
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {line.title} | {line.sites} | {line.availability} | {line.overspent.mean:.2f} "
        f"({line.worst:.2f}) | {line.reclaims.mean:.0f} | {line.messages.mean:.1f} |"
        for line in lines
    ]
    return "\n".join(rows) + "\n"
