"""A TCP proxy that fails as networks do: the lab's lines, so that no link is broken by a flag."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Self

_CHUNK = 64 * 1024
#: So much of what a client has said can be said again.
_REMEMBERED = 256 * 1024


@dataclass(slots=True)
class _Connection:
    """One connection through the proxy."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    said: bytearray = field(default_factory=bytearray)
    """How the client began."""

    def abort(self) -> None:
        """End both sides without a goodbye."""
        for writer in (self.near, self.far):
            if writer is not None:
                writer.transport.abort()


class CuttableProxy:
    """Forwards 127.0.0.1:port to a target, and fails on order until `restore`."""

    def __init__(self, target_port: int, *, target_host: str = "127.0.0.1") -> None:
        self._target = (target_host, target_port)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], _Connection] = {}
        self._whole = True
        self._hearing = asyncio.Event()
        self._hearing.set()
        self._delay = 0.0
        self._rate: float | None = None
        self._repeating: set[asyncio.Task[None]] = set()
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
        return self._whole and self._hearing.is_set()

    def cut(self) -> None:
        """Drop what flows, without a goodbye, and let nothing new through until `restore`."""
        if self._whole:
            self.cuts += 1
        self._whole = False
        self.drop()

    def drop(self) -> None:
        """Drop what flows, without a goodbye; who calls again gets through."""
        for connection in self._open.values():
            connection.abort()

    def half_open(self) -> None:
        """Let the target lose every connection, and the clients hear nothing of it.

        Who calls meanwhile gets a connection on which nobody answers.
        """
        self._hearing.clear()
        for connection in self._open.values():
            if connection.far is not None:
                connection.far.transport.abort()

    def slow(self, *, delay: float = 0.0, rate: float | None = None) -> None:
        """Hold each piece back so many seconds, and let only so many bytes pass in a second."""
        self._delay, self._rate = delay, rate

    def duplicate(self) -> None:
        """Say again, over a second connection, what each client has said so far."""
        for connection in self._open.values():
            task = asyncio.create_task(self._repeat(bytes(connection.said)))
            self._repeating.add(task)
            task.add_done_callback(self._repeating.discard)

    def restore(self) -> None:
        """Be whole and fast again; what was half open ends now."""
        self._whole = True
        self._delay, self._rate = 0.0, None
        if not self._hearing.is_set():
            self._hearing.set()
            self.drop()

    async def stop(self) -> None:
        """Close everything."""
        self.cut()
        self._hearing.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        for tasks in (self._repeating, set(self._open)):
            if tasks:
                await asyncio.wait(tasks)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        connection = self._open[task] = _Connection(writer)
        cuts = self.cuts
        try:
            if not self._whole:
                return
            if not self._hearing.is_set():
                await self._hearing.wait()
                return
            far_reader, connection.far = await asyncio.open_connection(*self._target)
            if self.cuts != cuts:  # cut while the far side was being called
                return
            await asyncio.gather(
                self._pump(reader, connection.far, connection.said),
                self._pump(far_reader, writer, None),
            )
        except OSError:
            pass  # the target is down or a side went away: to the other side it looks the same
        finally:
            self._open.pop(task).abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        said: bytearray | None,
    ) -> None:
        """Carry bytes one way until either side ends."""
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK):
                if said is not None and len(said) < _REMEMBERED:
                    said += chunk
                if pause := self._delay + (len(chunk) / self._rate if self._rate else 0.0):
                    await asyncio.sleep(pause)
                if not writer.is_closing():
                    writer.write(chunk)
                    await writer.drain()
        await self._hearing.wait()  # while half open, this side hears nothing of the end
        writer.transport.abort()

    async def _repeat(self, said: bytes) -> None:
        """Connect as another, say the same, listen for a moment, go."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                reader, writer = await asyncio.open_connection(*self._target)
                try:
                    writer.write(said)
                    while await reader.read(_CHUNK):
                        pass
                finally:
                    writer.transport.abort()
