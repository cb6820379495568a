"""Where a message goes: subscriptions as a tree of levels, retained messages. No socket.

amqtt compares each message with every filter in the broker; here the cost is the topic's depth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from broker.acl import matches

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from broker.frames import Message

S = TypeVar("S", bound="Hashable")

_REMEMBERED_TOPICS = 4096


@dataclass(slots=True)
class _Level(Generic[S]):
    below: dict[str, _Level[S]] = field(default_factory=dict)
    here: dict[S, int] = field(default_factory=dict)


class Subscriptions(Generic[S]):
    """Which subscriber asked for what, with which QoS."""

    def __init__(self) -> None:
        self._root: _Level[S] = _Level()
        self._filters: dict[S, dict[str, int]] = {}
        self._remembered: dict[str, Mapping[S, int]] = {}

    def add(self, subscriber: S, topic_filter: str, qos: int) -> None:
        """Subscribe; the same filter again only changes the QoS (MQTT 3.1.1 §3.8.4)."""
        level = self._root
        for name in topic_filter.split("/"):
            level = level.below.setdefault(name, _Level())
        level.here[subscriber] = qos
        self._filters.setdefault(subscriber, {})[topic_filter] = qos
        self._remembered.clear()

    def remove(self, subscriber: S, topic_filter: str) -> None:
        """Unsubscribe; an unknown filter changes nothing."""
        filters = self._filters.get(subscriber, {})
        if filters.pop(topic_filter, None) is None:
            return
        if not filters:
            del self._filters[subscriber]
        path = [self._root]
        names = topic_filter.split("/")
        for name in names:
            path.append(path[-1].below[name])
        del path[-1].here[subscriber]
        for name, parent, level in zip(reversed(names), path[-2::-1], path[:0:-1], strict=True):
            if level.here or level.below:
                break
            del parent.below[name]
        self._remembered.clear()

    def drop(self, subscriber: S) -> None:
        """Forget a subscriber."""
        for topic_filter in list(self._filters.get(subscriber, ())):
            self.remove(subscriber, topic_filter)

    def count(self, subscriber: S) -> int:
        """Return how many filters it holds."""
        return len(self._filters.get(subscriber, ()))

    def holds(self, subscriber: S, topic_filter: str) -> bool:
        """Say whether it subscribed to just this filter."""
        return topic_filter in self._filters.get(subscriber, ())

    def reached(self, topic: str) -> Mapping[S, int]:
        """Return who hears a topic: each once, with the highest QoS of its filters that match."""
        found = self._remembered.get(topic)
        if found is None:
            found = self._find(topic)
            if len(self._remembered) >= _REMEMBERED_TOPICS:
                self._remembered.clear()
            self._remembered[topic] = found
        return found

    def _find(self, topic: str) -> dict[S, int]:
        found: dict[S, int] = {}

        def hear(level: _Level[S] | None) -> None:
            for subscriber, qos in level.here.items() if level else ():
                found[subscriber] = max(qos, found.get(subscriber, 0))

        frontier = [self._root]
        for index, name in enumerate(topic.split("/")):
            hidden = index == 0 and name.startswith("$")  # §4.7.2
            following = []
            for level in frontier:
                if not hidden:
                    hear(level.below.get("#"))
                    if (any_ := level.below.get("+")) is not None:
                        following.append(any_)
                if (exact := level.below.get(name)) is not None:
                    following.append(exact)
            frontier = following
        for level in frontier:
            hear(level)
            hear(level.below.get("#"))  # `a/#` hears `a`
        return found


class Retained:
    """The last retained message of each topic, bounded in number and bytes."""

    def __init__(self, *, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._bytes = 0
        self._messages: dict[str, Message] = {}

    def put(self, message: Message) -> bool:
        """Keep, replace, or (empty payload) clear; False when there is no room for it."""
        old = self._messages.pop(message.topic, None)
        self._bytes -= old.size if old else 0
        if not message.payload:
            return True
        if (
            len(self._messages) >= self._max_messages
            or self._bytes + message.size > self._max_bytes
        ):
            return False  # nothing is better than what is no longer true
        self._messages[message.topic] = message
        self._bytes += message.size
        return True

    def matching(self, topic_filter: str) -> Iterator[Message]:
        """Yield what a new subscription is shown."""
        if "+" not in topic_filter and "#" not in topic_filter:
            if (message := self._messages.get(topic_filter)) is not None:
                yield message
            return
        yield from [m for topic, m in self._messages.items() if matches(topic_filter, topic)]
