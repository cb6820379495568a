"""The fleet that the acceptance tests share: real processes, built once, gone at the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from demo.lab import Lab, Person, Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_HERE = Path(__file__).parent

#: They never run short.
RICH = (Person("ana", "04A1B2C3", "500.00"), Person("eva", "04C0FFEE", "500.00"))
#: He does, again and again: his money has to follow him from site to site.
POOR = Person("ben", "0499F00D", "3.00")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these all on the fleet's loop."""
    ours = [item for item in items if _HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.cups)
        item.add_marker(pytest.mark.slow)
        item.add_marker(pytest.mark.timeout(300))
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fleet() -> AsyncIterator[Lab]:
    """Build two sites, one with its broker inside the edge and one beside it."""
    plan = Plan(people=(*RICH, POOR), separate_site_brokers=("south",), pages=True)
    async with Lab(plan, root=_kept()) as lab:
        yield lab


def _kept() -> Path | None:
    """Return where the fleet's files are to stay for whoever looks for a fault; None: nowhere."""
    if not (name := os.environ.get("PRINTMESH_TEST_LAB")):
        return None
    root = Path(name)
    root.mkdir()
    return root
