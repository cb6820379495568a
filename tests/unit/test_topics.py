"""The table of topics: complete, unambiguous, its names reversible, its grants what DESIGN says."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import acl, topics
from broker import messages as m
from broker.topics import FEED, FEEDS, METHODS, REQUEST, ROOT, TABLE, Party, Topic, grants

MQTT_LENGTH = 65_535
#: One topic level that a person could choose: anything but separators, wildcards and NUL.
levels = st.text(
    st.characters(exclude_characters="/+#\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
each_topic = pytest.mark.parametrize("topic", TABLE, ids=lambda topic: topic.name)


def sample(topic: Topic) -> str:
    """Return one concrete topic of a line of the table."""
    return topic.of(**{name: "edge-1" if name == "node" else "x" for name in topic.parameters})


@each_topic
def test_each_topic_has_writer_readers_and_words(topic: Topic) -> None:
    """No line of the table is without someone who hears it, a message, or an explanation."""
    assert topic.readers
    assert topic.writer not in topic.readers
    assert topic.messages
    assert topic.about.endswith(".")
    assert topic.qos in {0, 1}  # QoS 2 nowhere (DESIGN §4)


@each_topic
def test_direction_comes_first(topic: Topic) -> None:
    """`up/{node}` is written by that node, `down/{node}` by the coordinator, and read by it."""
    direction = topic.path.split("/")[0]
    if direction == "up":
        assert (topic.writer, topic.parameters[0]) == (Party.NODE, "node")
        assert Party.COORDINATOR in topic.readers
    elif direction == "down":
        assert (topic.writer, topic.parameters[0]) == (Party.COORDINATOR, "node")
        assert topic.readers == {Party.NODE}
    else:
        assert topic.writer is Party.COORDINATOR
        assert "node" not in topic.parameters


@each_topic
def test_parameters_are_whole_levels(topic: Topic) -> None:
    """Every parameter is one level of its own, so that a broker's ACL can name it."""
    assert topic.template.startswith(f"{ROOT}/")
    for level in topic.template.split("/"):
        assert ("{" in level) == (level.startswith("{") and level.endswith("}"))


def test_names_and_topics_are_unique() -> None:
    """No two lines share a name, and no topic belongs to two lines."""
    assert len({topic.name for topic in TABLE}) == len(TABLE)
    for one, other in combinations(TABLE, 2):
        assert other.match(sample(one)) is None
        assert one.match(sample(other)) is None


@given(st.sampled_from(TABLE), st.data())
def test_match_undoes_of(topic: Topic, data: st.DataObject) -> None:
    """What was filled in is read back, and the topic is one that MQTT and no other line allow."""
    values = {name: data.draw(levels, label=name) for name in topic.parameters}
    concrete = topic.of(**values)
    assert topic.match(concrete) == values
    assert [each for each in TABLE if each.match(concrete) is not None] == [topic]
    assert len(concrete.encode()) <= MQTT_LENGTH


@given(st.sampled_from(TABLE), st.data())
def test_of_undoes_match(topic: Topic, data: st.DataObject) -> None:
    """A topic that is recognised, and has no empty level, is rebuilt from its parameters."""
    wanted = topic.template.split("/")
    drawn = [data.draw(st.sampled_from([each, "edge-1", ""])) for each in wanted]
    concrete = "/".join(drawn)
    values = topic.match(concrete)
    assert (values is not None) == all(
        want.startswith("{") or want == have for want, have in zip(wanted, drawn, strict=True)
    )
    if values is not None and "" not in values.values():
        assert topic.of(**values) == concrete


@pytest.mark.parametrize("bad", ["", "a/b", "+", "#", "a+", "a#", "a\0"])
def test_a_parameter_is_one_plain_level(bad: str) -> None:
    """A value that would change the shape of the topic is refused, with its name."""
    with pytest.raises(ValueError, match="node="):
        topics.STATUS.of(node=bad)


def test_a_parameter_may_not_be_forgotten() -> None:
    """A topic is not built with a hole in it."""
    with pytest.raises(KeyError):
        topics.UP_LOG.of(node="edge-1")


@given(st.sampled_from(TABLE), st.data())
def test_a_filter_hears_its_own_topics(topic: Topic, data: st.DataObject) -> None:
    """The wide filter of a line hears all its topics, the one for a node hears that node only."""
    values = {name: data.draw(levels, label=name) for name in topic.parameters}
    concrete = topic.of(**values)
    assert acl.matches(topic.filter(), concrete)
    if "node" in values:
        assert acl.matches(topic.filter(node=values["node"]), concrete)
        assert not acl.matches(topic.filter(node=values["node"] + "x"), concrete)


def test_templates_with_other_lengths_do_not_match() -> None:
    """A topic with a level more or less, or another root, is another topic."""
    for other in ("pm/v1/up/edge-1", "pm/v1/up/edge-1/status/x", "pm/v2/up/edge-1/status", ""):
        assert topics.STATUS.match(other) is None


@each_topic
@pytest.mark.parametrize("party", Party)
def test_grants_are_the_table(topic: Topic, party: Party) -> None:
    """An identity may write and read a topic exactly when its line says so, as itself."""
    writes, reads = grants(party, "edge-1")
    concrete = sample(topic)
    may_write = any(acl.matches(each, concrete) for each in writes)
    may_read = any(acl.matches(each, concrete) for each in reads)
    assert may_write is (topic.writer is party)
    # reading is granted by direction (DESIGN §4): a node all of down/{node}, the coordinator up
    assert may_read is (party in topic.readers)


@each_topic
def test_a_node_has_no_grant_on_another(topic: Topic) -> None:
    """Whatever carries a node's name is closed to every other node, both ways."""
    writes, reads = grants(Party.NODE, "edge-2")
    if "node" in topic.parameters:
        assert not any(acl.matches(each, sample(topic)) for each in writes | reads)


def test_a_dashboard_writes_nothing() -> None:
    """A dashboard's password is worth no write at all."""
    writes, _ = grants(Party.DASHBOARD, "wall")
    assert writes == frozenset()


def test_subscriptions_are_few_and_enough() -> None:
    """Two filters bring a node all it may read, one brings the coordinator all that goes up."""
    mine = topics.node_subscriptions("edge-1")
    for topic in TABLE:
        concrete = sample(topic)
        assert (Party.NODE in topic.readers) == any(acl.matches(each, concrete) for each in mine)
        assert (Party.COORDINATOR in topic.readers) == acl.matches(
            topics.COORDINATOR_SUBSCRIPTION, concrete
        )


def test_every_method_is_on_the_request_topic() -> None:
    """Methods and the models of the request line are the same set, each once."""
    assert sorted(model.TYPE for model in METHODS.values()) == sorted(
        model.TYPE for model in REQUEST.messages
    )
    for model in METHODS.values():
        assert issubclass(model, m.Request)


def test_every_kind_of_feed_is_on_the_feed_topic() -> None:
    """Kinds and the models of the feed line are the same, in order."""
    assert tuple(chain.from_iterable(FEEDS.values())) == FEED.messages


@pytest.mark.parametrize("streams", [topics.STREAMS_UP, topics.STREAMS_DOWN])
def test_every_stream_begins_with_an_opening(
    streams: dict[str, tuple[type[m.Message], ...]],
) -> None:
    """Each stream may carry an Opening, has no kind twice, and has a name the models know."""
    names = set(m.Ack.model_json_schema()["properties"]["stream"]["enum"])
    for name, events in streams.items():
        assert name in names
        assert events[0] is m.Opening
        assert len(set(events)) == len(events)


def test_what_is_retained_is_state() -> None:
    """Only state is kept for who comes later; an event kept would be delivered again."""
    assert {topic.name for topic in TABLE if topic.retain} == {
        "status",
        "device",
        "terminals",
        "coordinator",
        "site",
    }
