"""What a dashboard hears, read and named: who said what on which of its topics; no socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from broker import topics
from broker.codec import Unreadable, decode

if TYPE_CHECKING:
    from datetime import datetime

    from broker.link_events import Arrived
    from broker.messages import Message
    from broker.topics import Topic


@dataclass(frozen=True, slots=True)
class Linked:
    """Connected; some of what the broker kept may have been told before this, on the same line."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended; nothing is heard until the next `Linked`."""

    reason: str
    """One line, for people."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody said something."""

    message: Message
    """Of a kind that the topic may carry."""
    node: str
    """Whose topic; empty where it is everybody's."""
    device: str
    """Which device; empty where it is of none."""
    id: str
    """CloudEvents id; the feed may say the same one again."""
    at: datetime
    """When it was said, by who said it."""
    kept: bool
    """The broker had kept it from before."""
    payload: bytes
    """As it was sent."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What the broker kept was taken away."""

    node: str
    """Whose."""
    device: str
    """Which device; empty: the node's status."""


LineEvent: TypeAlias = Linked | Lost | Told | Removed

#: What a dashboard may read.
_HEARD = tuple(each for each in topics.TABLE if topics.Party.DASHBOARD in each.readers)


def heard(arrived: Arrived) -> Told | Removed | Unreadable | None:
    """Read a message; None where it is on none of a dashboard's topics."""
    for topic in _HEARD:
        levels = topic.match(arrived.topic)
        if levels is not None:
            return _read(topic, levels, arrived)
    return None


def _read(
    topic: Topic, levels: dict[str, str], arrived: Arrived
) -> Told | Removed | Unreadable | None:
    node, device = levels.get("node", ""), levels.get("device", "")
    if not arrived.payload:
        return Removed(node, device) if node else None
    read = decode(arrived.payload, topic.messages)
    if isinstance(read, Unreadable):
        return read
    return Told(read.message, node, device, read.id, read.time, arrived.retained, arrived.payload)
