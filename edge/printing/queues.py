"""Sets the site's queues up in CUPS: people's (held, without a device) and the printers'."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from edge.ports import PrinterSeen
from edge.printing.backend import BACKEND_SCHEME
from edge.printing.operation_policy import PEOPLE_POLICY, PRINTER_POLICY
from edge.printing.pycups import NOT_FOUND, CupsSaidNoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.ports import PeopleQueue, PrinterQueue
    from edge.printing.pycups import Connection

_MADE: Final = "IPP Everywhere"
_PAUSED: Final = 5  # printer-state stopped (RFC 8011 §5.4.12)
_STATES: Final[Mapping[object, Literal["idle", "processing", "stopped"]]] = {
    3: "idle",
    4: "processing",
    _PAUSED: "stopped",
}
_NOWHERE: Final = "file:///dev/null"


class Cups(Protocol):
    """Makes one call of pycups; see `CupsCalls.cups`."""

    def __call__(self, what: str, call: Callable[[Connection], Any], /) -> Any: ...  # noqa: ANN401, D102  what the call returns


def people_queue(cups: Cups, queue: PeopleQueue) -> None:
    """Make it without a device and stopped: whatever hold a client asks for, nothing comes out.

    print-color-mode-default: CUPS would note `monochrome` on every job whose client said nothing,
    because the queue has no colour device, and the job would keep that at the printer.
    """

    def make(connection: Connection) -> None:
        name = queue.name
        connection.addPrinter(name, device=_NOWHERE, info=queue.description or name)
        connection.setPrinterShared(name, True)  # noqa: FBT003  pycups takes no keyword here
        connection.setPrinterOpPolicy(name, PEOPLE_POLICY)
        connection.addPrinterOptionDefault(name, "job-hold-until", "indefinite")
        connection.addPrinterOptionDefault(name, "print-color-mode", "auto")
        connection.disablePrinter(name)
        connection.acceptJobs(name)

    cups(f"set up queue {queue.name!r}", make)


def begin(cups: Cups, printer: PrinterQueue) -> None:
    """Have a printer's queue made driverless from what the printer says; only the edge may use it.

    CUPS asks the printer in a thread of its own, after it has answered. Until `finish` the queue
    takes no jobs: pycups sets one property a call, so for a moment it is anybody's.
    """
    there = about(cups, printer.name)
    known = there.get("device-uri") in {printer.uri, _once(printer)} and _is_made(there)

    def make(connection: Connection) -> None:
        name, info = printer.name, printer.description or printer.name
        if known:
            connection.addPrinter(name, info=info)
        else:
            connection.addPrinter(name, device=printer.uri, info=info)
        connection.setPrinterOpPolicy(name, PRINTER_POLICY)
        connection.setPrinterErrorPolicy(name, "abort-job")
        connection.setPrinterShared(name, False)  # noqa: FBT003  pycups takes no keyword here
        if not known:
            # Last, and one printer at a time: CUPS 2.4.2 makes the queue in a thread that locks
            # nothing; with two of them at work, or a change meanwhile, cupsd crashed.
            connection.addPrinter(name, ppdname="everywhere")

    cups(f"set up queue {printer.name!r}", make)


def finish(cups: Cups, waiting: Iterable[PrinterQueue]) -> list[PrinterQueue]:
    """Open the queues that CUPS has made meanwhile; return those that it has not."""
    there = cups("list its queues", lambda connection: connection.getPrinters())
    missing = []
    for printer in waiting:
        said = there.get(printer.name, {})
        if _is_made(said):
            _open(cups, printer, device=str(said.get("device-uri", "")))
        else:
            missing.append(printer)
    return missing


def _open(cups: Cups, printer: PrinterQueue, *, device: str) -> None:
    # CUPS describes a printer only over ipp; then the backend that never sends a job twice takes
    # over. Where it is not installed this is refused, and a CUPS that crashes may print twice.
    # Told its device, even the one it has, CUPS begins the job anew that is being printed there.
    what = f"set up queue {printer.name!r}"
    if device != _once(printer):
        with suppress(CupsSaidNoError):
            cups(what, lambda connection: connection.setPrinterDevice(printer.name, _once(printer)))
    cups(what, lambda connection: connection.acceptJobs(printer.name))


def about(cups: Cups, queue: str) -> dict[str, str]:
    """Return a queue's device-uri and printer-make-and-model; {} if there is no such queue.

    Raises:
        CupsSaidNoError: for any other reason than that it is not there.
    """
    wanted = ["device-uri", "printer-make-and-model"]
    try:
        said = cups(
            f"describe queue {queue!r}",
            lambda connection: connection.getPrinterAttributes(queue, requested_attributes=wanted),
        )
    except CupsSaidNoError as error:
        if error.code == NOT_FOUND:
            return {}
        raise
    return {name: value for name, value in said.items() if isinstance(value, str)}


def _is_made(said: Mapping[str, object]) -> bool:
    return _MADE in str(said.get("printer-make-and-model", ""))


def _once(printer: PrinterQueue) -> str:
    return BACKEND_SCHEME + printer.uri.removeprefix("ipp")


def ipp_uri(device_uri: str) -> str | None:
    """Return where a printer answers to IPP, given its queue's device; None if it does not."""
    scheme, _, rest = device_uri.partition("://")
    return f"ipp://{rest}" if scheme in {"ipp", BACKEND_SCHEME} else None


def seen(cups: Cups) -> dict[str, PrinterSeen]:
    """Return how the queues are that have a printer behind them.

    What a printer says of itself CUPS hears while it prints there, and keeps until the next time.
    """
    there = cups("list its queues", lambda connection: connection.getPrinters())
    return {
        name: PrinterSeen(state, _reasons(said.get("printer-state-reasons")))
        for name, said in there.items()
        if ipp_uri(str(said.get("device-uri", "")))
        and (state := _STATES.get(said.get("printer-state"))) is not None
    }


def _reasons(said: object) -> tuple[str, ...]:
    """Read a value of one keyword or several, as pycups gives it."""
    if isinstance(said, str):
        return (said,)
    return tuple(map(str, said)) if isinstance(said, list | tuple) else ()


def stopped_printers(cups: Cups) -> list[str]:
    """Return the names of the printers' queues that CUPS has stopped.

    CUPS stops a queue, whatever its error policy says, when a printer fails in the middle of
    taking a document (CUPS_BACKEND_STOP), and nothing starts it again. A queue that is not made
    yet is stopped too; started, it would send documents as they are.
    """
    there = cups("list its queues", lambda connection: connection.getPrinters())
    return [
        name
        for name, said in there.items()
        if said.get("printer-state") == _PAUSED
        and _is_made(said)
        and ipp_uri(str(said.get("device-uri", "")))
    ]


def resume(cups: Cups, queue: str) -> None:
    """Start a stopped queue."""
    cups(f"start queue {queue!r}", lambda connection: connection.enablePrinter(queue))
