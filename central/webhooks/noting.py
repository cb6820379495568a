"""Alerts in the coordinator: noted for whoever asks to be told, at its next look.

An alert has no transaction of its own. Those of the quarter of a second before a crash are told by
whoever raised them once more, or not at all; the newest word is what counts of them in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.store import happenings
from config.logs import logger

if TYPE_CHECKING:
    from central.fleet import Fleet

_log = logger("central.webhooks")


class Noting:
    """Writes down what the fleet has raised since the last look; nothing when nobody asks."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def look(self, _now: float) -> None:
        """Write it down."""
        raised = list(self._fleet.raised)
        if not raised:
            return
        books, now = self._fleet.books, self._fleet.clock()
        try:
            with books.read(now) as tx:
                anybody = happenings.asks_for_alerts(tx)
            if anybody:
                with books.write(now) as tx:
                    room = happenings.alerts(tx, raised)
                if not room:
                    _log.warning(
                        "alerts are not told: too much waits for a webhook that is away",
                        action="alerts-not-noted",
                    )
        except Exception:  # noqa: BLE001  alerts hold no money up; they are tried at the next look
            _log.exception("alerts are not noted", action="alerts-not-noted")
            return
        for _ in raised:
            self._fleet.raised.popleft()
