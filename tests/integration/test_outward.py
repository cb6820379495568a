"""Asking other servers: an answer that is one, or a reason; never for long, never elsewhere."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from central.web.outward import Answer, Unreachable, ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def server(*pieces: bytes, apart: float = 0.0) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a server that answers everything with the same octets; give its address and requests."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(apart)
        except ConnectionError:
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with running:
        port = running.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/x", heard


async def answered(address: str, body: bytes | None = None) -> Answer:
    """Ask in a thread, as everybody does."""
    return await asyncio.to_thread(ask, address, headers={"a": "b"}, body=body, timeout=1.0)


async def test_an_object_is_an_object_whatever_its_status() -> None:
    """A form is sent as it is; an error's text can be read where somebody wants it."""
    async with server(HEAD + b"Content-Length: 8\r\n\r\n", b'{"a": 1}') as (address, heard):
        answer = await answered(address, b"x=1")
        assert (answer.status, answer.object()) == (200, {"a": 1})
        assert heard[0].startswith(b"POST /x ")
    refusal = b'HTTP/1.1 400 No\r\nContent-Length: 14\r\n\r\n{"error": "x"}'
    async with server(refusal) as (address, _):
        answer = await answered(address)
        assert (answer.status, answer.body) == (400, b'{"error": "x"}')
        with pytest.raises(Unreachable, match="400"):
            answer.object()


async def test_where_a_redirect_leads_nobody_goes() -> None:
    """It is an answer that is none; the other server hears nothing."""
    async with server(HEAD + b"\r\n{}") as (there, heard):
        moved = f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode()
        async with server(moved) as (address, _):
            answer = await answered(address)
            assert answer.status == 302
            with pytest.raises(Unreachable):
                answer.object()
        assert heard == []


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD + b"\r\n", b"x" * 600_000),  # more than anybody reads
        (HEAD + b"Content-Length: 100\r\n\r\n{}",),  # breaks off
        (b"what is no HTTP\r\n\r\n",),
        (HEAD + b"\r\n[1]",),
        (HEAD + b"\r\n" + b"[" * 100_000,),
        (),
    ],
)
async def test_what_is_no_answer_is_said(pieces: tuple[bytes, ...]) -> None:
    """Too much, not whole, not HTTP, no object, nothing: each ends in words."""
    async with server(*pieces) as (address, _):
        with pytest.raises(Unreachable):
            (await answered(address)).object()


async def test_a_server_that_drips_is_left() -> None:
    """An octet now and then does not keep a thread for longer than all of it may take."""
    async with server(HEAD + b"\r\n", *[b" "] * 30, apart=0.2) as (address, _):
        before = time.monotonic()
        with pytest.raises(Unreachable):
            await answered(address)
        assert time.monotonic() - before < 3


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/", "http:///x", ""])
async def test_only_http_is_asked(address: str) -> None:
    """No file of this machine is an answer."""
    with pytest.raises(Unreachable):
        await answered(address)


async def test_nobody_there_is_said() -> None:
    """A port that nobody listens at is a reason, with its words."""
    async with server() as (address, _):
        pass
    with pytest.raises(Unreachable, match="cannot be reached"):
        await answered(address)
