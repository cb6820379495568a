"""`printmesh demo`: plays the story, shows the table, exits 0 only if every promise held."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from config.errors import PrintmeshError
from config.policy.money import Money

if TYPE_CHECKING:
    from demo.audit import Report
    from demo.lab import Lab

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def main(arguments: list[str]) -> int:
    """Play the demo: 0 if all that was promised held, 1 if not, 2 for a wrong command line."""
    try:
        app(args=arguments, prog_name="printmesh demo")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except PrintmeshError as error:
        errors.print(f"printmesh demo: {error}", style="red", soft_wrap=True)
        return 1
    return 0


@app.command()
def demo(
    *,
    report: Annotated[
        Path | None, typer.Option(help="Also write the result as JSON to this file.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the fleet running until Ctrl-C.")
    ] = False,
) -> None:
    """Play one story on a whole fleet on this machine; takes about a minute.

    A centre, two sites with their own brokers, print systems and virtual printers. People print,
    release and pay; one site is cut off, goes on within the money it has, and is merged again.
    """
    import tempfile  # noqa: PLC0415  keeps --help fast

    from demo.doctor import State, examine  # noqa: PLC0415
    from demo.machine import ThisMachine  # noqa: PLC0415

    findings = examine(ThisMachine(), Path(tempfile.gettempdir()))
    missing = [
        f"{each.what}: {each.found}; {each.how}" for each in findings if each.state is State.MISSING
    ]
    if missing:
        errors.print("This machine lacks what the demo needs:", style="red")
        for line in missing:
            errors.print(f"  {line}")
        errors.print("`make setup` installs it; `printmesh doctor` says more.")
        raise typer.Exit(1)
    raise typer.Exit(asyncio.run(_play(report, keep=keep)))


async def _play(report_file: Path | None, *, keep: bool) -> int:
    from config import logs  # noqa: PLC0415  keeps --help fast
    from demo.lab import Lab  # noqa: PLC0415
    from demo.story import PLAN, Story  # noqa: PLC0415

    logs.configure("demo", "error")
    began = time.monotonic()

    def say(text: str) -> None:
        style = "" if text.startswith("  ") else "bold"
        console.print(f"{time.monotonic() - began:6.1f} s  {text}", style=style)

    async with Lab(PLAN, say=say) as lab:
        report = await Story(lab, say).play()
        say("Counting it all again: paper, journals, books")
        report = await _verified(lab, report)
        show(report)
        if report_file is not None:
            _write(report, report_file)
        if keep:
            _explain(lab)
            await asyncio.Event().wait()
    return 0 if report.holds else 1


async def _verified(lab: Lab, report: Report) -> Report:
    """Let centre and edges verify themselves too; what they find is a problem like any other."""
    from dataclasses import replace  # noqa: PLC0415

    from demo.lab_error import LabError  # noqa: PLC0415

    commands: list[tuple[str, ...]] = [("central", "verify", "--edges")]
    commands += [("edge", "verify", "--config", str(site.config)) for site in lab.sites.values()]
    problems = list(report.problems)
    for words in commands:
        try:
            await lab.command(*words)
        except LabError as error:
            problems.append(str(error))
    return replace(report, problems=tuple(problems))


def _write(report: Report, file: Path) -> None:
    file.write_text(json.dumps(report.figures(), indent=2) + "\n")
    console.print(f"The same as JSON: {file}", soft_wrap=True)


def show(report: Report) -> None:
    """Show the result: printers, accounts, promises."""
    table = Table("printer", title="Paper against bills", title_justify="left")
    for head in ("jobs", "impressions printed", "impressions billed"):
        table.add_column(head, justify="right")
    for machine in report.machines:
        row = (machine.printer, machine.jobs, machine.printed, machine.billed)
        table.add_row(*map(str, row))
    total = sum(machine.jobs for machine in report.machines)
    table.add_section()
    table.add_row(
        "all", str(total), str(report.impressions_printed), str(report.impressions_billed)
    )
    console.print(table)
    table = Table("account", title="Balances against their postings", title_justify="left")
    for head in ("where it sits", "balance", "sum of its postings"):
        table.add_column(head, justify="right")
    for account in report.accounts:
        if account.account.startswith("user:"):
            where = ", ".join(
                f"{place or 'centre'} {micros / 1_000_000:.2f}"
                for place, micros in account.places.items()
                if micros
            )
            table.add_row(
                account.account,
                where,
                str(Money(sum(account.places.values()), account.unit)),
                str(Money(sum(account.folded.values()), account.unit)),
            )
    console.print(table)
    console.print(
        f"{report.jobs} jobs, {report.offline_jobs} of them while a site worked alone, "
        f"{report.refused_jobs} releases refused, {report.billed_micros / 1_000_000:.2f} billed, "
        f"in {report.seconds:.0f} s"
    )
    promises = (
        ("events lost", report.events_lost),
        ("events duplicated", report.events_duplicated),
        ("overspent, micros", report.overspend_micros),
    )
    for what, count in promises:
        console.print(f"  {what}: {count}", style="red" if count else "green")
    for problem in report.problems:
        console.print(f"  {problem}", style="red")
    style = "bold green" if report.holds else "bold red"
    console.print("Every promise held." if report.holds else "NOT every promise held.", style=style)


def _explain(lab: Lab) -> None:
    site = next(iter(lab.sites.values()))
    console.print("\nThe fleet runs until Ctrl-C. Try, in another terminal:", style="bold")
    for line in (
        f"printmesh central balance --config {lab.root / 'central.toml'}",
        f"lp -h {site.cups.server} -U ana -d print2me FILE",
        f"printmesh edge jobs --config {site.config}",
        f"printmesh edge release JOB --printer {site.name}-1 --user ana --config {site.config}",
        f"printmesh edge status --config {site.config}",
    ):
        console.print(f"  {line}", soft_wrap=True)
    console.print(f"Logs and what the printers kept: {lab.root}", soft_wrap=True)
