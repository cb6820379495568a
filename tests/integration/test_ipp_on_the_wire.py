"""Printers asked over IPP: a real one, one behind TLS, and peers that send anything at all."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from config.settings import PrinterSettings
from config.settings_devices import DeviceSettings
from edge.devices import ipp_source
from edge.devices.merge import merged
from edge.devices.sources import Sources
from edge.devices.words import NoAnswer, Origin, Reading
from edge.ports import PrinterSeen
from edge.printing.ipp import Group, Tag
from tests.unit.ipp_bytes import HEAD, attribute, integer, message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from demo.cupsd import PrivateCups
    from demo.printers import VirtualPrinter

GOOD = message(
    Group.PRINTER,
    [
        attribute(Tag.ENUM, b"printer-state", b"\0\0\0\4"),
        integer(b"printer-impressions-completed", 12),
    ],
)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n"


@asynccontextmanager
async def peer(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Answer every request so; the URI without its scheme."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"//127.0.0.1:{server.sockets[0].getsockname()[1]}/ipp/print"
    finally:
        server.close()


def says(*pieces: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    """Answer with these octets."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return answer


@pytest.mark.cups
async def test_a_real_printer_says_what_it_is(printer: VirtualPrinter) -> None:
    """Ippeveprinter tells its state, supplies, abilities and how long it has been on."""
    look = await ipp_source.look(printer.uri)
    assert isinstance(look, Reading)
    assert look.origin is Origin.IPP
    assert look.state in {"idle", "processing"}
    assert look.up_for is not None
    assert look.can is not None
    assert look.can.color is True
    assert look.can.two_sided is True
    assert look.can.media is not None
    assert "iso_a4" in look.can.media
    assert look.can.formats is not None
    assert "application/pdf" in look.can.formats
    assert look.supplies
    assert look.odd == ()


@pytest.mark.cups
async def test_every_source_of_a_printer_is_named(printer: VirtualPrinter) -> None:
    """IPP and the queue each say their own; without a profile SNMP is not asked."""
    queue = PrinterSeen("stopped", ("none", "media-jam-error"))
    sources = Sources({}, DeviceSettings(), seen=lambda: {"one": queue})
    settings = PrinterSettings(id="one", name="One", uri=printer.uri, queue="one")
    looks = await sources.look(settings)
    meters = await sources.meters(settings)
    await sources.close()
    assert [each.origin for each in looks if isinstance(each, Reading)] == [Origin.IPP, Origin.CUPS]
    assert looks[1] == Reading(Origin.CUPS, state="stopped", reasons=("media-jam-error",))
    assert isinstance(meters, Reading)


@pytest.mark.cups
async def test_a_printer_on_usb_is_what_cups_knows(cups: PrivateCups) -> None:
    """Its queue with its driver is asked like a printer; that it is CUPS' own word is said."""
    device = "usb://Maker/Laser%207?serial=DESK0001"
    words = ["-p", "desk", "-D", "Desk", "-v", device, "-m", "drv:///sample.drv/laserjet.ppd"]
    made = await asyncio.create_subprocess_exec(
        *("/usr/sbin/lpadmin", "-h", str(cups.socket), *words, "-E"),
        stderr=asyncio.subprocess.DEVNULL,  # that drivers are a thing of the past
    )
    assert await made.wait() == 0
    uri = f"ipp://127.0.0.1:{cups.port}/printers/desk"
    settings = PrinterSettings(id="desk", name="Desk", uri=uri, queue="p-desk")
    sources = Sources({}, DeviceSettings(), seen=lambda: {"p-desk": PrinterSeen("processing")})
    looks = await sources.look(settings)
    assert await sources.meters(settings) == looks[0]
    await sources.close()
    view = merged(looks)
    assert (view.answers, view.state, view.meters) == (None, "idle", ())
    assert view.model is not None
    assert "LaserJet" in view.model
    assert view.can is not None
    assert (view.can.color, view.can.two_sided) == (False, False)
    assert view.can.media is not None
    assert "iso_a4" in view.can.media
    assert set(view.sources.values()) == {Origin.CUPS}


@pytest.mark.parametrize(
    "pieces",
    [
        (OK + b"Content-Length: %d\r\n\r\n" % len(GOOD), GOOD),
        (OK + b"\r\n", GOOD),  # until the connection ends
        (b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"\r\n", GOOD),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
            GOOD[:5] + b"\r\n",
            b"%x;x=y\r\n" % (len(GOOD) - 5),
            GOOD[5:] + b"\r\n0\r\n\r\n",
        ),
    ],
)
async def test_an_answer_is_read_however_it_is_sent(pieces: tuple[bytes, ...]) -> None:
    """With its length, in chunks, until the end, after 100 Continue."""
    async with peer(says(*pieces)) as where:
        look = await ipp_source.look(f"ipp:{where}")
    assert isinstance(look, Reading)
    assert (look.state, look.meters[0].value) == ("processing", 12)


@pytest.mark.parametrize(
    ("pieces", "refused"),
    [
        ((b"",), False),
        ((b"\0" * 5000,), False),
        ((b"SSH-2.0-printer\r\n\r\n",), False),
        ((b"HTTP/1.1 abc\r\n\r\n",), False),
        ((b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000,), False),
        ((OK + b"Content-Length: 99999999999\r\n\r\n",), False),
        ((OK + b"Content-Length: -5\r\n\r\n",), False),
        ((OK + b"Content-Length: 500\r\n\r\n", b"short"), False),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",), False),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n",), False),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",), False),
        ((OK + b"\r\n", b"\0" * 300_000), False),
        ((OK + b"\r\n", b"no IPP at all"), False),
        ((OK + b"\r\n", HEAD + b"\x03"), False),
        ((OK + b"\r\n", b"\2\0\4\3" + HEAD[4:] + b"\x03"), True),
        ((OK + b"\r\n", b"\2\0\5\0" + HEAD[4:] + b"\x03"), False),
        ((b"HTTP/1.1 401 Unauthorized\r\n\r\n",), True),
        ((b"HTTP/1.1 426 Upgrade Required\r\n\r\n",), True),
        ((b"HTTP/1.1 500 Oh\r\n\r\n",), False),
    ],
)
async def test_what_is_no_answer_is_said(pieces: tuple[bytes, ...], refused: bool) -> None:  # noqa: FBT001
    """Whatever comes instead of IPP is a value with a reason, and a refusal is told apart."""
    async with peer(says(*pieces)) as where:
        look = await ipp_source.look(f"ipp:{where}", seconds=3)
    assert isinstance(look, NoAnswer)
    assert look.refused is refused


async def test_a_trickle_ends_in_time() -> None:
    """One octet now and then keeps no look waiting beyond its time."""

    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 5000\r\n\r\n")
        for _ in range(200):
            writer.write(b"\0")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with peer(trickle) as where:
        begun = time.monotonic()
        look = await ipp_source.look(f"ipp:{where}", seconds=0.5)
    assert isinstance(look, NoAnswer)
    assert time.monotonic() - begun < 2


async def test_nobody_there_is_a_value() -> None:
    """A closed port and an unknown name are silence."""
    for uri in ("ipp://127.0.0.1:9/ipp/print", "ipp://nobody.invalid/ipp/print", "ipp://[::1]:9/"):
        assert isinstance(await ipp_source.look(uri, seconds=5), NoAnswer)


async def test_a_printer_that_encrypts_is_read(tmp_path: Path) -> None:
    """Ipps works with the certificate that printers sign themselves."""
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    made = await asyncio.create_subprocess_exec(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=printer", "-keyout", str(key), "-out", str(certificate),
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await made.wait() == 0
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with peer(says(OK + b"\r\n", GOOD), tls) as where:
        look = await ipp_source.look(f"ipps:{where}")
        plain = await ipp_source.look(f"ipp:{where}", seconds=2)
    assert isinstance(look, Reading)
    assert isinstance(plain, NoAnswer)
