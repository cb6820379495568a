"""Promises of the read interface as a server inside somebody else's loop."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from central.web.server import CannotListen, serve
from config.settings import ApiSettings, CentralSettings, LinkSettings
from tests.integration.api_lab import TOKEN, Lab, StuckBooks, fill, problem, read
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything."""
    made = fill(tmp_path)
    yield made
    made.books.close()


def settings_for(path: Path, port: int | None) -> CentralSettings:
    """Return settings of a coordinator whose interface listens there."""
    return CentralSettings(
        data=path,
        credentials=path / "credentials.json",
        broker=LinkSettings.model_validate({"secret": "unused"}),
        api=ApiSettings.model_validate({"port": port, "token": TOKEN}),
    )


@asynccontextmanager
async def serving(lab: Lab, path: Path) -> AsyncIterator[int]:
    """Serve on a free port; yield it; end by the event and wait for the end."""
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve(settings_for(path, 0), lab.books, stop, listening=port.set_result)
    )
    try:
        async with asyncio.timeout(10):
            yield await port
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


async def test_it_serves_and_ends_when_told(lab: Lab, tmp_path: Path) -> None:
    """It answers on the port it told, and lets it go when told to end, kept connections or not."""
    async with httpx.AsyncClient() as client:
        async with serving(lab, tmp_path) as port:
            client.base_url = httpx.URL(f"http://127.0.0.1:{port}/api/v1/")
            problem(await client.get("users"), 401)
            client.headers["Authorization"] = f"Bearer {TOKEN}"
            listed = await read(client, "users")
            assert [user["name"] for user in listed["items"]] == ["ana", "bob"]
            assert (await read(client, "accounts/department:a%2Fb"))["key"] == "department:a/b"
            assert "server" not in (await client.get("health")).headers
        with pytest.raises(httpx.TransportError):
            await client.get("users")


async def test_signals_stay_the_process_own(lab: Lab, tmp_path: Path) -> None:
    """Serving takes no signal: the process around it ends everything in its own order."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    async with serving(lab, tmp_path) as port, httpx.AsyncClient() as client:
        await client.get(f"http://127.0.0.1:{port}/api/v1/health")
        during = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert during == before


async def test_a_port_in_use_is_an_error_with_a_way_out(lab: Lab, tmp_path: Path) -> None:
    """An address that cannot be had is told with the setting to change; nobody's process ends."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"port {port}.*\[api\]"):
            await serve(settings_for(tmp_path, port), lab.books, asyncio.Event())


async def test_without_a_port_nothing_is_served(lab: Lab, tmp_path: Path) -> None:
    """Settings without a port ask for no interface: serving ends at once."""
    async with asyncio.timeout(5):
        await serve(settings_for(tmp_path, None), lab.books, asyncio.Event())


async def test_it_ends_when_its_task_is_cancelled(lab: Lab, tmp_path: Path) -> None:
    """A process that ends in a hurry cancels it, and the port is free again."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve(settings_for(tmp_path, 0), lab.books, asyncio.Event(), listening=port.set_result)
    )
    async with asyncio.timeout(10):
        bound = await port
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    socket.create_server(("127.0.0.1", bound)).close()


@pytest.mark.parametrize("hurry", [False, True])
async def test_an_answer_under_way_is_finished(tmp_path: Path, *, hurry: bool) -> None:
    """Who asked before the end gets an answer, and nobody reads the books afterwards."""
    books = StuckBooks.open(books_url(tmp_path / "books.db"))
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    settings = settings_for(tmp_path, 0)
    task = asyncio.create_task(serve(settings, books, stop, listening=port.set_result))
    async with asyncio.timeout(20), httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{await port}/api/v1/users"
        books.gate.clear()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        asked = asyncio.create_task(client.get(url, headers=headers))
        await asyncio.to_thread(books.reading.wait, 10)
        if hurry:
            task.cancel()
        else:
            stop.set()
        await asyncio.wait({task}, timeout=0.3)
        assert not task.done()
        books.gate.set()
        await asyncio.wait({task})
        assert (await asked).json() == {"items": [], "next": None}
    assert task.cancelled() is hurry
    books.close()
