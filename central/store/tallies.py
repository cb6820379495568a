"""Running totals of what was billed at each device: moved once a transaction for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select, update

from central.store.bulk import as_text, fetch, insert_rows, run_rows
from central.store.tables import tally
from central.tallies import NAMES, NOTHING, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import BindParameter, Select

    from central.store.books import Transaction

_COLUMNS: Final = tuple(tally.c[name] for name in NAMES)
_INSERT: Final = ("node", "device", *NAMES)
_MOVE: Final = (
    update(tally)
    .where(tally.c.node == bindparam("node_"), tally.c.device == bindparam("device_"))
    .values({name: tally.c[name] + bindparam(f"{name}_") for name in NAMES})
)
_MOVED_BY: Final = (*(f"{name}_" for name in NAMES), "node_", "device_")


def add(tx: Transaction, node: str, by_device: Mapping[str, Tally]) -> None:
    """Add what was billed at some devices of a node to their totals."""
    by_device = {device: more for device, more in by_device.items() if more != NOTHING}
    known = {device for (device,) in fetch(tx, _known, sorted(by_device), node=node)}
    moves = [(*_figures(more), node, d) for d, more in by_device.items() if d in known]
    fresh = [(node, d, *_figures(more)) for d, more in by_device.items() if d not in known]
    run_rows(tx, _MOVE, _MOVED_BY, moves)
    insert_rows(tx, tally, _INSERT, fresh)


def open_(tx: Transaction, node: str, device: str) -> Tally:
    """Return the totals of a device; where there were none they begin at nothing."""
    for figures in fetch(tx, _figures_of, [device], node=node):
        return Tally(*figures)
    insert_rows(tx, tally, _INSERT, [(node, device, *_figures(NOTHING))])
    return NOTHING


def places(tx: Transaction) -> list[tuple[str, str]]:
    """Return every device that has totals: node and device id."""
    rows = tx.sql.execute(select(tally.c.node, tally.c.device))
    return [(node, device) for node, device in rows]


def _figures(of_: Tally) -> tuple[int, ...]:
    return tuple(getattr(of_, name) for name in NAMES)


def _known(keys: Sequence[BindParameter[str]]) -> Select[tuple[str]]:
    return select(tally.c.device).where(tally.c.node == as_text("node"), tally.c.device.in_(keys))


def _figures_of(keys: Sequence[BindParameter[str]]) -> Select[tuple[int, ...]]:
    return select(*_COLUMNS).where(tally.c.node == as_text("node"), tally.c.device.in_(keys))
