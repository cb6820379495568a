"""Promise: `printmesh demo` plays its story end to end, alone, and what it reports is so."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


async def test_demo_holds_and_says_so(tmp_path: Path) -> None:
    """Exit status 0, every promise kept, and the figures of the story as anybody can add them."""
    file = tmp_path / "report.json"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "printmesh", "demo", "--report", str(file)],
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(file.read_text())
    expected = {
        "holds": True,
        "problems": [],
        # 10 at north, a flyer changed at its panel, 5 without a line, 2 at the agent, 1 and 3 at
        # the tracker; copied twice
        "jobs": 24,
        # 2 + 3 + 4 x 3 copies + 8 two to a side + pages 2 to 4 + 2 + 1 + 2, an essay, a memo, a
        # receipt, 5 x 4 and 3 x 4 alone, a report; the novel was refused; 2 x 2 of the flyer, 3
        # and 2 copied
        "impressions_printed": 2 + 3 + 12 + 4 + 3 + 2 + 1 + 2 + 3 + 2 + 1 + 32 + 5 + 4 + 5,
        "impressions_billed": 81,
        # the essay's colour is not in it: a rule made it monochrome; nor the flyer's: Ana did
        "billed_micros": 6_000_000,
        "overspend_micros": 0,
        "events_lost": 0,
        "events_duplicated": 0,
        "offline_jobs": 9,
        # a novel by a rule, a report at the agent without its line, one for which money was short
        "refused_jobs": 3,
        "courier_codes": 1,
        "conversions": 1,
        "exposure_micros": 0,
        "roles": {
            "north": _site("remote", jobs=18, alone=6, refused=2),
            "south": _site("agent", jobs=2, alone=0, refused=1),
            # 3 x 0.35, where 0.48 were left
            "west": _site("tracker", jobs=4, alone=3, refused=0, beyond_micros=570_000),
        },
    }
    assert expected == {name: report[name] for name in expected}
    assert 0 < report["seconds"] < 180
    assert "Every promise held." in done.stdout


def _site(
    role: str, *, jobs: int, alone: int, refused: int, beyond_micros: int = 0
) -> dict[str, str | int]:
    return {
        "role": role,
        "jobs": jobs,
        "alone": alone,
        "refused": refused,
        "beyond_micros": beyond_micros,
    }
