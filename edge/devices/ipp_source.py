"""Asks a printer over IPP what it is and how it is: one question, bounded in time and length.

Not by `edge.printing.ipp_door`: that one waits in threads, and an answer in single octets holds
it for ever. What an IPP message is, is read there all the same.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
import struct
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from edge.devices import ipp_reading
from edge.devices.addresses import resolved
from edge.devices.words import NoAnswer
from edge.printing.ipp import CONTENT_TYPE, FIRST_ERROR, Group, IppMalformedError, Operation, Tag
from edge.printing.ipp import parse as parse_ipp

if TYPE_CHECKING:
    from edge.devices.words import Look

_PORT: Final = 631
#: Seconds that a name may take.
_NAME: Final = 4.0
_OK: Final = 200
_FORBIDDEN: Final = frozenset({401, 403})
_UPGRADE: Final = 426
_MOST: Final = 256 * 1024
_HEAD: Final = 16 * 1024
#: client-error-forbidden, -not-authenticated, -not-authorized (RFC 8011 §B.1.4)
_REFUSED: Final = frozenset({0x0401, 0x0402, 0x0403})
# value tags of texts that name charset and language (RFC 8010 §3.5.2)
_CHARSET: Final = 0x47
_LANGUAGE: Final = 0x48


class _NotHttpError(Exception):
    """What came is no answer of HTTP that can be used."""


async def look(uri: str, *, seconds: float = 8.0) -> Look:
    """Ask for what `ipp_reading` reads.

    Args:
        uri: `ipp://host[:port]/path`, or `ipps` for one that encrypts; its certificate is not
            checked: printers sign their own, and nothing secret is sent.
        seconds: after which it counts as silent, whatever has come.
    """
    try:
        async with asyncio.timeout(seconds):
            status, body = await _posted(uri, _request(uri))
    except TimeoutError:
        return NoAnswer(f"{_host(uri)} does not answer IPP within {seconds:g} s")
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError, _NotHttpError) as error:
        return NoAnswer(f"{_host(uri)} does not answer IPP: {_why(error)}")
    return _refusal(uri, status) or _read(uri, body)


def _refusal(uri: str, status: int) -> NoAnswer | None:
    """Say why an answer of HTTP is none of IPP."""
    if status in _FORBIDDEN:
        return NoAnswer(f"{_host(uri)} answers IPP, and not to us (HTTP {status})", refused=True)
    if status == _UPGRADE:
        return NoAnswer(f"{_host(uri)} wants to be asked encrypted: ipps:// in `uri`", refused=True)
    if status != _OK:
        return NoAnswer(f"{_host(uri)} answers IPP with HTTP {status}")
    return None


def _read(uri: str, body: bytes) -> Look:
    try:
        message = parse_ipp(body)
    except IppMalformedError:
        return NoAnswer(f"{_host(uri)} answers, and not with IPP")
    if message.code >= FIRST_ERROR:
        return NoAnswer(
            f"{_host(uri)} answers IPP with status 0x{message.code:04x}",
            refused=message.code in _REFUSED,
        )
    attributes = message.first_of(Group.PRINTER)
    if not attributes:
        return NoAnswer(f"{_host(uri)} answers IPP with nothing in it")
    return ipp_reading.reading(attributes)


@cache
def _request(uri: str) -> bytes:
    """Write Get-Printer-Attributes (RFC 8011 §4.2.5); the same at every look."""
    path = urlsplit(uri)
    # the printer is named as it knows itself: without what only says how to get there
    named = f"{path.scheme}://{path.netloc}{path.path or '/'}"
    out = bytearray(struct.pack(">BBHI", 2, 0, Operation.GET_PRINTER_ATTRIBUTES, 1))
    out.append(Group.OPERATION)
    out += _attribute(_CHARSET, "attributes-charset", "utf-8")
    out += _attribute(_LANGUAGE, "attributes-natural-language", "en")
    out += _attribute(Tag.URI, "printer-uri", named)
    out += _attribute(Tag.NAME, "requesting-user-name", "printmesh")
    for place, name in enumerate(ipp_reading.WANTED):
        out += _attribute(Tag.KEYWORD, "" if place else "requested-attributes", name)
    out.append(Group.END)
    return bytes(out)


def _attribute(tag: int, name: str, value: str) -> bytes:
    return b"".join(
        (
            bytes([tag]),
            *(struct.pack(">H", len(text.encode())) + text.encode() for text in (name, value)),
        )
    )


async def _posted(uri: str, body: bytes) -> tuple[int, bytes]:
    """Send one request of HTTP/1.1 and read its answer; the connection ends with it."""
    where = urlsplit(uri)
    host, port = where.hostname or "localhost", where.port or _PORT
    secure = _unchecked() if where.scheme == "ipps" else None
    there = await resolved(host, port, _NAME)
    if isinstance(there, str):
        raise OSError(errno.EHOSTUNREACH, there)
    reader, writer = await asyncio.open_connection(
        there[0], port, ssl=secure, server_hostname=host if secure else None, limit=_HEAD
    )
    try:
        named = f"[{host}]" if ":" in host else host
        head = (
            f"POST {where.path or '/'} HTTP/1.1\r\nHost: {named}:{port}\r\n"
            f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        await writer.drain()
        return await _answer(reader)
    finally:
        writer.transport.abort()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        words = first.split(" ", 2)
        if not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004
            raise _NotHttpError
        status = int(words[1])
        if status >= _OK:  # before it: 100 Continue
            break
    pairs = (each.partition(":") for each in lines)
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return status, await _chunks(reader)
    length = fields.get("content-length", "")
    if not length:
        return status, await _rest(reader)
    if not length.isdigit() or int(length) > _MOST:
        raise _NotHttpError
    return status, await reader.readexactly(int(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a body in chunks (RFC 9112 §7.1)."""
    found = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0].strip() or b"x", 16)
        if size == 0:
            return bytes(found)
        if size < 0 or len(found) + size > _MOST:
            raise _NotHttpError
        found += await reader.readexactly(size)
        await reader.readexactly(2)


async def _rest(reader: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while piece := await reader.read(_HEAD):
        found += piece
        if len(found) > _MOST:
            raise _NotHttpError
    return bytes(found)


@cache
def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _host(uri: str) -> str:
    return urlsplit(uri).hostname or uri


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "its encryption is not understood"
    if isinstance(error, OSError):
        return error.strerror or "no connection"
    return "what it sends cannot be read"
