"""What a job of the random histories costs when less came out than was held for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.policy.paying import charged, price_of
from config.policy.pricing import NoPrice
from edge.jobs import amounts_of

if TYPE_CHECKING:
    from broker.messages import AccountAmount
    from config.policy.jobs import Figures
    from edge.jobs import Hold
    from edge.store.replica import Replica


def for_less(hold: Hold, billed: Figures, replica: Replica) -> tuple[AccountAmount, ...]:
    """Return what is charged of a hold for fewer impressions, as `edge.settling` does."""
    tariff = replica.tariff_version(hold.tariff_version)
    if tariff is None or not billed.impressions:
        return ()
    priced = price_of(tariff, "print", billed, "printer")
    if isinstance(priced, NoPrice):
        return ()
    return amounts_of(charged(hold.charges, billed, priced))
