"""A TCP proxy that can be cut: the network of the lab, so that no link is broken by a flag."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

_CHUNK = 64 * 1024


class CuttableProxy:
    """Forwards 127.0.0.1:port to a target; `cut` drops every connection and refuses new ones."""

    def __init__(self, target_port: int, *, target_host: str = "127.0.0.1") -> None:
        self._target = (target_host, target_port)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}
        self._whole = True
        self.port = 0
        self.cuts = 0

    async def start(self, port: int = 0) -> Self:
        """Listen; `port` says where when it was 0."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def whole(self) -> bool:
        """Whether bytes pass."""
        return self._whole

    def cut(self) -> None:
        """Drop what flows, without a goodbye, and let nothing new through until `restore`."""
        if self._whole:
            self.cuts += 1
        self._whole = False
        for writers in self._open.values():
            for writer in writers:
                writer.transport.abort()

    def restore(self) -> None:
        """Let new connections through again."""
        self._whole = True

    async def stop(self) -> None:
        """Close everything."""
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._open:
            await asyncio.wait(self._open)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._open[task] = (writer,)
        cuts = self.cuts
        try:
            if not self._whole:
                return
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._open[task] = (writer, far_writer)
            if self.cuts != cuts:  # cut while the far side was being called
                return
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        except OSError:
            pass  # the target is down or a side went away: to the other side it looks the same
        finally:
            for each in self._open.pop(task):
                each.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until either side ends."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()
