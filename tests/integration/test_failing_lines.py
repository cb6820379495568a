"""The lab's line fails as networks do: dropped, half open, slow, said twice; then it is whole."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from demo.proxy import CuttableProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Echo:
    """A server that says back what it hears, and remembers it by connection."""

    def __init__(self) -> None:
        self.heard: list[bytearray] = []
        self.lost = asyncio.Event()
        """Set when a connection has ended."""
        self.said = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        mine = bytearray()
        self.heard.append(mine)
        try:
            while chunk := await reader.read(1024):
                mine.extend(chunk)
                writer.write(chunk)
                async with self.said:
                    self.said.notify_all()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self.lost.set()


@asynccontextmanager
async def line() -> AsyncIterator[tuple[CuttableProxy, Echo]]:
    """Run an echo behind a line."""
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, CuttableProxy(port) as proxy, asyncio.timeout(10):
        yield proxy, echo


async def call(proxy: CuttableProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect through the line and see that it works."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    return reader, writer


async def ends(reader: asyncio.StreamReader) -> bool:
    """Wait for the end of a connection."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def test_dropped_connections_can_be_made_again() -> None:
    """Who is connected is thrown out; who calls at once gets through."""
    async with line() as (proxy, _):
        reader, writer = await call(proxy)
        proxy.drop()
        assert await ends(reader)
        writer.close()
        _, writer = await call(proxy)
        writer.close()


async def test_half_open() -> None:
    """The server loses the client, the client notices nothing until the line is whole again."""
    async with line() as (proxy, echo):
        reader, writer = await call(proxy)
        proxy.half_open()
        await echo.lost.wait()
        writer.write(b"into the void")
        late, late_writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        late_writer.write(b"anybody?")
        for each in (reader, late):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(each.read(1), 0.1)
        proxy.restore()
        assert await ends(reader)
        assert await ends(late)
        writer.close()
        late_writer.close()
        assert [bytes(each) for each in echo.heard] == [b"hello"]


@pytest.mark.parametrize("how", [{"delay": 0.1}, {"rate": 50.0}], ids=["delayed", "throttled"])
async def test_slow(how: dict[str, float]) -> None:
    """Everything arrives in order, later; once the line is restored it is fast again."""
    clock = asyncio.get_running_loop().time
    async with line() as (proxy, _):
        reader, writer = await call(proxy)
        proxy.slow(**how)
        began = clock()
        writer.write(b"12345")
        assert await reader.readexactly(5) == b"12345"
        assert clock() - began >= 0.2
        proxy.restore()
        began = clock()
        writer.write(b"12345")
        assert await reader.readexactly(5) == b"12345"
        assert clock() - began < 0.2
        writer.close()


async def test_a_connection_is_repeated() -> None:
    """The server hears a second connection say the same; the first one goes on."""
    async with line() as (proxy, echo):
        reader, writer = await call(proxy)
        proxy.duplicate()
        async with echo.said:
            await echo.said.wait_for(lambda: len(echo.heard) == 2 and echo.heard[1] == b"hello")
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"
        writer.close()
