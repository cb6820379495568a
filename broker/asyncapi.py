"""The wire as an AsyncAPI 3.0 document, generated from the table of topics and the models.

`asyncapi.json` beside this file is what `document` returns; a test fails when it is stale.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from broker import directory
from broker import messages as m
from broker.codec import EVENT_LIMIT, PAYLOAD_LIMIT
from broker.topics import (
    BIRTH,
    COMMAND,
    COMMAND_STATE,
    DOWN_ACK,
    DOWN_LOG,
    FEED,
    FEEDS,
    METHODS,
    REPLY,
    REQUEST,
    STATUS,
    STREAMS_DOWN,
    STREAMS_UP,
    TABLE,
    UP_ACK,
    UP_LOG,
    Party,
)
from config.ids import NODE_ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from broker.topics import Topic

#: The generated file; it is installed with the package.
FILE: Final = Path(__file__).with_name("asyncapi.json")
#: What renews it.
COMMAND_LINE: Final = "printmesh broker asyncapi --write"
CONTENT_TYPE: Final = "application/cloudevents+json"
#: Version of the wire: the `v1` of every topic and every CloudEvents type.
WIRE_VERSION: Final = "1.0.0"
_BINDING: Final = "0.2.0"

_ABOUT = f"""\
What the nodes of Printmesh say to one another over MQTT 3.1.1. Operations are seen from a node: \
an edge on the central broker, a terminal on a site's broker, where the edge is the coordinator \
and the same tree stands. `x-writer` and `x-readers` of a channel say who else takes part.

Every payload is one CloudEvents 1.0 structured JSON object of at most {PAYLOAD_LIMIT} bytes. \
Receivers ignore fields they do not know. QoS 1 is repeated delivery, never proof: an event of a \
stream is done with when an acknowledgement on an `ack` channel covers its seq.

Streams are ordered, gap-free and hash-chained. Their events travel inside `Batch`: `data` of each \
envelope is the text of one CloudEvents object of at most {EVENT_LIMIT} bytes, one of those listed \
in `x-stream-events` of the channel."""

#: parameter → what it is; `enum` and `location` are added where a channel knows them.
_PARAMETERS: Final[Mapping[str, str]] = {
    "node": f"A node's id: MQTT user name and client id, `{NODE_ID_PATTERN}`.",
    "stream": "Name of the stream between the node and the coordinator.",
    "device": f"A printer's or terminal's id, `{NODE_ID_PATTERN}`.",
    "method": "What is asked; each method has one model of question.",
    "corr": "`corr` of the question or birth that is answered.",
    "id": "Id of the command.",
    "kind": "What the feed is about.",
}
#: (channel, parameter) → where the payload repeats it.
_LOCATIONS: Final = {
    (UP_LOG, "stream"): "stream",
    (UP_ACK, "stream"): "stream",
    (DOWN_LOG, "stream"): "stream",
    (DOWN_ACK, "stream"): "stream",
    (REPLY, "corr"): "corr",
    (COMMAND, "id"): "id",
    (COMMAND_STATE, "id"): "id",
}
_ENUMS: Final[Mapping[tuple[Topic, str], tuple[str, ...]]] = {
    (REQUEST, "method"): tuple(METHODS),
    (FEED, "kind"): tuple(FEEDS),
    (UP_LOG, "stream"): tuple(STREAMS_UP),
    (DOWN_ACK, "stream"): tuple(STREAMS_UP),
    (DOWN_LOG, "stream"): tuple(STREAMS_DOWN),
    (UP_ACK, "stream"): tuple(STREAMS_DOWN),
}
#: What a node says → on which channel the answer comes, or goes.
_ANSWERS: Final = {BIRTH: REPLY, REQUEST: REPLY, COMMAND: COMMAND_STATE}
_STREAMS: Final = {UP_LOG: STREAMS_UP, DOWN_LOG: STREAMS_DOWN}

_ENVELOPE: Final = {
    "type": "object",
    "description": "The envelope of CloudEvents 1.0, JSON format.",
    "required": ["specversion", "id", "source", "type", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "UUIDv7 of this message."},
        "source": {
            "type": "string",
            "format": "uri-reference",
            "description": "`/` and the writer's node id.",
            "examples": ["/edge-library"],
        },
        "type": {"type": "string", "description": "Names the model of `data`."},
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "When it was written, by the writer's clock, UTC.",
        },
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object", "description": "The message itself."},
    },
}


class _Schemas(GenerateJsonSchema):
    """Pydantic's generator without the titles it makes up from field names."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  its signature
        return False


def document() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of the whole wire, as JSON types, always the same."""
    spoken = _spoken()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Printmesh",
            "version": WIRE_VERSION,
            "description": _ABOUT,
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "centre": _server("The broker where edges meet the coordinator."),
            "site": _server("A site's own broker: terminals are nodes, the edge coordinates."),
        },
        "channels": {topic.name: _channel(topic) for topic in TABLE},
        "operations": dict(_operation(topic) for topic in TABLE if _node_takes_part(topic)),
        "components": {
            "securitySchemes": {
                "node": {
                    "type": "userPassword",
                    "description": "User name and client id are the node's id; the password is a "
                    "secret of 256 random bits.",
                }
            },
            "messages": {model.__name__: _message(model) for model in spoken},
            "schemas": {"CloudEvent": _ENVELOPE, **_schemas(spoken)},
        },
    }


def text() -> str:
    """Return the document as it is kept: JSON, indented, with a final newline."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def write(file: Path = FILE) -> None:
    """Write the document to a file.

    Raises:
        OSError: it cannot be written.
    """
    file.write_text(text(), encoding="utf-8")


def _server(about: str) -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "protocol": "mqtt",
        "protocolVersion": "3.1.1",
        "description": about,
        "variables": {"host": {"default": "localhost"}, "port": {"default": "1883"}},
        "security": [{"$ref": "#/components/securitySchemes/node"}],
        "bindings": {
            "mqtt": {
                "cleanSession": True,
                "lastWill": {
                    "topic": STATUS.template,
                    "qos": STATUS.qos,
                    "retain": STATUS.retain,
                    "message": f"{m.Status.TYPE} with `online` false",
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    streams = _STREAMS.get(topic, {})
    channel: dict[str, Any] = {
        "address": topic.template,
        "description": topic.about,
        "messages": {
            model.__name__: {"$ref": f"#/components/messages/{model.__name__}"}
            for model in topic.messages
        },
        "x-writer": topic.writer.value,
        "x-readers": sorted(reader.value for reader in topic.readers),
    }
    if topic.parameters:
        channel["parameters"] = {name: _parameter(topic, name) for name in topic.parameters}
    if streams:
        channel["x-stream-events"] = {
            stream: [f"#/components/messages/{event.__name__}" for event in events]
            for stream, events in streams.items()
        }
    if topic is REQUEST:
        channel["x-methods"] = {
            method: f"#/components/messages/{model.__name__}" for method, model in METHODS.items()
        }
    return channel


def _parameter(topic: Topic, name: str) -> dict[str, Any]:
    parameter: dict[str, Any] = {"description": _PARAMETERS[name]}
    if (topic, name) in _ENUMS:
        parameter["enum"] = list(_ENUMS[topic, name])
    if (topic, name) in _LOCATIONS:
        parameter["location"] = f"$message.payload#/data/{_LOCATIONS[topic, name]}"
    return parameter


def _node_takes_part(topic: Topic) -> bool:
    return topic.writer is Party.NODE or Party.NODE in topic.readers


def _operation(topic: Topic) -> tuple[str, dict[str, Any]]:
    action = "send" if topic.writer is Party.NODE else "receive"
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": topic.about,
        "messages": _channel_messages(topic),
        "bindings": {
            "mqtt": {"qos": topic.qos, "retain": topic.retain, "bindingVersion": _BINDING}
        },
    }
    if topic in _ANSWERS:
        answer = _ANSWERS[topic]
        operation["reply"] = {
            "channel": {"$ref": f"#/channels/{answer.name}"},
            "messages": _channel_messages(answer),
        }
    words = topic.name.split("-")
    return action + "".join(map(str.title, words)), operation


def _channel_messages(topic: Topic) -> list[dict[str, str]]:
    return [
        {"$ref": f"#/channels/{topic.name}/messages/{model.__name__}"} for model in topic.messages
    ]


def _message(model: type[m.Message]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": model.TYPE,
        "title": model.__name__,
        "summary": inspect.cleandoc(model.__doc__ or ""),
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": model.TYPE},
                        "data": {"$ref": f"#/components/schemas/{model.__name__}"},
                    },
                },
            ]
        },
    }
    if "corr" in model.model_fields:
        message["correlationId"] = {"location": "$message.payload#/data/corr"}
    return message


def _spoken() -> tuple[type[m.Message], ...]:
    """Every model of the table, then every event of a stream, each once."""
    groups = [topic.messages for topic in TABLE]
    groups += [*STREAMS_UP.values(), *STREAMS_DOWN.values()]
    return tuple(dict.fromkeys(model for group in groups for model in group))


def _schemas(spoken: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """The messages' schemas, and of what they carry as free JSON: replies' data, directory rows."""
    carried = [
        model
        for model in vars(m).values()
        if isinstance(model, type) and issubclass(model, m.Part) and model is not m.Part
    ]
    models = list(dict.fromkeys([*spoken, *carried, *directory.MODELS.values()]))
    _, schema = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    definitions: dict[str, Any] = schema["$defs"]
    return {name: _draft7(definitions[name]) for name in sorted(definitions)}


def _draft7(schema: Any) -> Any:  # noqa: ANN401  any JSON
    """Say in draft 7, AsyncAPI's dialect, what pydantic says.

    There a `$ref` hides its siblings, and `items` lists what stands at each place of a tuple.
    """
    if isinstance(schema, list):
        return [_draft7(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    said = {key: _draft7(value) for key, value in schema.items()}
    if "prefixItems" in said:
        said["items"] = said.pop("prefixItems")
    if "$ref" in said and len(said) > 1:
        said = {"allOf": [{"$ref": said.pop("$ref")}], **said}
    if isinstance(said.get("description"), str):
        said["description"] = " ".join(said["description"].split())
    return said
