"""`migrate`, `jobs` and `verify`: the books themselves."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    console,
    desk,
    errors,
    money,
    node_id,
    settings_of,
    show,
    write_json,
)
from central.edge_check import Edge, EdgeCheck
from central.opening import open_books, refuse_if_lost
from central.presence import is_linked
from central.store import lists, nodes
from central.store.schema import migrate_url
from central.store.verify import Counts, verify
from config.policy.jobs import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from central.store.nodes import NodeRecord
    from central.store.verify_charges import Finding


def migrate(config: Config = None) -> None:
    """Bring the database to this version's schema; makes it when there is none."""
    settings = settings_of(config)
    refuse_if_lost(settings)
    before, after = migrate_url(settings.url)
    books = open_books(settings)
    identity = books.identity
    books.close()
    moved = "is new" if before is None else f"was at {before}"
    console.print(f"The schema {moved}, it is at {after} now.")
    console.print(f"Coordinator {identity.node}, incarnation {identity.incarnation}.")


def jobs(
    config: Config = None,
    *,
    user: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    node: Annotated[str | None, typer.Option(help="Only of this edge.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this IPP job state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List jobs as their edges have told of them."""
    states = [each.value for each in JobState]
    if state is not None and state not in states:
        raise Refusal(f"{state!r} is no job state; one of {', '.join(states)}")
    if node is not None:
        node_id(node)
    which = lists.JobFilter(user=user.lower() if user else None, node=node, state=state)
    with desk(config) as at, at.books.read() as tx:
        found = lists.jobs(tx, which)
    rows = [
        {
            "job": str(each.job.job),
            "node": each.job.node,
            "user": each.job.user,
            "queue": each.job.queue,
            "name": each.job.name,
            "state": each.job.state,
            "printer": each.job.printer,
            "attempt": each.job.attempt,
            "impressions": each.job.impressions,
            "paid": list(each.paid),
            "cost": _sums(each.paid),
            "detail": each.job.detail,
            "flag": each.job.flag,
            "counts": [count.model_dump(mode="json") for count in each.job.counts],
            "received_at": each.job.received_at,
            "updated_at": each.updated_at,
        }
        for each in found
    ]
    columns = ("job", "node", "user", "name", "state", "printer", "impressions", "cost", "flag")
    show(rows, as_json=as_json, columns=columns, empty="No jobs.")


def _sums(paid: Iterable[Mapping[str, Any]]) -> str:
    """Say what a job cost, one sum for each unit, whoever paid which part."""
    sums: dict[str, int] = {}
    for part in paid:
        sums[part["unit"]] = sums.get(part["unit"], 0) + part["micros"]
    return ", ".join(money(micros, unit) for unit, micros in sums.items())


def verify_books(
    config: Config = None,
    *,
    edges: Annotated[
        bool, typer.Option("--edges", help="Also compare with what each linked edge says.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Re-fold the whole ledger and every chain; exit status 1 on any difference."""
    counts = Counts()
    silent: list[str] = []
    with desk(config) as at:
        with at.books.read() as tx, _progress() as progress:
            findings = list(verify(tx, counts, progress))
            fleet = nodes.every(tx)
            now = tx.now
        if edges:
            for each in fleet:
                if each.kind != "edge" or each.incarnation is None:
                    continue
                if not _linked(each, now):
                    silent.append(each.id)
                    continue
                errors.print(f"asking {each.id} …", style="dim")
                findings += EdgeCheck(at.books, Edge(each.id, each.incarnation)).findings()
    _report(findings, counts, silent, as_json=as_json)
    if findings:
        raise typer.Exit(1)


def _report(findings: list[Finding], counts: Counts, silent: list[str], *, as_json: bool) -> None:
    if as_json:
        found = [asdict(finding) for finding in findings]
        write_json({**asdict(counts), "not_linked": silent, "findings": found, "ok": not findings})
        return
    for finding in findings:
        console.print(
            f"{finding.check}: {finding.where}: {finding.detail}", style="red", markup=False
        )
    console.print(
        f"{counts.entries} entries, {counts.locations} balances, {counts.events} events in "
        f"{counts.streams} streams, {counts.quarantined} quarantined: "
        + (f"{len(findings)} differences." if findings else "all of it agrees."),
        highlight=False,
    )
    for node in silent:
        console.print(f"{node} is not linked; it was not asked.", style="yellow")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("checking events"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("events", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _linked(each: NodeRecord, now: Any) -> bool:  # noqa: ANN401
    return is_linked(linked=each.linked, seen_at=each.seen_at, now=now)
