"""A program that the lab started: it has a pid and a log, and never outlives its starter."""

from __future__ import annotations

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

#: Reads a pipe that only the starter holds open: when the starter is gone, however it went, the
#: program goes too. (PR_SET_PDEATHSIG would fire at the end of the starting *thread*.)
_GUARD = """
exec 3<&0
"$@" 3<&- </dev/null >&2 &
program=$!
exec 4>&1 >&2
echo $program >&4
exec 4>&-
(read -r _ <&3; kill $program; sleep 5; kill -9 $program) 2>/dev/null &
reader=$!
wait $program
status=$?
kill $reader
exit $status
"""


class Guarded:
    """One running program; use it as a context, or call `stop`."""

    def __init__(self, command: Sequence[str], log: Path, environ: Mapping[str, str]) -> None:
        """Start `command` with exactly this environment; its output goes to the end of `log`."""
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "guard", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=dict(environ),
                start_new_session=True,
            )
        with self._guard.stdout as said:  # type: ignore[union-attr]  # asked for by PIPE
            self.pid = int(said.readline())

    @property
    def running(self) -> bool:
        """Whether the program is still there."""
        return self._guard.poll() is None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; returns at once, and quietly if the program is gone."""
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float = 10) -> int:
        """Return the exit status, 128 + signal if a signal ended it.

        Raises:
            subprocess.TimeoutExpired: it still runs after `seconds`.
        """
        status = self._guard.wait(seconds)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        return status

    def stop(self, seconds: float = 10) -> int:
        """End it with SIGTERM, after `seconds` with SIGKILL; return the exit status."""
        self.kill(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.wait(seconds)

    def end_leftovers(self) -> None:
        """End what the program had started and left behind when it was killed."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError, IndexError, ValueError):
                # pid (name) state ppid pgrp session …; the name may hold blanks and brackets
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self._guard.pid:
                    os.kill(int(entry.name), signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class Startable(ABC):
    """A program of the lab that runs between `start` and `stop`; as a context it does both."""

    _program: Guarded | None = None
    """As it was started last."""

    @property
    def running(self) -> bool:
        """Whether it was started and has not died."""
        return self._program is not None and self._program.running

    @abstractmethod
    def start(self) -> Self:
        """Run it; return when it answers."""

    def stop(self) -> None:
        """End it; does nothing if it does not run."""
        if self._program is not None:
            self._program.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
