"""The disk and its twin in memory keep the same promises (edge.store.disk)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from edge.store.disk import LOCK_NAME, DirectoryDisk
from edge.store.memory_disk import MemoryDisk

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.disk import Disk


@pytest.fixture(params=["directory", "memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    """Return each kind of disk, empty."""
    return DirectoryDisk(tmp_path / "store") if request.param == "directory" else MemoryDisk()


def test_what_is_written_is_read_and_counted(disk: Disk) -> None:
    """Reads go by position, are short only at the end, and see unsynced writes."""
    disk.create("a")
    disk.write("a", 0, b"hello")
    disk.write("a", 5, b" world")
    disk.write("a", 0, b"J")
    disk.sync("a")
    assert disk.size("a") == 11
    assert disk.read("a", 0, 100) == b"Jello world"
    assert disk.read("a", 6, 3) == b"wor"
    assert disk.read("a", 50, 3) == b""


def test_creating_again_begins_anew(disk: Disk) -> None:
    """A leftover of the same name does not shine through."""
    for _ in range(2):
        disk.create("a")
        assert disk.size("a") == 0
        disk.write("a", 0, b"left over")


def test_room_is_not_contents(disk: Disk) -> None:
    """Room that was made reads as zeros and counts for nothing until it is written."""
    disk.create("a")
    disk.write("a", 0, b"hello\0")
    disk.reserve("a", 6, 100_000)
    assert disk.size("a") == 5
    assert disk.read("a", 4, 3) == b"o\0\0"
    disk.write("a", 70_000, b"far")
    disk.sync("a")
    assert disk.size("a") == 70_003
    disk.truncate("a", 5)
    assert disk.size("a") == 5


def test_truncate_cuts(disk: Disk) -> None:
    """What was cut is gone for reading and for the length."""
    disk.create("a")
    disk.write("a", 0, b"hello")
    disk.truncate("a", 2)
    assert (disk.size("a"), disk.read("a", 0, 9)) == (2, b"he")


def test_rename_replaces_and_remove_forgives(disk: Disk) -> None:
    """A name has one file; removing what is not there is fine."""
    for name in ("a", "b"):
        disk.create(name)
        disk.write(name, 0, name.encode())
    disk.rename("a", "b")
    disk.sync_directory()
    assert disk.names() == ["b"]
    assert disk.read("b", 0, 9) == b"a"
    disk.write("b", 1, b"!")
    assert disk.read("b", 0, 9) == b"a!"
    disk.remove("b")
    disk.remove("b")
    assert disk.names() == []


def test_a_released_file_still_reads_and_writes(disk: Disk) -> None:
    """Letting go of a file is about descriptors, not about the file."""
    disk.create("a")
    disk.write("a", 0, b"one")
    disk.release("a")
    assert disk.read("a", 0, 9) == b"one"
    disk.write("a", 3, b" two")
    assert disk.read("a", 0, 9) == b"one two"


@pytest.mark.parametrize("operation", ["size", "read", "write", "truncate", "sync", "rename"])
def test_a_missing_file_is_an_oserror(disk: Disk, operation: str) -> None:
    """Every operation on what is not there says so, and makes nothing."""
    arguments = {"read": (0, 1), "write": (0, b"x"), "truncate": (0,), "rename": ("other",)}
    with pytest.raises(FileNotFoundError):
        getattr(disk, operation)("missing", *arguments.get(operation, ()))
    assert disk.names() == []


def test_the_lock_has_one_owner_and_names_it(disk: Disk) -> None:
    """The owner's pid is told to the second who asks; closing lets go."""
    assert disk.lock() is None
    second = DirectoryDisk(disk._path) if isinstance(disk, DirectoryDisk) else disk
    assert second.lock() == os.getpid()
    assert LOCK_NAME not in disk.names()
    disk.close()
    assert second.lock() is None
    second.close()
