"""Who may say and hear what: pure functions on topics and filters, default deny, no socket."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from broker.topics import Party, grants

if TYPE_CHECKING:
    from collections.abc import Callable

#: More levels than this is nobody's topic; it bounds what one filter costs the broker.
MAX_LEVELS = 128
#: An MQTT string is at most this long, in bytes of UTF-8 (MQTT 3.1.1 §1.5.3).
MAX_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection is, once it has proved it."""

    name: str
    """MQTT user name, client id and, for a node, its level in a topic."""
    party: Party
    """What it is: node, coordinator or dashboard."""


@dataclass(frozen=True, slots=True)
class Authoriser:
    """The two questions that a broker asks about an identity."""

    may_publish: Callable[[Identity, str], bool]
    """(who, topic) → whether its message goes any further; asked of wills too."""
    may_subscribe: Callable[[Identity, str], bool]
    """(who, topic filter) → whether it may hear every topic that the filter matches."""


def is_topic(topic: str) -> bool:
    """Say whether a message may be published to this name (MQTT 3.1.1 §3.3.2.1, §4.7)."""
    return _is_sane(topic) and "+" not in topic and "#" not in topic


def is_filter(topic_filter: str) -> bool:
    """Say whether this is a filter: wildcards fill a whole level, `#` only the last (§4.7.1)."""
    if not _is_sane(topic_filter):
        return False
    *body, last = topic_filter.split("/")
    return all(level == "+" or not set(level) & {"+", "#"} for level in body) and (
        last in {"+", "#"} or not set(last) & {"+", "#"}
    )


def matches(topic_filter: str, topic: str) -> bool:
    """Say whether a message on this topic reaches this filter (§4.7; `$` topics: §4.7.2)."""
    return is_topic(topic) and contains(topic_filter, topic)


def contains(granted: str, asked: str) -> bool:
    """Say whether every topic that `asked` matches is matched by `granted` as well.

    A concrete topic is the filter that matches itself alone. `a/+` does not contain `a/#`.
    """
    have, want = granted.split("/"), asked.split("/")
    if have[0] in {"+", "#"} and want[0].startswith("$"):
        return False
    for index, level in enumerate(have):
        if level == "#":
            return True
        if index == len(want):
            return False
        if want[index] == "#":
            # a topic has at least one level, so `+/#` is as wide as `#`; below that it is not
            return index == 0 and have == ["+", "#"]
        if level not in {"+", want[index]}:
            return False
    return len(have) == len(want)


@lru_cache(maxsize=4096)
def may_publish(identity: Identity, topic: str) -> bool:
    """Say whether the table of topics lets this identity write there."""
    return is_topic(topic) and any(contains(filter_, topic) for filter_ in _grants(identity)[0])


def may_subscribe(identity: Identity, topic_filter: str) -> bool:
    """Say whether one grant of the table holds all that the filter asks for.

    Sound, not complete: a filter that only several grants together would cover is refused.
    """
    return is_filter(topic_filter) and any(
        contains(filter_, topic_filter) for filter_ in _grants(identity)[1]
    )


@lru_cache(maxsize=1024)
def _grants(identity: Identity) -> tuple[frozenset[str], frozenset[str]]:
    return grants(identity.party, identity.name)


def _is_sane(text: str) -> bool:
    return (
        text != ""
        and "\0" not in text
        and text.count("/") < MAX_LEVELS
        and (len(text) * 4 <= MAX_BYTES or len(text.encode(errors="replace")) <= MAX_BYTES)
    )


#: What the broker enforces: the table of topics.
TOPIC_TABLE = Authoriser(may_publish, may_subscribe)
#: Anybody anything well-formed: only for trying MQTT clients and suites, never for a fleet.
OPEN = Authoriser(lambda _, topic: is_topic(topic), lambda _, filter_: is_filter(filter_))
