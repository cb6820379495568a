"""Promises of the second log: the books can be had again from it, to the last row."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import LargeBinary

from central.store import accounts
from central.store.books import Books, BooksUnusable, BooksUnwritable, sqlite_url
from central.store.log_files import LogDamaged, LogFiles, read_only
from central.store.log_format import Frames, Record, Statement, read_record, record_frame
from central.store.recording import Recording
from central.store.replay import replay
from central.store.second_log import SecondLog
from central.store.tables import metadata
from config.policy.money import Money
from tests.integration.books_lab import MORNING, open_account, open_books
from tests.integration.log_lab import Life, OnPurpose, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("about the log beside the file")


def again(life: Life, to: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of the newest base with the log on top of it."""
    files = LogFiles(life.log)
    base = files.bases()[-1]
    shutil.copyfile(base.path, to)
    done = replay(to, files.records(base.epoch, base.n), base.n)
    with closing(sqlite3.connect(to)) as sql:
        assert sql.execute("SELECT n FROM second_log").fetchone() == (done.last,)
    return rows_of(to)


def top_up(books: Books) -> None:
    """Write something."""
    with books.write() as tx:
        accounts.top_up(tx, "user:ana", Money(1, "EUR"), note="", author="test")


def log_end(file: Path) -> tuple[int, int]:
    """Return (last record, where the valid part ends)."""
    with closing(sqlite3.connect(file)) as sql:
        n, end = sql.execute('SELECT n, "end" FROM second_log').fetchone()
    return n, end


def tail(life: Life, end: int) -> bytes:
    """Return what stands behind a place in the last file; zeros are room."""
    return LogFiles(life.log).segments()[-1].path.read_bytes()[end:]


@pytest.mark.parametrize("seed", range(4))
def test_a_long_random_life_is_replayed_row_by_row(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Base and records make every row of every table again, over many files and two writers."""
    monkeypatch.setattr("central.store.second_log.SEGMENT_BYTES", 50_000)
    life = Life(tmp_path, seed)
    life.go_on(150)
    life.close()

    assert len(LogFiles(life.log).segments()) > 2
    assert again(life, tmp_path / "again.db") == rows_of(life.file)


def test_a_new_copy_in_mid_life_makes_the_old_records_superfluous(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After compacting, the newest copy and what follows it are enough, and the rest is gone."""
    monkeypatch.setattr("central.store.second_log.SEGMENT_BYTES", 20_000)
    life = Life(tmp_path)
    life.go_on(80)
    files = LogFiles(life.log)
    before = files.bytes_of_records()
    base = files.make_base(life.file, 1)
    assert files.prune(base) > 2
    assert files.bytes_of_records() < before
    assert files.bases() == [base]
    life.go_on(40)
    life.close()

    assert again(life, tmp_path / "again.db") == rows_of(life.file)


def test_what_was_not_committed_is_not_in_the_log(tmp_path: Path) -> None:
    """A transaction that is given up leaves no record."""
    life = Life(tmp_path)
    before = log_end(life.file)
    life.give_up()
    life.close()
    assert log_end(life.file) == before
    assert not any(tail(life, before[1]))


def test_a_record_whose_commit_failed_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the database refuses the commit, the log does not keep what it had written before."""
    life = Life(tmp_path)
    before = log_end(life.file)

    def broken(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr("central.store.recording.Recording.commit", broken, raising=False)
        with pytest.raises(BooksUnwritable):
            top_up(life.books)
    assert not any(tail(life, before[1]))
    top_up(life.books)
    life.close()
    assert again(life, tmp_path / "again.db") == rows_of(life.file)


def test_a_writer_that_dies_between_log_and_commit_is_cut_off_by_the_next(tmp_path: Path) -> None:
    """One record behind the end is nobody's: it was never committed, so nobody was told."""
    life = Life(tmp_path)
    life.books.close()
    kept = tmp_path / "kept.db"
    n, _ = log_end(life.file)
    top_up(life.other)
    life.other.close()
    # the database as it was before that commit; the log has its record
    with closing(sqlite3.connect(life.file)) as sql:
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(LogFiles(life.log).bases()[-1].path, kept)
    replay(kept, (r for r in LogFiles(life.log).records(1, 0) if r.n <= n), 0)
    with closing(sqlite3.connect(kept)) as sql:
        place = _place_after(life, n)
        sql.execute('UPDATE second_log SET directory = ?, segment = ?, "end" = ?', place)
        sql.commit()
    kept.replace(life.file)

    after = life.open()
    top_up(after)
    after.close()

    assert log_end(life.file)[0] == n + 1
    assert again(life, tmp_path / "again.db") == rows_of(life.file)


def _place_after(life: Life, n: int) -> tuple[str, int, int]:
    """Return where the log stood after record n."""
    segment = LogFiles(life.log).segments()[-1]
    frames, texts = Frames(segment.path.read_bytes()), dict[str, str]()
    payloads = iter(frames)
    next(payloads)
    for payload in payloads:
        if read_record(payload, texts).n == n:
            return str(life.log), segment.first, frames.end
    raise AssertionError(n)


def test_an_old_copy_of_the_books_is_refused(tmp_path: Path) -> None:
    """Books that lack what their log has are not written to, and the answer names the way out."""
    life = Life(tmp_path)
    life.close()
    old = life.file.read_bytes()
    later = life.open()
    for _ in range(3):
        top_up(later)
    later.close()
    for name in ("books.db-wal", "books.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    life.file.write_bytes(old)

    copy = life.open()
    with pytest.raises(BooksUnusable, match=r"old copy.*central restore"):
        top_up(copy)
    copy.close()


def test_the_log_of_other_books_is_refused(tmp_path: Path) -> None:
    """A directory that belongs to another organisation is not written to."""
    life = Life(tmp_path)
    life.close()
    strangers = Books.open(sqlite_url(tmp_path / "strangers.db"), second_log=life.log)
    with pytest.raises(BooksUnusable, match="other books"), strangers.write():
        pass
    strangers.close()


@pytest.mark.parametrize(
    "harm",
    [
        # the volume came back empty
        shutil.rmtree,
        # the last file is gone
        lambda log: LogFiles(log).segments()[-1].path.unlink(),
        # its end never reached the disk
        lambda log: os.truncate(LogFiles(log).segments()[-1].path, 3000),
    ],
)
def test_a_log_with_a_hole_is_begun_anew(harm: Callable[[Path], None], tmp_path: Path) -> None:
    """What is missing in the log makes a new copy of the books, from which it goes on."""
    life = Life(tmp_path)
    life.close()
    harm(life.log)
    after = life.open()
    top_up(after)
    after.close()

    assert len(LogFiles(life.log).bases()) >= 1
    assert again(life, tmp_path / "again.db") == rows_of(life.file)


def test_the_log_moves_with_the_settings(tmp_path: Path) -> None:
    """Another directory gets a copy of the books, and whoever is open goes on there."""
    life = Life(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    moved = Books.open(sqlite_url(life.file), second_log=elsewhere)
    top_up(moved)
    top_up(life.books)
    moved.close()
    life.close()
    life.log = elsewhere
    assert again(life, tmp_path / "again.db") == rows_of(life.file)


def test_who_is_not_told_of_the_log_writes_it_all_the_same(tmp_path: Path) -> None:
    """The books themselves say where their log is."""
    life = Life(tmp_path)
    untold = Books.open(sqlite_url(life.file))
    top_up(untold)
    untold.close()
    life.close()
    assert again(life, tmp_path / "again.db") == rows_of(life.file)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_nothing_is_booked_while_the_log_cannot_be_written(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full or dead volume refuses transactions; with room again they go on by themselves."""
    life = Life(tmp_path)
    before = rows_of(life.file)
    real: Any = os.pwrite
    half = {"done": False}

    def full(file: int, data: bytes, at: int) -> int:
        if not half["done"]:
            half["done"] = True
            return int(real(file, data[: len(data) // 2], at))
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        for _ in range(2):
            with pytest.raises(BooksUnwritable, match=r"second log.*cannot be written"):
                top_up(life.books)
    assert rows_of(life.file) == before
    top_up(life.books)
    life.close()
    assert again(life, tmp_path / "again.db") == rows_of(life.file)


def test_a_torn_last_record_is_no_damage(tmp_path: Path) -> None:
    """What was being written when the power went was not committed; all before it is used."""
    life = Life(tmp_path)
    life.go_on(10)
    life.close()
    segment = LogFiles(life.log).segments()[-1].path
    n, end = log_end(life.file)
    for cut in (1, 5, 9, 100):
        shutil.copytree(life.log, tmp_path / f"torn-{cut}")
        torn = tmp_path / f"torn-{cut}" / segment.name
        # some of it arrived, some did not, and behind it is room or nothing
        room = bytes(1000) if cut % 2 else b""
        torn.write_bytes(segment.read_bytes()[: end - cut] + room)
        assert [r.n for r in LogFiles(torn.parent).records(1, 0)] == list(range(1, n))


def test_damage_in_the_middle_is_told_and_never_replayed(tmp_path: Path) -> None:
    """A changed byte stops the reading before the record it is in, with the file and the place."""
    life = Life(tmp_path)
    life.go_on(10)
    life.close()
    segment = LogFiles(life.log).segments()[-1].path
    data = bytearray(segment.read_bytes())
    data[log_end(life.file)[1] // 2] ^= 1
    segment.write_bytes(bytes(data))

    good: list[int] = []

    def read() -> None:
        for record in LogFiles(life.log).records(1, 0):
            good.append(record.n)  # noqa: PERF401  it is what came before the damage

    with pytest.raises(LogDamaged, match=segment.name):
        read()
    assert good == list(range(1, len(good) + 1))
    assert 0 < len(good) < log_end(life.file)[0]


def test_a_record_that_does_something_else_to_the_copy_is_refused(tmp_path: Path) -> None:
    """Replaying into books of another history is noticed at the first difference."""
    life = Life(tmp_path)
    life.go_on(30)
    life.close()
    files = LogFiles(life.log)
    other = tmp_path / "other.db"
    shutil.copyfile(files.bases()[-1].path, other)
    with pytest.raises(LogDamaged):
        # the second record without the first
        replay(other, (r for r in files.records(1, 0) if r.n != 2), 0)


def test_every_kind_of_column_survives_the_log() -> None:
    """Records are JSON: no table holds bytes, which it could not give back."""
    kinds = [column.type for table in metadata.tables.values() for column in table.columns]
    assert not any(isinstance(kind, LargeBinary) for kind in kinds)


def test_books_in_memory_have_no_second_log(tmp_path: Path) -> None:
    """There is nothing to restore where nothing is durable."""
    books = open_books()
    open_account(books, top_up="1.00")
    books.close()
    assert list(tmp_path.iterdir()) == []


def test_a_log_begun_by_a_transaction_that_is_given_up_is_begun_by_the_next(
    tmp_path: Path,
) -> None:
    """Whatever the first transaction of a process comes to, the second one is in the log."""
    file, log = tmp_path / "books.db", tmp_path / "other-volume"
    books = Books.open(sqlite_url(file), second_log=log)
    with pytest.raises(OnPurpose), books.write():
        raise OnPurpose
    open_account(books, "user:ana", "1.00")
    books.close()
    files = LogFiles(log)
    base = files.bases()[-1]
    assert [record.n for record in files.records(base.epoch, base.n)] == [1]


def test_a_damaged_beginning_of_the_last_file_is_told(tmp_path: Path) -> None:
    """Records stand behind it: they were committed, and are not left out without a word."""
    life = Life(tmp_path)
    life.go_on(5)
    life.close()
    segment = LogFiles(life.log).segments()[-1].path
    data = bytearray(segment.read_bytes())
    data[20] ^= 1
    segment.write_bytes(bytes(data))
    with pytest.raises(LogDamaged, match=segment.name):
        list(LogFiles(life.log).records(1, 0))


def test_what_was_never_committed_before_a_new_copy_is_never_replayed(tmp_path: Path) -> None:
    """A log begun anew leaves the dead record of a crash behind; the next file's own counts."""
    life = Life(tmp_path)
    base = LogFiles(life.log).bases()[0]
    n, end = log_end(life.file)
    segment = LogFiles(life.log).segments()[-1]
    header = segment.header()
    assert header is not None
    # a crash left one record behind the end, and then a new schema began another file
    dead = record_frame(Record(n + 1, 0, 0, [Statement("nothing", ((),), many=False)]), set(), {})
    data = segment.path.read_bytes()[:end]
    segment.path.write_bytes(data + dead + dead[:9])
    with closing(sqlite3.connect(life.file)) as sql:
        sql.execute("UPDATE alembic_version SET version_num = '0001'")
        sql.commit()
    life.close()
    log = SecondLog(life.file, life.log)
    with closing(sqlite3.connect(life.file, factory=Recording, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        log.begin(raw, header.incarnation, header.epoch)
        raw.cursor().execute("UPDATE meta SET currency = 'EUR'")
        log.seal(raw, MORNING)
        raw.execute("COMMIT")
    log.close()
    found = list(LogFiles(life.log).records(1, base.n))
    assert [record.n for record in found] == list(range(1, n + 2))
    assert found[-1].statements[0].text.startswith("UPDATE meta")


def test_two_copies_at_once_are_made_one_after_the_other(tmp_path: Path) -> None:
    """Nobody gives the half of another's copy its name."""
    life = Life(tmp_path)
    life.close()
    files = LogFiles(life.log)
    begun, done = threading.Event(), threading.Event()

    def half_way(_done: int, _all: int) -> None:
        begun.set()
        done.wait(5)

    second = threading.Thread(target=files.make_base, args=(life.file, 1, half_way))

    def start(_done: int, _all: int) -> None:
        second.start()
        begun.wait(0.5)

    base = files.make_base(life.file, 1, start)
    with closing(sqlite3.connect(read_only(base.path), uri=True)) as sql:
        assert sql.execute("SELECT n FROM second_log").fetchone() == (base.n,)
        assert sql.execute("PRAGMA quick_check").fetchone() == ("ok",)
    done.set()
    second.join()
    assert rows_of(base.path) == rows_of(life.file)
