"""A few processes that look into documents for the edge, one question a line, within bounds."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

    from edge.printing.bounds import Bounds

#: The longest answer: a list of the numbers of all pages of a very long document.
_ANSWER_BOUND: Final = 64 << 20
#: How much longer than its own bounds a process is waited for.
_GRACE: Final = 10.0


class Workers:
    """Processes of `edge.printing.counter`, started on first use."""

    def __init__(self, work: Path, *, at_once: int, bounds: Bounds) -> None:
        """Say where and within which bounds they work.

        Args:
            work: a directory for passing files; made if it is not there.
            at_once: questions answered at the same time.
            bounds: what one document may cost.
        """
        self._work = work
        self._bounds = bounds
        self._slots = asyncio.Semaphore(at_once)
        self._idle: list[Process] = []

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask one of them; whatever a document holds, the answer is a dictionary."""
        async with self._slots:
            for _ in range(2):  # a process that was ended from outside is replaced once
                process = self._idle.pop() if self._idle else await self._start()
                try:
                    async with asyncio.timeout(self._bounds.seconds + _GRACE):
                        said = await _ask(process, json.dumps(question))
                except (TimeoutError, ConnectionError):
                    said = b""
                except BaseException:
                    await _end(process)
                    raise
                if said.endswith(b"\n"):  # else it was ended in the middle of its answer
                    self._idle.append(process)
                    found: dict[str, Any] = json.loads(said)
                    return found
                await _end(process)
        return {"unreadable": "the program that looks into documents does not run"}

    async def close(self) -> None:
        """End the processes."""
        while self._idle:
            await _end(self._idle.pop())

    async def _start(self) -> Process:
        self._work.mkdir(parents=True, exist_ok=True)
        bounds = self._bounds
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "edge.printing.counter", str(self._work)),
            *map(str, (bounds.seconds, bounds.memory, bounds.disk)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_ANSWER_BOUND,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": os.pathsep.join(sys.path)},
        )


async def _ask(process: Process, question: str) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise ConnectionError("started without pipes")
    process.stdin.write(question.encode() + b"\n")
    await process.stdin.drain()
    return await process.stdout.readline()


async def _end(process: Process) -> None:
    if process.returncode is None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(1):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
