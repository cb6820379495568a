"""The one door to pycups: imported on first use, typed, its errors turned into the port's.

What must not be asked of pycups 2.0.4, each tried: to read a message (`IPPRequest.readIO`: one
out-of-band value ends the process, one collection loses the whole answer), to hand out a document
(`getDocument`: one that was cut off passes for whole), to share a `Connection` between threads.
"""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from config.errors import PrintmeshError
from edge.ports import SpoolerRefusedError
from edge.printing.ipp import Field, Group, IppMalformedError, Operation, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

NOT_POSSIBLE: Final = 0x0404
NOT_FOUND: Final = 0x0406
_STATE_DATA: Final = 3
_INTEGERS: Final = range(-(2**31), 2**31)


class CupsMissingError(PrintmeshError):
    """pycups is not installed here, or does not load."""


class CupsSaidNoError(SpoolerRefusedError):
    """CUPS answered a call of pycups with an error status."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{said} (IPP status 0x{code:04x})")
        self.code = code


class Connection(Protocol):
    """What is used of `cups.Connection`; every method raises the library's `IPPError`."""

    def addPrinter(self, name: str, **about: str) -> None: ...
    def setPrinterShared(self, name: str, shared: bool) -> None: ...  # noqa: FBT001
    def setPrinterOpPolicy(self, name: str, policy: str) -> None: ...
    def setPrinterErrorPolicy(self, name: str, policy: str) -> None: ...
    def setPrinterDevice(self, name: str, device_uri: str) -> None: ...
    def addPrinterOptionDefault(self, name: str, option: str, value: str) -> None: ...
    def enablePrinter(self, name: str) -> None: ...
    def disablePrinter(self, name: str) -> None: ...
    def acceptJobs(self, name: str) -> None: ...
    def getPrinters(self) -> Mapping[str, Mapping[str, object]]: ...
    def getPrinterAttributes(
        self, name: str, *, requested_attributes: Sequence[str]
    ) -> Mapping[str, object]: ...
    def getJobs(
        self, *, which_jobs: str, requested_attributes: Sequence[str]
    ) -> Mapping[int, Mapping[str, object]]: ...
    def getJobAttributes(
        self, job_id: int, requested_attributes: Sequence[str]
    ) -> Mapping[str, object]: ...
    def moveJob(self, *, job_id: int, job_printer_uri: str) -> None: ...
    def setJobHoldUntil(self, job_id: int, job_hold_until: str) -> None: ...
    def cancelJob(self, job_id: int, *, purge_job: bool) -> None: ...
    def printFile(
        self, printer: str, filename: str, title: str, options: Mapping[str, str]
    ) -> int: ...
    def createSubscription(
        self, uri: str, *, events: Sequence[str], recipient_uri: str, lease_duration: int
    ) -> int: ...
    def getSubscriptions(self, uri: str) -> Sequence[Mapping[str, object]]: ...
    def cancelSubscription(self, id_: int) -> None: ...


class Library(Protocol):
    """What is used of the module `cups`."""

    IPPError: type[Exception]
    HTTPError: type[Exception]
    Connection: Callable[..., Connection]
    IPPRequest: Callable[[int], Any]
    IPPAttribute: Callable[[int, int, str, list[Any]], Any]
    setUser: Callable[[str], None]
    setPasswordCB: Callable[[Callable[[str], str]], None]
    ippErrorString: Callable[[int], str]


def load() -> Library:
    """Import pycups.

    Raises:
        CupsMissingError: it is not there; the text says how to get it.
    """
    try:
        import cups  # noqa: PLC0415  a machine without it can do everything but this
    except ImportError as error:
        raise CupsMissingError(
            f"print queues need pycups, and it cannot be imported ({error}); install it with "
            "pip install 'printmesh[cups]' (it wants libcups2-dev, python3-dev and gcc)"
        ) from error
    return cast("Library", cups)


def connect(library: Library, socket: str) -> Connection:
    """Open this thread's connection to the CUPS at a domain socket.

    Raises:
        RuntimeError: nobody listens there.
    """
    # both are kept per thread. CUPS believes the kernel about who we are, if we name the same user
    library.setUser(pwd.getpwuid(os.geteuid()).pw_name)
    # without a callback of its own libcups asks for a password at the terminal, and waits
    library.setPasswordCB(lambda _prompt: "")
    return library.Connection(host=socket)


def submitted(
    library: Library,
    socket: str,
    *,
    user: str,
    queue: str,
    document: Path,
    title: str,
    options: Mapping[str, str],
) -> int:
    """Print a document as somebody, as their own computer would; return the job-id.

    On a connection of its own: on one that has shown who we are the job would be ours.

    Raises:
        IPPError: CUPS will not.
        RuntimeError: nobody listens there.
    """
    library.setUser(user)  # kept per thread
    try:
        connection = library.Connection(host=socket)
        return connection.printFile(queue, str(document), title, dict(options))
    finally:
        library.setUser(pwd.getpwuid(os.geteuid()).pw_name)


def written(
    library: Library,
    operation: Operation,
    target: Iterable[Field],
    groups: Iterable[tuple[Group, Iterable[Field]]] = (),
) -> bytes:
    """Return a request's bytes, as libcups writes them.

    Args:
        library: pycups.
        operation: what to do.
        target: the operation attributes after charset and language, the target's URI first
            (RFC 8011 §4.1.5 wants this order).
        groups: further groups.

    Raises:
        IppMalformedError: it cannot be sent; nothing was.
    """
    message = library.IPPRequest(operation)
    for group, fields in ((Group.OPERATION, target), *groups):
        for field in fields:
            values = [_sendable(field, value) for value in field.values]
            message.add(library.IPPAttribute(group, field.tag, field.name, values))
    out = bytearray()

    def take(piece: bytes) -> int:
        out.extend(piece)
        return len(piece)

    if message.writeIO(take) != _STATE_DATA:
        names = ", ".join(field.name for _, fields in groups for field in fields)
        raise IppMalformedError(f"an attribute is too long to send, one of {names or 'the target'}")
    return bytes(out)


def _sendable(field: Field, value: int | bool | str) -> int | bool | str:  # noqa: FBT001  a value
    """Check a value, as pycups does not: it would send something else, or end the process."""
    match field.tag, value:
        case (Tag.BOOLEAN, bool()):
            return value
        case (Tag.INTEGER, int()) if value in _INTEGERS and not isinstance(value, bool):
            return value
        case (Tag.NAME | Tag.KEYWORD | Tag.URI, str()) if "\0" not in value:
            with suppress(UnicodeEncodeError):
                value.encode()
                return value
    raise IppMalformedError(f"{field.name}: {value!r} cannot be sent as {field.tag.name}")
