"""Sets the site's queues up in CUPS: people's (held, without a device) and the printers'."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from edge.ports import PeopleQueue, PrinterQueue, SpoolerRefusedError
from edge.printing.backend import BACKEND_SCHEME
from edge.printing.ipp import Field, Group, Operation, Tag
from edge.printing.job_map import number, text
from edge.printing.operation_policy import PEOPLE_POLICY, PRINTER_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edge.printing.ipp import Attributes, Message

    Ask = Callable[
        [str, Operation, Iterable[Field], Iterable[tuple[Group, Iterable[Field]]]], Message
    ]

#: CUPS makes a driverless queue's description in a thread of its own, after it has answered.
_PPD_SECONDS: Final = 30.0
_PPD_PAUSE: Final = 0.02
_MADE: Final = "IPP Everywhere"
_PAUSED: Final = 5  # printer-state stopped (RFC 8011 §5.4.12)


def printer_uri(queue: str) -> Field:
    """Return the operation attribute that names a queue."""
    return Field.one("printer-uri", Tag.URI, f"ipp://localhost/printers/{queue}")


def set_up(ask: Ask, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]) -> None:
    """Make the queues or bring them in order.

    Raises:
        SpoolerRefusedError: naming each printer that has no queue; all the rest is set up.
    """
    for queue in people:
        _people_queue(ask, queue)
    problems = [problem for printer in printers if (problem := _printer_queue(ask, printer))]
    if problems:
        raise SpoolerRefusedError("; ".join(problems))


def _people_queue(ask: Ask, queue: PeopleQueue) -> None:
    """Without a device and stopped: whatever hold a client asks for, nothing comes out of it.

    print-color-mode-default: CUPS would note `monochrome` on every job whose client said nothing,
    because the queue has no colour device, and the job would keep that at the printer.
    """
    _administer(
        ask,
        Operation.CUPS_ADD_MODIFY_PRINTER,
        queue.name,
        Field.one("device-uri", Tag.URI, "file:///dev/null"),
        Field.one("printer-info", Tag.TEXT, queue.description or queue.name),
        Field.one("printer-is-shared", Tag.BOOLEAN, True),  # noqa: FBT003  a value
        Field.one("printer-op-policy", Tag.NAME, PEOPLE_POLICY),
        Field.one("job-hold-until-default", Tag.KEYWORD, "indefinite"),
        Field.one("print-color-mode-default", Tag.KEYWORD, "auto"),
    )
    _administer(ask, Operation.PAUSE_PRINTER, queue.name)
    _administer(ask, Operation.CUPS_ACCEPT_JOBS, queue.name)


def _printer_queue(ask: Ask, printer: PrinterQueue) -> str | None:
    """Make it driverless from what the printer says of itself; only the edge may use it.

    Returns:
        Why there is no queue, for people.
    """
    there = _attributes(ask, printer.name)
    made = _MADE in (text(there, "printer-make-and-model") or "")
    once = BACKEND_SCHEME + printer.uri.removeprefix("ipp")
    ppd = (
        ()
        if made and text(there, "device-uri") in {printer.uri, once}
        else (
            Field.one("device-uri", Tag.URI, printer.uri),
            Field.one("ppd-name", Tag.NAME, "everywhere"),
        )
    )
    _administer(
        ask,
        Operation.CUPS_ADD_MODIFY_PRINTER,
        printer.name,
        *ppd,
        Field.one("printer-info", Tag.TEXT, printer.description or printer.name),
        Field.one("printer-is-shared", Tag.BOOLEAN, False),  # noqa: FBT003  a value
        Field.one("printer-error-policy", Tag.NAME, "abort-job"),
        Field.one("printer-op-policy", Tag.NAME, PRINTER_POLICY),
    )
    deadline = time.monotonic() + _PPD_SECONDS
    while _MADE not in (text(_attributes(ask, printer.name), "printer-make-and-model") or ""):
        if time.monotonic() > deadline:
            return (
                f"no queue could be made for printer {printer.name!r}: nothing that speaks "
                f"IPP Everywhere answered at {printer.uri}"
            )
        time.sleep(_PPD_PAUSE)
    # CUPS describes a printer only over ipp; then the backend that never sends a job twice takes
    # over. Where it is not installed this is refused, and a CUPS that crashes may print twice.
    device = (Field.one("device-uri", Tag.URI, once),)
    ask(
        "/admin/",
        Operation.CUPS_ADD_MODIFY_PRINTER,
        (printer_uri(printer.name),),
        ((Group.PRINTER, device),),
    )
    _administer(ask, Operation.CUPS_ACCEPT_JOBS, printer.name)
    return None


def ipp_uri(device_uri: str) -> str | None:
    """Return where a printer answers to IPP, given its queue's device; None if it does not."""
    scheme, _, rest = device_uri.partition("://")
    return f"ipp://{rest}" if scheme in {"ipp", BACKEND_SCHEME} else None


def stopped_printers(ask: Ask) -> list[str]:
    """Return the names of the printers' queues that CUPS has stopped.

    CUPS stops a queue, whatever its error policy says, when a printer fails in the middle of
    taking a document (CUPS_BACKEND_STOP), and nothing starts it again.
    """
    wanted = Field(
        "requested-attributes", Tag.KEYWORD, ("printer-name", "printer-state", "device-uri")
    )
    answer = ask("/", Operation.CUPS_GET_PRINTERS, (wanted,), ())
    return [
        name
        for each in answer.all_of(Group.PRINTER)
        if (name := text(each, "printer-name"))
        and number(each, "printer-state") == _PAUSED
        and ipp_uri(text(each, "device-uri") or "")
    ]


def resume(ask: Ask, queue: str) -> None:
    """Start a stopped queue."""
    _administer(ask, Operation.RESUME_PRINTER, queue)


def _administer(ask: Ask, operation: Operation, queue: str, *fields: Field) -> None:
    answer = ask("/admin/", operation, (printer_uri(queue),), ((Group.PRINTER, fields),))
    if answer.code >= FIRST_ERROR:
        raise SpoolerRefusedError(f"CUPS refused to set up queue {queue!r}: {said(answer)}")


def _attributes(ask: Ask, queue: str) -> Attributes:
    wanted = Field(
        "requested-attributes",
        Tag.KEYWORD,
        ("printer-make-and-model", "device-uri", "printer-state"),
    )
    answer = ask("/", Operation.GET_PRINTER_ATTRIBUTES, (printer_uri(queue), wanted), ())
    return answer.first_of(Group.PRINTER)


#: Status codes from here are errors (RFC 8011 §B.1).
FIRST_ERROR: Final = 0x0400


def said(answer: Message) -> str:
    """Return an error answer in words, with its code."""
    message = text(answer.first_of(Group.OPERATION), "status-message") or "no reason given"
    return f"{message} (IPP status 0x{answer.code:04x})"
