"""`printmesh doctor`: says what this machine has and lacks for the demo, and how to get it."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.command_line import played
from demo.machine import ThisMachine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.machine import Disk, Machine

_PYTHON = (3, 11)
_FREE_BYTES = 500 * 1024 * 1024
_SLOW_SYNC_SECONDS = 0.05
_MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})
_APT = "apt-get install -y --no-install-recommends"


class State(StrEnum):
    """How one thing stands."""

    OK = "ok"
    MISSING = "missing"
    """The demo cannot run without it."""
    OPTIONAL = "optional"
    """Not there, or not as it should be; the demo runs all the same."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    what: str
    state: State
    found: str
    """What is there instead, or where it is."""
    why: str
    """What it is needed for."""
    how: str
    """How to get it; empty when all is well."""
    package: str = ""
    """The Debian package to install, if that is how."""


@dataclass(frozen=True, slots=True)
class _Program:
    name: str
    package: str
    why: str
    needed: bool = True


_PROGRAMS = (
    _Program("cupsd", "cups", "each site of the demo has a print server of its own"),
    _Program("lp", "cups-client", "the people of the demo print with it"),
    _Program("ippeveprinter", "cups-ipp-utils", "it is the demo's printers"),
    _Program("dbus-daemon", "dbus", "ippeveprinter does not start without a message bus"),
    _Program("gs", "ghostscript", "counts the pages of PostScript"),
    _Program("pdfinfo", "poppler-utils", "counts by another hand what the printers received"),
    _Program("mosquitto", "mosquitto", "the tests try the wire on a second broker", needed=False),
    _Program("mosquitto_sub", "mosquitto-clients", "looking at the wire by hand", needed=False),
)
#: Any one of the names will do: releases of cups-filters differ in what they call it.
_FILTERS = (
    (("universal", "pdftopdf"), "prints PDF on any printer"),
    (("texttopdf",), "counts and prints plain text"),
    (("rastertopdf",), "counts raster documents"),
)


def examine(machine: Machine, directory: Path) -> Iterator[Finding]:
    """Yield what a machine has and lacks, to keep the demo's files in a directory."""
    yield _python(machine)
    for program in _PROGRAMS:
        yield _program(machine, program)
    for names, why in _FILTERS:
        yield _filter(machine, names, why)
    if (user := machine.missing_user()) is not None:
        yield Finding(
            f"user {user}",
            State.MISSING,
            "no such user",
            "a cupsd that root starts works as this user",
            f"useradd --system {user}, or run the demo as an ordinary user",
        )
    yield _apparmor(machine)
    yield _pycups(machine)
    disk = machine.disk(directory)
    yield _space(disk)
    yield _durability(disk)
    yield _port(machine)


def can_run(findings: list[Finding]) -> bool:
    """Say whether the demo can run on such a machine."""
    return all(finding.state is not State.MISSING for finding in findings)


def _python(machine: Machine) -> Finding:
    version = ".".join(map(str, machine.python))
    fits = machine.python[:2] >= _PYTHON
    return Finding(
        "Python 3.11 or newer",
        State.OK if fits else State.MISSING,
        version,
        "Printmesh is written in it",
        "" if fits else "install python3.11 or newer, then make the environment anew",
    )


def _program(machine: Machine, wanted: _Program) -> Finding:
    place = machine.program(wanted.name)
    absent = State.MISSING if wanted.needed else State.OPTIONAL
    return Finding(
        wanted.name,
        State.OK if place else absent,
        place or "not found",
        wanted.why,
        "" if place else f"{_APT} {wanted.package}",
        "" if place else wanted.package,
    )


def _filter(machine: Machine, names: tuple[str, ...], why: str) -> Finding:
    present = next((name for name in names if machine.cups_filter(name)), None)
    return Finding(
        f"CUPS filter {' or '.join(names)}",
        State.OK if present else State.MISSING,
        present or "not found",
        why,
        "" if present else f"{_APT} cups-filters",
        "" if present else "cups-filters",
    )


def _apparmor(machine: Machine) -> Finding:
    place = machine.program("cupsd") or "/usr/sbin/cupsd"
    confined = machine.confined(place)
    return Finding(
        "cupsd not confined",
        State.OPTIONAL if confined else State.OK,
        "AppArmor enforces a profile" if confined else "no profile enforced",
        "the profile of the system's cupsd may keep a private one from its own files",
        f"if the demo's print servers do not start: aa-complain {place}" if confined else "",
    )


def _pycups(machine: Machine) -> Finding:
    problem = machine.module("cups")
    return Finding(
        "pycups",
        State.MISSING if problem else State.OK,
        problem or "can be imported",
        "an edge talks to CUPS through it",
        f"{_APT} libcups2-dev gcc python3-dev, then pip install 'printmesh[cups]'"
        if problem
        else "",
    )


def _space(disk: Disk) -> Finding:
    enough = disk.free_bytes >= _FREE_BYTES
    return Finding(
        f"free space in {disk.directory}",
        State.OK if enough else State.MISSING,
        f"{disk.free_bytes // 1024**2:,} MiB",
        "documents, spools and books of the demo: 500 MiB are plenty",
        "" if enough else "free some, or name another place with --directory",
    )


def _durability(disk: Disk) -> Finding:
    what = f"fdatasync in {disk.directory}"
    why = "a job is released only when its price is held on the disk"
    seconds = disk.sync_seconds
    if seconds is None:
        how = "name a directory that can be written with --directory"
        return Finding(what, State.MISSING, disk.problem, why, how)
    found = f"{disk.file_system}, {seconds * 1000:.2f} ms"
    if disk.file_system in _MEMORY_FILE_SYSTEMS:
        how = "good for the demo; give a real site a disk, this is lost with the power"
        return Finding(what, State.OPTIONAL, found, why, how)
    if seconds > _SLOW_SYNC_SECONDS:
        how = "it works, but every release waits for it; a faster disk helps"
        return Finding(what, State.OPTIONAL, found, why, how)
    return Finding(what, State.OK, found, why, "")


def _port(machine: Machine) -> Finding:
    problem = machine.port_problem()
    return Finding(
        "ports of 127.0.0.1",
        State.MISSING if problem else State.OK,
        problem or "can be listened on and reached",
        "every part of the demo listens on a free port of this machine",
        "allow connections on the loopback interface" if problem else "",
    )


# ── the command ─────────────────────────────────────────────────────────────────────────────

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def main(arguments: list[str]) -> int:
    """Run `printmesh doctor`: 0 when the demo can run here, 1 when not, 2 for a wrong command."""
    return played(app, arguments, "printmesh doctor")


@app.command()
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for machines.")] = False,
    directory: Annotated[
        Path | None, typer.Option(help="Where the files would be; the temporary directory if none.")
    ] = None,
) -> None:
    """Say what this machine has and lacks for the demo, and how to get it."""
    findings = list(examine(ThisMachine(), directory or Path(tempfile.gettempdir())))
    if as_json:
        answer = {"can_run": can_run(findings), "findings": [asdict(each) for each in findings]}
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        show(findings, Console())
    raise typer.Exit(0 if can_run(findings) else 1)


def show(findings: list[Finding], console: Console) -> None:
    """Print the findings as a table, then what to do."""
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "state", "needed because", "found, and how to get it"):
        table.add_column(heading, overflow="fold")
    for each in findings:
        how = f"{each.found}: {each.how}" if each.how else each.found
        # Text, not markup: `printmesh[cups]` is no colour
        state = Text(each.state, style=_colour(each.state))
        table.add_row(Text(each.what), state, Text(each.why), Text(how))
    console.print(table)
    packages = sorted({each.package for each in findings if each.package})
    if packages:
        _say(console, f"On Debian or Ubuntu, all of it at once: sudo {_APT} {' '.join(packages)}")
    missing = [each.what for each in findings if each.state is State.MISSING]
    if missing:
        _say(console, f"The demo cannot run here yet; missing: {', '.join(missing)}.")
    else:
        _say(console, "The demo can run here: printmesh demo")


def _say(console: Console, line: str) -> None:
    console.print()
    console.print(line, soft_wrap=True, highlight=False, markup=False)


def _colour(state: State) -> str:
    match state:
        case State.OK:
            return "green"
        case State.MISSING:
            return "bold red"
        case State.OPTIONAL:
            return "yellow"
        case _:
            assert_never(state)
