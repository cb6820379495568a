"""The copies of a site put together as its settings declare them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from config.policy.decisions import PointOfPrint
from edge.copy_budget import Bounds
from edge.copying import Copying, CopyWays

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from config.settings import EdgeSettings
    from edge.deciding import Standing
    from edge.ports import Clock, Funds
    from edge.store.books import Books
    from edge.store.replica import Replica


def copies_of(
    settings: EdgeSettings,
    *,
    books: Books,
    replica: Replica,
    funds: Funds,
    standing: Standing,
    mint: Callable[[datetime], UUID],
    clock: Clock,
    monotonic: Callable[[], float],
) -> Copying:
    """Return the copies of a site; see `Copying` for what is taken."""
    copies = settings.copies
    return Copying(
        books=books,
        replica=replica,
        funds=funds,
        standing=standing,
        # no rule can turn over what somebody lays on the glass: one-sided, whatever it prints
        printers={
            each.id: PointOfPrint((), each.color, two_sided=False, media=each.media, name=each.name)
            for each in settings.printers
        },
        ways=CopyWays(
            bounds=Bounds(copies.most, copies.stop_margin, copies.ask_below),
            patience=copies.patience,
            paper=copies.paper,
            copiers=frozenset(each.id for each in settings.printers if each.copies),
        ),
        mint=lambda: mint(clock()),
        clock=clock,
        monotonic=monotonic,
        zone=ZoneInfo(settings.zone),
    )
