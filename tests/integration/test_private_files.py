"""Promises about files that hold secrets: their owner's only, and who widens them hears of it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from central.app import serve
from central.store.backup import make_backup
from config.private import open_to_others
from config.settings import CentralSettings, load
from tests.integration.books_lab import MORNING
from tests.integration.log_lab import Life
from tests.integration.test_central_cli import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("about who may read the file")


def test_books_log_and_backups_are_their_owners_only(tmp_path: Path) -> None:
    """Whatever the umask and the directory, nobody else may read what holds courier keys."""
    before = os.umask(0)
    try:
        tmp_path.chmod(0o755)
        life = Life(tmp_path)
        life.go_on(5)
        make_backup(life.file, tmp_path / "backup.db", {}, lambda _d, _a: None, MORNING)
    finally:
        os.umask(before)
    made = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert {"books.db", "books.db-wal", "backup.db", "base.lock"} <= {each.name for each in made}
    assert [each.name for each in made if each.stat().st_mode & 0o077] == []
    assert life.log.stat().st_mode & 0o077 == 0
    life.close()


def test_a_wider_mode_counts_where_others_may_enter(tmp_path: Path) -> None:
    """A file is as open as its directory lets it be; what is not there is nobody's."""
    file = tmp_path / "inner" / "secret"
    file.parent.mkdir(mode=0o755)
    file.touch(mode=0o644)
    assert list(open_to_others([file, tmp_path / "missing"])) == [file]
    file.parent.chmod(0o700)
    assert list(open_to_others([file])) == []
    file.parent.chmod(0o755)
    file.chmod(0o600)
    assert list(open_to_others([file])) == []


async def test_the_coordinator_warns_of_books_that_others_may_read(tmp_path: Path) -> None:
    """Books copied by hand with a wider mode are named when it starts."""
    (tmp_path / "central.toml").write_text(SETTINGS)
    settings = load(CentralSettings, tmp_path / "central.toml")
    settings.file.parent.mkdir(mode=0o755)
    settings.file.touch(mode=0o644)
    settings.file.chmod(0o644)
    stop = asyncio.Event()
    stop.set()
    with capture_logs() as said:
        await serve(settings, stop, lambda _running: None)
    (warning,) = [each for each in said if each.get("action") == "open-to-others"]
    assert str(settings.file) in warning["event"]
