"""`printmesh watch`: the fleet live in a terminal, or once; it subscribes like anybody else."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from broker.dashboard.events import Linked, Told
from broker.dashboard.fleet_view import Fleet
from broker.dashboard.fleet_words import (
    LINKS,
    answer,
    as_json,
    clock,
    happened_line,
    plain,
    printer_line,
    printer_word,
    site_line,
)
from broker.dashboard.line import DashboardLine
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import RenderableType

    from broker.dashboard.fleet_view import PrinterSeen, SiteSeen
    from config.settings_dashboard import WatchSettings

#: Seconds: the screen changes at most so often, and at least so often, for times that go on.
_APART: Final = 0.25
_AT_LEAST: Final = 5.0
#: What the broker kept has come when nothing more came for so long.
QUIET: Final = 0.5
#: Lines that are not rows: the answer, the broker, titles and blanks.
_FRAME: Final = 8
_GOOD, _WAITING, _TROUBLE = "green", "yellow", "red"
_STYLES: Final = {
    "linked": _GOOD,
    "alone": _WAITING,
    "cut-off": _WAITING,
    "out-of-service": _TROUBLE,
}


class NotHeard(PrintmeshError):
    """Nothing was heard of the fleet in time."""


def _now() -> datetime:
    return datetime.now(UTC)


def broker_of(settings: WatchSettings) -> str:
    """Return where it listens, for people."""
    return f"{settings.broker.host}:{settings.broker.port}"


async def once(settings: WatchSettings, *, patience: float) -> Fleet:
    """Listen until the broker has told what it kept; return the fleet as it is now.

    Args:
        settings: where, and as whom.
        patience: seconds that it may take altogether.

    Raises:
        NotHeard: no connection in that time.
    """
    fleet, loop = Fleet(), asyncio.get_running_loop()
    until = loop.time() + patience
    async with DashboardLine.open(settings.broker, settings.node) as line:
        events, told = line.events(), loop.time()
        while (end := min(until, told + QUIET) if fleet.linked else until) > loop.time():
            step = asyncio.ensure_future(anext(events))
            await asyncio.wait({step}, timeout=end - loop.time())
            if not step.done():
                step.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await step
                break
            event = step.result()
            fleet.take(event, _now())
            # news of a busy fleet goes on for ever; what was kept does not
            if isinstance(event, Linked) or (isinstance(event, Told) and event.kept):
                told = loop.time()
        if not fleet.linked:
            raise NotHeard(f"no line to {broker_of(settings)}: {line.trouble}")
    return fleet


def show_once(fleet: Fleet, settings: WatchSettings, *, machine: bool) -> None:
    """Write the fleet to standard output, for people or for machines."""
    if machine:
        json.dump(as_json(fleet, broker_of(settings)), sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
        return
    console = Console(highlight=False)
    whole = drawn(fleet, broker_of(settings), "", _now(), console.width, None)
    console.print(whole)


async def live(settings: WatchSettings) -> None:
    """Show the fleet until SIGINT or SIGTERM."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    fleet, changed, console = Fleet(), asyncio.Event(), Console(highlight=False)

    async with DashboardLine.open(settings.broker, settings.node) as line:

        def draw() -> RenderableType:
            where = broker_of(settings)
            return drawn(fleet, where, line.trouble, _now(), console.width, console.height)

        async def listen() -> None:
            async for event in line.events():
                fleet.take(event, _now())
                changed.set()

        with Live(draw(), console=console, screen=True, auto_refresh=False) as screen:
            listening = asyncio.create_task(listen(), name="watch")
            stopping = asyncio.create_task(stop.wait(), name="watch stop")
            tasks: set[asyncio.Task[Any]] = {listening, stopping}
            try:
                await _follow(lambda: screen.update(draw(), refresh=True), changed, tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            if not listening.cancelled():
                listening.result()  # it listens for ever, unless something is wrong here


async def _follow(
    show: Callable[[], None], changed: asyncio.Event, tasks: set[asyncio.Task[Any]]
) -> None:
    """Show what is new, not too often, until one of the tasks is done."""
    first = asyncio.FIRST_COMPLETED
    while not any(task.done() for task in tasks):
        show()
        await asyncio.wait(tasks, timeout=_APART, return_when=first)
        waiting = asyncio.create_task(changed.wait())
        await asyncio.wait({*tasks, waiting}, timeout=_AT_LEAST, return_when=first)
        waiting.cancel()
        changed.clear()


# ── the picture ─────────────────────────────────────────────────────────────────────────────


def drawn(
    fleet: Fleet, broker: str, trouble: str, now: datetime, width: int, height: int | None
) -> RenderableType:
    """Return the whole picture.

    Args:
        fleet: what is known.
        broker: where from.
        trouble: why nothing is heard; empty: all is heard.
        now: for times.
        width: columns.
        height: rows that there are; None: as many as it takes.
    """
    sites, printers = fleet.sites(), fleet.printers()
    room = None if height is None else max(6, height - _FRAME)
    for_sites = _share(room, len(sites), 0.25)
    for_printers = _share(None if room is None else room - for_sites, len(printers), 0.7)
    left = len(fleet.lately) if room is None else max(2, room - for_sites - for_printers)
    parts: list[RenderableType] = [
        Text(answer(fleet), style="bold", no_wrap=True, overflow="ellipsis"),
        _line_text(fleet, broker, trouble, now),
    ]
    if sites:
        parts += [Text(), _sites(sites, for_sites, now, width)]
    if printers:
        places = {each.node: each.name for each in sites}
        parts += [Text(), _printers(printers, places, for_printers, width)]
    if left and fleet.lately:
        parts += [Text(), Text("Lately", style="bold")]
    for line in list(fleet.lately)[-left:] if left else ():
        text = f"{clock(line.at, now, None)} {happened_line(line)}"
        parts.append(Text(text, no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def _share(room: int | None, wanted: int, part: float) -> int:
    """Return how many rows something gets: what it wants, or its part of the room at least."""
    if room is None:
        return wanted
    return min(wanted, max(2, int(room * part)))


def _line_text(fleet: Fleet, broker: str, trouble: str, now: datetime) -> Text:
    if fleet.linked:
        return Text(f"listening at {broker}", style="dim", no_wrap=True, overflow="ellipsis")
    since = f" since {clock(fleet.changed_at, now, None)}" if fleet.changed_at else ""
    shown = "; what is shown is from before" if fleet.changed_at else ""
    text = f"○ no line to {broker}{since}: {plain(trouble)}{shown}"
    return Text(text, style=_TROUBLE, overflow="fold")


def _table(*columns: tuple[str, int | None]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", expand=True)
    for title, width in columns:
        ratio = None if width else 1
        table.add_column(title, width=width, ratio=ratio, no_wrap=True, overflow="ellipsis")
    return table


def _sites(sites: tuple[SiteSeen, ...], most: int, now: datetime, width: int) -> Table:
    table = _table(("", 1), ("Site", max(12, width // 4)), ("", None))
    # where there is no room for all, those that are not linked come first
    chosen = sites if len(sites) <= most else sorted(sites, key=lambda s: s.state == "linked")
    for each in chosen[: most if len(sites) <= most else most - 1]:
        style = _STYLES[each.state]
        table.add_row(
            Text(LINKS[each.state][0], style=style),
            Text(plain(each.name)),
            Text(site_line(each, now, None), style="" if each.state == "linked" else style),
        )
    _and_more(table, len(sites), most)
    return table


def _printers(
    printers: tuple[PrinterSeen, ...], places: Mapping[str, str], most: int, width: int
) -> Table:
    name, site = max(14, width // 4), max(8, width // 8)
    table = _table(("", 1), ("Printer", name), ("Site", site), ("State", 9), ("", None))
    fits = len(printers) <= most
    chosen = printers if fits else sorted(printers, key=lambda each: not each.needs_a_hand)
    for each in chosen[: most if fits else most - 1]:
        mark, word = printer_word(each)
        style = _TROUBLE if each.needs_a_hand else (_GOOD if each.state != "unknown" else "dim")
        table.add_row(
            Text(mark, style=style),
            Text(plain(each.name)),
            Text(plain(places.get(each.node, each.node))),
            word,
            Text(printer_line(each), style=_TROUBLE if each.needs_a_hand else "dim"),
        )
    _and_more(table, len(printers), most)
    return table


def _and_more(table: Table, there: int, most: int) -> None:
    if there > most:
        table.add_row("", Text(f"… and {there - most + 1} more", style="dim"))
