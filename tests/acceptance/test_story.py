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
        "jobs": 15,
        # 2 + 3 + 4 x 3 copies + 8 two to a side + pages 2 to 4 + 2 + 1 + 2, a receipt, 6 x 4 alone
        "impressions_printed": 2 + 3 + 12 + 4 + 3 + 2 + 1 + 2 + 1 + 6 * 4,
        "impressions_billed": 54,
        "billed_micros": 4_350_000,
        "overspend_micros": 0,
        "events_lost": 0,
        "events_duplicated": 0,
        # he has 1.50 at the cut-off site, each of his jobs costs 0.35
        "offline_jobs": 4,
        "refused_jobs": 2,
    }
    assert expected == {name: report[name] for name in expected}
    assert 0 < report["seconds"] < 180
    assert "Every promise held." in done.stdout
