"""Runs a program in bounds: `python -m central.uploads.confined SECONDS MEMORY DISK PROGRAM…`.

Time, memory and sizes of files are bounded for it and for all that it starts. Where the system lets
anybody make namespaces it has no network; whoever starts this gives it a directory of its own.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from typing import Final

_ALONE: Final = ("--user", "--map-root-user", "--net", "--")
_TRIED_SECONDS: Final = 5
_OPEN_FILES: Final = 512


def main() -> None:
    """Bound this process, and become the program."""
    seconds, memory, disk = (int(word) for word in sys.argv[1:4])
    program = [*without_network(), *sys.argv[4:]]
    os.setpriority(os.PRIO_PROCESS, 0, 10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # the way to our own code is none of the program's business
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    os.execvpe(program[0], program, surroundings)  # noqa: S606  no shell; the settings name it


def without_network() -> list[str]:
    """Return what to put before a program so that it has no network; nothing where that cannot be.

    Only tried out: a system may have the program and forbid what it does.
    """
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    try:
        tried = subprocess.run(  # noqa: S603  no shell, a program of the system
            [unshare, *_ALONE, "true"],
            check=False,
            capture_output=True,
            timeout=_TRIED_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [unshare, *_ALONE] if tried.returncode == 0 else []


if __name__ == "__main__":
    main()
