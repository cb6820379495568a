"""A few threads for calls that may hang: bounded waiting, bounded numbers, nobody's exit delayed.

pycups has no time-out, so a CUPS that stopped in the middle keeps the thread that asked it. Such a
thread is given up: whoever waited is told, another takes its place, and when it comes back after
all it is taken on again. When too many are out, further calls are refused at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from edge.ports import SpoolerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

_this = threading.local()


@contextmanager
def may_hang() -> Iterator[None]:
    """Mark one request that has no time-out of its own, in a thread of a crew or any other.

    Raises:
        SpoolerUnavailableError: nobody waits for this call any more, so it goes no further.
    """
    member: _Member | None = getattr(_this, "member", None)
    if member is None:
        yield
        return
    if member.given_up:
        raise SpoolerUnavailableError("CUPS answered too late")
    member.asking_since = time.monotonic()
    try:
        yield
    finally:
        member.asking_since = None


class _Call(Generic[Result]):
    """One call on its way through a thread."""

    def __init__(self, work: Callable[[], Result], member: _Member) -> None:
        self._loop = asyncio.get_running_loop()
        self._work = work
        self._outcome: list[Result] = []
        self._error: BaseException | None = None
        self.member = member
        self.ended = asyncio.Event()

    def carry_out(self) -> None:
        """Do the work, in the thread."""
        try:
            self._outcome.append(self._work())
        except BaseException as error:  # noqa: BLE001  carried to whoever waits for it
            self._error = error
        with suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits
            self._loop.call_soon_threadsafe(self.ended.set)

    def outcome(self) -> Result:
        """Return what came of it, or raise it."""
        if self._error is not None:
            raise self._error
        return self._outcome[0]


class _Member:
    """One thread; it ends with the process, whatever it waits for."""

    def __init__(self) -> None:
        self.given_up = False
        self.asking_since: float | None = None
        self.calls: SimpleQueue[_Call[Any] | None] = SimpleQueue()
        threading.Thread(target=self._work, name="spooler", daemon=True).start()

    def _work(self) -> None:
        _this.member = self
        while (call := self.calls.get()) is not None:
            call.carry_out()


class Crew:
    """Carries blocking calls out; used from one event loop."""

    def __init__(self, size: int, *, patience: float, out_at_most: int) -> None:
        """Make it; threads start when they are needed.

        Args:
            size: calls under way at once.
            patience: seconds after which a request that `may_hang` counts as hanging.
            out_at_most: threads that may hang before calls are refused at once.
        """
        self._patience = patience
        self._out_at_most = out_at_most
        self._idle: list[_Member] = []
        self._places = asyncio.Semaphore(size)
        self._size = size
        self._out: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def out(self) -> int:
        """How many threads hang."""
        return len(self._out)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do something in a thread.

        Raises:
            SpoolerUnavailableError: no answer came in time, or too many are still waited for.
        """
        self._check()
        async with self._places:
            self._check()
            member = self._idle.pop() if self._idle else _Member()
            member.given_up = False
            call = _Call(work, member)
            member.calls.put(call)
            try:
                return await self._answer(call)
            finally:
                if call.ended.is_set():
                    self._take_back(member)
                else:
                    member.given_up = True
                    back = asyncio.create_task(self._come_back(call), name="spooler-call-hangs")
                    self._out.add(back)
                    back.add_done_callback(self._out.discard)

    def close(self) -> None:
        """End the threads that wait for nothing; the others end when their call does."""
        self._closed = True
        for task in self._out:
            task.cancel()
        while self._idle:
            self._idle.pop().calls.put(None)

    def _check(self) -> None:
        if len(self._out) >= self._out_at_most:
            raise SpoolerUnavailableError(
                f"CUPS does not answer: {len(self._out)} calls have hung for {self._patience:g} s"
            )

    async def _answer(self, call: _Call[Result]) -> Result:
        wait = self._patience
        while not call.ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await call.ended.wait()
            since = call.member.asking_since
            wait = self._patience
            if since is not None and not call.ended.is_set():
                wait = since + self._patience - time.monotonic()
                if wait <= 0:
                    raise SpoolerUnavailableError(
                        f"CUPS does not answer: nothing came in {self._patience:g} s"
                    )
        return call.outcome()

    async def _come_back(self, call: _Call[Any]) -> None:
        """Wait for a thread that hangs, however long."""
        try:
            await call.ended.wait()
        finally:
            self._take_back(call.member)

    def _take_back(self, member: _Member) -> None:
        if self._closed or len(self._idle) >= self._size:
            member.calls.put(None)
        else:
            self._idle.append(member)
