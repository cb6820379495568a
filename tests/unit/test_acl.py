"""Who may say and hear what: table, wildcard containment against brute force, default deny."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker import acl
from broker.acl import Identity
from broker.topics import Party

NODE = Identity("edge-1", Party.NODE)
CENTRE = Identity("coordinator", Party.COORDINATOR)
BOARD = Identity("wall", Party.DASHBOARD)

# Small enough to try every topic, with a level (`z`) and a depth that no filter names.
LEVELS = ("a", "b", "", "$s", "z")
TOPICS = ["/".join(levels) for depth in (1, 2, 3, 4) for levels in product(LEVELS, repeat=depth)]
TOPICS = [topic for topic in TOPICS if topic]

bodies = st.lists(st.sampled_from(["a", "b", "", "$s", "+"]), min_size=0, max_size=2)
filters = st.builds(
    lambda body, last: "/".join([*body, last]), bodies, st.sampled_from(["a", "b", "+", "#", "$s"])
)


def slowly_matches(topic_filter: str, topic: str) -> bool:
    """Decide by the words of the standard, level by level, from the left."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False

    def rest(wanted: list[str], had: list[str]) -> bool:
        if wanted == ["#"]:
            return True
        if not wanted or not had:
            return not wanted and not had
        return wanted[0] in {"+", had[0]} and rest(wanted[1:], had[1:])

    return rest(topic_filter.split("/"), topic.split("/"))


@given(filters)
def test_matching_is_what_the_standard_says(topic_filter: str) -> None:
    """A topic reaches a filter exactly when the rules of MQTT 3.1.1 §4.7 say so."""
    assert [t for t in TOPICS if slowly_matches(topic_filter, t)] == [
        t for t in TOPICS if acl.matches(topic_filter, t)
    ]


@example("+/#", "#")
@given(filters, filters)
def test_containment_equals_brute_force(granted: str, asked: str) -> None:
    """A grant holds a filter exactly when no topic of the filter escapes the grant."""
    escapes = [t for t in TOPICS if slowly_matches(asked, t) and not slowly_matches(granted, t)]
    assert acl.contains(granted, asked) is (not escapes)


@pytest.mark.parametrize(
    ("granted", "asked", "held"),
    [
        ("a/+", "a/#", False),  # the classic hole: # also matches a and a/b/c
        ("a/#", "a/+", True),
        ("a/#", "a", True),  # # includes its parent
        ("a/+", "a", False),
        ("+/b", "a/b", True),
        ("a/b", "+/b", False),
        ("#", "$SYS/#", False),  # wildcards at the top do not reach $ topics
        ("+/x", "$SYS/x", False),
        ("a//b", "a/+/b", False),  # an empty level is a level
        ("a/+/b", "a//b", True),
    ],
)
def test_containment_of_known_traps(*, granted: str, asked: str, held: bool) -> None:
    """The traps that other brokers fell into are decided right."""
    assert held is acl.contains(granted, asked)


@pytest.mark.parametrize(
    ("who", "topic", "allowed"),
    [
        (NODE, "pm/v1/up/edge-1/status", True),
        (NODE, "pm/v1/up/edge-1/log/ledger", True),
        (NODE, "pm/v1/up/edge-2/status", False),  # another node's name
        (NODE, "pm/v1/up/edge-1/log/+", False),  # not a topic
        (NODE, "pm/v1/up/edge-1/log/", True),  # an empty level is a level
        (NODE, "pm/v1/up/edge-1/log/a\0b", False),
        (NODE, "pm/v1/up/edge-1/unheard-of", False),  # not in the table
        (NODE, "pm/v1/down/edge-1/dir", False),
        (NODE, "pm/v1/all/coordinator", False),
        (NODE, "$SYS/broker", False),
        (CENTRE, "pm/v1/down/edge-1/dir", True),
        (CENTRE, "pm/v1/all/coordinator", True),
        (CENTRE, "pm/v1/feed/jobs", True),
        (CENTRE, "pm/v1/up/edge-1/status", False),
        (BOARD, "pm/v1/feed/jobs", False),
        (BOARD, "pm/v1/up/wall/status", False),
    ],
)
def test_who_may_publish_what(*, who: Identity, topic: str, allowed: bool) -> None:
    """Each identity writes its own lines of the table and nothing else."""
    assert allowed is acl.may_publish(who, topic)


@pytest.mark.parametrize(
    ("who", "topic_filter", "allowed"),
    [
        (NODE, "pm/v1/down/edge-1/#", True),
        (NODE, "pm/v1/all/#", True),
        (NODE, "pm/v1/down/+/#", False),
        (NODE, "pm/v1/#", False),
        (NODE, "#", False),
        (NODE, "pm/v1/up/edge-1/#", False),
        (NODE, "$share/g/pm/v1/all/#", False),
        (NODE, "pm/v1/all/#/x", False),  # not a filter
        (NODE, "pm/v1/all/x#", False),
        (NODE, "", False),
        (CENTRE, "pm/v1/up/#", True),
        (CENTRE, "pm/v1/#", False),
        (BOARD, "pm/v1/feed/+", True),
        (BOARD, "pm/v1/up/+/status", True),
        (BOARD, "pm/v1/up/+/dev/+", True),
        (BOARD, "pm/v1/up/+/log/+", False),
        (BOARD, "pm/v1/up/#", False),
    ],
)
def test_who_may_subscribe_to_what(*, who: Identity, topic_filter: str, allowed: bool) -> None:
    """Each identity hears what the table lets it read; a filter that asks for more gets nothing."""
    assert allowed is acl.may_subscribe(who, topic_filter)


@given(st.text(max_size=40))
def test_any_text_is_decided_without_an_error(text: str) -> None:
    """No name, however odd, raises, and none is both a topic and a wildcard."""
    acl.may_publish(NODE, text)
    acl.may_subscribe(NODE, text)
    assert not (acl.is_topic(text) and set(text) & {"+", "#"})


def test_depth_and_length_are_bounded() -> None:
    """A name of absurd depth or length is nobody's topic."""
    assert not acl.is_topic("/" * acl.MAX_LEVELS)
    assert not acl.is_filter("é" * acl.MAX_BYTES)
    assert acl.is_topic("a" * acl.MAX_BYTES)
