"""What a machine has, asked of the system itself; what it needs is decided in `doctor`."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

#: Where servers are installed, which is not on everybody's PATH.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FILTERS = Path("/usr/lib/cups/filter")
_APPARMOR = Path("/sys/kernel/security/apparmor/profiles")
_MOUNTS = Path("/proc/self/mounts")
_SYNCS = 9
_SYNC_BYTES = bytes(512)


@dataclass(frozen=True, slots=True)
class Disk:
    """What a directory stands on."""

    directory: Path
    """The directory, or its nearest parent that exists."""
    free_bytes: int
    file_system: str
    """As in the table of mounts, `unknown` when that says nothing."""
    sync_seconds: float | None
    """Median of writing 512 bytes and fdatasync; None when it does not work."""
    problem: str = ""
    """Why it does not, in the system's words."""


class Machine(Protocol):
    """What the doctor asks."""

    @property
    def python(self) -> tuple[int, int, int]:
        """Version of the Python that runs this."""

    def program(self, name: str) -> str | None:
        """Return where a program is, None if it is nowhere."""

    def cups_filter(self, name: str) -> bool:
        """Say whether CUPS has this filter."""

    def module(self, name: str) -> str | None:
        """Return why a Python module cannot be imported, None if it can."""

    def missing_user(self) -> str | None:
        """Return the system user that a cupsd run as root works as and that is not there."""

    def confined(self, program: str) -> bool:
        """Say whether AppArmor enforces a profile on this program."""

    def disk(self, directory: Path) -> Disk:
        """Say what a directory stands on."""

    def port_problem(self) -> str | None:
        """Return why nobody can listen on, or reach, a free port of 127.0.0.1; None if it works."""


class ThisMachine:
    """The machine that this runs on."""

    @property
    def python(self) -> tuple[int, int, int]:
        """Version of the Python that runs this."""
        return sys.version_info[:3]

    def program(self, name: str) -> str | None:
        """Return where a program is, None if it is nowhere."""
        return shutil.which(name, path=SEARCH_PATH) or shutil.which(name)

    def cups_filter(self, name: str) -> bool:
        """Say whether CUPS has this filter."""
        return os.access(_FILTERS / name, os.X_OK)

    def module(self, name: str) -> str | None:
        """Return why a Python module cannot be imported, None if it can."""
        try:
            import_module(name)
        except ImportError as error:
            return str(error)
        return None

    def missing_user(self) -> str | None:
        """Return `lp` if this runs as root and there is no such user."""
        if os.geteuid() != 0:
            return None
        try:
            pwd.getpwnam("lp")
        except KeyError:
            return "lp"
        return None

    def confined(self, program: str) -> bool:
        """Say whether AppArmor enforces a profile on this program; False when it does not tell."""
        try:
            lines = _APPARMOR.read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return f"{program} (enforce)" in lines

    def disk(self, directory: Path) -> Disk:
        """Say what a directory, or its nearest parent that exists, stands on."""
        where = directory.absolute()
        while not where.is_dir():
            where = where.parent
        seconds, problem = _sync(where)
        return Disk(where, shutil.disk_usage(where).free, _file_system(where), seconds, problem)

    def port_problem(self) -> str | None:
        """Listen on a free port of 127.0.0.1 and connect to it."""
        try:
            with socket.create_server(("127.0.0.1", 0)) as server:
                address = server.getsockname()
                with socket.create_connection(address, timeout=2):
                    return None
        except OSError as error:
            return error.strerror or str(error)


def _sync(directory: Path) -> tuple[float | None, str]:
    times = []
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            for _ in range(_SYNCS):
                begun = time.perf_counter()
                file.write(_SYNC_BYTES)
                file.flush()
                os.fdatasync(file.fileno())
                times.append(time.perf_counter() - begun)
    except OSError as error:
        return None, error.strerror or str(error)
    return statistics.median(times), ""


def _file_system(directory: Path) -> str:
    """Find the longest mount point above a directory; of two on one point the later one shows."""
    try:
        mounts = [line.split() for line in _MOUNTS.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return "unknown"
    resolved = directory.resolve()
    found = [
        (len(point.parts), number, fields[2])
        for number, fields in enumerate(mounts)
        # octal escapes of blanks (\040) are left: such a mount point is then not recognised
        if resolved.is_relative_to(point := Path(fields[1]))
    ]
    return max(found)[2] if found else "unknown"
