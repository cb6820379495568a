"""The process beside the coordinator that serves its pages and its interface: begun, told, ended.

It has an interpreter of its own, so what is shown takes nothing from what is booked. Its sockets
are opened here and stay open when it dies: whoever asks meanwhile waits for the next one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, assert_never

from broker.listening import CannotListen
from central.web.beside_words import Begin, End, Ready, Refused, Told, line, up
from central.web.doors import doors
from central.web.shown import Ports
from config.logs import logger

if TYPE_CHECKING:
    import socket
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable

    from central.web.doors import Section
    from central.web.shown import Shown
    from config.settings import CentralSettings

_log = logger("central.beside")

#: Seconds until a process that died is followed by another: twice as long each time, to the most.
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
#: Seconds after which one has done well: the pause is short again.
_DONE_WELL: Final = 60.0
#: Seconds between two words at least, for what changed; and at most.
_GAP: Final = 0.1
_LOOK_EVERY: Final = 0.25
_ANYWAY: Final = 1.0
#: Seconds that it gets to end: answers under way get three, and what they read may take longer.
GRACE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Beside:
    """How the process is begun: it reads the settings itself, so that no secret is passed on."""

    config: Path | None
    """The file; with the environment it makes the settings."""
    log_level: str = "info"
    program: str = "central.web.beside_program"
    """The module that is run."""


@asynccontextmanager
async def begun(
    beside: Beside, settings: CentralSettings
) -> AsyncIterator[WebProcess | CannotListen | None]:
    """Open the addresses and begin the process, which gets ready meanwhile; end it at the end.

    None: the settings ask for nothing. That an address cannot be had is given, not raised: whoever
    has it may be the coordinator of the same books, and that is what is to be said then.
    """
    with ExitStack() as stack:
        try:
            opened = {
                door.section: stack.enter_context(await asyncio.to_thread(door.open))
                for door in doors(settings)
            }
        except CannotListen as error:
            yield error
            return
        if not opened:
            yield None
            return
        async with WebProcess(beside, opened) as found:
            yield found


class WebProcess:
    """The process, and the next one when it dies."""

    def __init__(self, beside: Beside, sockets: dict[Section, socket.socket]) -> None:
        self._beside = beside
        self._sockets = sockets
        self._process: Process | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def serve(self, shown: Shown, ready: Callable[[Ports], None]) -> None:
        """Have everything served until this is cancelled; answers under way are finished.

        A process that dies is followed by another one.

        Args:
            shown: the coordinator.
            ready: called when all that the settings ask for is served, each time.

        Raises:
            CannotListen: it never could be: a certificate cannot be had.
        """
        loop, pause, served = asyncio.get_running_loop(), _FIRST_PAUSE, False
        shown.follow(self._news.set)

        def well() -> None:
            nonlocal served
            if served:
                _log.info("the pages are served again", action="pages-back")
            served = True
            ready(Ports(self._port("api"), self._port("web")))

        try:
            while True:
                began = loop.time()
                if self._process is None:
                    await self._begin()
                refused = await self._attended(shown, well)
                if refused is not None and not served:
                    raise CannotListen(refused.why)
                if loop.time() - began > _DONE_WELL:
                    pause = _FIRST_PAUSE
                _log.error(
                    f"the pages' process ended by itself; another one follows in {pause:g} s",
                    action="pages-died",
                    exit_code=self._process and self._process.returncode,
                    why=refused and refused.why,
                )
                self._process = None
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            await self._end()

    def _port(self, section: Section) -> int | None:
        found = self._sockets.get(section)
        return None if found is None else int(found.getsockname()[1])

    async def _begin(self) -> None:
        beside, passed = self._beside, []
        for section, each in self._sockets.items():
            passed += [f"--{section}", str(each.fileno())]
        words = ["--config", str(beside.config)] if beside.config is not None else []
        # the same code as ours, wherever we were started from, and nothing of that directory
        code = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH"))))
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", beside.program, "--log-level", beside.log_level),
                *(*passed, *words),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=[each.fileno() for each in self._sockets.values()],
            )
        except OSError as error:
            _log.error(f"the pages' process cannot be begun: {error}", action="pages-not-begun")

    async def _attended(self, shown: Shown, ready: Callable[[], None]) -> Refused | None:
        """Tell the process how we are until it ends; return why it cannot serve, if it said so."""
        process = self._process
        refused: Refused | None = None
        if process is None or process.stdout is None:
            return None
        telling = asyncio.create_task(self._tell(process, shown), name="tell the pages")
        try:
            async for said in process.stdout:
                try:
                    word = up(said)
                except ValueError:
                    _log.warning("the pages said what is no word", action="pages-babble")
                    continue
                match word:
                    case Ready():
                        ready()
                    case Refused():
                        refused = word
                    case _:
                        assert_never(word)
            await process.wait()
        finally:
            telling.cancel()
        return refused

    async def _tell(self, process: Process, shown: Shown) -> None:
        loop, line_down = asyncio.get_running_loop(), process.stdin
        if line_down is None:
            return
        # it is gone: whoever reads what it says sees that too
        with suppress(ConnectionError):
            line_down.write(line(Begin(incarnation=shown.books.identity.incarnation)))
            said: tuple[str, ...] | None = None
            at = loop.time()
            while True:
                changed, troubles = self._news.is_set(), tuple(shown.troubles())
                self._news.clear()
                if changed or troubles != said or loop.time() - at >= _ANYWAY:
                    said, at = troubles, loop.time()
                    told = Told(changed=changed, troubles=troubles, ingest=shown.tally)
                    line_down.write(line(told))
                    # one that hangs is not told more and more
                    await line_down.drain()
                    await asyncio.sleep(_GAP)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY):
                        await self._news.wait()

    async def _end(self) -> None:
        """Have the process end; one that does not is killed."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        try:
            async with asyncio.timeout(GRACE):
                with suppress(ConnectionError):
                    process.stdin.write(line(End()))
                    await process.stdin.drain()
                process.stdin.close()
                await process.wait()
        except TimeoutError:
            _log.warning("the pages' process did not end in time", action="pages-killed")
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
