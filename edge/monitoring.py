"""What monitoring asks an edge: figures and health of this moment, put together when asked."""

from __future__ import annotations

import shutil
from copy import deepcopy
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from broker.codec import EVENT_LIMIT, CloudEvent
from broker.exporters.figures import EdgeFigures, JobTally, Polls
from edge.health import Vital, checks
from edge.release import Phase
from edge.store.books import UP
from edge.store.errors import StoreDamagedError, StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from broker.messages import DeviceState, Message
    from config.settings import EdgeSettings
    from edge.jobs import JobRecord
    from edge.ports import Clock
    from edge.standing import SiteStanding
    from edge.store.books import Books
    from edge.uplink import Uplink

#: Printers that are shown; a site has some hundreds at most.
_DEVICES: Final = 2000


class Monitoring:
    """Counts what happens, and looks at the rest when somebody asks; serves it if the settings do.

    Asked and told on the event loop only. `tally` and `polls` are counted in any case: it costs
    less than to ask whether.
    """

    def __init__(
        self, settings: EdgeSettings, *, books: Books, standing: SiteStanding, clock: Clock
    ) -> None:
        self._settings = settings
        self._books = books
        self._standing = standing
        self._clock = clock
        self._uplink: Uplink | None = None
        self.tally = JobTally()
        """What became of jobs since the start."""
        self.polls = Polls()
        """How long looks at printers took."""
        self.journal: Callable[[], str] = str
        """Why the journal cannot be written, as of the last try; empty: it can."""
        self.spooler: Callable[[], bool] = lambda: True
        """Whether the print system answers."""
        self.broker: Callable[[], bool] = lambda: True
        """Whether the site's broker is reached."""
        self.devices: Callable[[], Iterable[DeviceState]] = tuple
        """Printers, as they were last told."""

    def on_job(self, record: JobRecord, event: Message) -> None:
        """Count what the books wrote of a job."""
        self.tally.take(event, record.service, record.charged)

    def on_look(self, seconds: float, answered: bool) -> None:  # noqa: FBT001  a hook's two values
        """Count a look at a printer."""
        (self.polls.answered if answered else self.polls.silent).took(seconds)

    def tasks(self, uplink: Uplink) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return the task that serves it, by name; none where nobody may ask."""
        self._uplink = uplink
        if self._settings.monitoring.port is None:
            return {}
        return {"monitoring": self._serve}

    def vital(self) -> Vital:
        """Return what the health of this moment rests on."""
        size, free = self._disk()
        linked = self._uplink is not None and self._uplink.linked
        return Vital(
            disk_bytes=size,
            disk_free=free,
            journal=not self.journal(),
            spooler=self.spooler(),
            broker=self.broker(),
            linked=linked,
            alone=self._standing.role().alone,
            out_of_service=self._standing.closed("print") is not None
            and self._standing.role().holds,
        )

    def figures(self) -> EdgeFigures:
        """Return the figures of this moment, which go on changing for nobody who reads them."""
        vital, books, uplink = self.vital(), self._books, self._uplink
        acked = uplink.acked if uplink else {}
        return EdgeFigures(
            node=self._settings.node,
            role=books.terms.taken.name,
            software=f"printmesh {version('printmesh')}",
            jobs={**{each.value: 0 for each in Phase}, **books.count_jobs()},
            outbox={name: books.head(name).seq - acked.get(name, 0) for name in UP},
            oldest={name: self._age(name, acked.get(name, 0)) for name in UP},
            linked=vital.linked,
            money=books.money()[0],
            owed=dict(books.till.owed_by_unit()),
            tally=deepcopy(self.tally),
            polls=deepcopy(self.polls),
            devices=tuple(self.devices())[:_DEVICES],
            disk_bytes=vital.disk_bytes,
            disk_free=vital.disk_free,
            checks=checks(vital),
        )

    async def _serve(self) -> None:
        from edge.web.server import serve  # noqa: PLC0415  slow, and often not wanted

        await serve(self._settings.monitoring, health=self.vital, figures=self.figures)

    def _age(self, stream: str, acked: int) -> float:
        """Return for how long the first event behind a watermark has waited: one read of it."""
        try:
            for envelope in self._books.events(stream, acked + 1, acked + 1):
                if envelope.data is not None and len(envelope.data) <= EVENT_LIMIT:
                    said = CloudEvent.model_validate_json(envelope.data)
                    return max(0.0, (self._clock() - said.time).total_seconds())
        except (StoreDamagedError, StoreUnwritableError, ValueError):
            pass  # told elsewhere: a figure stops nothing
        return 0.0

    def _disk(self) -> tuple[int, int]:
        try:
            found = shutil.disk_usage(self._settings.data)
        except OSError:
            return 0, 0
        return found.total, found.free
