"""The AsyncAPI document: fresh, whole, and in the words of the table of topics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from broker import asyncapi
from broker import messages as m
from broker.topics import REQUEST, STREAMS_DOWN, STREAMS_UP, TABLE, UP_LOG, Party, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = asyncapi.document()


def everything(node: object) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in the document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from everything(value)
    elif isinstance(node, list):
        for value in node:
            yield from everything(value)


def resolve(reference: str) -> object:
    """Follow a `#/…` reference."""
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_the_file_is_fresh() -> None:
    """The committed document is what table and models say now."""
    kept = asyncapi.FILE.read_text(encoding="utf-8")
    assert asyncapi.text() == kept, f"stale; renew it with: {asyncapi.COMMAND_LINE}"


def test_it_is_json_and_says_which_asyncapi() -> None:
    """The text is one JSON object, AsyncAPI 3.0.0, with CloudEvents as content."""
    read = json.loads(asyncapi.text())
    assert (
        read["asyncapi"],
        read["defaultContentType"],
    ) == ("3.0.0", "application/cloudevents+json")


def test_every_reference_leads_somewhere() -> None:
    """No `$ref`, and no extension that names a component, points at nothing."""
    references = [
        each["$ref"] for each in everything(DOCUMENT) if isinstance(each.get("$ref"), str)
    ]
    for channel in DOCUMENT["channels"].values():
        references += channel.get("x-methods", {}).values()
        references += [
            each for events in channel.get("x-stream-events", {}).values() for each in events
        ]
    assert len(references) > 100
    for reference in references:
        resolve(reference)


@pytest.mark.parametrize("topic", TABLE, ids=lambda topic: topic.name)
def test_each_topic_is_a_channel(topic: Topic) -> None:
    """Address, parameters, messages, writer and readers are those of the table."""
    channel = DOCUMENT["channels"][topic.name]
    assert topic.template == channel["address"]
    assert list(topic.parameters) == list(channel.get("parameters", {}))
    assert all(parameter["description"] for parameter in channel.get("parameters", {}).values())
    assert [model.__name__ for model in topic.messages] == list(channel["messages"])
    assert (topic.writer.value, {reader.value for reader in topic.readers}) == (
        channel["x-writer"],
        set(channel["x-readers"]),
    )


@pytest.mark.parametrize("topic", TABLE, ids=lambda topic: topic.name)
def test_each_topic_of_a_node_is_an_operation(topic: Topic) -> None:
    """A node sends what it writes and receives what it reads, with the table's QoS and retain."""
    reference = f"#/channels/{topic.name}"
    found = [
        (each["action"], each["bindings"]["mqtt"]["qos"], each["bindings"]["mqtt"]["retain"])
        for each in DOCUMENT["operations"].values()
        if each["channel"]["$ref"] == reference
    ]
    sends = [("send", topic.qos, topic.retain)] if topic.writer is Party.NODE else []
    receives = [("receive", topic.qos, topic.retain)] if Party.NODE in topic.readers else []
    assert sends + receives == found


def test_questions_name_where_the_answer_comes() -> None:
    """Questions and births are answered on `reply`, commands on `command-state`."""
    answers = {
        name: each["reply"]["channel"]["$ref"]
        for name, each in DOCUMENT["operations"].items()
        if "reply" in each
    }
    assert answers == {
        "sendBirth": "#/channels/reply",
        "sendRequest": "#/channels/reply",
        "receiveCommand": "#/channels/command-state",
    }
    methods = DOCUMENT["channels"][REQUEST.name]["parameters"]["method"]["enum"]
    assert methods == list(DOCUMENT["channels"][REQUEST.name]["x-methods"])


def test_stream_events_are_messages_too() -> None:
    """What travels inside batches is described like what travels by itself."""
    components = DOCUMENT["components"]["messages"]
    for events in [*STREAMS_UP.values(), *STREAMS_DOWN.values()]:
        for event in events:
            assert components[event.__name__]["name"] == event.TYPE
    assert list(STREAMS_UP) == list(DOCUMENT["channels"][UP_LOG.name]["x-stream-events"])


def test_each_model_and_field_is_explained() -> None:
    """Every schema has a description, and so has every field of it."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, said in schema.get("properties", {}).items():
            assert said.get("description") or "const" in said, f"{name}.{field}"


def test_the_envelope_names_the_message() -> None:
    """A payload is the CloudEvents envelope with this message's type and data."""
    payload = DOCUMENT["components"]["messages"]["Status"]["payload"]
    assert payload["allOf"] == [
        {"$ref": "#/components/schemas/CloudEvent"},
        {
            "type": "object",
            "properties": {
                "type": {"const": m.Status.TYPE},
                "data": {"$ref": "#/components/schemas/Status"},
            },
        },
    ]


def test_only_draft_7_is_spoken() -> None:
    """AsyncAPI's schemas are draft 7: nothing stands beside a `$ref`, no keyword is newer."""
    newer = {"prefixItems", "$defs", "dependentRequired", "dependentSchemas", "unevaluatedItems"}
    for each in everything(DOCUMENT["components"]["schemas"]):
        assert "$ref" not in each or len(each) == 1, each
        assert not newer & set(each), each
