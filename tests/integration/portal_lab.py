"""Ana's site as her own pages need it: a printer, her money, and what it is asked from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broker.directory import PrinterRow
from broker.messages import CommandState
from central.store import commands, courier, directory, funds, nodes, streams
from tests.integration.books_lab import CODE, Dice, MemoryEdge
from tests.integration.jobs_lab import Office
from tests.integration.pages_lab import open_lab

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from broker.messages import Birth, Command
    from tests.integration.pages_lab import Lab

SITE = "west"


@dataclass
class Portal:
    """Ana's site, linked, with a printer and her money."""

    lab: Lab
    office: Office

    def printed(self) -> UUID:
        """Let a job of hers be printed and charged."""
        return self.office.printed()

    def heard(self, *, linked: bool = True) -> None:
        """Have the coordinator say whether the site is linked now."""
        with self.lab.books.write() as tx:
            nodes.seen(tx, {SITE: linked})

    def asked(self) -> list[Command]:
        """Return what the site was asked, and send it."""
        with self.lab.books.write() as tx:
            found = [command for node, command in commands.waiting(tx) if node == SITE]
            for command in found:
                commands.sent(tx, command.id)
        return found

    def tells(self, command: Command, state: str, detail: str = "", **data: Any) -> None:  # noqa: ANN401
        """Answer a command as the site would."""
        told = CommandState.model_validate(
            {"id": command.id, "state": state, "detail": detail, "data": data}
        )
        with self.lab.books.write() as tx:
            commands.answered(tx, SITE, told)


def open_portal(path: Path, wire: int = 4) -> Portal:
    """Open the lab with a site of Ana's."""
    lab = open_lab(path)
    edge = MemoryEdge(lab.books, SITE, clock=lab.clock)
    with lab.books.write() as tx:
        nodes.add(tx, SITE, site="West Wing", role="remote", kind="edge", code=CODE)
        born = edge.birth().model_copy(update={"wire": wire})
        assert isinstance(nodes.accept(tx, SITE, born), nodes.Accepted)
        for device, name in (("north-1", "Library 2"), ("west-2", "Hall")):
            directory.put(tx, "printer", device, PrinterRow(device=device, node=SITE, name=name))
    with lab.books.write() as tx:
        funds.grant(tx, SITE, "user:ana", "EUR", 1_000_000, "parked")
    edge.listen()
    met(lab, edge, born)
    portal = Portal(lab, Office(lab.books, edge))
    portal.heard()
    return portal


def met(lab: Lab, edge: MemoryEdge, born: Birth) -> None:
    """Let the site take codes: it confirms that it knows from which on."""
    with lab.books.write() as tx:
        down = streams.open_stream(tx, SITE, edge.incarnation, "down", "ledger")
        assert courier.contact(tx, SITE, born, down.acked, Dice(7)) or born.wire == 1
    with lab.books.write() as tx:
        down = streams.open_stream(tx, SITE, edge.incarnation, "down", "ledger")
        streams.acknowledged(tx, down.id, down.at)
