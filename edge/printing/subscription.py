"""Makes CUPS push events to the edge, and reads the pushed messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from edge.printing.calls import NOT_FOUND, must
from edge.printing.ipp import Field, Group, IppMalformedError, Operation, Tag, parse
from edge.printing.job_map import number, text
from edge.printing.notifier import NOTIFIER_SCHEME

if TYPE_CHECKING:
    from pathlib import Path

    from edge.printing.calls import CupsCalls

#: job-progress is left out on purpose: it floods, and says nothing that is billed.
_EVENTS: Final = (
    "job-created",
    "job-completed",
    "job-stopped",
    "job-state-changed",
    "job-config-changed",
    "printer-stopped",
)
_NO_SUCH_SCHEME: Final = 0x040C
_ALL_QUEUES: Final = Field.one("printer-uri", Tag.URI, "ipp://localhost/")
_UNREAD_BOUND: Final = 1 << 20


def subscribe(calls: CupsCalls, listening: Path) -> bool:
    """See to it that CUPS pushes to this socket, exactly once.

    Returns:
        False if this CUPS lacks our notifier program (see `notifier`); then poll.
    """
    recipient = f"{NOTIFIER_SCHEME}://{quote(str(listening))}"
    if _mine(calls, recipient):
        return True
    answer = calls.ask(
        "/",
        Operation.CREATE_PRINTER_SUBSCRIPTIONS,
        (_ALL_QUEUES,),
        (
            (
                Group.SUBSCRIPTION,
                (
                    Field.one("notify-recipient-uri", Tag.URI, recipient),
                    Field("notify-events", Tag.KEYWORD, _EVENTS),
                    Field.one("notify-lease-duration", Tag.INTEGER, 0),
                ),
            ),
        ),
    )
    if _NO_SUCH_SCHEME in {
        answer.code,
        number(answer.first_of(Group.SUBSCRIPTION), "notify-status-code"),
    }:
        return False
    must(answer, "push events")
    return True


def unsubscribe(calls: CupsCalls, listening: Path) -> None:
    """End what `subscribe` began; a crash leaves it, and the next `subscribe` finds it."""
    for id_ in _mine(calls, f"{NOTIFIER_SCHEME}://{quote(str(listening))}"):
        mine = Field.one("notify-subscription-id", Tag.INTEGER, id_)
        calls.ask("/", Operation.CANCEL_SUBSCRIPTION, (_ALL_QUEUES, mine))


def _mine(calls: CupsCalls, recipient: str) -> list[int]:
    wanted = ("notify-subscription-id", "notify-recipient-uri")
    answer = calls.ask(
        "/",
        Operation.GET_SUBSCRIPTIONS,
        (_ALL_QUEUES, Field("requested-attributes", Tag.KEYWORD, wanted)),
    )
    if answer.code == NOT_FOUND:
        return []
    must(answer, "list subscriptions")
    ids = [
        number(each, "notify-subscription-id")
        for each in answer.all_of(Group.SUBSCRIPTION)
        if text(each, "notify-recipient-uri") == recipient
    ]
    return [id_ for id_ in ids if id_ is not None]


class PushedEvents:
    """Bytes as they come from the notifier, read into the job-ids they speak of."""

    def __init__(self) -> None:
        self._unread = b""

    def feed(self, data: bytes) -> list[int | None]:
        """Take some bytes; return the job-id of each message they complete, None if it is of none.

        Raises:
            IppMalformedError: more than 1 MiB and still no message.
        """
        self._unread += data
        found: list[int | None] = []
        while self._unread:
            try:
                message = parse(self._unread)
            except IppMalformedError:
                if len(self._unread) > _UNREAD_BOUND:
                    raise
                break
            self._unread = message.rest
            found += [
                number(event, "notify-job-id") for event in message.all_of(Group.EVENT_NOTIFICATION)
            ]
        return found
