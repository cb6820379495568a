"""The program that serves pages and interface beside the coordinator, who begins and ends it.

It takes no signals, which reach both in a terminal: it ends when the coordinator says so, and at
once when the coordinator is no more, so that the next one finds the addresses free.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, Final

from central.web.beside_words import Begin, End, Heard, Ready, Refused, Told, down, line
from config import logs
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from central.store.books import Books
    from config.settings import CentralSettings

_log = logs.logger("central.beside")

#: Seconds to end in; what hangs then is left where it is.
_GRACE: Final = 10.0


def main(arguments: Sequence[str]) -> int:
    """Serve until told to end; return the exit status: 1, it cannot be done or did not go well."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # not ignored: programs that we start would ignore them as well
        signal.signal(number, lambda _number, _frame: None)
    given = _arguments(arguments)
    line_down, line_up = _lines()
    logs.configure("central", given.log_level)
    try:
        asyncio.run(_run(given, line_down, line_up))
    except Exception as error:  # noqa: BLE001  the supervisor of this process: logged, and its end
        match _planned(error):
            case None:
                _log.exception("the pages failed", action="pages-failed")
            case words:
                _log.error(words, action="pages-failed")
        return 1
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="the pages' process", description="Begun by `printmesh central run` only."
    )
    parser.add_argument("--config", type=Path)
    parser.add_argument("--log-level", default="info")
    for section in ("--api", "--web"):
        parser.add_argument(section, type=int, help="the socket that listens")
    return parser.parse_args(words)


def _lines() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output for ourselves: nothing else in this process reads or writes.

    What is printed by accident goes to standard error.
    """
    line_down, line_up = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return line_down, line_up


class Coordinator:
    """What the coordinator says, read in a thread of its own: it is heard however busy we are."""

    def __init__(
        self,
        line_down: IO[bytes],
        *,
        leave: Callable[[int], object] = os._exit,
        grace: float = _GRACE,
    ) -> None:
        """Begin; call it in the loop.

        Args:
            line_down: on which it speaks.
            leave: ends the process, with an exit status.
            grace: seconds to end in, once told to; then the process is left as it is.
        """
        self.begin: asyncio.Future[Begin] = asyncio.get_running_loop().create_future()
        self.stop = asyncio.Event()
        self.heard = Heard(time.monotonic())
        self.beat: Callable[[], None] = _nobody
        """Called when the books may have changed."""
        self._line = line_down
        self._leave = leave
        self._grace = grace
        self._loop = asyncio.get_running_loop()

    def listen(self) -> None:
        """Hear all it says; end the process when it is told to, or there is no coordinator."""
        begun = False
        for said in self._line:
            match word := down(said):
                case Begin():
                    begun = True
                    self._loop.call_soon_threadsafe(self.begin.set_result, word)
                case Told():
                    self._loop.call_soon_threadsafe(self._told, word)
                case End() if begun:
                    self._loop.call_soon_threadsafe(self.stop.set)
                    time.sleep(self._grace)
                    break
                case End():
                    self._leave(0)  # nothing is open yet
                    return
        # as if it were one process: answers under way and what they were to write are cut off
        self._leave(1)

    def troubles(self) -> tuple[str, ...]:
        """Return what keeps it from its work."""
        return self.heard.troubles(time.monotonic())

    def _told(self, word: Told) -> None:
        self.heard.take(word, time.monotonic())
        if word.changed:
            self.beat()


async def _run(given: argparse.Namespace, line_down: IO[bytes], line_up: IO[bytes]) -> None:
    coordinator = Coordinator(line_down)
    Thread(target=coordinator.listen, name="coordinator", daemon=True).start()
    # all that takes long comes first: the books are not open yet
    from broker.listening import CannotListen  # noqa: PLC0415
    from central import collecting  # noqa: PLC0415
    from central.opening import open_books  # noqa: PLC0415
    from central.web import pages_server, server  # noqa: F401, PLC0415
    from config.settings import CentralSettings, load  # noqa: PLC0415

    settings = load(CentralSettings, given.config)
    begin = await coordinator.begin
    books = await asyncio.to_thread(open_books, settings)

    def ready() -> None:
        collecting.begun()
        line_up.write(line(Ready()))

    try:
        if books.identity.incarnation != begin.incarnation:
            raise _OtherBooks
        await _serve(settings, books, given, coordinator, ready)
    except* CannotListen as group:
        line_up.write(line(Refused(why="; ".join(map(str, group.exceptions)))))
        raise
    finally:
        books.close()


class _OtherBooks(PrintmeshError):
    """The settings were changed."""

    def __init__(self) -> None:
        super().__init__(
            "the settings name other books than when the coordinator was started: start it anew"
        )


async def _serve(
    settings: CentralSettings,
    books: Books,
    given: argparse.Namespace,
    coordinator: Coordinator,
    ready: Callable[[], None],
) -> None:
    from central.web.pages_server import serve_pages  # noqa: PLC0415
    from central.web.server import serve as serve_api  # noqa: PLC0415

    def beats(beat: Callable[[], None]) -> None:
        coordinator.beat = beat

    loop, stop = asyncio.get_running_loop(), coordinator.stop
    listening: list[asyncio.Future[int]] = []
    async with asyncio.TaskGroup() as group:
        if given.api is not None:
            listening.append(loop.create_future())
            api = serve_api(
                settings, books, stop,
                listening=listening[-1].set_result, troubles=coordinator.troubles,
                tally=coordinator.heard.ingest, door=socket.socket(fileno=given.api),
            )  # fmt: skip
            group.create_task(api, name="api")
        if given.web is not None:
            listening.append(loop.create_future())
            pages = serve_pages(
                settings, books, stop,
                listening=listening[-1].set_result, troubles=coordinator.troubles,
                tally=coordinator.heard.ingest, begun=beats, door=socket.socket(fileno=given.web),
            )  # fmt: skip
            group.create_task(pages, name="pages")
        await asyncio.gather(*listening)
        ready()


def _planned(error: Exception) -> str | None:
    """Return what a person can act on; None: it is a fault."""
    match error:
        case PrintmeshError():
            return str(error)
        case ExceptionGroup():
            found = [_planned(each) for each in error.exceptions]
            said = [each for each in found if each is not None]
            return "; ".join(said) if len(said) == len(found) else None
        case _:
            return None


def _nobody() -> None:
    """Tell nobody."""


if __name__ == "__main__":
    # nothing is open any more, and to take apart what was loaded would keep the coordinator waiting
    os._exit(main(sys.argv[1:]))
