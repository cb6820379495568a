"""`tariff` and `printer`: what printing costs, and where it comes out."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path  # noqa: TC003  typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central.acts import printers as printer_acts
from central.acts import rules as acts
from central.acts.printers import Wishes
from central.commands.audit import moment_of
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    amount,
    by,
    console,
    desk,
    done,
    money,
    node_id,
    show,
    unknown,
    write_json,
)
from central.store import directory, nodes
from central.store.ledger import Refused

if TYPE_CHECKING:
    from central.store.books import Transaction

tariffs = typer.Typer(no_args_is_help=True, help="What printing costs: set, list, withdraw.")
printers = typer.Typer(no_args_is_help=True, help="Points of print: add, list, remove.")

Device = Annotated[str, typer.Argument(help="Device id, for ever: 1 to 32 of a-z, 0-9 and -.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="For rules; may be given again; '' for none.")
]


@tariffs.command("set")
def set_tariff(
    file: Annotated[
        Path | None, typer.Argument(help="TOML or JSON with `lines`, as `tariff list` shows them.")
    ] = None,
    config: Config = None,
    *,
    mono: Annotated[str | None, typer.Option(help="Price of a monochrome side.")] = None,
    color: Annotated[str | None, typer.Option(help="Price of a side with colour.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="In force from this day or moment on, UTC.")
    ] = None,
) -> None:
    """Set prices from now on, from a file or as two plain prices; charges name their version."""
    if (file is None) == (mono is None and color is None):
        raise Refusal("give a file, or --mono and --color with prices like 0.05")
    with desk(config) as at, at.books.write() as tx:
        given: dict[str, Any] = {}
        if file is not None:
            given |= _read(file)
        else:
            if mono is None or color is None:
                raise Refusal("give both --mono and --color")
            unit = at.settings.currency
            given["lines"] = [
                {"color": name, "per_impression": _price(text, unit)}
                for name, text in (("monochrome", mono), ("color", color))
            ]
        if from_ is not None:
            given["effective_from"] = moment_of(from_)
        made = acts.set_tariff(tx, by(), given)
        if isinstance(made, Refused):
            raise Refusal(f"{file or 'the prices'}: {made.reason}")
        tariff = made
    console.print(f"Tariff {tariff.version} is in force from {tariff.effective_from:%F %T %Z} on.")


@tariffs.command("list")
def list_tariffs(config: Config = None, *, as_json: AsJson = False) -> None:
    """List tariffs, newest last; the last to have come into force prices a job."""
    with desk(config) as at, at.books.read() as tx:
        found = acts.tariffs(tx)
    found.sort(key=lambda each: each.tariff.version)
    if as_json:
        write_json(
            [
                each.tariff.model_dump(mode="json")
                | {"until": each.until, "state": each.state, "author": each.author}
                for each in found
            ]
        )
        return
    rows = [
        {
            "version": each.tariff.version,
            "from": each.tariff.effective_from,
            "state": each.state,
            "for": " ".join(line.fields),
            "a_side": money(line.per_impression, each.tariff.unit),
            "a_sheet": money(line.per_sheet, each.tariff.unit),
            "by": each.author,
        }
        for each in found
        for line in each.tariff.lines
    ]
    show(
        rows,
        as_json=False,
        columns=("version", "from", "state", "for", "a_side", "a_sheet", "by"),
        empty="No prices yet: nothing can be released. `tariff set --mono 0.05 --color 0.20`",
    )


@tariffs.command("withdraw")
def withdraw_tariff(
    version: Annotated[int, typer.Argument(help="Of `tariff list`.")], config: Config = None
) -> None:
    """Take prices back that are not in force yet."""
    with desk(config) as at, at.books.write() as tx:
        done(acts.withdraw_tariff(tx, by(), version))
    console.print(f"Tariff {version} is withdrawn.")


@printers.command("add")
def add_printer(
    device: Device,
    node: Annotated[str, typer.Option("--node", help="The edge whose site it stands at.")],
    config: Config = None,
    *,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    tag: Tags = None,
) -> None:
    """Enter a point of print, or change where it stands and how it is tagged."""
    device, node = node_id(device), node_id(node)
    wishes = Wishes(node, name or None, None if tag is None else _tags(tag))
    with desk(config) as at, at.books.write() as tx:
        if nodes.find(tx, node) is None:
            known = (each.id for each in nodes.every(tx))
            raise unknown("node", node, known, "enter it with `printmesh central node add`")
        done(printer_acts.enter(tx, by(), device, wishes))
    console.print(f"{device} stands at {node}.")


@printers.command("set")
def set_printer(
    device: Device,
    config: Config = None,
    *,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    copies: Annotated[
        bool | None,
        typer.Option("--copies/--no-copies", help="Copies are charged, by a terminal beside it."),
    ] = None,
    tag: Tags = None,
) -> None:
    """Change what is given of a point of print; the rest stays."""
    device = node_id(device)
    fields: dict[str, Any] = {
        "name": name,
        "copies": copies,
        "tags": None if tag is None else _tags(tag),
    }
    changes = {key: value for key, value in fields.items() if value is not None}
    if not changes:
        raise Refusal("nothing to change; give --name, --copies, --no-copies or --tag")
    if name is not None and not name.strip():
        raise Refusal("a name is needed; people read it at the machine")
    with desk(config) as at, at.books.write() as tx:
        if directory.get(tx, "printer", device) is None:
            raise _no_printer(tx, device)
        done(printer_acts.change(tx, by(), device, Wishes(**changes)))
    console.print(f"Changed {device}.")


@printers.command("remove")
def remove_printer(device: Device, config: Config = None) -> None:
    """Take a point of print away."""
    with desk(config) as at, at.books.write() as tx:
        if directory.get(tx, "printer", device) is None:
            raise _no_printer(tx, device)
        done(printer_acts.remove(tx, by(), device))
    console.print("Removed.")


@printers.command("list")
def list_printers(config: Config = None, *, as_json: AsJson = False) -> None:
    """List points of print."""
    with desk(config) as at, at.books.read() as tx:
        found = directory.live(tx, "printer")
        rows = [{"tags": [], "copies": False, **row} for _, row in found]
    empty = "No printers yet; `printmesh central printer add DEVICE --node NODE`."
    show(rows, as_json=as_json, columns=("device", "node", "name", "tags", "copies"), empty=empty)


def _tags(given: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, given)))


def _no_printer(tx: Transaction, device: str) -> Refusal:
    known = (key for key, _ in directory.live(tx, "printer"))
    return unknown("printer", device, known, "see `printmesh central printer list`")


def _price(text: str, unit: str) -> int:
    micros = amount(text, unit).micros
    if micros < 0:
        raise Refusal(f"{text!r} is no price: it is below zero")
    return micros


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refusal(f"{file} cannot be read: it is not text") from error
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal(f"{file}: {error}") from error
    if not isinstance(found, dict):
        raise Refusal(f"{file} holds no table; `lines` is expected")
    return found
