"""Nodes, and the printers at their sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from broker.directory import PrinterRow
from central.store import directory, nodes
from central.web.answers import Node, Printer
from central.web.paging import KeyPage, Page, page_of
from central.web.reading import Read  # noqa: TC001  FastAPI reads it at run time

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.nodes import NodeRecord

routes = APIRouter(tags=["fleet"])


@routes.get("/nodes")
async def list_nodes(page: Annotated[KeyPage, Query()], read: Read) -> Page[Node]:
    """List nodes by name."""
    return await read.ask(lambda tx: _nodes(tx, page))


@routes.get("/printers")
async def list_printers(page: Annotated[KeyPage, Query()], read: Read) -> Page[Printer]:
    """List printers by device id."""
    return await read.ask(lambda tx: _printers(tx, page))


def _nodes(tx: Transaction, page: KeyPage) -> Page[Node]:
    # few enough to be read whole; sorted here, since databases sort hyphens each in its own way
    rows = sorted((row for row in nodes.every(tx) if row.id > page.after), key=lambda row: row.id)
    return page_of(rows, page.limit, show=_node, key=lambda row: row.id)


def _node(row: NodeRecord) -> Node:
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


def _printers(tx: Transaction, page: KeyPage) -> Page[Printer]:
    rows = directory.live(tx, "printer", after=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=lambda row: _printer(row[1]), key=lambda row: row[0])


def _printer(row: dict[str, Any]) -> Printer:
    printer = PrinterRow.model_validate(row)
    return Printer(device=printer.device, node=printer.node, name=printer.name)
