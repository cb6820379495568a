"""Runs a terminal in a process of its own, to be killed: hardware by lines on standard input.

`card 0417` holds a card, `pages 3` makes pages; `enable` and `disable` come back as lines.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from config.settings_terminal import TerminalSettings
from terminal_bridge.app import run
from tests.integration.terminal_lab import HandCopier, HandReader


async def main(settings: TerminalSettings) -> None:
    """Run terminals until a signal."""
    reader, copier = HandReader(), HandCopier(_tell)
    loop = asyncio.get_running_loop()

    def line() -> None:
        word, _, what = sys.stdin.readline().strip().partition(" ")
        if word == "card":
            reader.hold(what)
        elif word == "pages":
            copier.make(int(what))
        else:
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, line)
    await run(settings, reader=lambda _, __: reader, copier=lambda _: copier)


def _tell(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    table = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asyncio.run(main(TerminalSettings.model_validate(table)))
