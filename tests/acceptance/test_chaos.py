"""Promise: whatever fails, in whatever order, nothing is lost, doubled or overspent."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from demo.chaos.kinds import Kind
from demo.chaos.run import Order, Run
from tests.acceptance.crowd import dice_of

FAULTS = 25
#: These take their time; they have tests of their own, and `make chaos` plays them.
SLOW = {Kind.RESTORE, Kind.RESTORE_WITHOUT, Kind.OLD_RETURNS, Kind.ROLE, Kind.FULL_DISK}


async def test_a_short_run() -> None:
    """Kills, stops, cuts and torn tails at two sites: paper, journals and books agree."""
    order = Order(
        seed=dice_of().getrandbits(32),
        faults=FAULTS,
        seconds=20,
        roles=("remote", "agent"),
        every=0.7,
        kinds=[kind for kind in Kind if kind not in SLOW],
        rollbacks=False,
        terminals=1,
    )
    # a short name that the print system's own user may enter; it stays when the run fails
    root = Path(tempfile.mkdtemp(prefix="pm-"))
    outcome = await Run(order, root, lambda _, text: print(text)).play()  # noqa: T201  on failure
    assert outcome.all_problems == [], f"seed {order.seed}, files in {root}"
    assert outcome.done.total() == FAULTS
    assert outcome.verdict is not None
    assert outcome.verdict.jobs > 0
    shutil.rmtree(root)
