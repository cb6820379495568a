"""What many printers put out on one day, from the totals: one look for a page of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, literal_column, select

from central.figures.folding import View
from central.figures.periods import Grain, span
from central.store.meters import Place
from central.store.tables import fact

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from central.store.books import Transaction


def impressions_on(tx: Transaction, day: date, places: Collection[Place]) -> dict[Place, int]:
    """Return the impressions of a day by printer; nothing of those that put out none."""
    if not places:
        return {}
    wanted = set(places)
    rows = tx.sql.execute(
        select(fact.c.node, fact.c.key, func.sum(fact.c.impressions))
        .where(
            fact.c.view == literal_column(str(int(View.PRINTER))),
            fact.c.span == span(day, Grain.DAY),
            fact.c.key.in_(sorted({each.device for each in wanted})),
        )
        .group_by(fact.c.node, fact.c.key)
    )
    found = {Place(node, device): int(count) for node, device, count in rows}
    return {place: count for place, count in found.items() if place in wanted}
