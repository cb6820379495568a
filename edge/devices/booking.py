"""Has the meters of printers booked when a reading is due; `reading_days` says when that is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from config.logs import logger
from edge.devices.reading_days import covered, due, said, waits
from edge.release import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, tzinfo

    from edge.devices.counters import Taken
    from edge.devices.reading_days import Last
    from edge.devices.watch import Looked, Memory
    from edge.devices.windows import Windows
    from edge.store.books import Books

_log = logger("edge.devices.booking")


class Booking:
    """The readings of one site."""

    def __init__(
        self,
        books: Books,
        windows: Windows,
        *,
        zone: tzinfo,
        monotonic: Callable[[], float],
    ) -> None:
        """Take where they are booked; see `Watching`."""
        self._books = books
        self._windows = windows
        self._zone = zone
        self._monotonic = monotonic
        self._last: dict[str, Last | None] = {}
        self._noticed: dict[str, float] = {}
        self._asked: set[str] = set()
        self._broken: dict[str, tuple[Literal["reset", "replaced"], str]] = {}

    def ask(self, device: str) -> None:
        """Book the next reading of a printer, because somebody asked."""
        self._asked.add(device)

    def waits(self, device: str) -> bool:
        """Tell whether somebody waits for the next reading: another look should come soon."""
        return device in self._asked or device in self._broken

    def read(self, device: str, memory: Memory, result: Looked) -> None:
        """Book what was read at a look, where that is due.

        Raises:
            StoreUnwritableError: it is still due.
        """
        if result.broken is not None:
            self._broken[device] = result.broken, result.detail
        taken = memory.taken
        if taken is None:
            return
        if device not in self._last:
            self._last[device] = self._books.meters.last(device)
        self._broken_off(device, taken)
        if not self._by_time(device, taken) and device in self._asked:
            self._book(device, taken, "asked")
            self._asked.discard(device)

    def _broken_off(self, device: str, taken: Taken) -> None:
        """Book what does not go on from what was read before, where anything was."""
        if (broken := self._broken.get(device)) is None:
            return
        why, detail = broken
        if self._last[device] is not None:
            self._book(device, taken, why, detail=detail)
        del self._broken[device]

    def _by_time(self, device: str, taken: Taken) -> bool:
        """Book what time asks for; return whether something was booked."""
        last = self._last[device]
        wanted = due(last, taken.at, self._zone)
        if wanted is None:
            self._noticed.pop(device, None)
            return False
        now = self._monotonic()
        noticed = timedelta(seconds=now - self._noticed.setdefault(device, now))
        if waits(last, taken.meters, running=self._windows.at(device), noticed=noticed):
            return False
        self._book(device, taken, wanted.why, day=wanted.day)
        del self._noticed[device]
        self._asked.discard(device)
        return True

    def _book(
        self,
        device: str,
        taken: Taken,
        why: Literal["start", "day", "reset", "replaced", "asked"],
        *,
        day: date | None = None,
        detail: str = "",
    ) -> None:
        last = self._last[device]
        open_jobs = self._books.jobs(Phase.RELEASING, Phase.DISPUTED)
        event = said(
            device,
            taken,
            last,
            why=why,
            day=day,
            detail=detail,
            under_way=sum(each.printer == device for each in open_jobs),
        )
        after = self._books.meters.read(event, covered(event, last, self._zone), taken.up_for)
        self._last[device] = after
        _log.info(
            "meters are booked",
            action="meters-booked",
            device=device,
            why=why,
            continues=event.continues,
            detail=event.detail,
        )
