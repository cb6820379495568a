"""Devices in the books: how each was when its edge last told, what people call it, what is raised.

The state itself is never booked on: it is what dashboards show, kept for those who ask later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, select, update

from broker.directory import PrinterRow
from broker.messages import DeviceState
from central.store import directory, tallies
from central.store.bulk import insert_all, run_all
from central.store.meters import Place
from central.store.tables import device_state, directory_row, instant, node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Kept:
    """A device as it was last told of."""

    place: Place
    """Which."""
    state: DeviceState
    """What was told."""
    at: datetime
    """When the books wrote it down."""


@dataclass(frozen=True, slots=True)
class Called:
    """What people call a device and its site."""

    site: str
    """Where it stands."""
    name: str
    """What is written on it."""


def every(tx: Transaction) -> list[Kept]:
    """Return the last state of every device, by node and device."""
    rows = tx.sql.execute(select(device_state).order_by(device_state.c.node, device_state.c.device))
    return [
        Kept(Place(row.node, row.device), DeviceState.model_validate_json(row.state), row.at)
        for row in rows
    ]


def find(tx: Transaction, place: Place) -> Kept | None:
    """Return the last state of one device; None: nothing was told of it."""
    row = tx.sql.execute(
        select(device_state).where(
            device_state.c.node == place.node, device_state.c.device == place.device
        )
    ).one_or_none()
    if row is None:
        return None
    return Kept(place, DeviceState.model_validate_json(row.state), row.at)


def accepted(tx: Transaction) -> frozenset[str]:
    """Return the edges whose journals the books go on with."""
    rows = tx.sql.execute(
        select(node.c.id).where(
            node.c.kind == "edge", node.c.state == "active", node.c.incarnation.is_not(None)
        )
    )
    return frozenset(rows.scalars())


def put(tx: Transaction, told: Mapping[Place, DeviceState | None]) -> None:
    """Keep what was told of devices; None: the device is gone."""
    at = instant(tx.now)
    rows: list[dict[str, Any]] = [
        {"node": p.node, "device": p.device, "state": state.model_dump_json(), "at": at}
        for p, state in told.items()
        if state is not None
    ]
    known = _known(tx, {row["node"] for row in rows})
    old: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for row in rows:
        (old if (row["node"], row["device"]) in known else new).append(row)
    run_all(tx, _CHANGE, [{f"{name}_": value for name, value in row.items()} for row in old])
    insert_all(tx, device_state, new)
    gone = [{"node_": p.node, "device_": p.device} for p, s in told.items() if s is None]
    run_all(tx, _FORGET, gone)


def _known(tx: Transaction, nodes: Iterable[str]) -> set[tuple[str, str]]:
    rows = tx.sql.execute(
        select(device_state.c.node, device_state.c.device).where(
            device_state.c.node.in_(sorted(nodes))
        )
    )
    return {(row.node, row.device) for row in rows}


_WHICH: Final = (
    device_state.c.node == bindparam("node_"),
    device_state.c.device == bindparam("device_"),
)
_CHANGE: Final = (
    update(device_state).where(*_WHICH).values(state=bindparam("state_"), at=bindparam("at_"))
)
_FORGET: Final = delete(device_state).where(*_WHICH)


# ── names ───────────────────────────────────────────────────────────────────────────────────


def names(tx: Transaction) -> dict[Place, Called]:
    """Return what every known device is called: in the directory, else by its edge."""
    rows = tx.sql.execute(select(node.c.id, node.c.site))
    sites: dict[str, str] = dict(rows.all())
    found: dict[Place, Called] = {}
    for node_id, device, state in tx.sql.execute(
        select(device_state.c.node, device_state.c.device, device_state.c.state)
    ):
        place = Place(node_id, device)
        found[place] = Called(sites.get(node_id, ""), _told_name(state) or device)
    for _, row in directory.live(tx, "printer"):
        printer = PrinterRow.model_validate(row)
        place = Place(printer.node, printer.device)
        if printer.name and printer.name != printer.device:
            found[place] = Called(sites.get(printer.node, ""), printer.name)
        else:
            found.setdefault(place, Called(sites.get(printer.node, ""), printer.device))
    for node_id, device in tallies.places(tx):
        found.setdefault(Place(node_id, device), Called(sites.get(node_id, ""), device))
    return found


def names_of(tx: Transaction, places: Collection[Place]) -> dict[Place, str]:
    """Return what some devices are called, as `names` has it, and read nothing of any other."""
    found = {place: place.device for place in places}
    nodes, ids = {each.node for each in places}, {each.device for each in places}
    for node_id, device, state in tx.sql.execute(
        select(device_state.c.node, device_state.c.device, device_state.c.state).where(
            device_state.c.node.in_(nodes), device_state.c.device.in_(ids)
        )
    ):
        if (place := Place(node_id, device)) in found:
            found[place] = _told_name(state) or device
    for row in tx.sql.execute(
        select(directory_row.c.row).where(
            directory_row.c.kind == "printer",
            directory_row.c.key.in_(ids),
            directory_row.c.row.is_not(None),
        )
    ).scalars():
        printer = PrinterRow.model_validate_json(row)
        place = Place(printer.node, printer.device)
        if place in found and printer.name not in {"", printer.device}:
            found[place] = printer.name
    return found


def _told_name(state: str) -> str:
    """Return the name in a state; what else is in it takes long to read, and there are many."""
    name: str = json.loads(state)["name"]
    return name


def matching(known: Iterable[Place], text: str) -> list[Place]:
    """Return the devices that a text names: `DEVICE`, or `NODE/DEVICE` where two have that id."""
    at, _, device = text.rpartition("/")
    return sorted(
        (place for place in known if place.device == device and at in {"", place.node}),
        key=str,
    )
