"""The policies that are compared, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.simulation.setting import CENT, EURO

Way = Literal["cached", "refuse", "proportion", "greedy", "clairvoyant"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a site decides, and where money is put."""

    key: str
    """Its name in JSON and on the command line."""
    title: str
    """Its name in tables and charts."""
    way: Way
    courier: float = 0.0
    """Share of people who can fetch a courier code with their own phone."""
    float_person: int = 0
    """Micros that may be charged past the allocation on one account."""
    float_site: int = 0
    """The same at one site, all accounts together."""


POLICIES: Final = (
    Policy("cached", "cached balances", "cached"),
    Policy("refuse", "refuse when offline", "refuse"),
    Policy("park-in-proportion", "park, in proportion", "proportion"),
    Policy("park", "park, greedily", "greedy"),
    Policy("park-courier-50", "park + courier, 50 % able", "greedy", courier=0.5),
    Policy("park-courier-90", "park + courier, 90 % able", "greedy", courier=0.9),
    Policy(
        "park-float",
        "park + float",
        "greedy",
        float_person=50 * CENT,
        float_site=20 * EURO,
    ),
    Policy("clairvoyant", "clairvoyant placement", "clairvoyant"),
)
BY_KEY: Final = {policy.key: policy for policy in POLICIES}
