"""Shows a run: one line while it goes on, the table when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from config.policy.money import Money
from demo.chaos.kinds import Kind

if TYPE_CHECKING:
    from rich.console import Console

    from demo.chaos.oracle import Verdict
    from demo.chaos.run import Outcome, Run

_EVERY = 25
_SHOWN = 30
_LONGEST = 600


class Line:
    """The line; on no terminal, a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = ""
        columns = (
            TextColumn("faults"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
        )
        self._bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, run: Run, text: str) -> None:
        """Say what happens now."""
        done, planned = run.outcome.done.total(), run.outcome.planned
        self._bar.update(self._task, description=text, completed=done, total=planned)
        if self._console.is_terminal:
            return
        kinds = {kind.value for kind in Kind}
        line = text
        if any(text.startswith(kind) for kind in kinds):
            line = f"{done - done % _EVERY} of {planned} faults"
        if line != self._said:
            self._said = line
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def show(outcome: Outcome, console: Console) -> None:
    """Show faults by kind, what came of them, and whatever does not hold."""
    table = Table("fault", title=f"Faults, seed {outcome.order.seed}", title_justify="left")
    table.add_column("times", justify="right")
    for kind, count in sorted(outcome.done.items(), key=lambda each: -each[1]):
        table.add_row(kind, str(count))
    for kind, why in outcome.left_out.items():
        table.add_row(f"{kind}: left out, {why}", "-")
    table.add_section()
    table.add_row("all", str(outcome.done.total()))
    console.print(table)
    if outcome.verdict is not None:
        console.print(_results(outcome, outcome.verdict))
    problems = outcome.all_problems
    for problem in problems[:_SHOWN]:
        console.print(f"  {problem[:_LONGEST]}", style="red", markup=False, soft_wrap=True)
    if len(problems) > _SHOWN:
        console.print(f"  … and {len(problems) - _SHOWN} more", style="red")


def _results(outcome: Outcome, verdict: Verdict) -> Table:
    table = Table("what came of it", title="Result", title_justify="left")
    table.add_column("", justify="right")
    euros = Money(verdict.overspent_micros, "EUR")
    rows = [
        ("jobs", verdict.jobs),
        ("events of edges in the books", verdict.events),
        ("impressions printed", verdict.printed),
        ("impressions billed", verdict.billed),
        ("lost", verdict.lost),
        ("doubled", verdict.doubled),
        ("overspent", euros),
        ("charged past the allocation, by leave", Money(verdict.past_micros, "EUR")),
        ("  of which still owed", Money(verdict.owed_micros, "EUR")),
        ("jobs flagged", verdict.flags.total()),
        ("jobs in flight at a kill", verdict.in_flight),
        ("copies made", sum(each.made for each in verdict.copies.values())),
        ("  billed", sum(each.billed for each in verdict.copies.values())),
        ("  lost with a terminal that was killed", sum(c.lost for c in verdict.copies.values())),
        ("releases refused", sum(outcome.refusals.values())),
        ("forks made (a disk rolled back, outside the failure model)", len(outcome.rollbacks)),
        ("  seen by the centre", sum(each.detected for each in outcome.rollbacks)),
        ("  resolved by an administrator", sum(each.resolved for each in outcome.rollbacks)),
        ("  lost by them", _lost(outcome)),
        ("print systems that crashed by themselves, and were started again", outcome.crashes),
        ("longest recovery of a site, seconds", outcome.longest_recovery),
        ("from the last fault until all was merged, seconds", outcome.calm_seconds),
        ("faults went on for, seconds", outcome.seconds),
    ]
    for name, value in rows:
        table.add_row(name, str(value))
    return table


def _lost(outcome: Outcome) -> str:
    lost = Money(sum(each.lost_micros for each in outcome.rollbacks), "EUR")
    bound = Money(sum(each.bound_micros for each in outcome.rollbacks), "EUR")
    return f"{lost} (at most {bound})"
