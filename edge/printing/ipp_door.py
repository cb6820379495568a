"""Sends what pycups has no call for, with a time-out, to a spooler's socket or a printer's port."""

from __future__ import annotations

import os
import pwd
import socket
import threading
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from config.errors import PrintmeshError
from edge.printing.ipp import CONTENT_TYPE, IppMalformedError, Message, parse
from edge.printing.pycups import written
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO

    from edge.printing.ipp import Field, Group, Operation
    from edge.printing.pycups import Library

_OK: Final = 200
_FORBIDDEN: Final = frozenset({401, 403})
_PIECE: Final = 1 << 18
_ATTRIBUTES_BOUND: Final = 64 << 20
IPP_PORT: Final = 631


class IppUnreachableError(PrintmeshError):
    """Nobody answered, or what answered does not speak IPP."""


class IppForbiddenError(PrintmeshError):
    """The peer does not let us do this."""


class _SocketConnection(HTTPConnection):
    """HTTP over a unix domain socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


class IppDoor:
    """One peer. Calls block; each thread has a connection of its own, kept open between calls."""

    def __init__(self, library: Library, address: Path | str, *, timeout: float = 30) -> None:
        """Name the peer.

        Args:
            library: pycups, which writes the requests.
            address: the path of a CUPS domain socket, where the kernel tells the peer who we are,
                or `ipp://host:port/path` or `host:port`.
            timeout: seconds of silence after which a call gives up.
        """
        self._library = library
        self._timeout = timeout
        self._threads = threading.local()
        self._headers = {"Content-Type": CONTENT_TYPE}
        self._socket: Path | None = None
        self._open: list[HTTPConnection] = []
        self.path = "/"
        self._host, self._port = "localhost", IPP_PORT
        if isinstance(address, Path):
            self._socket = address
            user = pwd.getpwuid(os.geteuid()).pw_name
            self._headers["Authorization"] = f"PeerCred {user}"
        else:
            url = urlsplit(address if "://" in address else f"ipp://{address}")
            self._host, self._port = url.hostname or "localhost", url.port or IPP_PORT
            self.path = url.path or "/"
        self.name = str(address)

    def ask(
        self,
        path: str,
        operation: Operation,
        target: Iterable[Field],
        groups: Iterable[tuple[Group, Iterable[Field]]] = (),
        document: Path | None = None,
    ) -> Message:
        """Send one request to the resource `path`; return the answer, whatever its status.

        Args:
            path: the HTTP resource, such as `/` or `/ipp/print`.
            operation: what to do.
            target: operation attributes, the target's URI first.
            groups: further groups of the request.
            document: where to put what follows the answer's attributes.

        Raises:
            IppUnreachableError: no connection, no answer in time, or no IPP in it.
            IppForbiddenError: an answer, and it is that we may not.
            IppMalformedError: a value that cannot be sent; nothing was.
            StoreUnwritableError: `document` cannot be written.
        """
        body = written(self._library, operation, target, groups)
        try:
            return self._once_more(path, body, document)
        except StoreUnwritableError:
            self._drop()  # the rest of the answer still comes there
            raise
        except (OSError, HTTPException, IppMalformedError) as error:
            self._drop()
            raise IppUnreachableError(f"{self.name} does not answer: {error!r}") from error

    def close(self) -> None:
        """Close every thread's connection, once no call is under way."""
        while self._open:
            self._open.pop().close()

    def _drop(self) -> None:
        """Close this thread's connection; the next call opens another."""
        connection: HTTPConnection | None = getattr(self._threads, "connection", None)
        if connection is not None:
            connection.close()
            self._open.remove(connection)
            self._threads.connection = None

    def _once_more(self, path: str, body: bytes, document: Path | None) -> Message:
        """A kept connection may have been closed by the peer meanwhile: then try a fresh one.

        Every operation used here may be repeated (the spooler's steps are idempotent).
        """
        kept = getattr(self._threads, "connection", None) is not None
        try:
            return self._post(path, body, document)
        except (ConnectionError, HTTPException):
            if not kept:
                raise
            self._drop()
            return self._post(path, body, document)

    def _post(self, path: str, body: bytes, document: Path | None) -> Message:
        connection: HTTPConnection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = (
                HTTPConnection(self._host, self._port, timeout=self._timeout)
                if self._socket is None
                else _SocketConnection(self._socket, self._timeout)
            )
            self._threads.connection = connection
            self._open.append(connection)
        connection.request("POST", path, body, self._headers)
        response = connection.getresponse()
        if response.status in _FORBIDDEN:
            response.read()
            raise IppForbiddenError(f"{self.name} answers {response.status} {response.reason}")
        if response.status != _OK:
            response.read()
            raise HTTPException(f"HTTP status {response.status} {response.reason}")
        if document is None:
            data = response.read(_ATTRIBUTES_BOUND)
            return parse(data)
        return _with_document(response, document)


def _with_document(response: HTTPResponse, document: Path) -> Message:
    """Read the attributes from the answer's head, write what follows to `document`."""
    head = b""
    while piece := response.read1(_PIECE):
        head += piece
        try:
            message = parse(head)
        except IppMalformedError:
            if len(head) > _ATTRIBUTES_BOUND:
                raise
            continue
        break
    else:
        return parse(head)
    with _opened(document) as out:
        _put(out, message.rest)
        while piece := response.read(_PIECE):
            _put(out, piece)
    if response.length:  # http.client says nothing when a connection breaks before its time
        raise HTTPException(f"the document broke off with {response.length} bytes to come")
    return message


def _opened(document: Path) -> FileIO:
    try:
        return document.open("wb", buffering=0)  # so that a full disk says so here, not at close
    except OSError as error:
        raise StoreUnwritableError(f"{document} cannot be made: {error.strerror}") from error


def _put(out: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    try:
        while rest:
            rest = rest[out.write(rest) :]
    except OSError as error:
        raise StoreUnwritableError(f"{out.name} cannot be written: {error.strerror}") from error
