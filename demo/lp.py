"""Prints as people do: with `lp`, as themselves or as somebody who may nothing."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from demo.cupsd import PrivateCups

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LpError(PrintmeshError):
    """`lp` did not take the job; the text is what it said."""


def lp(
    cups: PrivateCups,
    queue: str,
    document: Path,
    *,
    user: str,
    title: str = "",
    options: Mapping[str, str | int] | None = None,
    more: Sequence[Path] = (),
) -> str:
    """Print a document as `user` (any name: CUPS believes it); return `QUEUE-NUMBER`.

    Args:
        cups: where to.
        queue: and to which queue.
        document: the file.
        user: whose job it is to be.
        title: job-name; the file's name if empty.
        options: of the job.
        more: further documents of the same job.

    Raises:
        LpError: it was refused.
    """
    words = [f"-o{name}={value}" for name, value in (options or {}).items()]
    # `--` keeps a title or a file that starts with a dash from being taken for an option
    command = ["lp", "-h", cups.server, "-U", user, "-d", queue, "-t", title or document.name]
    done = run([*command, *words, "--", str(document), *map(str, more)])
    if done.returncode:
        raise LpError(done.stderr.strip())
    return done.stdout.split("request id is ", 1)[1].split(" ", 1)[0]


def run(command: Sequence[str], *, nobody: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a CUPS command; `nobody` (only when the lab is root) runs it as that system user."""
    prefix = ["runuser", "-u", "nobody", "--"] if nobody and os.geteuid() == 0 else []
    return subprocess.run(
        [*prefix, *command],
        env={"PATH": _PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
