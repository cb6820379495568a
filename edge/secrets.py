"""PINs and passwords against their argon2id hashes (RFC 9106): the one place that checks them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

#: A check takes a core for some 20 ms and 19 MiB; what prints must not wait behind many of them.
AT_ONCE: Final = 2
#: No hash of ours needs more memory (KiB), and one that does would take the machine down.
_BEARABLE: Final = 256 * 1024
#: A hash of nobody's, as the centre makes them (19 MiB, two passes, one lane), to be checked where
#: there is none: the time tells nothing. It stands here because to make one takes as long as that.
NOBODYS: Final = "$argon2id$v=19$m=19456,t=2,p=1$" + "bm9ib2R5IHdhcyBoZXJlIQ" + "$" + "A" * 43


class Secrets:
    """Checks, two at a time, in threads of its own; whoever waits holds no thread."""

    def __init__(self) -> None:
        """Start nothing yet: the first check does."""
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="secrets")

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
        known = await loop.run_in_executor(self._threads, _matches, hashed or NOBODYS, secret)
        return known and bool(hashed)


def _matches(hashed: str, secret: str) -> bool:
    # a site without terminals never needs it, and no start should wait for it
    import argon2  # noqa: PLC0415
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415

    try:
        if argon2.extract_parameters(hashed).memory_cost > _BEARABLE:
            return False
        return argon2.PasswordHasher().verify(hashed, secret)
    except (Argon2Error, InvalidHashError, UnicodeError):
        return False
