"""A process in front of a printer that notes when the first byte of a document passes.

It is a process of its own: whoever measures has a loop that is busy with what is measured, and a
printer's several answers would wait for it each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from typing import Final

_DOCUMENT: Final = b"%PDF-"
_CHUNK: Final = 64 * 1024


class Watch:
    """Forwards to a printer from `start` to `stop`."""

    def __init__(self, printer: int) -> None:
        """Stand in front of a printer.

        Args:
            printer: its port on this machine.
        """
        self._printer = printer
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._seen: asyncio.Future[float] | None = None
        self.port = 0
        """Where it listens, once it is started."""

    async def start(self) -> None:
        """Listen."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.watch", str(self._printer)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        out = _piped(self._process.stdout)
        self.port = int(await out.readline())
        self._hearing = asyncio.create_task(self._hear(out))

    async def stop(self) -> None:
        """Listen no more."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        await self._process.wait()
        if self._hearing is not None:
            await self._hearing

    def next_document(self) -> asyncio.Future[float]:
        """Return when the next document begins to pass, by `perf_counter`."""
        self._seen = asyncio.get_running_loop().create_future()
        return self._seen

    async def _hear(self, out: asyncio.StreamReader) -> None:
        while line := await out.readline():
            if self._seen is not None:
                self._seen.set_result(float(line))
                self._seen = None


def _piped(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise RuntimeError("started without pipes")
    return stream


async def _watch(printer: int) -> None:
    """Forward until standard input ends; say the port, then each moment."""

    async def serve(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", printer)
        # a connection that is open when we end is canceled
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(_pump(near, forth, watch=True), _pump(far, back))
        for writer in (back, forth):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    _say(server.sockets[0].getsockname()[1])
    await asyncio.to_thread(sys.stdin.read)
    server.close()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, watch: bool = False
) -> None:
    while chunk := await reader.read(_CHUNK):
        if watch and _DOCUMENT in chunk:
            # Linux has one such clock for all processes
            _say(time.perf_counter())
        writer.write(chunk)
        await writer.drain()
    writer.close()


def _say(figure: float) -> None:
    print(figure, flush=True)


if __name__ == "__main__":
    asyncio.run(_watch(int(sys.argv[1])))
