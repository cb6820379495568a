"""The journal on a real file system: kill -9, two owners, a full and a read-only disk."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tinydb import where

from broker.stream import StreamKey
from edge.store.database import EdgeDatabase
from edge.store.errors import StoreInUseError, StoreUnwritableError
from edge.store.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = StreamKey("edge-a", UUID(int=1), "central", UUID(int=2), "ledger")
INDEXES = {"accounts": ("key",)}
ACCOUNTS = 20

#: Charges accounts for ever, checkpointing all the while; says each charge once it is durable.
WORKER = """
import sys, time
from datetime import timedelta
from pathlib import Path
from tinydb import where
from edge.store.database import EdgeDatabase
db = EdgeDatabase.at(Path(sys.argv[1]), indexes={"accounts": ("key",)})
accounts, jobs, ordinal = db.table("accounts"), db.table("jobs"), int(sys.argv[2])
while True:
    ordinal += 1
    with db.transaction() as txn:
        account = accounts.one(where("key") == f"user:{ordinal % 20}")
        accounts.update({"spent": account["spent"] + 1}, doc_ids=[account.doc_id])
        jobs.insert({"ordinal": ordinal, "padding": "x" * 300})
        txn.append("ledger", f"charge {ordinal}")
    print(ordinal, flush=True)
    db.checkpoint_step(timedelta(milliseconds=1))
"""


def opened(path: Path) -> EdgeDatabase:
    """Open the store, with its accounts and stream if it is new."""
    database = EdgeDatabase.at(path, indexes=INDEXES)
    with database.transaction() as transaction:
        transaction.open_stream("ledger", KEY)
        if not len(database.table("accounts")):
            database.table("accounts").insert_multiple(
                {"key": f"user:{number}", "spent": 0} for number in range(ACCOUNTS)
            )
    return database


def test_kill_9_under_load_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """After each kill: every charge said to be durable is there, and rows and events agree."""
    dice = random.Random(22)  # noqa: S311 - when to kill
    opened(tmp_path).close()
    done = 0
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), str(done)], stdout=subprocess.PIPE
        ) as worker:
            assert worker.stdout is not None
            said = [worker.stdout.readline() for _ in range(dice.randint(1, 150))]
            worker.send_signal(signal.SIGKILL)
            said += worker.stdout.readlines()
        whole = [line for line in said if line.endswith(b"\n")]
        database = opened(tmp_path)
        head = database.head("ledger").seq
        assert head - int(whole[-1]) in {0, 1}
        assert [row["ordinal"] for row in database.table("jobs")] == list(range(1, head + 1))
        assert sum(row["spent"] for row in database.table("accounts")) == head
        texts = [event.data for event in database.events("ledger", 1, head)]
        assert texts == [f"charge {number}" for number in range(1, head + 1)]
        database.close()
        done = head
    assert done > 100
    assert verify(tmp_path).problems == []


def test_a_second_process_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    """The lock is the kernel's: it names its owner and ends with it."""
    opened(tmp_path).close()
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path), "0"], stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        with pytest.raises(StoreInUseError, match=f"process {worker.pid}"):
            EdgeDatabase.at(tmp_path)
        worker.kill()
    opened(tmp_path).close()


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """Mount a file system of one mebibyte, where that is allowed."""
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(path)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting needs more rights than these")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def spend(database: EdgeDatabase, number: int) -> None:
    """Write one charge with a long event."""
    with database.transaction() as transaction:
        database.table("accounts").update({"spent": number}, where("key") == "user:0")
        transaction.append("ledger", f"{number:08}" * 500)


def spend_on(database: EdgeDatabase) -> None:
    """Write charges until one is refused."""
    for number in range(1, 1000):
        spend(database, number)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_full_disk_refuses_and_then_works_again(tmp_path: Path) -> None:
    """Jobs cannot be charged while the disk is full; nothing needs a restart afterwards."""
    with small_disk(tmp_path / "small") as path:
        filler = path / "filler"
        filler.write_bytes(bytes(600_000))
        database = opened(path / "store")
        with pytest.raises(StoreUnwritableError, match="No space left"):
            spend_on(database)
        number = database.head("ledger").seq + 1
        for _ in range(3):
            with pytest.raises(StoreUnwritableError):
                spend(database, number)
        head = database.head("ledger").seq
        assert 10 < head == number - 1
        assert database.table("accounts").get(where("key") == "user:0") == {
            "key": "user:0",
            "spent": number - 1,
        }
        filler.unlink()
        spend(database, 5000)
        database.close()
        assert verify(path / "store").problems == []
        database = opened(path / "store")
        assert database.head("ledger").seq == head + 1
        assert len(list(database.events("ledger", 1, head + 1))) == head + 1
        database.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_read_only_disk_is_unwritable_and_heals(tmp_path: Path) -> None:
    """A store on a file system that turned read-only says so, and opens when it turned back."""
    with small_disk(tmp_path / "small") as path:
        opened(path / "store").close()
        subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
        with pytest.raises(StoreUnwritableError, match="Read-only"):
            EdgeDatabase.at(path / "store")
        with pytest.raises(StoreUnwritableError, match="Read-only"):
            EdgeDatabase.at(path / "other")
        subprocess.run(["mount", "-o", "remount,rw", str(path)], check=True)
        database = opened(path / "store")
        spend(database, 1)
        database.close()


def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    """Balances and names are nobody else's to read."""
    opened(tmp_path / "store").close()
    assert (tmp_path / "store").stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "store").iterdir())


def test_a_damaged_store_names_the_file_and_the_way_out(tmp_path: Path) -> None:
    """Rot before the end of a real file: the words are for a person."""
    database = opened(tmp_path)
    spend(database, 1)
    spend(database, 2)
    database.close()
    file = next(tmp_path.glob("journal-*.log"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    report = verify(tmp_path)
    assert len(report.problems) == 1
    assert str(file) in report.problems[0]
    assert "Recover: restore" in report.problems[0]


def test_a_checkpoint_of_a_big_table_goes_in_slices(tmp_path: Path) -> None:
    """10,000 rows: no slice holds the loop for much longer than its budget of 5 ms."""
    database = opened(tmp_path)
    database.table("cards").insert_multiple(
        {"card": json.dumps(number), "user": f"user:{number}"} for number in range(10_000)
    )
    slices = []
    done = False
    while not done:
        began = time.perf_counter()
        done = database.checkpoint_step(timedelta(milliseconds=5))
        slices.append(time.perf_counter() - began)
    # The first begins a segment, which waits for the disk; a busy machine may pause any other.
    assert sorted(slices[1:])[len(slices) // 2] < 0.010
    database.close()
