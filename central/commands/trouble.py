"""`fork`, `write-off` and `quarantine`: journals and events that the books cannot go on with."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path  # noqa: TC003  typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from central.acts import consequences
from central.acts import nodes as acts
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    by,
    console,
    desk,
    done,
    money,
    show,
    unknown,
    write_json,
)
from central.store import closures, forks, nodes, quarantine
from central.store.ledger import Refused

if TYPE_CHECKING:
    from central.commands.desk import Desk
    from central.store.books import Books, Transaction
    from central.store.closures import Closure
    from central.store.nodes import NodeRecord
    from central.store.quarantine import Put

fork = typer.Typer(no_args_is_help=True, help="Journals that were rolled back or cloned.")
aside = typer.Typer(no_args_is_help=True, help="Events that were put aside: show, mend, try again.")
Node = Annotated[str, typer.Argument(help="The site's edge.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
Which = Annotated[str, typer.Argument(help="Its id, as `quarantine list` shows it.")]
Seconds = Annotated[float, typer.Option("--wait", help="Seconds to wait for the edge.")]
_PAUSE: Final = 0.2


# ── forks ───────────────────────────────────────────────────────────────────────────────────


@fork.command("show")
def show_fork(
    node: Node, config: Config = None, *, wait: Seconds = 30, as_json: AsJson = False
) -> None:
    """Show both branches of a frozen edge and what would be booked; asks the edge for its own."""
    with desk(config) as at:
        with at.books.write() as tx:
            _edge(tx, node)
            closed = done(acts.look_at_fork(tx, by(), node))
        closed = _watch(at.books, closed, wait, until=("open", "done"))
        told = _told(at, closed)
    if as_json:
        write_json(told)
        return
    _say(told)


@fork.command("resolve")
def resolve_fork(
    node: Node,
    config: Config = None,
    *,
    dry_run: DryRun = False,
    without_branch: Annotated[
        bool,
        typer.Option(
            "--without-branch", help="Book what is known; the edge stays frozen for its own."
        ),
    ] = False,
    yes: Yes = False,
    wait: Seconds = 60,
    as_json: AsJson = False,
) -> None:
    """Book both branches, give back what is left, and have the edge begin a new journal."""
    with desk(config) as at:
        with at.books.write() as tx:
            _edge(tx, node)
            closed = done(acts.enter_fork(tx, by(), node))
        if dry_run or not yes:
            told = _told(at, closed)
            write_json(told) if as_json else _say(told)
            if not dry_run:
                raise Refusal("nothing was changed; to do it, add --yes")
            return
        with at.books.write() as tx:
            closed = done(acts.resolve_fork(tx, by(), node, without_branch=without_branch))
        closed = _watch(at.books, closed, wait, until=("open", "done"))
        told = _told(at, closed)
    if as_json:
        write_json(told)
    else:
        _say(told)
    if closed.step not in {"open", "done"} and not as_json:
        console.print("It goes on by itself once the edge is there; this command shows how far.")


def _watch(books: Books, closed: Closure, seconds: float, *, until: tuple[str, ...]) -> Closure:
    """Wait while the coordinator and the edge do their parts."""
    deadline = time.monotonic() + seconds
    while closed.step not in until and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        with books.read() as tx:
            closed = closures.find(tx, closed.node, closed.incarnation) or closed
    if closed.step == "looking":
        with books.write() as tx:
            why = "the edge did not tell its branch; is it there, and does the coordinator run?"
            closed = closures.go(tx, closed, "open", why)
    return closed


def _told(at: Desk, closed: Closure) -> dict[str, Any]:
    """Return how far a fork is, and what booking it would come to, tried and undone."""
    with at.books.read() as tx:
        parts = [asdict(each) for each in forks.branches(tx, closed)]
        collected = "whole ledger" in closed.heads
    plan = acts.rehearse_fork(at.books, closed)
    return {
        "node": closed.node,
        "incarnation": str(closed.incarnation),
        "kind": closed.kind,
        "step": closed.step,
        "detail": closed.detail,
        "collected": collected,
        "branches": parts,
        "done": closed.result,
        "would_be": dict(plan),
    }


def _say(told: dict[str, Any]) -> None:
    console.print(f"{told['node']}: {told['kind']}, {told['step']}. {told['detail']}", markup=False)
    if not told["collected"]:
        console.print("The edge's own branch is not here yet.", style="yellow")
    show(
        told["branches"],
        as_json=False,
        columns=("name", "common", "ours", "theirs"),
        empty="No streams.",
    )
    done = told["step"] == "done"
    sums = told["done"] if done else told["would_be"]
    console.print("Booked:" if done else "In all, to be booked:")
    for what, text in _WORDS.items():
        if (value := sums.get(what)) is None:
            continue
        if isinstance(value, dict):
            value = ", ".join(money(micros, unit) for unit, micros in value.items()) or "nothing"
        console.print(f"  {text}: {value}", markup=False, highlight=False)
    if not any(what in sums for what in _WORDS):
        console.print("  nothing")


_WORDS: Final = {
    "charges": "charges of the edge's own branch",
    "booked": "their sum",
    "loss": "of it paid by the house",
    "known": "events that the other branch had",
    "quarantined": "events put aside",
    "returned": "back to the accounts",
    "written_off": "made good to people",
    "given_back": "left over of it, back to the house",
}


# ── write-off ───────────────────────────────────────────────────────────────────────────────


def write_off(
    node: Node,
    config: Config = None,
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make people whole for what sits at an edge that is lost for good, at the house's cost."""
    with desk(config) as at:
        with at.books.read() as tx:
            told = consequences.of_write_off(tx, _edge(tx, node))
        if told.refused is not None:
            raise Refusal(told.refused)
        doing = yes and not dry_run
        if doing:
            with at.books.write() as tx:
                told = done(acts.write_off(tx, by(), node))
    total = consequences.sums_of(told.money)
    if as_json:
        write_json(
            {
                "node": node,
                "accounts": told.accounts,
                "micros": told.money,
                "events": told.events,
                "running": told.running,
                "held": told.held,
                "done": doing,
            }
        )
        return
    if doing:
        console.print(f"Written off: {total} of {told.accounts} accounts. {node} is given nothing.")
        console.print(f"For a new machine: printmesh central node enrol {node}")
        return
    for sentence in told.sentences:
        console.print(sentence, markup=False, highlight=False)
    if not dry_run:
        raise Refusal("nothing was changed; to do it, add --yes")


def _edge(tx: Transaction, name: str) -> NodeRecord:
    known = nodes.find(tx, name)
    if known is None or known.kind != "edge":
        names = (each.id for each in nodes.every(tx) if each.kind == "edge")
        raise unknown("site", name, names, "see `printmesh central node list`")
    return known


# ── quarantine ──────────────────────────────────────────────────────────────────────────────


@aside.command("list")
def list_aside(
    config: Config = None,
    *,
    node: Annotated[str | None, typer.Option(help="Only of this edge.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what was mended.")] = False,
    as_json: AsJson = False,
) -> None:
    """List events that were put aside."""
    with desk(config) as at, at.books.read() as tx:
        found = quarantine.every(tx, node_id=node, also_mended=everything)
    rows = [asdict(each) for each in found]
    columns = ("id", "node", "name", "seq", "type", "state", "reason")
    show(rows, as_json=as_json, columns=columns, empty="Nothing is quarantined.")


@aside.command("show")
def show_aside(id_: Which, config: Config = None, *, as_json: AsJson = False) -> None:
    """Show one event: its text, why it was put aside, what was done about it."""
    with desk(config) as at, at.books.read() as tx:
        put = _put(tx, id_)
    if as_json:
        write_json(asdict(put))
        return
    for key, value in asdict(put).items():
        if value not in {None, ""}:
            console.print(f"{key}: {value}", markup=False, highlight=False)


@aside.command("repair")
def repair(
    id_: Which,
    config: Config = None,
    *,
    file: Annotated[Path, typer.Option("--file", help="The event that stands for it, as JSON.")],
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Apply another event in its place, once; the difference is shown first."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{file} cannot be read: {error}") from error
    with desk(config) as at:
        with at.books.read() as tx:
            put = _put(tx, id_)
        checked = quarantine.check(put, text)
        if isinstance(checked, Refused):
            raise Refusal(checked.reason)
        for line in quarantine.difference(put, text):
            console.print(line, markup=False, highlight=False)
        if dry_run or not yes:
            if not dry_run:
                raise Refusal("nothing was changed; to do it, add --yes")
            return
        with at.books.write() as tx:
            done(acts.repair(tx, by(), id_, text, reason=reason, linked=frozenset()))
    console.print(f"Applied in place of {id_}. Its own text and hash stay.")


@aside.command("replay")
def replay(id_: Which, config: Config = None, *, reason: Reason = "") -> None:
    """Try the event itself again: what was in its way may be gone."""
    with desk(config) as at, at.books.write() as tx:
        done(acts.replay(tx, by(), id_, reason=reason, linked=frozenset()))
    console.print(f"{id_} is applied now.")


@aside.command("dismiss")
def dismiss(id_: Which, config: Config = None, *, reason: Reason, yes: Yes = False) -> None:
    """Let it be without effect; what it had spent at the edge goes back to its accounts."""
    with desk(config) as at:
        if not yes:
            with at.books.read() as tx:
                told = consequences.of_dismissal(tx, _put(tx, id_))
            for sentence in told.sentences:
                console.print(sentence, markup=False, highlight=False)
            raise Refusal("nothing was changed; if that is meant, add --yes")
        with at.books.write() as tx:
            done(acts.dismiss(tx, by(), id_, reason=reason))
    console.print(f"{id_} is dismissed.")


def _put(tx: Transaction, id_: str) -> Put:
    put = quarantine.find(tx, id_)
    if put is None:
        ids = (each.id for each in quarantine.every(tx, also_mended=True))
        raise unknown("quarantined event", id_, ids, "see `printmesh central quarantine list`")
    return put
