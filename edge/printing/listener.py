"""Listens for pushed events and keeps the pushing alive; turns both into what to look at."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.printing.ipp import IppMalformedError
from edge.printing.subscription import PushedEvents

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
#: How often to look where CUPS cannot push.
_WITHOUT_PUSH: Final = 1.0


class Lull:
    """Jobs that are being let go: what is told of these is looked at a little later.

    CUPS answers one question after the other, and each step of ours makes it push events: looking
    at them at once would keep it from starting the job.
    """

    def __init__(self, seconds: float = 0.25) -> None:
        self._seconds = seconds
        self._until: dict[int, float] = {}

    @property
    def known(self) -> int:
        """How many jobs are kept in mind."""
        return len(self._until)

    def begin(self, id_: int | None) -> None:
        """Begin the lull of a job, or begin it anew."""
        now = asyncio.get_running_loop().time()
        self._until = {each: until for each, until in self._until.items() if until > now}
        if id_ is not None:
            self._until[id_] = now + self._seconds

    def left(self, id_: int) -> float:
        """Return for how many seconds a job is to be left alone; 0: it may be looked at."""
        until = self._until.get(id_)
        return 0 if until is None else max(0, until - asyncio.get_running_loop().time())


class Inbox:
    """What to look at next: job-ids, each once, and now and then everything."""

    def __init__(self, lull: Lull) -> None:
        self._all = False
        self._ids: dict[int, None] = {}
        self._some = asyncio.Event()
        self._lull = lull
        self._later: set[int] = set()

    def put(self, ids: list[int]) -> None:
        """Take job-ids to look at, each when its lull is over."""
        for id_ in ids:
            left = self._lull.left(id_)
            if not left:
                self._ids[id_] = None
                self._some.set()
            elif id_ not in self._later:
                self._later.add(id_)
                asyncio.get_running_loop().call_later(left, self._put_now, id_)

    def _put_now(self, id_: int) -> None:
        self._later.discard(id_)
        self.put([id_])  # it may have been acted on again meanwhile

    def put_all(self) -> None:
        """Take note that everything is to be looked at."""
        self._all = True
        self._some.set()

    async def get(self) -> int | None:
        """Wait for something; None means everything."""
        await self._some.wait()
        if self._all:
            self._all = False
            found = None
        else:
            found = next(iter(self._ids))
            del self._ids[found]
        if not self._all and not self._ids:
            self._some.clear()
        return found


class _Receivers(set["_Receiver"]):
    """The notifier's connections that are open."""

    seen = False
    """There has been one."""


class _Receiver(asyncio.Protocol):
    """One connection of the notifier. What it says is only a hint where to look."""

    def __init__(self, inbox: Inbox, lost: Callable[[], None], all_: _Receivers) -> None:
        self._inbox = inbox
        self._lost = lost
        self._events = PushedEvents()
        self._all = all_
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._all.add(self)
        self._all.seen = True

    def data_received(self, data: bytes) -> None:
        try:
            ids = self._events.feed(data)
            self._inbox.put([id_ for id_ in ids if id_ is not None])
            if None in ids:
                self._lost()  # not about a job: a printer's queue was stopped
        except IppMalformedError:
            if self.transport is not None:
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's word
        """The notifier or CUPS is gone: something may have been missed."""
        self._all.discard(self)
        self._lost()


async def listen(
    listening: Path | None,
    subscribe: Callable[[], Awaitable[bool]],
    poll: float,
    lull: Lull | None = None,
) -> AsyncGenerator[int | None, None]:
    """Yield job-ids to look at, and None when everything should be looked at; None comes first.

    Args:
        listening: where to make the socket that the notifier connects to; None: only poll.
        subscribe: makes CUPS push; says whether it can.
        poll: seconds between looks at everything, for what no event told; as long as no event
            has ever come it is one second.
        lull: the jobs that are to be left alone for now.
    """
    inbox, lost, receivers = Inbox(lull or Lull()), asyncio.Event(), _Receivers()
    server = None
    if listening is not None:
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: _Receiver(inbox, lost.set, receivers), sock=_bound(listening)
        )
    repair = asyncio.create_task(
        _repair(inbox, lost, subscribe, poll, receivers), name="spooler-events"
    )
    try:
        while True:
            yield await _first(inbox, repair)
    finally:
        repair.cancel()
        with suppress(asyncio.CancelledError):
            await repair
        if server is not None and listening is not None:
            server.close()
            for receiver in list(receivers):
                if receiver.transport is not None:
                    receiver.transport.close()
            await server.wait_closed()


def _bound(listening: Path) -> socket.socket:
    """Make the socket in place of one that a crash left."""
    listening.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(listening))
    # CUPS runs the notifier as its own user; an event is only a hint, so anybody may send one
    listening.chmod(0o666)
    return made


async def _first(inbox: Inbox, repair: asyncio.Task[None]) -> int | None:
    """Wait for the inbox, but not longer than the repair lives: its error is the caller's."""
    getting = asyncio.ensure_future(inbox.get())
    try:
        await asyncio.wait({getting, repair}, return_when=asyncio.FIRST_COMPLETED)
        if repair.done():
            repair.result()
        return await getting
    finally:
        getting.cancel()


async def _repair(
    inbox: Inbox,
    lost: asyncio.Event,
    subscribe: Callable[[], Awaitable[bool]],
    poll: float,
    receivers: _Receivers,
) -> None:
    """See to it that events are pushed, and ask for a look at everything after each gap.

    Push is believed once the notifier has come through: it may lack the right to reach the socket.
    """
    pause = _FIRST_PAUSE
    while True:
        lost.clear()
        try:
            pushed = await subscribe()
            inbox.put_all()
            proven = pushed and receivers.seen
            wait, pause = poll if proven else min(poll, _WITHOUT_PUSH), _FIRST_PAUSE
        except (SpoolerUnavailableError, SpoolerRefusedError):
            wait, pause = pause, min(pause * 2, _LONGEST_PAUSE)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await lost.wait()
                # the last breath of a CUPS that is going down: let it finish
                await asyncio.sleep(_FIRST_PAUSE)
