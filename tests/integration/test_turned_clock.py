"""The clock of one process can be turned while it runs, and what it told can be put right."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from demo.chaos.clock import TurnedClock, library

if TYPE_CHECKING:
    from pathlib import Path

#: Says the time of day and the monotonic time for each line it reads.
PROGRAM = """
import sys, time
for line in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""


def test_only_the_time_of_day_is_turned(tmp_path: Path) -> None:
    """A process sees each turn at once; its monotonic clock and other processes do not."""
    built = library(tmp_path)
    if built is None:
        pytest.skip("no C compiler")
    clock = TurnedClock(tmp_path / "clock")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=dict(clock.environ(built)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for days in (0, 3, -20, 0):
            clock.turn(timedelta(days=days))
            process.stdin.write("\n")
            process.stdin.flush()
            told, ran = map(float, process.stdout.readline().split())
            assert told == pytest.approx(time.time() + days * 86_400, abs=5)
            assert ran == pytest.approx(time.monotonic(), abs=5)
        process.stdin.close()


def test_what_it_told_is_put_right(tmp_path: Path) -> None:
    """A time told while the clock was wrong gives back the moment at which it was told."""
    clock = TurnedClock(tmp_path / "clock")
    before = datetime.now(UTC)
    assert list(clock.true(before)) == [before]
    clock.turn(timedelta(hours=5))
    wrong = datetime.now(UTC)
    assert list(clock.true(wrong + timedelta(hours=5))) == [wrong]
    clock.turn(timedelta())
    assert before in list(clock.true(before))
    assert wrong in list(clock.true(wrong + timedelta(hours=5)))
