"""The program that counts and draws documents for the edge: `python -m edge.printing.counter`.

It reads one question a line (JSON) and answers with one line. Each is answered in a fresh
child of this process, with bounds on memory, time and disk, so that a bad document can end only the
child; libraries are loaded once.
"""

from __future__ import annotations

import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from edge.printing.bounds import Bounds
from edge.printing.counting import UnreadableDocumentError, count
from edge.printing.preview import draw

_PIECE: Final = 1 << 16
#: How far documents stand back behind what prints (nice(2)); without a count a job is not listed.
_NICE_TO_COUNT: Final = 5
_NICE_TO_DRAW: Final = 15
_CANNOT: Final = "this document cannot be counted: it breaks the program that tries"


def main() -> int:
    """Answer questions until standard input ends."""
    work = Path(sys.argv[1])
    bounds = Bounds(*(int(word) for word in sys.argv[2:]))
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), work, bounds)), flush=True)  # noqa: T201
    return 0


def answer(question: dict[str, Any], work: Path, bounds: Bounds) -> dict[str, Any]:
    """Count one document in a child, and wait for it no longer than the bounds say."""
    own = Path(tempfile.mkdtemp(prefix="count-", dir=work))
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _in_child(question, own, writing, bounds)
    os.close(writing)
    try:
        said = _hear(reading, bounds.seconds)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # whatever it had started goes with it
        _, status = os.waitpid(child, 0)
        shutil.rmtree(own, ignore_errors=True)
    if said is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return {"unreadable": f"counting this document takes longer than {bounds.seconds} s"}
    with suppress(ValueError):
        found = json.loads(said)
        if isinstance(found, dict):
            return found
    return {"unreadable": _CANNOT}


def _hear(reading: int, seconds: int) -> bytes | None:
    """Read until the child closes its end; None if it does not in time."""
    deadline = time.monotonic() + seconds
    said = b""
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        piece = os.read(reading, _PIECE)
        if not piece:
            return said
        said += piece


def _in_child(question: dict[str, Any], own: Path, writing: int, bounds: Bounds) -> None:
    """Count, say what was found, and end without returning."""
    os.setpgid(0, 0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # answers go there, and libraries sometimes talk
    resource.setrlimit(resource.RLIMIT_AS, (bounds.memory, bounds.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.seconds, bounds.seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bounds.disk, bounds.disk))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    draws = question.get("do") == "draw"
    # whoever prints waits for neither: the spooler's filters get the processor first
    os.nice(_NICE_TO_DRAW if draws else _NICE_TO_COUNT)
    try:
        found = _drawn(question) if draws else _counted(question, own)
    except UnreadableDocumentError as error:
        found = {"unreadable": str(error)}
    except MemoryError:
        found = {"unreadable": "this document needs too much memory to be counted"}
    except Exception:  # noqa: BLE001  the dispatcher of one document: whatever it holds, say so
        found = {"unreadable": _CANNOT}
    with os.fdopen(writing, "wb") as out:
        out.write(json.dumps(found).encode())
    os._exit(0)


def _counted(question: dict[str, Any], own: Path) -> dict[str, Any]:
    counted = count(
        Path(question["path"]),
        question["kind"],
        own,
        question["paper"],
        question["orientation"],
    )
    return {
        "pages": counted.pages,
        "colour_pages": sorted(counted.colour_pages),
        "media": counted.media,
    }


def _drawn(question: dict[str, Any]) -> dict[str, Any]:
    kind, octets = draw(
        Path(question["path"]), question["kind"], question["page"], question["width"]
    )
    return {"media_type": kind, "image": b64encode(octets).decode()}


if __name__ == "__main__":
    sys.exit(main())
