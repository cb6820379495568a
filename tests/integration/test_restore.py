"""Promises of backup and restore: the whole of the books, under the next epoch, or a refusal."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from central.cli import main
from central.store import accounts, recovery
from central.store.backup import BackupFailed, check_copy, file_of, make_backup, read_copy
from central.store.books import Books, BooksUnusable, sqlite_url
from central.store.log_files import LogFiles
from central.store.restore import RestoreRefused, carry_out, plan_restore
from config.policy.money import Money
from tests.integration.books_lab import MORNING
from tests.integration.log_lab import Life, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("about copies of the file and its second log")

#: What restoring changes, besides the audit and its end: whose epoch, who is linked.
CHANGED = {"meta", "node", "audit", "audit_chain", "standing", "recovery_edge"}


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """Build an organisation that has lived for a while."""
    made = Life(tmp_path)
    made.go_on(25)
    yield made
    made.close()


def back_up(life: Life, name: str = "backup.db") -> Path:
    """Make a backup of the running books."""
    file = life.home / name
    carried = life.home / "credentials.json"
    carried.write_text('{"north": "hash"}')
    carry = {"credentials.json": carried, "missing.json": life.home / "missing.json"}
    make_backup(life.file, file, carry, lambda _d, _a: None, MORNING)
    return file


def assert_same(life: Life, books: Path) -> None:
    """Check that restored books have every row of the lost ones."""
    before, after = rows_of(life.file), rows_of(books)
    assert before.keys() == after.keys()
    for table in before.keys() - CHANGED:
        assert before[table] == after[table], table
    (restored,) = set(after["audit"]) - set(before["audit"])
    assert restored[3] == "restore"


def test_backup_and_second_log_give_the_whole_books_back(life: Life, tmp_path: Path) -> None:
    """Every row that was committed before the fall is there, under the next epoch."""
    backup = back_up(life)
    life.go_on(40)
    life.close()
    plan = plan_restore(backup, life.log)
    done = carry_out(plan, tmp_path / "new", MORNING, author="test")

    assert plan.records > 0
    assert not done.recovery
    assert not done.checked.findings
    assert_same(life, done.books)
    books = Books.open(sqlite_url(done.books))
    assert books.identity.epoch == 2
    with books.read() as tx:
        assert recovery.find(tx) == recovery.Standing("normal", None, None)
    books.close()


def test_the_log_alone_is_enough(life: Life, tmp_path: Path) -> None:
    """The copy that stands beside the log replaces a backup that was never made."""
    life.close()
    done = carry_out(plan_restore(None, life.log), tmp_path / "new", MORNING, author="test")
    assert_same(life, done.books)


def test_restored_books_go_on_with_the_same_log_directory(life: Life, tmp_path: Path) -> None:
    """The new epoch begins its own files; the restored books can fall again."""
    life.close()
    first = carry_out(plan_restore(None, life.log), tmp_path / "new", MORNING, author="test")
    books = Books.open(sqlite_url(first.books), second_log=life.log)
    with books.write() as tx:
        accounts.top_up(tx, "user:ana", Money(7, "EUR"), note="", author="test")
    books.close()
    again = carry_out(plan_restore(None, life.log), tmp_path / "newer", MORNING, author="test")
    assert again.plan.epoch == 3
    life.file = first.books
    assert_same(life, again.books)

    old = Books.open(sqlite_url(tmp_path / "books.db"))
    with pytest.raises(BooksUnusable, match="restored elsewhere"), old.write():
        pass
    old.close()


def test_a_backup_is_of_one_moment_while_others_write(life: Life) -> None:
    """Under a writer that never rests the copy is consistent and checks out."""
    stop = threading.Event()

    def write() -> None:
        other = life.open()
        while not stop.is_set():
            with other.write() as tx:
                accounts.top_up(tx, "user:ana", Money(1, "EUR"), note="", author="test")
        other.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        backup = back_up(life)
    finally:
        stop.set()
        thread.join()
    assert check_copy(backup, MORNING).findings == ()
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_backup_carries_who_may_connect(life: Life, tmp_path: Path) -> None:
    """The credentials come out of it again, and not into the books."""
    backup = back_up(life)
    life.close()
    done = carry_out(plan_restore(backup, None), tmp_path / "new", MORNING, author="test")
    assert [each.name for each in done.carried] == ["credentials.json"]
    assert json.loads(done.carried[0].read_text()) == {"north": "hash"}
    assert done.carried[0].stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(done.books)) as sql:
        assert not sql.execute("SELECT 1 FROM sqlite_master WHERE name LIKE 'carried%'").fetchall()


def test_without_the_log_recovery_begins(life: Life, tmp_path: Path) -> None:
    """Nothing may be granted before every edge that was ever met has reported."""
    backup = back_up(life)
    life.close()
    done = carry_out(plan_restore(backup, None), tmp_path / "new", MORNING, author="test")
    books = Books.open(sqlite_url(done.books))
    with books.read() as tx:
        assert {each.node: each.state for each in recovery.edges(tx)} == {
            "east": "absent",
            "north": "absent",
            "south": "absent",
        }
        assert recovery.closed(tx) is not None
    books.close()


def test_a_damaged_log_is_used_only_when_told_to(life: Life, tmp_path: Path) -> None:
    """By itself damage refuses; up to it there is a prefix, and recovery."""
    backup = back_up(life)
    start = read_copy(backup).n
    life.go_on(40)
    life.close()
    path = LogFiles(life.log).segments()[-1].path
    data = bytearray(path.read_bytes())
    middle = data.rindex(b'{"n":%d,' % (start + 20))
    data[middle + 50] ^= 4
    path.write_bytes(bytes(data))

    with pytest.raises(RestoreRefused, match="--up-to-damage"):
        plan_restore(backup, life.log)
    plan = plan_restore(backup, life.log, up_to_damage=True)
    done = carry_out(plan, tmp_path / "new", MORNING, author="test")
    assert plan.last == start + 19
    assert done.recovery
    assert not done.checked.findings


def test_a_copy_in_use_is_never_overwritten(life: Life, tmp_path: Path) -> None:
    """A directory with anything in it is refused, and left as it is."""
    plan = plan_restore(None, life.log)
    target = tmp_path / "new"
    target.mkdir()
    (target / "mine").write_text("mine")
    with pytest.raises(RestoreRefused, match="not empty"):
        carry_out(plan, target, MORNING, author="test")
    assert [each.name for each in target.iterdir()] == ["mine"]
    with pytest.raises(BackupFailed, match="not overwritten"):
        make_backup(life.file, life.file, {}, lambda _d, _a: None, MORNING)


def test_a_restore_that_fails_leaves_nothing(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk half-way: no directory that looks like books is left behind."""
    plan = plan_restore(None, life.log)
    target = tmp_path / "new"
    with monkeypatch.context() as patch:

        def full(_source: Path, _target: Path) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(RestoreRefused, match="No space left"):
            carry_out(plan, target, MORNING, author="test")
    assert not target.exists()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        # a letter instead of a backup
        ("letter", "is no backup"),
        # the wrong directory
        ("empty", "holds no second log"),
        # another organisation's log
        ("strangers", "other books"),
        # nothing was named at all
        ("nothing", "name a backup"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    what: str, said: str, life: Life, tmp_path: Path
) -> None:
    """Wrong files are told apart, and the answer says what is wrong with them."""
    backup: Path | None = back_up(life)
    log: Path | None = life.log
    if what == "letter":
        backup = tmp_path / "letter"
        backup.write_text("dear aunt")
    elif what == "empty":
        log = tmp_path / "empty"
        log.mkdir()
    elif what == "strangers":
        home = tmp_path / "strangers"
        home.mkdir()
        others = Life(home, seed=9)
        others.close()
        log = others.log
    else:
        backup, log = None, None
    with pytest.raises(RestoreRefused, match=said):
        plan_restore(backup, log)


def test_a_backup_that_is_newer_than_the_log_is_told(life: Life, tmp_path: Path) -> None:
    """A log that ends before the backup cannot be the log of these books."""
    old = tmp_path / "old-log"
    shutil.copytree(life.log, old)
    life.go_on(20)
    backup = back_up(life)
    with pytest.raises(RestoreRefused, match="not the whole log"):
        plan_restore(backup, old)


def test_the_epoch_can_be_lifted_over_one_that_was_seen(life: Life) -> None:
    """A second restore from the same old backup must not repeat an epoch."""
    backup = back_up(life)
    assert plan_restore(backup, None).epoch == 2
    assert plan_restore(backup, None, epoch_at_least=5).epoch == 5


# ── by command ──────────────────────────────────────────────────────────────────────────────


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Any:  # noqa: ANN401  whatever it lists
    """Run a command that must succeed; return its JSON."""
    assert main([*words, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_the_commands_do_it_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Backup, loss, restore and balance, as a person types them."""
    home = tmp_path / "centre"
    config = ("--config", str(home / "central.toml"))
    log = ("--second-log", str(home / "books" / "second-log"))
    assert main(["init", str(home)]) == 0
    assert main(["user", "add", "ana", *config]) == 0
    assert main(["topup", "user:ana", "5.00", *config]) == 0
    capsys.readouterr()
    made = run(capsys, "backup", str(tmp_path / "b.db"), *config)
    assert made["people_micros"] == {"EUR": 5_000_000}
    assert main(["topup", "user:ana", "2.00", *config]) == 0
    capsys.readouterr()

    to = ("--to", str(tmp_path / "new"))
    dry = run(capsys, "restore", str(tmp_path / "b.db"), *log, *to, "--dry-run")
    assert (dry["transactions_replayed"], dry["epoch"], dry["recovery"]) == (1, 2, False)
    assert not (tmp_path / "new").exists()
    done = run(capsys, "restore", str(tmp_path / "b.db"), *log, *to)
    assert done["people_micros"] == {"EUR": 7_000_000}
    monkeypatch.setenv("PRINTMESH_CENTRAL_DATA", str(tmp_path / "new"))
    (balance,) = run(capsys, "balance", "user:ana", *config)
    assert balance["micros"] == 7_000_000
    shown = run(capsys, "second-log", "show", *config)
    assert shown["files"][-1].startswith("e00000002-")
    assert run(capsys, "second-log", "compact", *config)["removed"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        # the log is somewhere, or it is lost: one must be said
        (("restore", "b.db", "--to", "new"), "--second-log DIR"),
        # both cannot be
        (
            ("restore", "b.db", "--to", "new", "--second-log", "l", "--without-second-log"),
            "--second-log DIR",
        ),
        # no such backup
        (("restore", "b.db", "--to", "new", "--without-second-log"), "b.db is no file"),
    ],
)
def test_a_wrong_restore_is_refused(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It ends with 1, one sentence, and nothing written."""
    monkeypatch.chdir(tmp_path)
    assert main(list(words)) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_books_in_postgresql_are_backed_up_by_its_own_tools() -> None:
    """The refusal names what to use instead."""
    with pytest.raises(BooksUnusable, match="pg_dump"):
        file_of("postgresql+psycopg://books@db/books")


def test_the_recovery_commands_ask_before_they_give_up_an_edge(
    life: Life, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status tells who is missing; accepting an absent edge needs a yes; then recovery can end."""
    backup = back_up(life)
    life.close()
    carry_out(plan_restore(backup, None), tmp_path / "new", MORNING, author="test")
    home = tmp_path / "centre"
    assert main(["init", str(home)]) == 0
    config = ("--config", str(home / "central.toml"))
    monkeypatch.setenv("PRINTMESH_CENTRAL_DATA", str(tmp_path / "new"))
    capsys.readouterr()

    told = run(capsys, "recovery", "status", *config)
    assert (told["mode"], told["grants"]) == ("recovery", False)
    assert main(["recovery", "finish", *config]) == 1
    assert "3 edges have not reported" in capsys.readouterr().err
    assert main(["recovery", "accept-absent", "north", *config]) == 1
    assert "without a bound" in " ".join(capsys.readouterr().err.split())
    assert main(["recovery", "accept-absent", "nowhere", "--yes", *config]) == 1
    for name in ("east", "north", "south"):
        assert main(["recovery", "accept-absent", name, "--yes", *config]) == 0
    capsys.readouterr()
    assert run(capsys, "recovery", "status", *config)["unbounded"] == ["east", "north", "south"]
    assert run(capsys, "recovery", "finish", *config)["from_suspense"] == []
    assert run(capsys, "recovery", "status", *config)["mode"] == "normal"


@pytest.mark.parametrize("name", ["a#b", "50%41", "so?mode=rwc", "é ü"])
def test_any_directory_will_do(name: str, tmp_path: Path) -> None:
    """A name that means something in an address still names the same file."""
    home = tmp_path / name
    home.mkdir()
    life = Life(home)
    life.go_on(5)
    backup = back_up(life)
    life.close()
    done = carry_out(plan_restore(backup, life.log), home / "new", MORNING, author="test")
    assert_same(life, done.books)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_directory_that_was_there_is_kept(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A volume's own directory cannot be made anew: a failed restore only empties it."""
    plan = plan_restore(None, life.log)
    target = tmp_path / "volume"
    target.mkdir()
    link = tmp_path / "link"
    link.symlink_to(target)
    inode = target.stat().st_ino

    def full(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    for each in (target, link):
        with pytest.raises(RestoreRefused, match="No space left"):
            carry_out(plan, each, MORNING, author="test")
    assert target.stat().st_ino == inode
    assert list(target.iterdir()) == []
    with pytest.raises(RestoreRefused, match="is no directory"):
        carry_out(plan, life.file, MORNING, author="test")
