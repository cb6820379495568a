"""Checks of PINs and passwords: right is right, and how long it takes says nothing."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher, Type

from edge import secrets
from edge.secrets import AT_ONCE, Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def checks() -> Iterator[Secrets]:
    """Make what checks."""
    made = Secrets()
    with made:
        yield made


@pytest.mark.parametrize(
    ("hashed", "secret", "right"),
    [
        (QUICK.hash("2468"), "2468", True),
        (QUICK.hash("2468"), "2469", False),
        (QUICK.hash("pässwörd"), "pässwörd", True),
        (QUICK.hash(""), "", True),
        ("", "", False),  # nobody has that name
        ("", "2468", False),
        ("$argon2id$v=19$m=64,t=1,p=1$broken", "2468", False),
        ("plain", "plain", False),
        ("päß", "päß", False),
        (
            # somebody's idea of safe: it would take 4 GiB
            "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
            "2468",
            False,
        ),
        (PasswordHasher(1, 64, 1, type=Type.ID).hash("2468"), "\ud800", False),
    ],
    # salts differ from one worker of the tests to the next, so names cannot be made of them
    ids=count(),
)
async def test_only_the_secret_of_a_hash_is_right(
    checks: Secrets, hashed: str, secret: str, *, right: bool
) -> None:
    """Whatever stands in the directory: what cannot be checked is wrong."""
    assert await checks.right(hashed, secret) is right


async def test_where_nobody_is_a_hash_is_worked_out_all_the_same(
    checks: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown name costs the same work as a known one, by the figures the centre uses."""
    looked: list[str] = []

    def noted(hashed: str, _secret: str) -> bool:
        looked.append(hashed)
        return True

    monkeypatch.setattr(secrets, "_matches", noted)
    assert not await checks.right("", "2468")
    assert looked[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_no_more_than_two_are_worked_out_at_once(
    checks: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty people at twenty terminals leave the processor to what prints."""
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(AT_ONCE, timeout=10)

    def slow(_hashed: str, _secret: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait()
        with lock:
            running -= 1
        return True

    monkeypatch.setattr(secrets, "_matches", slow)
    assert all(await asyncio.gather(*(checks.right("x", "y") for _ in range(20))))
    assert most == AT_ONCE
