"""Where messages go: the tree of subscriptions equals a plain scan, retained ones are bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.acl import matches
from broker.frames import Message
from broker.routing import Retained, Subscriptions

levels = st.sampled_from(["a", "b", "", "$x"])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join).filter(bool)
filters = st.builds(
    lambda body, last: "/".join([*body, last]),
    st.lists(st.sampled_from(["a", "b", "", "$x", "+"]), max_size=3),
    st.sampled_from(["a", "b", "+", "#", "$x"]),
)
steps = st.tuples(st.sampled_from(["add", "remove", "drop"]), st.integers(0, 3), filters)


@given(st.lists(steps, max_size=25), st.lists(topics, min_size=1, max_size=8))
def test_the_tree_equals_a_scan(history: list[tuple[str, int, str]], heard: list[str]) -> None:
    """After any history each topic reaches whom a scan of all filters finds, with the best QoS."""
    tree: Subscriptions[int] = Subscriptions()
    table: dict[tuple[int, str], int] = {}
    for number, (step, who, filter_) in enumerate(history):
        if step == "add":
            tree.add(who, filter_, number % 3)
            table[who, filter_] = number % 3
        elif step == "remove":
            tree.remove(who, filter_)
            table.pop((who, filter_), None)
        else:
            tree.drop(who)
            table = {key: qos for key, qos in table.items() if key[0] != who}
        for topic in heard:
            expected: dict[int, int] = {}
            for (subscriber, wanted), qos in table.items():
                if matches(wanted, topic):
                    expected[subscriber] = max(qos, expected.get(subscriber, 0))
            assert tree.reached(topic) == expected
    assert {who: tree.count(who) for who in range(4)} == {
        who: sum(key[0] == who for key in table) for who in range(4)
    }


def test_what_is_unsubscribed_leaves_nothing_behind() -> None:
    """A tree whose subscribers are gone is as small as a new one."""
    tree: Subscriptions[str] = Subscriptions()
    for number in range(100):
        tree.add("one", f"a/{number}/+/c", 1)
    tree.drop("one")
    assert not tree._root.below
    assert not tree._filters


@given(st.lists(st.tuples(topics, st.binary(max_size=3)), max_size=30), filters)
def test_retained_are_the_last_of_each_topic(
    published: list[tuple[str, bytes]], filter_: str
) -> None:
    """A subscription is shown each matching topic's last message, none that was cleared."""
    kept = Retained(max_messages=100, max_bytes=10_000)
    last = {}
    for topic, payload in published:
        assert kept.put(Message(topic, payload, 1, retain=True))
        last[topic] = payload
    shown = {message.topic: message.payload for message in kept.matching(filter_)}
    assert {t: p for t, p in last.items() if p and matches(filter_, t)} == shown


def test_retained_are_bounded_and_never_stale() -> None:
    """Without room a new message is not kept, and the old one of its topic is gone too."""
    kept = Retained(max_messages=2, max_bytes=100)
    assert kept.put(Message("a", b"1", 1))
    assert kept.put(Message("b", b"1", 1))
    assert not kept.put(Message("c", b"1", 1))
    assert not kept.put(Message("a", bytes(200), 1))
    assert [m.topic for m in kept.matching("#")] == ["b"]
    assert kept.put(Message("c", b"1", 1))
