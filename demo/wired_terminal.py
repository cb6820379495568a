"""`printmesh terminal run` whose copier is at the other end of a TCP connection instead of pins.

A program of its own (`python -m demo.wired_terminal --config …`), so that it can be killed. All but
the wires is what runs beside a real copier.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from broker.messages.copies import CopyCounts, MeterReading
from config import logs
from config.settings_file import load
from config.settings_terminal import TerminalSettings
from demo.card_copier import OFF, ON, PORT
from terminal_bridge.app import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from config.terminal_settings import CopierSettings
    from terminal_bridge.ports import CopyKind


class WiredCopier:
    """A `CopyControl` over a connection to a `demo.card_copier.Copier`."""

    def __init__(self, port: int) -> None:
        """Open nothing yet."""
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._total = 0
        """The machine's totaliser, as far as it has been heard."""

    async def __aenter__(self) -> Self:
        """Take the wires; raises OSError."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._total = int(await self._reader.readline() or b"0")
        self.disable()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave them; the machine stops."""
        if self._writer is not None:
            self._writer.transport.abort()

    def enable(self, kinds: frozenset[CopyKind]) -> None:
        """Let it copy."""
        self._say(ON if kinds else OFF)

    def disable(self) -> None:
        """Stop it."""
        self._say(OFF)

    async def pulses(self) -> AsyncIterator[CopyCounts]:
        """Give the totals since the wires were taken."""
        made = 0
        if self._reader is None:
            return
        while await self._reader.readline():
            made += 1
            self._total += 1
            yield CopyCounts(monochrome=made)
        raise OSError("the copier's wires are pulled")

    def meter(self) -> MeterReading:
        """Return how its totaliser stands."""
        return MeterReading(total=self._total)

    def _say(self, word: bytes) -> None:
        if self._writer is None or self._writer.is_closing():
            raise OSError("the copier's wires are pulled")
        self._writer.write(word)


def main() -> None:
    """Run the terminals of a file of settings."""
    settings = load(TerminalSettings, Path(sys.argv[sys.argv.index("--config") + 1]))
    logs.configure("terminal")
    port = int(os.environ[PORT])

    def wired(_: CopierSettings) -> WiredCopier:
        return WiredCopier(port)

    asyncio.run(run(settings, copier=wired))


if __name__ == "__main__":
    main()
