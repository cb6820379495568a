"""Connections to the panels' pages: so many, so many of one address, none that says nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection

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
        if self.crowded(self.connections, self.client):
            transport.abort()
            return
        self._wait()

    @classmethod
    def crowded(cls, connections: Collection[object], client: tuple[str, int] | None) -> bool:
        """Say whether there are too many, or too many from where the newest comes."""
        host = client[0] if client else ""
        peers = [getattr(each, "client", None) for each in connections]
        same = sum(1 for peer in peers if peer is not None and peer[0] == host)
        return len(connections) > cls.most or same > cls.from_one

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


class Door(asyncio.Protocol):
    """A connection before it is secure: it counts from its first octet, and has as little time.

    asyncio tells of a connection over TLS when hands are shaken, and waits a minute for that: who
    opens many and says nothing would have all the files that the process may open.
    """

    def __init__(self, context: ssl.SSLContext, **made: Any) -> None:  # noqa: ANN401  of uvicorn
        """Lead to a `BoundedConnection`.

        Args:
            context: how hands are shaken.
            made: what uvicorn makes the connection of.
        """
        self.client: tuple[str, int] | None = None
        self._context = context
        self._made = made
        self._connections: set[object] = made["server_state"].connections
        self._early: list[bytes] = []
        self._work: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, if there is room."""
        transport.pause_reading()  # what comes is not for us
        self._transport, self.client = transport, get_remote_addr(transport)
        self._connections.add(self)
        if BoundedConnection.crowded(self._connections, self.client):
            self.shutdown()
            return
        self._work = asyncio.create_task(self._enter(transport), name="panel door")

    def data_received(self, data: bytes) -> None:
        """Keep what comes with the end of the handshake."""
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        self._connections.discard(self)

    def shutdown(self) -> None:
        """End it, as uvicorn ends its connections."""
        self._connections.discard(self)
        if self._transport is not None:
            self._transport.abort()

    async def _enter(self, transport: asyncio.Transport) -> None:
        loop, within = asyncio.get_running_loop(), BoundedConnection.here_within
        try:
            secure = await loop.start_tls(
                transport, self, self._context, server_side=True, ssl_handshake_timeout=within
            )
        except OSError:
            secure = None
        if secure is None or secure.is_closing():
            self.shutdown()
            return
        self._connections.discard(self)
        inside = BoundedConnection(**self._made)
        secure.set_protocol(inside)
        inside.connection_made(secure)
        for data in self._early:
            inside.data_received(data)
