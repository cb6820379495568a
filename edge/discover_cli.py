"""`printmesh edge discover`: printers in a range of addresses, and how to set them up."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import typer

from config.errors import PrintmeshError
from edge.showing import console, errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from config.settings import EdgeSettings
    from config.settings_devices import SnmpProfile
    from edge.devices.discovery import Plan, Sweep
    from edge.devices.words import Found

_SLUG: Final = re.compile(r"[^a-z0-9]+")
_ID: Final = 32
_SHOWN: Final = 8


class CannotDiscoverError(PrintmeshError):
    """What was asked for cannot be looked through; its text says why."""


def discover(
    ranges: Annotated[
        list[str],
        typer.Argument(
            help="Addresses, ranges (10.1.2.10-40), networks (10.1.2.0/24), or files of them."
        ),
    ],
    config: Annotated[
        Path,
        typer.Option(
            "--config",
            "-c",
            help="Settings with SNMP profiles and the printers that are known.",
            envvar="PRINTMESH_CONFIG",
        ),
    ] = Path("edge.toml"),
    *,
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", help="Profile to ask by; several are tried in turn. All, else."),
    ] = None,
    rate: Annotated[
        float, typer.Option(help="New addresses a second at most.", min=0.1, max=500)
    ] = 50.0,
    apply: Annotated[
        bool, typer.Option("--apply", help="Ask them; without, only say what would be asked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for machines.")] = False,
) -> None:
    """Find printers by SNMP: what would be asked is shown first; then what they are and settings.

    Nothing is changed: the tables it prints are to be pasted into edge.toml.
    """
    from edge.devices.discovery import discover as sweep_through  # noqa: PLC0415  keeps --help fast
    from edge.devices.discovery import listed, plan  # noqa: PLC0415

    profiles, known = _told_by(config, profile or [])
    addresses = listed(ranges)
    if not addresses:
        raise CannotDiscoverError("there is no address in what was given")
    wanted = plan(addresses, profiles, rate=rate)
    if not apply:
        if as_json:
            _write(_planned(wanted))
            return
        console().print(_sentence(wanted, profiles), markup=False, soft_wrap=True)
        console().print("Nothing was sent; `--apply` asks them.")
        return
    from config import logs  # noqa: PLC0415  only who asks logs

    logs.configure("edge", "error")
    with _Progress(len(addresses), shown=not as_json) as progress:
        sweep = asyncio.run(sweep_through(wanted, profiles, known=known, told=progress.told))
    if as_json:
        _write(_as_data(sweep))
        return
    _show(sweep)


def _told_by(config: Path, names: list[str]) -> tuple[dict[str, SnmpProfile], dict[str, str]]:
    """Return the profiles to ask by, and which serial numbers the site knows."""
    from config.settings import EdgeSettings, load  # noqa: PLC0415  keeps --help fast
    from config.settings_devices import SnmpProfile  # noqa: PLC0415

    profiles: dict[str, SnmpProfile] = {}
    known: dict[str, str] = {}
    if config.is_file():
        settings = load(EdgeSettings, config)
        profiles = dict(settings.snmp)
        known = _known(settings)
    elif names:
        raise CannotDiscoverError(f"there is no {config}, and so no profile {names[0]!r}")
    if missing := [name for name in names if name not in profiles]:
        there = ", ".join(profiles) or "none"
        raise CannotDiscoverError(f"no profile {missing[0]!r} in {config}; there are: {there}")
    if names:
        return {name: profiles[name] for name in names}, known
    return profiles or {"public": SnmpProfile()}, known


def _known(settings: EdgeSettings) -> dict[str, str]:
    """Return the serial numbers of a site's printers: those set, and those an edge has learned."""
    from edge.devices.identity import clean  # noqa: PLC0415  keeps --help fast
    from edge.devices.keeping import KeptFiles  # noqa: PLC0415

    kept = KeptFiles(settings.data / "devices")
    known: dict[str, str] = {}
    for each in settings.printers:
        learned = kept.read(each.id).machine.serials.values()
        for serial in (each.serial, *learned):
            if serial:
                known.setdefault(clean(serial), each.id)
    return known


def _sentence(wanted: Plan, profiles: Mapping[str, SnmpProfile]) -> str:
    how = ", then ".join(
        f"profile {name} (SNMP {profiles[name].version}, port {profiles[name].port})"
        for name in wanted.profiles
    )
    first, last = wanted.addresses[0], wanted.addresses[-1]
    where = first if first == last else f"{first} to {last}"
    count = len(wanted.addresses)
    what = "address" if count == 1 else "addresses"
    return (
        f"{count:,} {what} ({where}) would be asked by {how}, at most {wanted.rate:g} new ones "
        f"a second; it takes {wanted.seconds:.0f} s at most where one in twenty is a printer."
    )


def _show(sweep: Sweep) -> None:
    from rich.table import Table  # noqa: PLC0415  only who shows waits for it
    from rich.text import Text  # noqa: PLC0415

    if sweep.found:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for head in ("address", "model", "serial", "pages", "known as"):
            table.add_column(head, overflow="fold", justify="right" if head == "pages" else "left")
        for each in sweep.found:
            cells = (
                each.address,
                each.reading.model or each.reading.maker or "?",
                each.reading.serial or "-",
                _pages(each),
                each.known_as or "-",
            )
            table.add_row(*map(Text, cells))
        console().print(table)
    count = len(sweep.found)
    printers = "printer" if count == 1 else "printers"
    addresses = "address" if sweep.asked == 1 else "addresses"
    said = f"{count} {printers} at {sweep.asked:,} {addresses} asked"
    if sweep.others:
        said += f"; {len(sweep.others)} answer SNMP and are no printers"
    console().print(f"{said}.", markup=False, soft_wrap=True)
    for reason in sweep.refused[:_SHOWN]:
        errors().print(f"  {reason}", style="yellow", markup=False, soft_wrap=True)
    if len(sweep.refused) > _SHOWN:
        errors().print(f"  and {len(sweep.refused) - _SHOWN} more")
    if new := [each for each in sweep.found if each.known_as is None]:
        console().print("\nFor edge.toml; choose ids and names, an id stays for ever:\n")
        for table_text in tables(new):
            console().print(table_text, markup=False, soft_wrap=True)


def tables(found: Iterable[Found]) -> list[str]:
    """Return a `[[printers]]` table for each, in TOML."""
    written = []
    taken: set[str] = set()
    for each in found:
        name = each.reading.model or each.reading.maker or f"Printer at {each.address}"
        chosen = _id(name, each.reading.serial or each.address, taken)
        uri = each.facts.get("uri")
        lines = [
            "[[printers]]",
            f"id = {_quoted(chosen)}",
            f"name = {_quoted(name)}",
            f"uri = {_quoted(uri)}"
            if uri
            else f"uri = {_quoted(f'ipp://{_in_uri(each.address)}/ipp/print')}"
            "  # did not answer IPP there",
            f"queue = {_quoted(chosen)}",
            f"snmp = {_quoted(each.facts.get('profile', 'public'))}",
        ]
        if each.reading.serial and len(each.reading.serial) <= 2 * _ID:
            lines.append(f"serial = {_quoted(each.reading.serial)}")
        if each.facts.get("color") == "no":
            lines.append("color = false")
        written.append("\n".join([*lines, ""]))
    return written


def _id(name: str, apart: str, taken: set[str]) -> str:
    """Make up a device id that none has yet."""
    tail = _SLUG.sub("-", apart.lower()).strip("-")[-8:].strip("-")
    head = _SLUG.sub("-", name.lower()).strip("-")[: _ID - len(tail) - 4].strip("-")
    base = f"{head}-{tail}" if head and tail else head or tail or "printer"
    chosen, number = base, 2
    while chosen in taken:
        chosen, number = f"{base}-{number}", number + 1
    taken.add(chosen)
    return chosen


def _in_uri(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _quoted(text: str) -> str:
    """Write a basic string of TOML; JSON's escapes are among TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _pages(found: Found) -> str:
    total = next((each for each in found.reading.meters if each.name == "total"), None)
    if total is None:
        return "-"
    return f"{total.value:,}" if total.unit == "impressions" else f"{total.value:,} {total.unit}"


def _planned(wanted: Plan) -> dict[str, Any]:
    return {
        "addresses": len(wanted.addresses),
        "first": wanted.addresses[0],
        "last": wanted.addresses[-1],
        "profiles": list(wanted.profiles),
        "rate": wanted.rate,
        "seconds_at_most": round(wanted.seconds),
        "asked": 0,
    }


def _as_data(sweep: Sweep) -> dict[str, Any]:
    return {
        "asked": sweep.asked,
        "printers": [
            {
                "address": each.address,
                "serial": each.reading.serial,
                "maker": each.reading.maker,
                "model": each.reading.model,
                "known_as": each.known_as,
                "meters": [meter.model_dump() for meter in each.reading.meters],
                **each.facts,
            }
            for each in sweep.found
        ],
        "others": sweep.others,
        "refused": sweep.refused,
    }


def _write(what: object) -> None:
    console().print_json(json.dumps(what))


class _Progress:
    """A bar on standard error, where a person looks at it."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self._total = total
        self._shown = shown and sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self._shown:
            from rich.progress import Progress  # noqa: PLC0415  only who looks waits for it

            self._bar = Progress(console=errors(), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("asking", total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def told(self, sweep: Sweep) -> None:
        """Say how far it is."""
        if self._bar is not None:
            text = f"asking, {len(sweep.found)} found"
            self._bar.update(self._task, completed=sweep.asked, description=text)
