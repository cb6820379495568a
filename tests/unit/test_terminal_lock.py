"""One process drives a directory's terminals, and who only looks stops none from starting."""

from __future__ import annotations

import fcntl
import threading
from typing import TYPE_CHECKING

import pytest

from terminal_bridge.status_file import RunsAlreadyError, lock_of, running, runs

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """While one holds the directory another does not begin, and a look says that one runs."""
    with running(tmp_path):
        assert runs(tmp_path)
        with pytest.raises(RunsAlreadyError), running(tmp_path):
            pass
    assert not runs(tmp_path)


def test_a_look_stops_nobody_from_starting(tmp_path: Path) -> None:
    """Terminals that are started in the moment of a `status` start."""
    with lock_of(tmp_path).open("a") as looked:
        fcntl.flock(looked, fcntl.LOCK_SH)
        threading.Timer(0.02, lambda: fcntl.flock(looked, fcntl.LOCK_UN)).start()
        with running(tmp_path):
            assert runs(tmp_path)
