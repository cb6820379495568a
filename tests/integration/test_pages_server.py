"""The pages as they are really served: with TLS, told of changes, ended with pages still open."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from broker.serving import CannotListen
from central.store import organisation
from central.web.pages_server import serve_pages
from config.settings import CentralSettings, LinkSettings
from config.settings_web import WebSettings
from tests.integration.pages_lab import PASSWORD, Browser, Lab, open_lab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("how it is served is no question of SQL")


def certificate(path: Path) -> tuple[Path, Path]:
    """Return a certificate of this machine that is its own authority, and its key."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", "web.key", "-out", "web.pem", "-days", "2"),
            *("-subj", "/CN=print.test", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        cwd=path,
        check=True,
        capture_output=True,
    )
    return path / "web.pem", path / "web.key"


def settings_for(path: Path, **web: Any) -> CentralSettings:  # noqa: ANN401  settings are anything
    """Return settings with these of the pages."""
    return CentralSettings(
        data=path,
        credentials=path / "credentials.json",
        broker=LinkSettings(secret=SecretStr("the coordinator's own, long and random")),
        web=WebSettings(**{"port": 0, **web}),
    )


@asynccontextmanager
async def serving(
    lab: Lab,
    path: Path,
    stop: asyncio.Event | None = None,
    **web: Any,  # noqa: ANN401  as above
) -> AsyncIterator[int]:
    """Serve the pages; at the end they are told to end, and do."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stop = stop or asyncio.Event()
    running = asyncio.create_task(
        serve_pages(settings_for(path, **web), lab.books, stop, listening=port.set_result)
    )
    async with asyncio.timeout(60):
        both: list[asyncio.Future[Any]] = [running, port]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not port.done():
            await running
        yield port.result()
        stop.set()
        await running


async def test_pages_are_served_over_tls(tmp_path: Path) -> None:
    """With a certificate the cookie is for TLS only, under the name that neighbours cannot set."""
    lab = open_lab(tmp_path)
    trusted, key = certificate(tmp_path)
    async with serving(lab, tmp_path, tls_certificate=trusted, tls_key=key) as port:
        trusts = ssl.create_default_context(cafile=str(trusted))
        async with httpx.AsyncClient(verify=trusts) as client:
            answer = await client.get(f"https://127.0.0.1:{port}/sign-in")
        assert answer.status_code == 200
        assert answer.headers["set-cookie"].startswith("__Host-printmesh=")


async def test_a_certificate_that_is_none_is_said(tmp_path: Path) -> None:
    """The file is named, and nothing is left listening."""
    lab = open_lab(tmp_path)
    wrong = tmp_path / "web.pem"
    wrong.write_text("no certificate")
    with pytest.raises(CannotListen, match="certificate"):
        async with serving(lab, tmp_path, tls_certificate=wrong, tls_key=wrong):
            pass


async def test_an_open_page_does_not_hold_the_end_up(tmp_path: Path) -> None:
    """A stream is followed over the wire, and ends when the process does."""
    lab = open_lab(tmp_path)
    stop = asyncio.Event()
    async with serving(lab, tmp_path, stop) as port:
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            axel = Browser(client)
            await axel.get("/sign-in")
            own = {"origin": address, "sec-fetch-site": "same-origin"}
            done = await axel.send("/sign-in", own, name="axel", password=PASSWORD)
            assert done.status_code == 303, done.text
            async with client.stream("GET", "/live", params={"of": "overview"}) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                lines = answer.aiter_lines()
                assert any([line.startswith("data:") async for line in _until_data(lines)])
                stop.set()
                assert [line async for line in lines if line.startswith("data:")] == []


async def _until_data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith("data:"):
            return


async def test_a_new_centre_gets_a_code_at_each_start(tmp_path: Path) -> None:
    """Nobody is staff here: the start makes a code, and with staff it makes none."""
    lab = open_lab(tmp_path)
    async with serving(lab, tmp_path):
        with lab.books.read() as tx:
            assert tx.sql.exec_driver_sql("SELECT count(*) FROM setup_code").scalar() == 0
    with lab.books.write() as tx:
        tx.sql.exec_driver_sql("DELETE FROM staff")
        organisation.set_name(tx, "City Library")
    async with serving(lab, tmp_path) as port, httpx.AsyncClient() as client:
        with lab.books.read() as tx:
            assert tx.sql.exec_driver_sql("SELECT count(*) FROM setup_code").scalar() == 1
        answer = await client.get(f"http://127.0.0.1:{port}/setup")
        assert "City Library" in answer.text
