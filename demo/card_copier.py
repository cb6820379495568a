"""A copier and the card reader beside it, as a terminal meets them: two TCP peers with wires.

The reader sends frames as network readers do. The copier stands for the machine behind the foreign
interface: it copies while its enable line is on, gives a pulse for each page, ends the page it is
at whatever is said meanwhile, and has a totaliser of its own. The line falls with the connection,
as a relay does that watches the terminal's heartbeat.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

#: What frames a card on this reader's line: STX, digits, ETX.
FRAMING: Final = '{ start = "\\u0002", end = ["\\u0003"] }'
_STX, _ETX = b"\x02", b"\x03"
#: What goes over the wires to and from the copier.
ON, OFF, PAGE = b"on\n", b"off\n", b"page\n"
#: In the environment of the terminal's program: the port that the copier listens on.
PORT: Final = "PRINTMESH_LAB_COPIER"


class CardReader:
    """Listens for the terminal; cards are held against it."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
            self.hang_up()
            await self._server.wait_closed()

    @property
    def heard(self) -> bool:
        """Somebody listens."""
        return bool(self._clients)

    def hold(self, *cards: str) -> None:
        """Hold cards against it, all at once."""
        self.send(b"".join(_STX + card.encode("ascii") + _ETX for card in cards))

    def half(self, card: str) -> None:
        """Send a frame that never ends, and noise."""
        self.send(b"\xff\x00" + _STX + card.encode("ascii")[:-2])

    def send(self, octets: bytes) -> None:
        """Send anything; nobody listens, nobody hears."""
        for writer in self._clients:
            if not writer.is_closing():
                writer.write(octets)

    def hang_up(self) -> None:
        """Drop the terminal; it calls again."""
        for writer in self._clients:
            writer.transport.abort()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        with suppress(ConnectionError):
            while await reader.read(64):
                pass
        self._clients.discard(writer)
        writer.transport.abort()


class Copier:
    """Copies what lies on its glass."""

    def __init__(self, *, page: float = 0.3, meter: Path | None = None) -> None:
        """Be off; a page takes so many seconds, and its totaliser is written to a file."""
        self.total = 0
        """Pages made since it was built: its totaliser."""
        self.wanted = 0
        """Pages that somebody still wants; set it, and press start."""
        self.enabled = False
        self.port = 0
        self._page = page
        self._meter = meter
        self._server: asyncio.Server | None = None
        self._terminal: asyncio.StreamWriter | None = None
        self._changed = asyncio.Condition()
        self._making: asyncio.Task[None] | None = None

    async def start(self) -> Self:
        """Listen, and be ready."""
        self._server = await asyncio.start_server(self._wired, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._making = asyncio.create_task(self._make())
        return self

    async def stop(self) -> None:
        """End everything."""
        if self._making is not None:
            self._making.cancel()
        if self._server is not None:
            self._server.close()
            if self._terminal is not None:
                self._terminal.transport.abort()
            await self._server.wait_closed()

    async def until(self, *, enabled: bool, seconds: float) -> bool:
        """Wait until it is let, or not; say whether that came within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.enabled == enabled)
        return self.enabled == enabled

    async def copies(self, pages: int, *, seconds: float) -> int:
        """Want so many pages; return how many came within so many seconds, or until it stopped."""
        before, self.wanted = self.total, pages
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                self._changed.notify_all()
                await self._changed.wait_for(lambda: not (self.wanted and self.enabled))
        self.wanted = 0
        return self.total - before

    async def _make(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self.enabled and self.wanted > 0)
            await asyncio.sleep(self._page)  # the page it is at is made, whatever is said now
            async with self._changed:
                self.total += 1
                if self._meter is not None:
                    fresh = self._meter.with_suffix(".new")
                    fresh.write_text(str(self.total))
                    fresh.replace(self._meter)
                self.wanted = max(0, self.wanted - 1)
                if self._terminal is not None and not self._terminal.is_closing():
                    self._terminal.write(PAGE)
                self._changed.notify_all()

    async def _wired(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be controlled by one terminal; a newer one takes the wires."""
        self._terminal = writer
        writer.write(b"%d\n" % self.total)
        with suppress(ConnectionError):
            async for line in reader:
                if self._terminal is writer:
                    await self._let(line == ON)
        if self._terminal is writer:
            self._terminal = None
            await self._let(on=False)
        writer.transport.abort()

    async def _let(self, on: bool) -> None:  # noqa: FBT001  a line's level
        async with self._changed:
            self.enabled = on
            self._changed.notify_all()
