"""Checking passwords: in threads, few at once, the same work whoever is asked for.

People of a directory service may have their password there: it is asked for them, and as often for
somebody it has not, so that the time it takes names nobody.
"""

from __future__ import annotations

import secrets as chance
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, to_thread

from central.store import secrets
from central.web.problems import TooBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.settings_directory_services import LdapSettings

T = TypeVar("T")

#: A check takes a core for some 30 ms and 19 MiB.
_AT_ONCE: Final = 2
_WAITING: Final = 64
#: Questions to directory services at once: one that hangs keeps no other thread.
_SERVICES_AT_ONCE: Final = 4
_NOBODY_BYTES: Final = 12


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


def _verify(service: LdapSettings, name: str, password: str) -> bool:
    from central.importing import ldap  # noqa: PLC0415  nobody loads ldap3 who has no service

    return ldap.verify(service, name, password)


class Services:
    """Asks directory services whether a password is right."""

    def __init__(self, verify: Callable[[LdapSettings, str, str], bool] = _verify) -> None:
        self._verify = verify
        self._room = CapacityLimiter(_SERVICES_AT_ONCE)
        self._asked = 0

    async def check(self, service: LdapSettings, name: str, password: str) -> bool:
        """Say whether a password is right at a service; without a name nobody's is.

        Raises:
            TooBusy: too many wait already.
            PrintmeshError: it cannot be asked at present.
        """
        if self._asked > _WAITING:
            raise TooBusy
        self._asked += 1
        # of nobody: asked all the same, with nothing that somebody typed
        who, secret = (name, password) if name else (_nobody(), _nobody())
        try:
            found = await to_thread.run_sync(self._verify, service, who, secret, limiter=self._room)
        finally:
            self._asked -= 1
        return found and bool(name)


def _nobody() -> str:
    return chance.token_hex(_NOBODY_BYTES)
