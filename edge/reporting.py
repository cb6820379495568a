"""What centre and edge tell of each other's books: digests, what came before, what was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from broker.messages import CommandState, ReportedEvents
from broker.stream_outbound import fitting
from config.logs import logger
from edge.branch import branch
from edge.digest import edge_digest
from edge.store.books import DOWN

if TYPE_CHECKING:
    from datetime import datetime

    from broker.messages import Command, Rejected
    from edge.store.books import Books
    from edge.store.refusals import Refusals

_log = logger("edge.reporting")

#: Room for the events of one answer; the rest of the message is its frame.
_ROOM: Final = 48 * 1024
#: Most events in one answer.
_MOST: Final = 200


def report(books: Books, command: Command) -> CommandState:
    """Answer one question of the centre's; reads only.

    One moment for all of it: taken on the event loop, which is why it is asked for rarely.
    """
    match command.command:
        case "report-digest":
            part = command.args.get("part")
            told = edge_digest(
                books.balances(),
                up=books.head("ledger"),
                down=books.head(DOWN),
                part=part if isinstance(part, int) else None,
            )
            data = told.model_dump(mode="json")
        case "report-applied":
            data = _applied(books, command.args.get("after")).model_dump(mode="json")
        case "report-branch":
            return branch(books, command)
        case other:
            detail = f"{other} is not known to this program"
            return CommandState(id=command.id, state="failed", detail=detail)
    return CommandState(id=command.id, state="successful", data=data)


def keep_rejected(refusals: Refusals, rejected: tuple[Rejected, ...], now: datetime) -> None:
    """Keep what the centre could not accept, and say so: somebody has to look at it there.

    Raises:
        StoreUnwritableError: nothing was kept.
    """
    for each in rejected:
        _log.error(
            "the centre could not accept an event of ours; it is quarantined there",
            action="rejected",
            stream=each.stream,
            seq=each.seq,
            reason=each.reason,
        )
    refusals.keep(rejected, now)


def _applied(books: Books, after: object) -> ReportedEvents:
    """Return what the centre had said after a place, as it is kept here (30 days at least)."""
    first = after + 1 if isinstance(after, int) and after >= 0 else 1
    last = min(books.head(DOWN).seq, first + _MOST - 1)
    events = fitting(books.events(DOWN, first, last), _ROOM) if first <= last else ()
    return ReportedEvents(stream="ledger", head=books.head(DOWN), events=events)
