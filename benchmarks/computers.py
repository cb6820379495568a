"""Sites are computers of their own; on this one each gets processors that the rest does not use."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def set_apart(site: Path) -> str:
    """Give a site the last processor and all else that we started the others, from now on.

    What two sites have in common is the centre and the line: without this they would also wait for
    each other's processor, which no two computers do. Children inherit where they may run.

    Args:
        site: its directory; who has it in a command or in a variable is the site's.

    Returns:
        what was done, for people; with one processor nothing is.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        return "one processor: all share it"
    of_site = set(cores[-1:])
    rest = set(cores) - of_site
    for pid in _children(os.getpid()):
        for task in Path(f"/proc/{pid}/task").glob("*"):
            with suppress(OSError):  # it has ended
                os.sched_setaffinity(int(task.name), of_site if _names(pid, site) else rest)
    # whoever measures stands at the site
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            os.sched_setaffinity(int(task.name), of_site)
    return f"{site.name} has processor {cores[-1]} to itself"


def _children(of: int) -> Iterator[int]:
    """Return all processes below one."""
    below: dict[int, list[int]] = {}
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # pid (name) state ppid …; the name may hold blanks and brackets
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            below.setdefault(parent, []).append(int(each.name))
    waiting = below.get(of, [])
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += below.get(pid, [])


def _names(pid: int, site: Path) -> bool:
    for what in ("cmdline", "environ"):
        with suppress(OSError):
            if f"{site}/".encode() in Path(f"/proc/{pid}/{what}").read_bytes():
                return True
    return False
