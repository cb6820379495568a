"""Restoring: a backup or a base, the second log on top of it, under a higher epoch."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from central.store import audit
from central.store.backup import Checked, Copy, check_copy, read_copy, take_out
from central.store.books import Books, sqlite_url
from central.store.errors import BooksUnusable
from central.store.log_files import LogDamaged, LogFiles, sync_directory
from central.store.replay import Replayed, readable, replay
from central.store.schema import migrate_url
from central.store.tables import instant, moment
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

BOOKS: Final = "books.db"
CREDENTIALS: Final = "credentials.json"


class RestoreRefused(PrintmeshError):
    """What was given cannot be restored; nothing was written, or all of it was removed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What restoring would do."""

    start: Copy
    """The copy it begins with."""
    log: LogFiles | None
    """The second log; None: lost."""
    log_epoch: int
    """The epoch of its records."""
    records: int
    """Transactions to be repeated."""
    last: int
    """The last one."""
    until: datetime | None
    """When that was; None when nothing is repeated."""
    damage: str | None
    """Why the log cannot be read to its end."""
    epoch: int
    """The epoch the restored books will have."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What restoring did."""

    plan: Plan
    books: Path
    """The file."""
    carried: tuple[Path, ...]
    """Other files that came with the backup."""
    checked: Checked
    """The verification of the result."""
    recovery: bool
    """Whether the centre begins in recovery mode."""


def plan_restore(
    backup: Path | None, log: Path | None, *, epoch_at_least: int = 0, up_to_damage: bool = False
) -> Plan:
    """Find out what there is and what would become of it; reads everything, writes nothing.

    Raises:
        RestoreRefused: backup and log do not fit, or the log is damaged.
    """
    files = None if log is None else LogFiles(log)
    start = _start(backup, files)
    if files is None:
        epoch = max(start.epoch + 1, epoch_at_least)
        return Plan(start, None, start.epoch, 0, start.n, None, None, epoch)
    count, last, at, damage = 0, start.n, None, None
    try:
        for record in files.records(start.epoch, start.n):
            count, last, at = count + 1, record.n, record.at
    except LogDamaged as error:
        damage = str(error)
    reached = files.last_behind(start.epoch, 0, 0)
    if 0 < reached < start.n:
        raise RestoreRefused(
            f"{start.path} has transaction {start.n}, the second log ends at {reached}: "
            "it is not the whole log of these books"
        )
    if damage is not None and not up_to_damage:
        raise RestoreRefused(
            f"the second log is damaged: {damage}. With --up-to-damage it is used up to "
            f"transaction {last}; the centre then begins in recovery mode"
        )
    until = None if at is None else moment(at)
    epoch = max(start.epoch + 1, epoch_at_least)
    return Plan(start, files, start.epoch, count, last, until, damage, epoch)


def _start(backup: Path | None, files: LogFiles | None) -> Copy:
    """Return the newest copy there is, once it is sure that the log goes on from it."""
    given = [] if backup is None else [_copy(backup)]
    copies = [*given, *(_copy(base.path) for base in (files.bases() if files else ()))]
    if not copies:
        raise RestoreRefused("there is nothing to begin with: name a backup")
    start = max(copies, key=lambda copy: (copy.epoch, copy.n))
    newest = None if files is None else files.newest()
    if files is not None and newest is None:
        raise RestoreRefused(f"{files.directory} holds no second log; is it the right directory?")
    header = None if newest is None else newest.header()
    foreign = header is not None and header.incarnation != str(start.incarnation)
    if files is not None and (foreign or len({copy.incarnation for copy in copies}) > 1):
        raise RestoreRefused(f"{files.directory} is the second log of other books than {backup}")
    if newest is not None and newest.epoch != start.epoch:
        raise RestoreRefused(
            f"the second log is of epoch {newest.epoch}, {start.path} of epoch {start.epoch}; "
            "a backup of the same epoch is needed, or the copy that stood beside the log"
        )
    return start


def carry_out(
    plan: Plan,
    to: Path,
    now: datetime,
    *,
    author: str,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Restored:
    """Build the books in a new directory; on any failure it is left as empty as it was.

    Raises:
        RestoreRefused: the directory is in use, or the result does not hold.
    """
    if to.exists() and not to.is_dir():
        raise RestoreRefused(f"{to} is no directory")
    if to.exists() and any(to.iterdir()):
        raise RestoreRefused(f"{to} is not empty; name a new directory")
    made = not to.exists()
    try:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _carry_out(plan, to, now, author, progress)
    except BaseException as error:
        if made:
            shutil.rmtree(to, ignore_errors=True)
        else:  # a volume's own directory, perhaps: it cannot be made anew
            for each in to.iterdir():
                each.unlink()
        if isinstance(error, OSError):
            raise RestoreRefused(f"{error.filename or to}: {error.strerror}") from error
        if isinstance(error, LogDamaged):
            raise RestoreRefused(str(error)) from error
        raise


def _carry_out(
    plan: Plan, to: Path, now: datetime, author: str, progress: Callable[[int, int], None]
) -> Restored:
    part, file = to / f"{BOOKS}.part", to / BOOKS
    part.touch(mode=0o600)
    shutil.copyfile(plan.start.path, part)
    carried = take_out(part, to)
    if plan.log is not None:
        # kept beside the log, it is newer than the one in the backup
        newer = plan.log.directory / CREDENTIALS
        if newer.exists():
            target = to / CREDENTIALS
            target.touch(mode=0o600)
            shutil.copyfile(newer, target)
            carried = sorted({*carried, target})
        done = _replay(plan, part, progress)
        if done.last != plan.last:
            raise RestoreRefused(f"the log has changed meanwhile: {done.last}, not {plan.last}")
    migrate_url(sqlite_url(part))
    recovery = plan.log is None or plan.damage is not None
    _mark(part, plan.epoch, now, recovery=recovery)
    books = Books.open(sqlite_url(part))
    with books.write(now) as tx:
        audit.note(tx, author=author, act="restore", target="books", detail=told(plan, recovery))
    books.close()
    _settle(part)
    checked = check_copy(part, now)
    if checked.findings:
        first = checked.findings[0]
        raise RestoreRefused(
            f"the result does not hold: {first.check}: {first.where}: {first.detail}"
        )
    part.replace(file)
    sync_directory(to)
    return Restored(plan, file, tuple(carried), checked, recovery)


def told(plan: Plan, recovery: bool) -> dict[str, Any]:  # noqa: FBT001  one fact of several
    """Return a plan for the audit and for machines."""
    return {
        "from": str(plan.start.path),
        "from_transaction": plan.start.n,
        "transactions_replayed": plan.records,
        "last_transaction": plan.last,
        "until": plan.until,
        "damage": plan.damage,
        "epoch": plan.epoch,
        "recovery": recovery,
    }


def _replay(plan: Plan, part: Path, progress: Callable[[int, int], None]) -> Replayed:
    assert plan.log is not None  # noqa: S101  the caller looked
    records = readable(plan.log.records(plan.log_epoch, plan.start.n))
    return replay(part, records, plan.start.n, lambda done: progress(done, plan.records))


def _mark(file: Path, epoch: int, now: datetime, *, recovery: bool) -> None:
    """Make the copy the books of a new epoch; in recovery every edge has to report first."""
    with closing(sqlite3.connect(file, isolation_level=None)) as sql:
        sql.execute("BEGIN IMMEDIATE")
        sql.execute("UPDATE meta SET epoch = ?", (epoch,))
        sql.execute('UPDATE second_log SET directory = NULL, segment = 0, "end" = 0')
        sql.execute("UPDATE node SET linked = 0")
        sql.execute("UPDATE standing SET fenced_by = NULL")
        if recovery:
            sql.execute("UPDATE standing SET mode = 'recovery', since = ?", (instant(now),))
            sql.execute("DELETE FROM recovery_edge")
            sql.execute(
                "INSERT INTO recovery_edge (node, state, adopted, known_upto, detail) "
                "SELECT id, 'absent', 0, 0, '' FROM node "
                "WHERE kind = 'edge' AND incarnation IS NOT NULL"
            )
        sql.execute("COMMIT")


def _settle(file: Path) -> None:
    """Bring everything into the one file, durably."""
    with closing(sqlite3.connect(file, isolation_level=None)) as sql:
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sql.execute("PRAGMA journal_mode = DELETE")
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy(path: Path) -> Copy:
    if not path.is_file():
        raise RestoreRefused(f"{path} is no file")
    try:
        return read_copy(path)
    except BooksUnusable as error:
        raise RestoreRefused(str(error)) from error
