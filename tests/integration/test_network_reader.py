"""Readers on real lines: a TCP peer that speaks a reader's frames, and a pseudo terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import tty
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import pytest

from config.terminal_settings import ReaderSettings
from terminal_bridge.ports import CardHeld, ReaderBack, ReaderEvent, ReaderLost
from terminal_bridge.readers import reader_of
from terminal_bridge.readers.listening import ThreadReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEADLINE = 10.0
STX_ETX = {"start": "\x02", "end": ["\x03"]}


class Peer:
    """A reader on the network: a TCP server with one client, as a serial converter is."""

    def __init__(self) -> None:
        self._clients: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.serve()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def serve(self) -> None:
        """Listen, at the same port when there was one."""
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _joined(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.put_nowait(writer)

    async def send(self, data: bytes) -> None:
        """Send to the newest client."""
        while self._writer is None or not self._clients.empty():
            self._writer = await asyncio.wait_for(self._clients.get(), DEADLINE)
        self._writer.write(data)
        await self._writer.drain()

    async def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection; with a reset, as a converter that lost its power does."""
        assert self._writer is not None
        if reset:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._writer.transport.abort() if reset else self._writer.close()
        self._writer = None

    async def stop(self) -> None:
        """Listen no more, and hang up."""
        if self._server is not None:
            self._server.close()
        while not self._clients.empty():
            self._clients.get_nowait().close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class Heard:
    """One reader's events, taken one after another."""

    def __init__(self, reader: ThreadReader) -> None:
        self.reader = reader
        self._events = aiter(reader.events())

    async def next(self) -> ReaderEvent:
        """Return the next event."""
        return await asyncio.wait_for(anext(self._events), DEADLINE)


@asynccontextmanager
async def heard(settings: dict[str, object]) -> AsyncIterator[Heard]:
    """Open a reader that does not wait long to come back, and is heard."""
    whole = {"longest_pause": "100ms", **settings}
    reader = ThreadReader(
        made := ReaderSettings.model_validate(whole),
        reader_of(made)._source,
        dice=lambda: 0.05,
    )
    async with reader:
        yield Heard(reader)


def over(peer: Peer, **settings: object) -> dict[str, object]:
    """Return the settings of a reader at a peer."""
    return {"device": f"socket://127.0.0.1:{peer.port}", **settings}


async def test_cards_come_over_the_network_in_any_pieces() -> None:
    """Frames cut by the network, with noise and a half one between, are the cards they are."""
    async with Peer() as peer, heard(over(peer, framing=STX_ETX)) as cards:
        assert await cards.next() == ReaderBack()
        for piece in (b"\x02", b"01", b"23\x03\xff\xff\x0299", b"\x024567\x03"):
            await peer.send(piece)
        assert [await cards.next(), await cards.next()] == [CardHeld("0123"), CardHeld("4567")]
        dropped = cards.reader.numbers.dropped
        assert (dropped.noise, dropped.halves) == (2, 1)


@pytest.mark.parametrize("reset", [False, True])
async def test_a_line_that_drops_is_said_and_made_again(reset: bool) -> None:  # noqa: FBT001
    """A peer that goes away in mid-frame is told, and heard again when it is back."""
    async with Peer() as peer, heard(over(peer)) as cards:
        assert await cards.next() == ReaderBack()
        await peer.send(b"0123\r45")
        assert await cards.next() == CardHeld("0123")
        await peer.hang_up(reset=reset)
        assert isinstance(await cards.next(), ReaderLost)
        assert await cards.next() == ReaderBack()
        await peer.send(b"67\r0123\r")
        # not 4567: the halves of two connections are no card
        assert await cards.next() == CardHeld("67")
        assert await cards.next() == CardHeld("0123")


async def test_a_reader_that_is_not_there_yet_is_waited_for() -> None:
    """A peer that cannot be reached at the start is told once, and heard when it comes."""
    peer = Peer()
    await peer.serve()
    await peer.stop()
    async with heard(over(peer)) as cards:
        lost = await cards.next()
        assert isinstance(lost, ReaderLost)
        assert "cannot be opened" in lost.reason
        await peer.serve()
        assert await cards.next() == ReaderBack()
        await peer.send(b"0123\n")
        assert await cards.next() == CardHeld("0123")
    await peer.stop()


async def test_a_flood_leaves_the_newest_and_ends_at_once() -> None:
    """Swipes that nobody takes do not pile up, and a reader ends in the middle of a flood."""
    async with Peer() as peer, heard(over(peer)) as cards:
        assert await cards.next() == ReaderBack()
        for first in range(0, 10_000, 500):
            await peer.send(b"".join(b"%06d\r" % n for n in range(first, first + 500)))
        async with asyncio.timeout(DEADLINE):
            while cards.reader.numbers.cards < 500:  # noqa: ASYNC110  its thread only counts
                await asyncio.sleep(0.01)
        assert cards.reader._waiting is not None
        assert len(cards.reader._waiting._events) <= 16
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 2


async def test_a_serial_device_is_read() -> None:
    """A pseudo terminal in the place of a device: cards come, a pulled plug is told."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    device = os.ttyname(theirs)
    settings: dict[str, object] = {"device": device, "speed": 19200}
    async with heard(settings) as cards:
        assert await cards.next() == ReaderBack()
        os.write(ours, b"04A1")
        os.write(ours, b"B2C3\r\n")
        assert await cards.next() == CardHeld("04A1B2C3")
        os.close(theirs)
        os.close(ours)
        assert isinstance(await cards.next(), ReaderLost)


async def test_a_silence_ends_a_card_where_nothing_else_does() -> None:
    """A reader that sends bare octets is read by the pause behind them."""
    framing = {"end": [], "gap": "50ms"}
    number = {"read": "octets", "write": "decimal"}
    async with Peer() as peer, heard(over(peer, framing=framing, number=number)) as cards:
        assert await cards.next() == ReaderBack()
        await peer.send(b"\x04\xa1\xb2\xc3")
        assert await cards.next() == CardHeld("77705923")
