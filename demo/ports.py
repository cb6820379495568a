"""Free loopback ports and waiting for a condition: the two things every piece of the lab needs."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PAUSE = 0.01


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on now.

    The kernel hands ephemeral ports out in turn, so two callers do not get the same one soon.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answers(port: int) -> bool:
    """Say whether something accepts connections on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Poll a condition that offers no event.

    Raises:
        TimeoutError: it did not come true in time; names `what` was awaited.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(_PAUSE)
