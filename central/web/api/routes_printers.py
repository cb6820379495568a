"""Points of print: entered, changed, taken away; their meters read now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from central.acts import devices
from central.acts import printers as acts
from central.rights import Right
from central.store.ledger import Refused
from central.store.meters import Place
from central.web.answers import Printer
from central.web.api.table import Call, Example, Given, Line, Route, act
from central.web.fleet import PRINTER, printer_of
from central.web.problems import NotFound
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from broker.directory import PrinterRow
    from central.store.books import Transaction
    from central.web.paging import Asked


class PrinterWishes(Given):
    """What is to be so of a point of print; what is left out stays as it is."""

    node: NodeId | None = None
    """The edge whose site it stands at."""
    name: Line | None = None
    """What people call it."""
    tags: Annotated[tuple[Line, ...], Field(max_length=50)] | None = None
    """For rules."""
    copies: bool | None = None
    """Copies are charged, by a terminal beside it."""


class NewPrinter(PrinterWishes):
    """A point of print to be entered."""

    device: NodeId
    """Its id, for ever."""
    node: NodeId
    """The edge whose site it stands at."""


def one(tx: Transaction, call: Call[None, Asked]) -> Printer:
    """Show one point of print."""
    return _shown(_known(tx, call))


def enter(tx: Transaction, call: Call[NewPrinter, Asked]) -> Printer | Refused:
    """Enter a point of print."""
    body = call.body
    call.check(body.node, f"There is no edge {body.node}.")
    if not isinstance(acts.find(tx, body.device), Refused):
        return Refused(f"there is a printer {body.device!r} already; change it")
    done = acts.enter(tx, call.by, body.device, _wishes(body))
    return done if isinstance(done, Refused) else _shown(done)


def change(tx: Transaction, call: Call[PrinterWishes, Asked]) -> Printer | Refused:
    """Change where a point of print stands, what it is called, how it is tagged."""
    body = call.body
    found = _known(tx, call)
    if body.node is not None:
        call.check(body.node, f"There is no edge {body.node}.")
    done = acts.change(tx, call.by, found.device, _wishes(body))
    return done if isinstance(done, Refused) else _shown(done)


def remove(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Take a point of print away."""
    done = acts.remove(tx, call.by, _known(tx, call).device)
    return done if isinstance(done, Refused) else None


def read_meters(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Have a printer's meters read now; what was counted since the last time is compared."""
    row = _known(tx, call)
    return devices.read_meters(tx, call.by, Place(row.node, row.device))


def _known(tx: Transaction, call: Call[Any, Any]) -> PrinterRow:
    device = call.path["device"]
    missing = f"There is no printer {device}; /api/v1/printers lists those there are."
    found = acts.find(tx, device)
    if isinstance(found, Refused):
        raise NotFound(missing)
    call.check(found.node, missing)
    return found


def _wishes(body: PrinterWishes) -> acts.Wishes:
    return acts.Wishes(body.node, body.name, body.tags, body.copies)


def _shown(row: PrinterRow) -> Printer:
    return printer_of(row.model_dump())


_ONE: Final = "/printers/{device}"

ROUTES: Final = (
    Route(
        method="POST",
        path="/printers",
        right=Right.RUN_FLEET,
        do=enter,
        takes=NewPrinter,
        gives=Printer,
        status=201,
        names=True,
        example=Example(
            PRINTER, {"device": "north-1", "node": "north", "name": "Reading room", "tags": ["a4"]}
        ),
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.SEE_FLEET,
        do=one,
        gives=Printer,
        tagged=True,
        example=Example(PRINTER),
    ),
    Route(
        method="PATCH",
        path=_ONE,
        right=Right.RUN_FLEET,
        do=change,
        takes=PrinterWishes,
        gives=Printer,
        row=one,
        example=Example(PRINTER, {"tags": ["a4"]}),
    ),
    Route(method="DELETE", path=_ONE, right=Right.RUN_FLEET, do=remove, row=one),
    act(f"{_ONE}/read-meters", Right.RUN_FLEET, read_meters, Example()),
)
