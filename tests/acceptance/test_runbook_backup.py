"""Promise: whoever follows the runbook of backups has one that can be restored."""

from __future__ import annotations

import pytest

from central.store.backup import check_copy
from tests.acceptance.fallen import log_of, print_one, small_fleet
from tests.acceptance.runbook import Runbook
from tests.integration.books_lab import MORNING

pytestmark = pytest.mark.long


async def test_the_backup_runbook() -> None:
    """Its commands run as they stand, on a fleet at work; the copy checks out, the log is short."""
    async with small_fleet("north") as lab:
        await print_one(lab.sites["north"], "before")
        backups = lab.root / "backups"
        backups.mkdir()
        variables = {
            "BACKUPS": str(backups),
            "SECOND_LOG": str(log_of(lab)),
            "NEW": str(lab.root / "new"),
        }
        book = Runbook(lab, "backup", variables)
        assert str(log_of(lab)) in await book.follow("second-log show")
        await book.follow("central backup")
        (backup,) = backups.iterdir()
        assert not check_copy(backup, MORNING).findings
        await print_one(lab.sites["north"], "after")
        await lab.sites["north"].until_merged()
        assert "would be repeated" in await book.follow("--dry-run")
        assert not (lab.root / "new").exists()
        await book.follow("second-log compact")
        assert book.at_end()
        await print_one(lab.sites["north"], "later")
