"""What a link reports and how it waits: events, errors, bounds; no socket and no paho."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from uuid import UUID


class LinkDown(PrintmeshError, ConnectionError):
    """Not connected, or the connection ended before the broker had acknowledged."""


class LinkRefused(LinkDown):
    """The broker does not want us: name, secret, or a subscription; trying soon does not help."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we vanish, and we ourselves when we say goodbye."""

    topic: str
    """Where."""
    payload: bytes
    """A whole message; it carries the session."""
    qos: int = 1
    """Quality of service."""
    retain: bool = True
    """Whether the broker keeps it for who comes later."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Connected, and every subscription was granted."""

    session: UUID
    """Minted for this connection; the will carries it."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection that was reported as Connected has ended."""

    reason: str
    """One line, for people."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message came."""

    topic: str
    """On this topic."""
    payload: bytes
    """As it was sent."""
    qos: int = 0
    """With which it was delivered."""
    retained: bool = False
    """The broker had kept it from before we subscribed."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """No answer came in time."""


LinkEvent: TypeAlias = Connected | Disconnected | Arrived


@dataclass(frozen=True, slots=True)
class Timing:
    """Waits, in seconds, and bounds."""

    keepalive: int = 15
    """A silent connection is probed after this and given up after twice as long."""
    connect: float = 10.0
    """From the first packet to the granted subscriptions."""
    first_pause: float = 0.5
    """At most so long before the first try to come back."""
    pause: float = 1.0
    """The second pause is at most twice this, and so on, doubled each time."""
    refused_pause: float = 5.0
    """The same when the broker refused us."""
    longest_pause: float = 60.0
    """Where the doubling ends."""
    steady: float = 1.0
    """A connection takes one doubling back for each so many seconds that it held."""
    window: int = 100
    """Messages handed to the broker and not yet acknowledged; more publishers wait."""
    backlog: int = 2000
    """Messages that came and that nobody has taken yet; beyond it, QoS 0 is dropped, and QoS 1
    (which the broker bounds, since we acknowledge only what was taken) ends the connection."""


def doublings_left(attempt: int, *, held: float, timing: Timing) -> int:
    """Return how many doublings are left once a connection has held for `held` seconds.

    A broker that falls over as soon as everybody is back is still left alone for longer and longer;
    one that was killed and serves again is not held to what was before.
    """
    return max(0, attempt - int(held / timing.steady))


def reconnect_pause(attempt: int, *, refused: bool, dice: float, timing: Timing) -> float:
    """Return how long to wait before trying again: full jitter under a doubling bound.

    Args:
        attempt: doublings so far; 0 for the first try after a connection that held.
        refused: the broker said no, so that soon is useless.
        dice: from 0 to below 1.
        timing: the bounds.
    """
    if refused:
        least = min(timing.refused_pause, timing.longest_pause)
        return least + dice * min(least * (1 << min(attempt, 10)), timing.longest_pause)
    if attempt == 0:
        return dice * timing.first_pause
    return dice * min(timing.pause * (1 << min(attempt, 16)), timing.longest_pause)
