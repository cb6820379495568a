"""Where uploaded documents lie until their site has them: a directory of files with random names.

Nothing here is ever run, or sent back to a browser.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Final

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

#: Octets of a document in one message: with Base64 and the envelope below 64 KiB.
PIECE: Final = 40 * 1024
_NAME: Final = re.compile(r"[0-9a-f]{32}")
_RANDOM: Final = 16
_READ: Final = 1 << 20
_PRIVATE: Final = 0o600


class NoRoom(PrintmeshError):
    """The disk does not take it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A document that lies here."""

    file: str
    octets: int
    sha256: str


class UploadFiles:
    """The directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, document: IO[bytes]) -> Kept:
        """Write a document down, durable when it returns.

        Raises:
            NoRoom: it is not there.
        """
        name = secrets.token_hex(_RANDOM)
        digest, octets = sha256(), 0
        document.seek(0)
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._new(name) as out:
                while piece := document.read(_READ):
                    digest.update(piece)
                    octets += len(piece)
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            self.remove(name)
            raise NoRoom(f"the document cannot be kept: {error.strerror}") from error
        return Kept(name, octets, digest.hexdigest())

    def piece(self, file: str, offset: int) -> bytes | None:
        """Return what stands at a place, empty behind the end; None: it is not here any more."""
        try:
            with self._path(file).open("rb") as document:
                document.seek(offset)
                return document.read(PIECE)
        except (OSError, ValueError):
            return None

    def remove(self, file: str) -> None:
        """Delete a document; one that is not there is deleted."""
        with suppress(OSError, ValueError):
            self._path(file).unlink()

    def tidy(self, live: Collection[str], older_than: float) -> int:
        """Delete files that are nobody's, and say how many.

        Args:
            live: names of those that are somebody's.
            older_than: seconds since 1970; younger ones may be somebody's in a moment.
        """
        gone = 0
        with suppress(OSError):
            for each in os.scandir(self._directory):
                if each.name not in live and each.stat().st_mtime < older_than:
                    self.remove(each.name)
                    gone += 1
        return gone

    def _new(self, name: str) -> IO[bytes]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        return os.fdopen(os.open(self._path(name), flags, _PRIVATE), "wb")

    def _path(self, file: str) -> Path:
        if not _NAME.fullmatch(file):
            raise ValueError("no name of ours")
        return self._directory / file
