"""Copies that the edge may not know the end of, in one small file that outlives a power cut."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from broker.credentials import write_private
from broker.messages.copies import CopyCounts
from config.logs import logger
from terminal_bridge.phases import OpenCopy

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_log = logger("terminal.durable")


class CopiesKept(Protocol):
    """Where open copies are remembered."""

    def load(self) -> tuple[OpenCopy, ...]:
        """Return what the last process left."""

    def keep(self, copy: OpenCopy) -> None:
        """Write a copy down as it stands."""

    def forget(self, copy_id: UUID) -> None:
        """Strike one out; unknown ones are fine."""


class OpenCopies:
    """One terminal's. Every change is on the disk when its call returns."""

    def __init__(self, path: Path) -> None:
        """Name the file; its directory is there."""
        self._path = path
        self._copies: dict[UUID, OpenCopy] = {}

    def load(self) -> tuple[OpenCopy, ...]:
        """Return what the last process left.

        A file that cannot be read (it is replaced in one step, so a power cut leaves none such) is
        put aside: the edge settles those copies from the counts it has.

        Raises:
            OSError: the disk does not let us.
        """
        try:
            text = self._path.read_text(encoding="utf-8")
            self._copies = {copy.copy_id: copy for copy in map(_read, json.loads(text)["copies"])}
        except FileNotFoundError:
            self._copies = {}
        except (ValueError, KeyError, TypeError) as error:
            aside = self._path.with_suffix(".damaged")
            self._path.replace(aside)
            self._copies = {}
            _log.error(
                "open copies cannot be read; the file is put aside",
                action="terminal-damaged",
                file=str(aside),
                reason=str(error)[:200],
            )
        return tuple(self._copies.values())

    def keep(self, copy: OpenCopy) -> None:
        """Write a copy down as it stands.

        Raises:
            OSError: the disk does not let us; nothing has changed.
        """
        if self._copies.get(copy.copy_id) != copy:
            self._write({**self._copies, copy.copy_id: copy})

    def forget(self, copy_id: UUID) -> None:
        """Strike a copy out.

        Raises:
            OSError: the disk does not let us; nothing has changed.
        """
        if copy_id in self._copies:
            self._write({k: copy for k, copy in self._copies.items() if k != copy_id})

    def _write(self, copies: dict[UUID, OpenCopy]) -> None:
        rows = [_written(copy) for copy in copies.values()]
        write_private(self._path, json.dumps({"copies": rows}))
        self._copies = copies


def peek(path: Path) -> tuple[OpenCopy, ...]:
    """Return what is in a terminal's file, without a lock and without mending anything."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        rows = json.loads(path.read_text(encoding="utf-8"))["copies"]
        return tuple(map(_read, rows))
    return ()


def _written(copy: OpenCopy) -> dict[str, Any]:
    return {
        "copy_id": str(copy.copy_id),
        "counts": copy.counts.model_dump(mode="json"),
        "why": copy.why,
        "late": copy.late,
    }


def _read(row: dict[str, Any]) -> OpenCopy:
    return OpenCopy(
        UUID(row["copy_id"]),
        CopyCounts.model_validate(row["counts"]),
        str(row["why"]),
        bool(row["late"]),
    )
