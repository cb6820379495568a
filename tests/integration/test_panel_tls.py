"""Panels over TLS: a real certificate and a real browser, and connections that shake no hands."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shutil
import ssl
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from config.panel_settings import WebSettings
from terminal_bridge.panel.connections import BoundedConnection
from terminal_bridge.panel.server import CannotServe, serve
from tests.integration.panel_lab import NAME, PATIENCE, panel, row, yes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.panel_lab import PanelLab

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[PanelLab]:
    """Run a panel."""
    async with panel(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate of 127.0.0.1 that signed itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", "panel.key", "-out", "panel.pem", "-days", "2"),
            *("-subj", "/CN=print.test", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    return directory


def _spki(home: Path) -> str:
    """Return the certificate's key as Chromium wants it named."""
    key = subprocess.run(
        ["openssl", "x509", "-in", "panel.pem", "-noout", "-pubkey"],
        cwd=home,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    public = base64.b64decode("".join(key.splitlines()[1:-1]))
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


@asynccontextmanager
async def served(lab: PanelLab, home: Path) -> AsyncIterator[str]:
    """Serve the panel over TLS; give its address."""
    settings = WebSettings(port=0, tls_certificate=home / "panel.pem", tls_key=home / "panel.key")
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    work = asyncio.create_task(serve(settings, lab.desks, listening=address.set_result))
    try:
        async with asyncio.timeout(PATIENCE):
            at = await address
        yield at
    finally:
        work.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({work})


def _client(home: Path) -> httpx.AsyncClient:
    trusts = ssl.create_default_context(cafile=str(home / "panel.pem"))
    return httpx.AsyncClient(verify=trusts)


async def test_a_browser_signs_in_over_tls(lab: PanelLab, home: Path) -> None:
    """People sign in and see their jobs; what names them never goes in the clear."""
    lab.line.answers["jobs"] = lambda _: yes({"jobs": [row("Thesis.pdf")], "more": False})
    async with served(lab, home) as address, async_playwright() as playing:
        program = shutil.which("chromium") or "/usr/bin/chromium"
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
        trusts = f"--ignore-certificate-errors-spki-list={_spki(home)}"
        started = await playing.chromium.launch(executable_path=program, args=[*flags, trusts])
        try:
            context = await started.new_context()
            page = await context.new_page()
            await page.goto(f"{address}/{NAME}/")
            await page.fill("#user", "ana")
            await page.fill("#pin", "1")
            await page.click("form.signing button.main")
            await page.wait_for_url("**/jobs")
            assert "Thesis.pdf" in await page.inner_text("main")
            assert await page.evaluate("isSecureContext")
            cookies = await context.cookies()
            assert cookies
            assert all(each["secure"] and each["httpOnly"] for each in cookies)
            strange = await started.new_context()
            plain = await strange.new_page()
            with pytest.raises(Exception, match="ERR_"):
                await plain.goto(f"{address.replace('https', 'http')}/{NAME}/")
        finally:
            await started.close()


async def test_who_speaks_plainly_is_hung_up_on(lab: PanelLab, home: Path) -> None:
    """Nothing is said in the clear; who does not know the authority reads nothing."""
    async with served(lab, home) as address, _client(home) as client:
        assert (await client.get(f"{address}/healthz")).text == "ok\n"
        with pytest.raises(httpx.TransportError):
            await client.get(f"{address.replace('https', 'http')}/healthz")
        async with httpx.AsyncClient() as stranger:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.get(f"{address}/healthz")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_tls_is_refused(lab: PanelLab, home: Path) -> None:
    """Before TLS 1.2 no hands are shaken."""
    async with served(lab, home) as address:
        old = ssl.create_default_context(cafile=str(home / "panel.pem"))
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        host, port = address.removeprefix("https://").split(":")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(host, int(port), ssl=old)


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"])
async def test_who_shakes_no_hands_keeps_nobody_out(
    lab: PanelLab, home: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """Connections that do not become secure are counted from the first and end in time."""
    for name, value in (("most", 8), ("from_one", 4), ("here_within", 3)):
        monkeypatch.setattr(BoundedConnection, name, value)
    async with served(lab, home) as address, _client(home) as client:
        host, port = address.removeprefix("https://").split(":")
        streams = [
            await asyncio.open_connection(host, int(port), local_addr=("127.0.0.2", 0))
            for _ in range(9)
        ]
        for _, writer in streams:
            writer.write(said)
        answer = await client.get(f"{address}/healthz")
        assert answer.text == "ok\n"
        over = [asyncio.create_task(_until_over(reader)) for reader, _ in streams]
        done, _ = await asyncio.wait(over, timeout=2)
        assert len(done) >= 5  # more than four of one address are not even waited for
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*over)
        for _, writer in streams:
            writer.close()


async def _until_over(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(100):
            pass  # what TLS says as it hangs up
    except ConnectionError:
        pass


async def test_a_certificate_that_is_none_is_said(lab: PanelLab, tmp_path: Path) -> None:
    """A file that is no certificate ends the start in words."""
    for name in ("panel.pem", "panel.key"):
        (tmp_path / name).write_text("nothing")
    with pytest.raises(CannotServe, match="certificate"):
        await serve(
            WebSettings(
                port=0, tls_certificate=tmp_path / "panel.pem", tls_key=tmp_path / "panel.key"
            ),
            lab.desks,
        )
