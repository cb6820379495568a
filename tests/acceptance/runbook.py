"""Reads a runbook and runs its commands as they stand: the text and its test cannot part."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.lab import Lab

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
_BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
#: What starts the coordinator; the lab does it, so that it can end it as well.
RUN = "printmesh central run"


class RunbookFailed(Exception):
    """A command of a runbook ended with an error; the text is what it said."""


@dataclass
class Runbook:
    """One document, and who follows it."""

    lab: Lab
    name: str
    variables: Mapping[str, str]
    """What the document says that its variables stand for."""

    def __post_init__(self) -> None:
        """Read the commands."""
        self.text = (RUNBOOKS / f"{self.name}.md").read_text(encoding="utf-8")
        self.blocks = [textwrap.dedent(match[2]).strip() for match in _BLOCK.finditer(self.text)]
        self._next = 0

    async def follow(self, upto: str) -> str:
        """Run the blocks up to the one that contains a text; return what the last one said.

        Raises:
            RunbookFailed: one of them failed.
        """
        said = ""
        while True:
            block = self.blocks[self._next]
            self._next += 1
            if block == RUN:
                self.lab.start_central()
            else:
                said = await asyncio.to_thread(self._run, block)
            if upto in block:
                return said

    def skip(self, upto: str) -> None:
        """Leave the blocks out that come before the one that contains a text: for another case."""
        rest = enumerate(self.blocks[self._next :], self._next)
        self._next = next(number for number, block in rest if upto in block)

    def at_end(self) -> bool:
        """Say whether every command of the document was run."""
        return self._next == len(self.blocks)

    def _run(self, block: str) -> str:
        doors = self.lab.root / "bin"
        doors.mkdir(exist_ok=True)
        door = doors / "printmesh"
        door.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m printmesh "$@"\n')
        door.chmod(0o755)
        environ = self.lab.environ(
            {"PRINTMESH_CONFIG": str(self.lab.root / "central.toml"), **self.variables}
        )
        environ["PATH"] = f"{doors}:{environ['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", block],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise RunbookFailed(f"{block}\n{done.stdout}{done.stderr}(status {done.returncode})")
        return done.stdout
