"""What the books do of themselves in time: periodic grants, and what closed accounts still have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.store import closing, recovery, schedules
from config.logs import logger

if TYPE_CHECKING:
    from datetime import datetime

    from central.fleet import Fleet

_log = logger("central.granting")


class Granting:
    """Does a slice of what is due in each look; a look costs next to nothing when nothing is."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._token: object = None
        self._grants_at: datetime | None = None
        self._sweep_at: datetime | None = None
        self._more = False

    @property
    def restless(self) -> bool:
        """Whether there is more to do at once."""
        return self._more

    def look(self, now: float) -> None:
        """Do one slice of what is due; `now` is seconds on a clock that never jumps."""
        fleet = self._fleet
        token = fleet.books.change_token()
        if token != self._token or self._more:
            with fleet.books.read() as tx:
                self._grants_at = schedules.next_due(tx)
                self._sweep_at = closing.waiting(tx)
            self._token = token
        self._more = False
        clock = fleet.clock()
        moments = [at for at in (self._grants_at, self._sweep_at) if at is not None]
        if not moments or min(moments) > clock:
            return
        with fleet.books.read() as tx:
            if recovery.closed(tx) is not None:
                return  # what is missed is made up for
        if self._grants_at is not None and self._grants_at <= clock:
            self._grant(now)
        if self._sweep_at is not None and self._sweep_at <= clock:
            self._sweep(now)

    def _grant(self, now: float) -> None:
        fleet = self._fleet
        with fleet.books.write(fleet.clock()) as tx:
            done = schedules.step(tx)
            self._grants_at = schedules.next_due(tx)
            self._more |= done is not None
        if done is None or not done.over:
            return
        _log.info("granted", action="grant-period", schedule=done.name, left_out=done.left_out)
        if done.remark:
            left = f"{done.left_out} accounts left out: " if done.left_out else ""
            detail = f"grant {done.name}: {left}{done.remark}"
            fleet.alert(fleet.books.identity.node, "grant", detail, now, subject=done.name)

    def _sweep(self, now: float) -> None:
        fleet = self._fleet
        with fleet.books.write(fleet.clock()) as tx:
            done = closing.sweep(tx, fleet.linked(now))
            self._sweep_at = closing.waiting(tx, home=done.more)
        fleet.grown(done.wake)
        self._more |= done.more
