"""The process of a site's terminals put together: the one place that names concrete drivers."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

from config.logs import logger
from terminal_bridge.bridge import Bridge
from terminal_bridge.copier import GpioCopier
from terminal_bridge.durable import OpenCopies
from terminal_bridge.edge_line import EdgeLine
from terminal_bridge.key_pad import as_reader
from terminal_bridge.phases import Habits
from terminal_bridge.readers import reader_of
from terminal_bridge.status_file import running, write_status

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from config.settings_terminal import OneTerminal, TerminalSettings
    from config.terminal_settings import CopierSettings, ReaderSettings
    from terminal_bridge.events import Show
    from terminal_bridge.panel.desk import Desk
    from terminal_bridge.ports import CopyControl, Reader
    from terminal_bridge.shared_line import Line

_log = logger("terminal.app")

#: Seconds in which a copy is settled before the process ends: a copier that runs out, an answer.
_GOOD_BYE = 7.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
#: A terminal that worked for so long begins with the first pause again.
_HEALTHY_AFTER = 60.0


def _reader(settings: ReaderSettings, name: str) -> Reader:
    return reader_of(settings, name)


async def run(
    settings: TerminalSettings,
    *,
    reader: Callable[[ReaderSettings, str], Reader] = _reader,
    copier: Callable[[CopierSettings], CopyControl] = GpioCopier,
) -> None:
    """Drive the terminals until SIGTERM or SIGINT; one that fails is begun again, others go on.

    A copy that is made then is ended first, within some seconds; a second signal waits for none.

    Args:
        settings: of the process.
        reader: makes a reader of its settings and its terminal's id.
        copier: makes a copier's control of its settings.

    Raises:
        RunsAlreadyError: another process drives them.
        CannotServe: the panels' address cannot be had.
    """
    with running(settings.data):
        stop, at_once = asyncio.Event(), asyncio.Event()

        def told() -> None:
            (at_once if stop.is_set() else stop).set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told)
        parts = Parts(settings, reader, copier)
        works: list[asyncio.Task[Any]] = [
            asyncio.create_task(_supervised(each.id, partial(parts.work, each)), name=each.id)
            for each in settings.terminals
        ]
        works.append(asyncio.create_task(stop.wait(), name="stop"))
        if any(each.kind == "panel" for each in settings.terminals):
            works.append(asyncio.create_task(parts.serve(), name="panels"))
        _log.info("terminals run", action="terminals-run", terminals=len(settings.terminals))
        try:
            # but for the order to stop, only pages that cannot be served end before they are told
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for work in done:
                work.result()
            if stop.is_set():
                await _any_of(parts.good_bye(), at_once.wait(), seconds=_GOOD_BYE)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def habits_of(terminal: OneTerminal) -> Habits:
    """Return how a terminal behaves."""
    copier = terminal.copier
    return Habits(
        printer=terminal.printer,
        tied=terminal.kind == "reader",
        at_card="choose" if terminal.kind == "panel" else "release" if copier is None else "copy",
        second_card=terminal.second_card,
        card_stays=terminal.card_stays,
        kinds=frozenset(pulse.kind for pulse in copier.pulses) if copier else frozenset(),
        idle=terminal.idle.total_seconds(),
        run_out=terminal.run_out.total_seconds(),
    )


def copies_file(data: Path, terminal: str) -> Path:
    """Return where a terminal's open copies are."""
    return data / f"{terminal}.copies.json"


def status_file(data: Path, terminal: str) -> Path:
    """Return where a running terminal says how it is."""
    return data / f"{terminal}.status.json"


def pairing_file(data: Path, terminal: str) -> Path:
    """Return where a panel keeps which browser is its screen."""
    return data / f"{terminal}.screen.json"


class Parts:
    """Makes the terminals of one process of its settings."""

    def __init__(
        self,
        settings: TerminalSettings,
        reader: Callable[[ReaderSettings, str], Reader],
        copier: Callable[[CopierSettings], CopyControl],
    ) -> None:
        """Take what they are made of; arguments as of `run`."""
        self._settings = settings
        self._reader = reader
        self._copier = copier
        self._desks: dict[str, Desk] = {}
        self._bridges: dict[str, Bridge] = {}
        """Of machines, not of phones; the newest of each."""

    async def good_bye(self) -> None:
        """End the copies that are made."""
        await asyncio.gather(*(bridge.good_bye() for bridge in self._bridges.values()))

    async def work(self, terminal: OneTerminal) -> None:
        """Drive one, once."""
        line = EdgeLine(self._settings.link_of(terminal), terminal.id)
        if terminal.kind == "panel":
            await self._panel(terminal, line)
        else:
            await self._bridge(terminal)(line=line).run()

    def _around(
        self,
        around: Callable[[Reader], Reader],
        reader: ReaderSettings,
        terminal: OneTerminal,
    ) -> Reader:
        return around(self._reader(reader, terminal.id))

    async def serve(self) -> None:
        """Serve the panels' pages.

        Raises:
            CannotServe: their address cannot be had.
        """
        from terminal_bridge.panel.server import serve  # noqa: PLC0415  only where there are panels

        def listening(address: str) -> None:
            _log.info("panels are served", action="panels-run", address=address)

        await serve(self._settings.web, self._desks, listening=listening)

    async def _panel(self, terminal: OneTerminal, line: EdgeLine) -> None:
        from terminal_bridge.panel.desk import Desk  # noqa: PLC0415  only where there are panels
        from terminal_bridge.panel.pairing import Pairing  # noqa: PLC0415
        from terminal_bridge.panel.scanning import Scanning  # noqa: PLC0415
        from terminal_bridge.shared_line import SharedLine  # noqa: PLC0415

        shared = SharedLine(line)

        def around(reader: Reader) -> Reader:
            return Scanning(reader, desk.scanned)

        desk = Desk(
            terminal.id,
            settings=terminal.panel,
            habits=habits_of(terminal),
            line=shared,
            screen=partial(self._bridge(terminal, around), line=shared.tap()),
            pairing=Pairing(pairing_file(self._settings.data, terminal.id), terminal.panel.screen),
            copier=terminal.copier is not None,
            reader=terminal.reader is not None,
        )
        self._desks[terminal.id] = desk
        await desk.run()

    def _bridge(
        self, terminal: OneTerminal, around: Callable[[Reader], Reader] = lambda reader: reader
    ) -> Callable[..., Bridge]:
        """Return what makes a terminal's bridge, once it is told whom to tell and by what line.

        Args:
            terminal: which.
            around: puts something around its reader of cards.
        """
        settings, path = self._settings, status_file(self._settings.data, terminal.id)

        def make(
            line: Line,
            on_change: Callable[[Bridge], None] = lambda _: None,
            on_show: Callable[[Show], None] = lambda _: None,
        ) -> Bridge:
            def changed(bridge: Bridge) -> None:
                _tell(path, bridge)
                on_change(bridge)

            reader, copier = terminal.reader, terminal.copier
            pad = None if terminal.key_pad is None else as_reader(terminal.key_pad)
            bridge = self._bridges[terminal.id] = Bridge(
                terminal.id,
                habits=habits_of(terminal),
                line=line,
                copies=OpenCopies(copies_file(settings.data, terminal.id)),
                reader=None if reader is None else partial(self._around, around, reader, terminal),
                key_pad=None if pad is None else partial(self._reader, pad, terminal.id),
                control=None if copier is None else partial(self._copier, copier),
                on_change=changed,
                on_show=on_show,
            )
            return bridge

        return make


async def _any_of(*works: Coroutine[Any, Any, object], seconds: float) -> None:
    """Wait for the first of some, but not longer than this."""
    tasks = {asyncio.ensure_future(work) for work in works}
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell(path: Path, bridge: Bridge) -> None:
    """Write down how a terminal is; that it cannot be written stops nothing."""
    try:
        write_status(path, status_of(bridge))
    except OSError as error:
        _log.warning(
            "status not written", action="terminal-status", reason=error.strerror or str(error)
        )


def status_of(bridge: Bridge) -> dict[str, Any]:
    """Say how a terminal is; nothing of who stands there."""
    return {
        "phase": type(bridge.terminal.phase).__name__.lower(),
        "edge": bridge.terminal.edge,
        "trouble": bridge.terminal.trouble,
        "reader": bridge.reader_lost,
    }


async def _supervised(name: str, work: Callable[[], Any]) -> None:
    """Run a terminal for ever; what fails is logged and begun again after a growing pause."""
    loop = asyncio.get_running_loop()
    pause = _FIRST_PAUSE
    while True:
        begun = loop.time()
        try:
            await work()
        except Exception as error:  # noqa: BLE001  once a task
            causes = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
            reason = "; ".join(str(each)[:200] or type(each).__name__ for each in causes)
            _log.exception(
                "a terminal failed and is begun again",
                action="terminal-failed",
                terminal=name,
                reason=reason,
                retry_in=pause,
            )
        if loop.time() - begun > _HEALTHY_AFTER:
            pause = _FIRST_PAUSE
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
