"""What a running terminal lets others on its machine see: a small file, and a lock while it runs.

The file says nothing of who stands there.
"""

from __future__ import annotations

import fcntl
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


#: So often is the lock tried, and so many seconds lie between.
_LOOKS: Final = 5
_MOMENT: Final = 0.05


class RunsAlreadyError(PrintmeshError):
    """Another process drives these terminals."""


def lock_of(data: Path) -> Path:
    """Return the file that is locked while terminals with this directory run."""
    return data / "running.lock"


@contextmanager
def running(data: Path) -> Iterator[None]:
    """Hold the directory; the system lets it go if we die.

    Raises:
        RunsAlreadyError: another process has it.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_of(data).open("a") as file:
        _lock(file, data)
        yield


def _lock(file: TextIO, data: Path) -> None:
    """Lock it; whoever only looks whether terminals run (`runs`) has it for a moment too."""
    for left in reversed(range(_LOOKS)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if not left:
                told = f"terminals run already with {data}; stop them first"
                raise RunsAlreadyError(told) from error
            time.sleep(_MOMENT)
        else:
            return


def runs(data: Path) -> bool:
    """Say whether a process holds the directory."""
    try:
        with lock_of(data).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def write_status(path: Path, status: Mapping[str, Any]) -> None:
    """Replace the file in one step; it need not outlive a power cut."""
    fresh = path.with_suffix(".fresh")
    fresh.write_text(json.dumps(status), encoding="utf-8")
    fresh.replace(path)


def read_status(path: Path) -> dict[str, Any]:
    """Return what was written last; nothing where there is no such file."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
