"""`recovery`: books that were restored without all they had said, until they may grant again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    money,
    show,
    write_json,
)
from central.store import audit, recovery
from central.store.ledger import Refused

if TYPE_CHECKING:
    from central.store.recovery import FromSuspense

app = typer.Typer(
    no_args_is_help=True,
    help="After a restore without the second log: who has reported, and going on.",
)
Yes = Annotated[bool, typer.Option("--yes", help="Do it.")]


@app.command("status")
def status(config: Config = None, *, as_json: AsJson = False) -> None:
    """Show whether money may be granted, which edges have reported, and what has no source."""
    with desk(config) as at, at.books.read() as tx:
        stands = recovery.find(tx)
        edges = recovery.edges(tx)
        closed = recovery.closed(tx)
        unknown = recovery.from_suspense(tx)
    if as_json:
        told: dict[str, Any] = {
            "mode": stands.mode,
            "since": stands.since,
            "fenced_by": stands.fenced_by,
            "grants": closed is None,
            "why": closed,
            "unbounded": sorted(each.node for each in edges if each.state == "accepted"),
            "edges": [asdict(each) for each in edges],
            "from_suspense": [asdict(each) for each in unknown],
        }
        write_json(told)
        return
    console.print(f"Mode {stands.mode}. " + (closed or "Money may be granted."), markup=False)
    rows = [asdict(each) for each in edges]
    columns = ("node", "state", "at", "adopted", "detail")
    show(rows, as_json=False, columns=columns, empty="No edge has to report.")
    for each in edges:
        if each.state == "accepted":
            console.print(
                f"{each.node} may still have grants that nobody knows of: exposure without bound.",
                style="yellow",
            )
    _say_unknown(unknown)


@app.command("accept-absent")
def accept_absent(
    node: Annotated[str, typer.Argument(help="An edge that does not report.")],
    config: Config = None,
    *,
    yes: Yes = False,
) -> None:
    """Go on without an edge. What it may spend twice has no bound that anybody knows."""
    if not yes:
        raise Refusal(
            f"what {node} was granted after the backup is not known, so the same money could be "
            "granted and spent a second time, without a bound; if you accept that, add --yes"
        )
    with desk(config) as at, at.books.write() as tx:
        _or_refuse(recovery.accept_absent(tx, node, author()))
        audit.note(tx, author=author(), act="recovery accept-absent", target=node)
        closed = recovery.closed(tx)
    console.print(f"Going on without {node}. " + (closed or "Money may be granted again."))


@app.command("finish")
def finish(config: Config = None, *, as_json: AsJson = False) -> None:
    """End recovery: every edge has reported, or was accepted as absent."""
    with desk(config) as at, at.books.write() as tx:
        _or_refuse(recovery.finish(tx))
        edges, unknown = recovery.edges(tx), recovery.from_suspense(tx)
        detail = {
            "edges": {each.node: each.state for each in edges},
            "from_suspense": [asdict(each) for each in unknown],
        }
        audit.note(tx, author=author(), act="recovery finish", target="books", detail=detail)
    if as_json:
        write_json(detail)
        return
    console.print("Recovery is over.")
    _say_unknown(unknown)


@app.command("begin")
def begin(config: Config = None, *, yes: Yes = False) -> None:
    """Begin recovery by hand, under the next epoch: after a server restored the database."""
    if not yes:
        raise Refusal(
            "nothing is granted until every edge has reported, and the running coordinator must be "
            "stopped first; if that is meant, add --yes"
        )
    # one that goes on would write under the old epoch into books that have begun anew
    with desk(config) as at, at.books.alone(), at.books.write() as tx:
        epoch = recovery.begin(tx)
        audit.note(
            tx, author=author(), act="recovery begin", target="books", detail={"epoch": epoch}
        )
    console.print(f"These books are of epoch {epoch} now, and in recovery. Start the coordinator.")


@app.command("unfence")
def unfence(config: Config = None, *, yes: Yes = False) -> None:
    """Use books again of which a node said that newer ones exist."""
    if not yes:
        raise Refusal(
            "if newer books exist, using these as well gives the same money twice; only if you are "
            "sure that there are none, add --yes"
        )
    with desk(config) as at, at.books.write() as tx:
        if recovery.find(tx).fenced_by is None:
            raise Refusal("these books are not fenced")
        recovery.unfence(tx)
        audit.note(tx, author=author(), act="recovery unfence", target="books")
    console.print("These books are used again.")


def _or_refuse(done: Refused | None) -> None:
    if isinstance(done, Refused):
        raise Refusal(done.reason)


def _say_unknown(unknown: list[FromSuspense]) -> None:
    if not unknown:
        console.print("Nothing had to come from suspense.")
        return
    console.print(f"From {recovery.SUSPENSE}, whose source was lost:", markup=False)
    for each in unknown:
        console.print(
            f"  {money(each.micros, each.unit)} of {each.account}, by {', '.join(each.nodes)}",
            markup=False,
            highlight=False,
        )
