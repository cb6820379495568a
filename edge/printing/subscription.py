"""Makes CUPS push events to the edge, and reads the pushed messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from edge.printing.ipp import Group, IppMalformedError, parse
from edge.printing.job_map import number
from edge.printing.notifier import NOTIFIER_SCHEME
from edge.printing.pycups import NOT_FOUND, NOT_POSSIBLE, CupsSaidNoError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.printing.calls import CupsCalls
    from edge.printing.pycups import Connection

#: job-progress is left out on purpose: it floods, and says nothing that is billed.
_EVENTS: Final = [
    "job-created",
    "job-completed",
    "job-stopped",
    "job-state-changed",
    "job-config-changed",
    "printer-stopped",
]
_ALL_QUEUES: Final = "ipp://localhost/"
_UNREAD_BOUND: Final = 1 << 20


def subscribe(calls: CupsCalls, listening: Path) -> bool:
    """See to it that CUPS pushes to this socket, exactly once.

    Returns:
        False if this CUPS lacks our notifier program (see `notifier`); then poll.
    """
    recipient = f"{NOTIFIER_SCHEME}://{quote(str(listening))}"
    if _mine(calls, recipient):
        return True
    try:
        calls.cups(
            "push events",
            lambda cups: cups.createSubscription(
                _ALL_QUEUES, events=_EVENTS, recipient_uri=recipient, lease_duration=0
            ),
        )
    except CupsSaidNoError as error:
        # the finer notify-status-code (no such scheme) pycups keeps to itself
        if error.code == NOT_POSSIBLE:
            return False
        raise
    return True


def unsubscribe(calls: CupsCalls, listening: Path) -> None:
    """End what `subscribe` began; a crash leaves it, and the next `subscribe` finds it."""
    for id_ in _mine(calls, f"{NOTIFIER_SCHEME}://{quote(str(listening))}"):
        calls.cups("stop pushing", partial(_cancel, id_))


def _cancel(id_: int, cups: Connection) -> None:
    cups.cancelSubscription(id_)


def _mine(calls: CupsCalls, recipient: str) -> list[int]:
    try:
        found = calls.cups("list subscriptions", lambda cups: cups.getSubscriptions(_ALL_QUEUES))
    except CupsSaidNoError as error:
        if error.code == NOT_FOUND:
            return []
        raise
    ids = [
        each.get("notify-subscription-id")
        for each in found
        if each.get("notify-recipient-uri") == recipient
    ]
    return [id_ for id_ in ids if isinstance(id_, int)]


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
