"""Events that one side could not use, kept to be shown: ours at the centre, the centre's here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tinydb import where

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from broker.messages import Rejected
    from edge.store.database import EdgeDatabase

#: So many are kept, the newest.
MOST: Final = 100


class Refusals:
    """A table of a journal, beside the books: losing a line of it costs nobody anything."""

    def __init__(self, database: EdgeDatabase) -> None:
        self._database = database
        self._rejected = database.table("rejected")
        self._quarantine = database.table("quarantine")

    def keep(self, rejected: Iterable[Rejected], now: datetime) -> None:
        """Keep what the centre could not accept.

        Raises:
            StoreUnwritableError: nothing was kept.
        """
        with self._database.transaction():
            for each in rejected:
                key = f"{each.stream} {each.seq}"
                row = {
                    "key": key,
                    "stream": each.stream,
                    "seq": each.seq,
                    "reason": each.reason,
                    "at": now.isoformat(timespec="seconds"),
                }
                self._rejected.upsert(row, where("key") == key)
            oldest = sorted(self._rejected.all(), key=lambda row: str(row["at"]))
            for row in oldest[:-MOST]:
                self._rejected.remove(where("key") == row["key"])

    def rejected(self) -> list[dict[str, Any]]:
        """Return events of ours that are quarantined at the centre: stream, seq, reason, at."""
        names = ("stream", "seq", "reason", "at")
        return [{name: row[name] for name in names} for row in self._rejected.all()]

    def quarantined(self) -> list[dict[str, Any]]:
        """Return events of the centre that could not be carried out here: seq, reason."""
        rows = self._quarantine.all()[-MOST:]
        return [{"seq": row["seq"], "reason": row["reason"]} for row in rows]
