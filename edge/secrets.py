"""PINs and passwords against their argon2id hashes (RFC 9106): the one place that checks them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import argon2
from argon2.exceptions import Argon2Error, InvalidHashError

if TYPE_CHECKING:
    from types import TracebackType

#: A check takes a core for some 20 ms and 19 MiB; what prints must not wait behind many of them.
AT_ONCE: Final = 2
#: No hash of ours needs more memory (KiB), and one that does would take the machine down.
_BEARABLE: Final = 256 * 1024


class Secrets:
    """Checks, two at a time, in threads of its own; whoever waits holds no thread."""

    def __init__(self) -> None:
        """Make a hash of nothing, to be checked where there is none: the time tells nothing."""
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="secrets")
        # as the centre makes them: 19 MiB, two passes, one lane
        hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._nobodys = hasher.hash("")

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def right(self, hashed: str, secret: str) -> bool:
        """Say whether a secret is the one of a hash; of none it is not, after the same time.

        Args:
            hashed: in PHC form; empty: none.
            secret: as typed.
        """
        loop = asyncio.get_running_loop()
        known = await loop.run_in_executor(self._threads, _matches, hashed or self._nobodys, secret)
        return known and bool(hashed)


def _matches(hashed: str, secret: str) -> bool:
    try:
        if argon2.extract_parameters(hashed).memory_cost > _BEARABLE:
            return False
        return argon2.PasswordHasher().verify(hashed, secret)
    except (Argon2Error, InvalidHashError, UnicodeError):
        return False
