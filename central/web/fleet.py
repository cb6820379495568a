"""Nodes, and the printers at their sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from broker.directory import PrinterRow
from central.rights import Right
from central.store import directory, nodes
from central.web.answers import Node, Printer
from central.web.api.table import Call, Example, Route
from central.web.paging import KeyPage, Page, page_of, paged

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.nodes import NodeRecord


def every_node(tx: Transaction, call: Call[None, KeyPage]) -> Page[Node]:
    """List nodes by name."""
    page = call.asked
    # few enough to be read whole; sorted here, since databases sort hyphens each in its own way
    rows = sorted(
        (row for row in nodes.every(tx) if row.id > page.after and call.reaches(row.id)),
        key=lambda row: row.id,
    )
    return page_of(rows, page.limit, show=node_of, key=lambda row: row.id)


def node_of(row: NodeRecord) -> Node:
    """Return a node as it is told."""
    return Node(
        id=row.id,
        site=row.site,
        role=row.role,
        kind=row.kind,
        state=row.state,
        reason=row.reason,
        linked=row.linked,
        software=row.software,
        incarnation=row.incarnation,
        born_at=row.born_at,
        seen_at=row.seen_at,
    )


def every_printer(tx: Transaction, call: Call[None, KeyPage]) -> Page[Printer]:
    """List printers by device id."""
    page = call.asked
    found: list[tuple[str, dict[str, Any]]] = []
    after = page.after
    # sites of others are left out, so a page may take several looks
    while len(found) <= page.limit:
        rows = directory.live(tx, "printer", after=after, limit=page.limit + 1)
        found += [(key, row) for key, row in rows if call.reaches(row["node"])]
        if len(rows) <= page.limit:
            break
        after = rows[-1][0]
    return page_of(found, page.limit, show=lambda row: printer_of(row[1]), key=lambda row: row[0])


def printer_of(row: dict[str, Any]) -> Printer:
    """Return a point of print as it is told."""
    printer = PrinterRow.model_validate(row)
    return Printer(**printer.model_dump(include=set(Printer.model_fields)))


NODE: Final = {
    "id": "north",
    "site": "Library",
    "role": "remote",
    "kind": "edge",
    "state": "active",
    "reason": "",
    "linked": True,
    "software": "printmesh 1.0",
    "incarnation": "019aaba6-0b12-7000-8000-000000000002",
    "born_at": "2026-11-22T08:00:00Z",
    "seen_at": "2026-11-22T08:00:09Z",
}
PRINTER: Final = {
    "device": "north-1",
    "node": "north",
    "name": "Reading room",
    "tags": ["a4"],
    "copies": False,
}

ROUTES: Final = (
    Route(
        method="GET",
        path="/nodes",
        right=Right.SEE_FLEET,
        do=every_node,
        gives=paged(Node),
        asks=KeyPage,
        example=Example({"items": [NODE], "next": None}),
    ),
    Route(
        method="GET",
        path="/printers",
        right=Right.SEE_FLEET,
        do=every_printer,
        gives=paged(Printer),
        asks=KeyPage,
        example=Example({"items": [PRINTER], "next": None}),
    ),
)
