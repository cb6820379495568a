"""Checking passwords: in threads, few at once, the same work whoever is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, to_thread

from central.store import secrets
from central.web.problems import TooBusy

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: A check takes a core for some 30 ms and 19 MiB.
_AT_ONCE: Final = 2
_WAITING: Final = 64


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check came to."""

    right: bool
    better: str = ""
    """The hash made anew, where ours has become stronger since; empty: keep it."""


class Passwords:
    """Checks and makes hashes for pages."""

    def __init__(self, matches: Callable[[str, str], bool] = secrets.matches) -> None:
        self.checks = 0
        """Hashes that were worked out to check something."""
        self._matches = matches
        self._room = CapacityLimiter(_AT_ONCE)
        self._asked = 0

    async def check(self, phc: str, secret: str) -> Checked:
        """Say whether a secret is that of a hash; of none it is not, after the same work.

        Raises:
            TooBusy: too many wait already.
        """
        return await self._in_thread(lambda: self._check(phc, secret))

    async def hashed(self, secret: str) -> str:
        """Return the hash of a new secret.

        Raises:
            TooBusy: too many wait already.
        """
        return await self._in_thread(lambda: secrets.hashed(secret))

    def _check(self, phc: str, secret: str) -> Checked:
        self.checks += 1
        right = self._matches(phc or secrets.NOBODYS, secret) and bool(phc)
        better = secrets.hashed(secret) if right and secrets.outdated(phc) else ""
        return Checked(right, better)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._asked > _WAITING:
            raise TooBusy
        self._asked += 1
        try:
            return await to_thread.run_sync(work, limiter=self._room)
        finally:
            self._asked -= 1
