"""`printmesh demo`: plays the story, shows the table, exits 0 only if every promise held."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from config.command_line import played
from config.errors import PrintmeshError
from config.policy.money import Money

if TYPE_CHECKING:
    from demo.audit import Report
    from demo.lab import Lab

#: Who runs the demo's organisation from its pages.
ADMINISTRATOR: Final = "ada"


@dataclass(frozen=True)
class Opened:
    """Where the pages of a fleet that stays are."""

    address: str
    passwords: dict[str, str]
    """By user name, for this run."""
    jobs: int
    """Of days past."""


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def main(arguments: list[str]) -> int:
    """Play the demo: 0 if all that was promised held, 1 if not, 2 for a wrong command line."""
    return played(app, arguments, "printmesh demo")


@app.command()
def demo(
    *,
    report: Annotated[
        Path | None, typer.Option(help="Also write the result as JSON to this file.")
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--stay", "--keep", help="Leave fleet and pages running until Ctrl-C."),
    ] = False,
) -> None:
    """Play one story on a whole fleet on this machine; takes a minute or two.

    A centre and three sites, one in each role, with their own brokers, print systems and virtual
    printers. People print, release and pay, by rules; lines are cut, each site goes on as far as
    its role lets it; a courier code brings money; all is merged and compared with the paper.
    """
    if report is not None and (report.is_dir() or not report.absolute().parent.is_dir()):
        errors.print(
            f"printmesh demo: {report} cannot be written: name a file in a directory that is there",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(2)
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
        errors.print("`make demo` installs it; `printmesh doctor` says more.")
        raise typer.Exit(1)
    raise typer.Exit(asyncio.run(_play(report, keep=keep)))


async def _play(report_file: Path | None, *, keep: bool) -> int:
    from dataclasses import replace  # noqa: PLC0415  keeps --help fast

    from config import logs  # noqa: PLC0415
    from demo.lab import Lab  # noqa: PLC0415
    from demo.story import PLAN, Story  # noqa: PLC0415

    logs.configure("demo", "error")
    began = time.monotonic()
    root = Path(tempfile.mkdtemp(prefix="pm-"))

    def say(text: str) -> None:
        style = "" if text.startswith("  ") else "bold"
        line = f"{time.monotonic() - began:6.1f} s  {text}"
        console.print(line, style=style, markup=False, soft_wrap=True)

    try:
        async with Lab(replace(PLAN, pages=keep), root=root, say=say) as lab:
            report = await Story(lab, say).play()
            say("Counting it all again: paper, journals, books")
            report = await _verified(lab, report)
            show(report)
            if report_file is not None:
                _write(report, report_file)
            if keep:
                for site in lab.sites.values():
                    await site.hang_up()
                say("Some weeks of days past, as a fourth site would have told them")
                opened = await _with_life(lab)
                _explain(lab)
                _open(opened)
                await _interrupted()
                console.print("\nEnding the fleet.")
    except (PrintmeshError, TimeoutError, OSError) as error:
        # what it waited for is the first line; how each log ends follows
        errors.print(f"printmesh demo: {error}", style="red", markup=False, soft_wrap=True)
        errors.print(f"All logs were kept: {root}", soft_wrap=True)
        return 1
    except BaseException:  # Ctrl-C, or a fault that shows itself
        shutil.rmtree(root, ignore_errors=True)
        raise
    if report.holds:
        shutil.rmtree(root, ignore_errors=True)
    else:
        errors.print(f"All logs and what the printers kept: {root}", soft_wrap=True)
    return 0 if report.holds else 1


async def _with_life(lab: Lab) -> Opened:
    """Put days past into the books, let something go wrong, and let people in at the pages."""
    from central.commands.desk import desk  # noqa: PLC0415  keeps --help fast
    from demo import past  # noqa: PLC0415
    from demo.story import ESSAY  # noqa: PLC0415

    def fill() -> int:
        with desk(lab.root / "central.toml") as at:
            return past.fill(at.books)

    jobs = await asyncio.to_thread(fill)
    await lab.central("user", "add", ADMINISTRATOR)
    await lab.central("staff", "add", ADMINISTRATOR, "administrator")
    passwords = {}
    for user in (ADMINISTRATOR, "ana"):
        told = await lab.central("password", "set", user, "--generate", "--json")
        passwords[user] = str(told["password"])
    north = lab.sites["north"]
    north.agents["north-1"].order(jam=True)
    path = lab.root / "Poem.pdf"
    ESSAY.make(path)
    await north.print(path, user="ana", title="Poem.pdf")
    await north.job("Poem.pdf", "held")
    await north.hang_up()
    return Opened(f"http://127.0.0.1:{lab.pages_port}", passwords, jobs)


async def _interrupted() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


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
    table = Table("site", "role", title="Site by site", title_justify="left")
    for head in ("jobs", "printed without a line", "refused", "past its money"):
        table.add_column(head, justify="right")
    for name, site in report.roles.items():
        beyond = str(Money(site.beyond_micros, "EUR"))
        table.add_row(name, site.role, *map(str, (site.jobs, site.alone, site.refused)), beyond)
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
        f"{report.refused_jobs} releases refused, "
        f"{report.conversions} changed by rules, courier codes typed: {report.courier_codes}, "
        f"{report.billed_micros / 1_000_000:.2f} EUR billed, in {report.seconds:.0f} s",
        soft_wrap=True,
    )
    promises = (
        ("events lost", report.events_lost),
        ("events duplicated", report.events_duplicated),
        ("millionths overspent", report.overspend_micros),
        ("millionths owed and not collected", report.exposure_micros),
    )
    for what, count in promises:
        console.print(f"  {what}: {count}", style="red" if count else "green")
    for problem in report.problems:
        console.print(f"  {problem}", style="red", markup=False, soft_wrap=True)
    style = "bold green" if report.holds else "bold red"
    console.print("Every promise held." if report.holds else "NOT every promise held.", style=style)


def _open(opened: Opened) -> None:
    """Say where the pages are, and who gets in."""
    console.print(f"\nThe centre's pages: {opened.address}", style="bold", soft_wrap=True)
    for user, what in ((ADMINISTRATOR, "runs the whole organisation"), ("ana", "a document waits")):
        console.print(
            f"  {user:<4} {opened.passwords[user]}  ({what})", markup=False, soft_wrap=True
        )
    console.print(
        f"  These passwords are for this run alone. East and its {opened.jobs} jobs are made up: "
        "days past, so that there is something to look at; all else was printed just now.",
        soft_wrap=True,
    )


def _explain(lab: Lab) -> None:
    """Say what can be done with the fleet, in lines that can be pasted."""
    site = next(iter(lab.sites.values()))
    # not everybody's PATH has the environment this runs in
    program = Path(sys.argv[0]).absolute() if Path(sys.argv[0]).is_file() else "printmesh"
    central, edge = lab.root / "central.toml", site.config
    console.print("\nThe fleet runs until Ctrl-C. Try, in another terminal:", style="bold")
    for what, line in (
        ("print something as Ana", f"lp -h {site.cups.server} -U ana -d print2me README.md"),
        ("see that it is held", f"{program} edge jobs -c {edge}"),
        (
            "release it (the first digits of the job will do)",
            f"{program} edge release JOB --printer {site.name}-1 --user ana -c {edge}",
        ),
        ("or throw it away", f"{program} edge cancel JOB --user ana -c {edge}"),
        ("how the site is", f"{program} edge status -c {edge}"),
        ("what everybody has, and where", f"{program} central balance -c {central}"),
        ("what was printed", f"{program} central jobs -c {central}"),
        ("why a job cost what it cost", f"{program} central rule explain JOB -c {central}"),
        ("the worst case at this moment", f"{program} central exposure -c {central}"),
        (
            "make the agent a remote site",
            f"{program} central role south remote -c {central}",
        ),
        ("check the books and every site", f"{program} central verify --edges -c {central}"),
    ):
        console.print(f"  # {what}", style="dim")
        console.print(f"  {line}", soft_wrap=True)
    console.print(f"Logs and what the printers kept: {lab.root}", soft_wrap=True)
