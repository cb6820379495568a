"""Connections to the panels' pages: so many, so many of one address, none that says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

#: At once: of the files that a process may usually open (1024), most stay for its lines, its
#: disks and its machines.
MOST: Final = 384
#: Of one address: a site's phones may come through one, the screen must still find room.
FROM_ONE: Final = 160
#: Seconds that a request may take to be here: a phone in a far corner sends 16 KB in that.
HERE_WITHIN: Final = 10.0


class BoundedConnection(H11Protocol):
    """A connection that ends when it is one too many, or when its request does not come.

    uvicorn counts connections only when a request is complete, and waits for that for ever.
    """

    most = MOST
    from_one = FROM_ONE
    here_within = HERE_WITHIN
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, if there is room."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        peers = [getattr(each, "client", None) for each in self.connections]
        same = sum(1 for peer in peers if peer is not None and peer[0] == host)
        if len(self.connections) > self.most or same > self.from_one:
            transport.abort()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; the rest of a request has to come in time."""
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not (cycle.more_body or cycle.response_complete):
            self._stop_waiting()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._due is None:
            self._due = self.loop.call_later(self.here_within, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
