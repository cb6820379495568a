"""PINs and passwords at the terminals: not too often, each try durable before it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from edge.tries import PinTry, SteadyClock, Wait, pin_permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.ports import Clock
    from edge.secrets import Secrets
    from edge.store.tries import PinTries


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose secret is tried, and where."""

    user: str
    """The user name as typed, or of the card's owner."""
    card: str
    """The card's key; empty without a card."""
    terminal: str
    """Node."""


@dataclass(frozen=True, slots=True)
class Right:
    """It is the one."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """It is not, or nobody has that name: which of the two is not told."""

    left: int
    """So many tries are left for now."""


Proof: TypeAlias = Right | Wrong | Wait


class Proving:
    """Lets people prove who they are."""

    def __init__(
        self,
        tries: PinTries,
        secrets: Secrets,
        *,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        """Take what it rests on.

        Args:
            tries: the wrong ones, as the journal keeps them.
            secrets: checks one.
            clock: the time of day.
            monotonic: seconds that only go on.
        """
        self._tries = tries
        self._secrets = secrets
        self._monotonic = monotonic
        newest = max((each.at for each in tries.tries()), default=None)
        self._steady = SteadyClock(clock(), newest, monotonic())

    async def prove(self, hashed: str, secret: str, subject: Subject) -> Proof:
        """Try a secret.

        Args:
            hashed: its hash in PHC form; empty: nobody has that name, or no such secret.
            secret: as typed.
            subject: whose, and where.

        Raises:
            StoreUnwritableError: nothing was tried.
        """
        name = sha256(subject.user.strip().lower().encode()).hexdigest()
        now = self._steady.at(self._monotonic())
        tried = PinTry(name, subject.card, subject.terminal, now)
        found = pin_permission(self._tries.tries(), tried)
        if isinstance(found, Wait):
            return found
        number = self._tries.spend(tried)
        if not await self._secrets.right(hashed, secret):
            return Wrong(found.left)
        self._tries.forgive(number)
        return Right()
