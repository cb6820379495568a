"""Tries of something secret as the journal keeps them: each durable before it is looked at."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from edge.tries import PIN_WINDOW, PinTry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from edge.store.database import EdgeDatabase

_NAMES: Final = ("user", "card", "terminal")


class TriesKept:
    """One table of tries."""

    def __init__(self, database: EdgeDatabase, table: str, window: timedelta) -> None:
        """Take where they are kept.

        Args:
            database: the journal.
            table: its table.
            window: tries that are older count nowhere and go.
        """
        self._database = database
        self._rows = database.table(table)
        self._window = window

    def rows(self) -> list[tuple[Mapping[str, Any], datetime]]:
        """Return the tries that are stored, and when they were."""
        return [(row, datetime.fromisoformat(row["at"])) for row in self._rows.all()]

    def spend(self, fields: Mapping[str, str], at: datetime) -> int:
        """Store a try, durable when it returns; return its number.

        Raises:
            StoreUnwritableError: it is not stored: nothing may be tried.
        """
        with self._database.transaction():
            for row in self._rows.all():
                if at - datetime.fromisoformat(row["at"]) >= self._window:
                    self._rows.remove(doc_ids=[row.doc_id])
            return self._rows.insert({**fields, "at": at.isoformat()})

    def forgive(self, number: int) -> None:
        """Take a try back: it was right."""
        self._rows.remove(doc_ids=[number])


class PinTries:
    """Wrong PINs and passwords of a site, beside the books."""

    def __init__(self, database: EdgeDatabase) -> None:
        self._kept = TriesKept(database, "pin-tries", PIN_WINDOW)

    def tries(self) -> list[PinTry]:
        """Return the tries that are stored."""
        return [
            PinTry(row["user"], row["card"], row["terminal"], at) for row, at in self._kept.rows()
        ]

    def spend(self, tried: PinTry) -> int:
        """Store a try before the PIN is looked at; return its number.

        Raises:
            StoreUnwritableError: it is not stored: nothing may be tried.
        """
        return self._kept.spend({name: getattr(tried, name) for name in _NAMES}, tried.at)

    def forgive(self, number: int) -> None:
        """Take a try back: it was right."""
        self._kept.forgive(number)
