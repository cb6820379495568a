"""Doing to processes what machines and disks do to them: stopping, refusing writes, dying."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Awaitable, Callable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from demo.chaos.kinds import Planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.guarded import Guarded

#: Carries one planned fault out, and heals what it broke.
Deed = Callable[[Planned], Awaitable[None]]


async def stop_for(program: Guarded, seconds: float) -> None:
    """Let a program stand still for so long."""
    program.kill(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    program.kill(signal.SIGCONT)


async def kill(program: Guarded) -> None:
    """Kill -9, and wait until it is gone."""
    program.kill()
    await asyncio.to_thread(program.wait)


@contextmanager
def no_writes(pid: int) -> Iterator[None]:
    """Let the system refuse every write of a process to a file (EFBIG); sockets go on.

    Needs no rights: only the soft limit of our own process is moved. One that has just died, such
    as an edge that changes its role, writes nothing anyhow.
    """
    limit = resource.RLIMIT_FSIZE
    hard = resource.RLIM_INFINITY
    with suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, limit)
        resource.prlimit(pid, limit, (0, hard))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, limit, (hard, hard))
