"""The last reading of each printer's meters, in the same record as the event that tells of it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tinydb import where

from broker.messages import MetersRead
from edge.devices.reading_days import Last

if TYPE_CHECKING:
    from edge.store.lent import Lent


class MetersKept:
    """The readings of one journal."""

    def __init__(self, lent: Lent) -> None:
        """Take what the books lend."""
        self._meters = lent.database.table("meters")
        self._record = lent.record
        self._say = lent.say

    def last(self, device: str) -> Last | None:
        """Return the last reading of a printer."""
        row = self._meters.find("device", device)
        if row is None:
            return None
        covered = date.fromisoformat(row["covered"]) if row["covered"] else None
        return Last(MetersRead.model_validate_json(row["read"]), covered, row["up_for"])

    def read(self, event: MetersRead, covered: date | None, up_for: float | None) -> Last:
        """Tell of a reading; one record, durable when it returns.

        Args:
            event: what was read.
            covered: the last day whose end is read with it.
            up_for: seconds the machine was switched on then.

        Raises:
            StoreUnwritableError: it is not told; it is still due.
        """
        row = {
            "device": event.device,
            "read": event.model_dump_json(),
            "covered": covered.isoformat() if covered else None,
            "up_for": up_for,
        }
        with self._record() as txn:
            self._meters.upsert(row, where("device") == event.device)
            self._say(txn, "jobs", event, event.read_at)
        return Last(event, covered, up_for)
