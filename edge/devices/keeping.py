"""What is known of printers over a restart, a small file each beside the journal.

Beside it, because none of it is money: a level of toner must never wait for the journal's disk, nor
the journal for it. A file that is lost or torn is learned anew.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from config.ids import NODE_ID_PATTERN
from config.logs import logger
from edge.devices.watch import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_log = logger("edge.devices.keeping")

_SUFFIX: Final = ".json"
_ID: Final = re.compile(NODE_ID_PATTERN)


class KeptFiles:
    """One directory of them."""

    def __init__(self, directory: Path) -> None:
        """Take where they are; nothing is read or made yet."""
        self._directory = directory
        self._adapter: TypeAdapter[Kept] = TypeAdapter(Kept)

    def read(self, device: str) -> Kept:
        """Return what was kept of a printer; nothing where that cannot be read."""
        path = self._directory / f"{device}{_SUFFIX}"
        try:
            return self._adapter.validate_json(path.read_bytes())
        except FileNotFoundError:
            return Kept()
        except (OSError, ValidationError, RecursionError) as error:
            _log.warning("learned anew", action="kept-unread", device=device, why=str(error)[:200])
            return Kept()

    def write(self, device: str, kept: Kept) -> None:
        """Keep it: whole or not at all, but not made durable; for a thread.

        Raises:
            OSError: it is as it was.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{device}{_SUFFIX}"
        part = path.with_suffix(".part")
        part.write_bytes(self._adapter.dump_json(kept, exclude_defaults=True))
        part.replace(path)

    def others(self, devices: Iterable[str]) -> tuple[str, ...]:
        """Return the printers of which something is kept and which are not among these.

        Whatever else lies in that directory is none.
        """
        mine = frozenset(devices)
        try:
            names = [each.name for each in os.scandir(self._directory)]
        except OSError:
            return ()
        found = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
        return tuple(sorted(each for each in found if _ID.fullmatch(each) and each not in mine))

    def forget(self, device: str) -> None:
        """Drop what is kept of a printer."""
        (self._directory / f"{device}{_SUFFIX}").unlink(missing_ok=True)
