"""Deletes what has been kept long enough: a slice in each look, once an hour from the beginning."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from central.store import privacy, retention
from central.store.retention import Terms
from config.logs import logger

if TYPE_CHECKING:
    from central.fleet import Fleet
    from config.settings_privacy import PrivacySettings

_log = logger("central.keeping")

#: Seconds between two beginnings.
EVERY: Final = 3600.0


def terms_of(given: PrivacySettings) -> Terms:
    """Return settings as retention takes them."""

    def span(days: int | None) -> timedelta | None:
        return None if days is None else timedelta(days=days)

    return Terms(
        span(given.keep_names_days), span(given.keep_jobs_days), span(given.keep_audit_days)
    )


class Keeping:
    """Knows what is due; a look costs nothing while nothing is."""

    def __init__(self, fleet: Fleet, given: PrivacySettings) -> None:
        """Take the settings over: what becomes of names is kept in the books."""
        self._fleet = fleet
        self._terms = terms_of(given)
        self._next = float("-inf")
        with fleet.books.write(fleet.clock()) as tx:
            privacy.set_names(tx, given.document_names, author=tx.identity.node)

    def look(self, now: float) -> None:
        """Do one slice; `now` in seconds that never jump."""
        if self._terms.nothing or now < self._next:
            return
        with self._fleet.books.write(self._fleet.clock()) as tx:
            done = retention.step(tx, self._terms)
        if done.over:
            self._next = now + EVERY
        elif done.changed:
            _log.debug("deleted", action="retention", kind=done.kind, count=done.changed)
